"""Parameters: frozen, changed by `with_`, saved as JSON, and refused in sentences."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_core.experiment import GROUPS, describe

TOP = ("field_um", "focus_um", "duration_s", "frame_rate_hz", "seed", "off")
FIELDS = [f"{group}.{field}" for group, model in GROUPS.items() for field in model.model_fields]
JARGON = re.compile(r"pydantic|validation error|type=|ctx|loc\b|https?://|Traceback", re.IGNORECASE)

Small = Callable[..., ms.Experiment]


def refused(change: Callable[[], Any], *mentioned: str) -> str:
    """Check that a change is refused in plain words, and return them."""
    with pytest.raises(ms.ParameterError) as caught:
        change()
    text = str(caught.value)
    assert not JARGON.search(text), text
    assert "\n" not in text
    for words in mentioned:
        assert words in text, text
    return text


# -- frozen, and changed by with_ ----------------------------------------------------------------


def test_there_are_the_promised_groups_and_fields(small: Small) -> None:
    assert tuple(type(small()).model_fields) == (*GROUPS, *TOP)
    for name in (
        "scope.numerical_aperture", "scope.near_focus_um", "tissue.scattering_per_mm",
        "tissue.anisotropy", "tissue.absorption_per_mm", "cells.density_per_mm3",
        "cells.depth_range_um", "cells.positions_um", "activity.indicator", "motion.heart_um",
        "motion.breathing_um", "motion.stride_um", "motion.drift_um", "motion.stride_hz",
        "illumination.led_mw", "sensor.exposure_fraction", "sensor.gain", "sensor.bit_depth",
    ):  # fmt: skip
        assert name in FIELDS
    assert describe("scope.near_focus_um").default == 15


def test_an_experiment_is_frozen_and_hashable(small: Small) -> None:
    exp = small()
    for target, name in ((exp, "focus_um"), (exp.motion, "stride_um")):
        with pytest.raises(ValueError):
            setattr(target, name, 1.0)
    assert exp == small()
    assert hash(exp) == hash(small())
    assert exp != small(seed=1)


def test_with_merges_a_mapping_into_its_group(small: Small) -> None:
    exp = small()
    changed = exp.with_(motion={"stride_um": 1.5}, sensor={"gain": 4})
    assert changed.motion == exp.motion.model_copy(update={"stride_um": 1.5})
    assert changed.sensor.gain == 4
    assert changed.sensor.full_well_e == exp.sensor.full_well_e
    assert exp == small(), "the original must not change"


def test_with_replaces_a_group_by_a_model(small: Small) -> None:
    motion = GROUPS["motion"](stride_um=1)
    changed = small(motion={"drift_um": 7}).with_(motion=motion)
    assert changed.motion == motion
    assert changed.motion.drift_um == describe("motion.drift_um").default


def test_with_takes_several_changes_at_once_and_none(small: Small) -> None:
    exp = small()
    assert exp.with_() == exp
    changed = exp.with_(focus_um=50, off=["noise"], cells={"radius_um": 5})
    assert (changed.focus_um, changed.off, changed.cells.radius_um) == (50, ("noise",), 5)


def test_with_leaves_untouched_groups_alone(small: Small) -> None:
    exp = small()
    changed = exp.with_(motion={"stride_um": 1}, focus_um=40)
    for group in GROUPS:
        same = getattr(changed, group) is getattr(exp, group)
        assert same == (group != "motion"), group


def test_cross_checks_follow_every_change(small: Small) -> None:
    wide = small(field_um=900)
    refused(lambda: wide.with_(scope={"magnification": 8}), "field_um = 900", "at most")
    refused(lambda: wide.with_(sensor={"width_px": 300}), "field_um = 900", "at most")
    refused(
        lambda: small(cells={"density_per_mm3": 1e6}),
        "cells.density_per_mm3 = 1e+06", "cells.minimum_distance_um = 11", "at most",
    )  # fmt: skip


def test_the_largest_field_is_the_whole_sensor(small: Small) -> None:
    exp = small(field_um=None)
    assert exp.shape_px == (608, 608)
    assert exp.pixel_um == pytest.approx(4.8 / 3.161)
    same = small(field_um=608 * exp.pixel_um)
    assert same.shape_px == (608, 608)
    text = refused(lambda: small(field_um=609 * exp.pixel_um), "null for the whole sensor")
    limit = float(re.findall(r"at most ([\d.]+)", text)[0])
    assert limit == pytest.approx(608 * exp.pixel_um, rel=1e-3)


def test_the_switches_are_ordered_and_unique(small: Small) -> None:
    assert small(off=("noise", "blur", "noise")).off == ("blur", "noise")
    assert small(off="noise").off == ("noise",)
    assert small(off=()).off == ()


# -- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"field_um": None, "seed": 2**63 - 1},
        {"off": ("blur", "motion", "noise"), "focus_um": 33.3},
        {"cells": {"positions_um": ((90.5, -3.25, 7.125), (20, 0, 0))}},
        {"cells": {"positions_um": ()}},
        {"activity": {"indicator": "jGCaMP8s"}, "sensor": {"bit_depth": 12}},
        {"scope": {"model_name": 'ein "Mikroskop" µ'}, "motion": {"drift_um": 0.1 + 0.2}},
    ],
)
def test_json_goes_there_and_back(small: Small, changes: dict[str, Any]) -> None:
    exp = small(**changes)
    text = exp.to_json()
    again = ms.Experiment.from_json(text)
    assert again == exp
    assert again.to_json() == text
    assert ms.Experiment.from_json(text.encode()) == exp
    values = json.loads(text)
    assert values["format_version"] == 1
    assert values["engine_version"] == ms.__version__
    assert "NaN" not in text and "Infinity" not in text


def test_json_may_leave_out_what_is_usual() -> None:
    head = {"format_version": 1, "engine_version": ms.__version__}
    exp = ms.Experiment.from_json(json.dumps(head | {"motion": {"stride_um": 1}}))
    assert exp == ms.Experiment().with_(motion={"stride_um": 1})


def test_a_newer_format_is_refused_with_a_sentence(small: Small) -> None:
    values = json.loads(small().to_json()) | {"format_version": 2, "from_the_future": {"a": 1}}
    text = refused(lambda: ms.Experiment.from_json(json.dumps(values)), "newer", "format_version = 2")
    assert ms.__version__ in text


def test_another_engine_version_warns_and_names_both(small: Small) -> None:
    values = json.loads(small().to_json()) | {"engine_version": "99.1.2"}
    with pytest.warns(UserWarning, match="99.1.2") as caught:
        exp = ms.Experiment.from_json(json.dumps(values))
    assert ms.__version__ in str(caught[0].message)
    assert exp == small()


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "5", '"guide"', "{}", b"\xff\xfe\x00", "[" * 100_000,
        '{"format_version": "1"}', '{"format_version": true}', '{"format_version": 0}',
        '{"format_version": null}', '{"format_version": -1}',
    ],
)  # fmt: skip
def test_broken_json_is_refused_with_a_sentence(text: str | bytes) -> None:
    refused(lambda: ms.Experiment.from_json(text), "not the JSON of an experiment")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"focus_um": math.nan}, "focus_um = nan"),
        ({"motion": {"stride_um": math.inf}}, "motion.stride_um = inf"),
        ({"scope": None}, "scope"),
        ({"scope": [1]}, "scope"),
        ({"layers": []}, "'layers'"),
        ({"motion": {"stride": 1}}, "'motion.stride'"),
        ({"off": ["nois"]}, "'nois'"),
        ({"field_um": 5000}, "field_um = 5000"),
    ],
)
def test_bad_values_in_json_are_named(small: Small, values: dict[str, Any], name: str) -> None:
    text = json.dumps(json.loads(small().to_json()) | values)
    refused(lambda: ms.Experiment.from_json(text), name)


# -- refusals ------------------------------------------------------------------------------------

NUMBERS = [name for name in (*FIELDS, *TOP) if isinstance(describe(name).low, int | float)]


def change(exp: ms.Experiment, name: str, value: Any) -> ms.Experiment:
    group, _, field = name.rpartition(".")
    return exp.with_(**({group: {field: value}} if group else {field: value}))


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_refuses_what_it_cannot_be(small: Small, name: str) -> None:
    about = describe(name)
    exp = small()
    assert about.low is not None and about.high is not None
    below = about.low - max(1.0, abs(about.low))
    above = about.high * 2 + 1
    for value in (math.nan, math.inf, -math.inf, below, above, "many", [1], {}, object()):
        text = refused(lambda value=value: change(exp, name, value), name)
        assert f"{about.low:g}" in text and f"{about.high:g}" in text
        if about.unit:
            assert about.unit in text
    for value in (below, above):
        assert re.search(r"= -?\d", refused(lambda value=value: change(exp, name, value)))


@pytest.mark.parametrize("name", NUMBERS)
def test_the_limits_themselves_are_allowed(small: Small, name: str) -> None:
    about = describe(name)
    group, _, field = name.rpartition(".")
    model = GROUPS.get(group)
    for value in (about.low, about.high):
        if model is not None:
            built = ms.parameters.build(model, {field: value}, group)
            assert getattr(built, field) == value
        elif field != "field_um":
            assert getattr(change(small(), name, value), field) == value


def test_negative_sizes_are_refused(small: Small) -> None:
    for name in ("field_um", "duration_s", "frame_rate_hz", "cells.radius_um", "sensor.width_px"):
        refused(lambda name=name: change(small(), name, -5), name, "-5", "between")


def test_a_field_of_a_few_pixels_is_refused(small: Small) -> None:
    refused(lambda: small(field_um=10.5), "field_um = 10.5", "at least 12.1", "8 pixels")


def test_a_sensor_that_sees_more_than_a_brain_is_refused_whole(small: Small) -> None:
    wide = {"sensor": {"width_px": 1200}, "scope": {"magnification": 1}}
    refused(lambda: small(field_um=None, **wide), "field_um = None", "5760 µm", "at most 5000")
    assert small(field_um=40, **wide).shape_px == (8, 8)


def test_whole_numbers_and_choices_are_kept_apart_from_others(small: Small) -> None:
    refused(lambda: small(seed=1.5), "seed = 1.5", "a whole number")
    refused(lambda: small(sensor={"width_px": 100.5}), "sensor.width_px", "a whole number")
    refused(lambda: small(sensor={"bit_depth": 9}), "sensor.bit_depth = 9", "8, 10, 12")
    refused(lambda: small(activity={"indicator": "GCaMP9"}), "activity.indicator", "'GCaMP6f'")
    refused(lambda: small(scope={"model_name": 4}), "scope.model_name = 4", "a text")


@pytest.mark.parametrize("value", [(5, 1), (-1, 5), (0, 601), (1,), (1, 2, 3), "ab", 4, (math.nan, 5)])
def test_bad_depth_ranges_are_refused(small: Small, value: Any) -> None:
    refused(lambda: small(cells={"depth_range_um": value}), "cells.depth_range_um")


@pytest.mark.parametrize(
    "value", [((1, 2),), ((1, 2, 3, 4),), (1, 2, 3), ((math.nan, 0, 0),), ((-1, 0, 0),), ((90, 1e9, 0),), "x"]
)
def test_bad_positions_are_refused(small: Small, value: Any) -> None:
    refused(lambda: small(cells={"positions_um": value}), "cells.positions_um")


def test_unknown_names_are_refused_with_the_known_ones(small: Small) -> None:
    refused(lambda: small(magnification=3), "'magnification'", "focus_um")
    refused(lambda: small(motion={"walk_um": 3}), "'motion.walk_um'", "stride_um")
    refused(lambda: small(**{"motion.stride_um": 3}), "'motion.stride_um'")
    refused(lambda: small(off=("haze",)), "'haze'", *ms.LAYERS)
    refused(lambda: small(off=("cells",)), "'cells'", "always on")
    refused(lambda: describe("motion.walk_um"), "motion.walk_um")
    refused(lambda: describe("motion"), "motion")
    refused(lambda: ms.presets.get("v5"), "'v5'", *ms.presets.names())
    refused(lambda: ms.presets.describe("v5"), "'v5'")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_must_be_a_mapping_or_its_model(small: Small, group: str) -> None:
    other = GROUPS["tissue" if group != "tissue" else "scope"]()
    for value in (None, 5, "x", [("a", 1)], other):
        refused(lambda value=value: small(**{group: value}), group)


def test_several_refusals_are_all_named(small: Small) -> None:
    refused(lambda: small(motion={"stride_um": -1, "drift_um": 99}), "motion.stride_um", "motion.drift_um")


def test_recordings_refuse_in_sentences(small: Small) -> None:
    rec = ms.simulate(small())
    refused(lambda: rec.without("haze"), "'haze'")
    refused(lambda: rec.without("cells"), "'cells'")
    refused(lambda: rec.only("haze"), "'haze'")
    refused(lambda: rec.explain((99, 0)), "(99, 0)")
    refused(lambda: rec.explain((-1, 0)), "(-1, 0)")
    refused(lambda: rec.explain(np.zeros((3, 3))), "(3, 3)", "shape")
    refused(lambda: rec.explain(np.full(rec.shape[1:], np.nan)), "finite")
    refused(lambda: rec.explain((1, 1), cells=-1), "cells = -1", "at least 0")


def test_outside_the_fitted_tissue_a_warning_says_so(small: Small) -> None:
    with pytest.warns(ms.ModelRangeWarning, match=r"tissue\.scattering_per_mm = 40"):
        small(tissue={"scattering_per_mm": 40})
    small(tissue={"scattering_per_mm": 0, "absorption_per_mm": 0})  # clear tissue needs no warning


@pytest.mark.parametrize("value", [None, 5, 1.5])
def test_switches_of_the_wrong_type_are_refused(small: Small, value: Any) -> None:
    refused(lambda: small(off=value), "off")


def test_a_refusal_shows_even_a_number_too_long_to_print(small: Small) -> None:
    refused(lambda: small(seed=10**5000), "seed")


def test_json_with_a_name_that_python_uses_is_refused(small: Small) -> None:
    values = json.loads(small().to_json()) | {"cls": 1}
    refused(lambda: ms.Experiment.from_json(json.dumps(values)), "'cls'")


def test_the_constructor_refuses_in_sentences_and_cross_checks() -> None:
    refused(lambda: ms.Experiment(focus_um=-1), "focus_um = -1", "between 0 and 400 µm")
    refused(lambda: ms.Experiment(field_um=5000), "field_um = 5000")


@pytest.mark.parametrize("value", ["90", True])
def test_a_text_or_a_truth_value_is_no_number(small: Small, value: Any) -> None:
    refused(lambda: small(focus_um=value), "focus_um", "a finite number")


# -- descriptions --------------------------------------------------------------------------------

UNITS = {
    "_micromolar": "µM",
    "_um_per_mm2": "µm/mm²", "_um_per_mm": "µm/mm", "_um_per_step": "µm/step",
    "_e_per_mw_s": "e⁻/(mW s)", "_e_per_s": "e⁻/s", "_g_per_l": "g/L",
    "_per_mm3": "/mm³", "_per_mm2": "/mm²", "_per_mm": "/mm", "_um": "µm", "_mm2": "mm²", "_nm": "nm",
    "_hz": "Hz", "_mw": "mW", "_s": "s", "_e": "e⁻", "_px": "px", "_deg": "°",
}  # fmt: skip


def unit_of(name: str) -> str:
    return next((unit for suffix, unit in UNITS.items() if name.endswith(suffix)), "")


@pytest.mark.parametrize("name", [*FIELDS, *TOP])
def test_every_parameter_is_described(name: str) -> None:
    about = describe(name)
    assert about.name == name
    assert about.label and about.label[0].isupper()
    assert not re.search(r"_|\b(um|hz|mw|px)\b", about.label)
    assert 8 < len(about.description) < 120
    assert "\n" not in about.description
    if not isinstance(about.default, str | tuple) and about.default is not None and not about.choices:
        assert about.low is not None and about.high is not None
        assert about.low <= about.default <= about.high
        assert about.low < about.high
        assert math.isfinite(about.low) and math.isfinite(about.high)
        if about.step is not None:
            assert 0 < about.step <= (about.high - about.low) / 4
    if about.choices:
        assert about.default in about.choices


@pytest.mark.parametrize("name", [*FIELDS, *TOP])
def test_units_stand_in_the_names(name: str) -> None:
    about = describe(name)
    assert about.unit == unit_of(name)


# -- presets -------------------------------------------------------------------------------------


def test_presets_have_names_and_descriptions() -> None:
    assert {"guide", "v4-ca1"} <= set(ms.presets.names())
    for name in ms.presets.names():
        assert len(ms.presets.describe(name)) > 20
        assert ms.presets.get(name) == ms.presets.get(name).with_()


def test_a_preset_is_changed_as_by_with() -> None:
    changes = {"duration_s": 2, "motion": {"stride_um": 1}, "seed": 5}
    assert ms.presets.get("v4-ca1", **changes) == ms.presets.get("v4-ca1").with_(**changes)
    refused(lambda: ms.presets.get("guide", focus_um=-3), "focus_um = -3")
    refused(lambda: ms.presets.get("guide", foo=1), "'foo'")


def test_presets_are_the_scenes_they_are_named_after() -> None:
    guide, ca1 = ms.presets.get("guide"), ms.presets.get("v4-ca1")
    assert guide.shape_px == (264, 264)
    assert ca1.shape_px == (608, 608)
    for exp in (guide, ca1):
        assert exp.off == ()
        assert ms.Experiment.from_json(exp.to_json()) == exp
