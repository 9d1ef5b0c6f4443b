"""Any experiment that is accepted renders sensibly; anything else is refused by name.

Strategies and refusals are made from the parameters' own fields: a new field is covered the day it is
added. ``pytest tests/test_properties.py --hypothesis-profile=deep`` tries far more.
"""

import math
import types
import typing
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minisim_core as ms
from minisim_core import memory
from minisim_core.experiment import GROUPS, describe
from minisim_core.scene import Scene

pytestmark = pytest.mark.filterwarnings("ignore::minisim_core.ModelRangeWarning")
MANY = settings(max_examples=max(200, settings().max_examples))

TOP = tuple(name for name in ms.Experiment.model_fields if name not in GROUPS)
NAMES = (*TOP, *(f"{group}.{field}" for group, model in GROUPS.items() for field in model.model_fields))

# Kept apart: what decides how large a scene is gets limits of its own, and so does what has none.
SIZES: dict[str, st.SearchStrategy[Any]] = {
    "field_um": st.none() | st.floats(10, 60),
    "duration_s": st.floats(0.001, 4),
    "frame_rate_hz": st.floats(0.5, 60) | st.just(500.0),
    "off": st.sets(st.sampled_from(ms.LAYERS[1:])).map(tuple),
    "cells.density_per_mm3": st.floats(0, 4e4),
    "cells.depth_range_um": st.tuples(st.floats(0, 300), st.floats(0, 300)).map(lambda r: tuple(sorted(r))),
    "cells.positions_um": st.none()
    | st.lists(st.tuples(st.floats(0, 600), st.floats(-200, 200), st.floats(-5000, 5000)), max_size=6).map(
        tuple
    ),
    "scope.magnification": st.floats(1, 10),
    "scope.model_name": st.text(max_size=10),
    "sensor.gain_steps": st.sets(st.floats(1, 16)).map(lambda steps: tuple(sorted(steps))),
    "sensor.width_px": st.integers(8, 64),
    "sensor.height_px": st.integers(8, 64),
    "sensor.pixel_pitch_um": st.floats(3, 10),
}


def kind(name: str) -> Any:
    """What a field holds: a type, or None after it may be null."""
    group, _, field = name.rpartition(".")
    annotation = (GROUPS[group] if group else ms.Experiment).model_fields[field].annotation
    if isinstance(annotation, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def values(name: str) -> st.SearchStrategy[Any]:
    """Anything the field's own limits allow."""
    about = describe(name)
    if name in SIZES:
        return SIZES[name]
    if about.choices:
        return st.sampled_from(about.choices)
    if kind(name) is bool:
        return st.booleans()
    assert about.low is not None and about.high is not None, f"say in SIZES what {name} may be"
    if kind(name) is int:
        return st.integers(int(about.low), int(about.high))
    low, high = float(about.low), float(about.high)
    return st.sampled_from([low, high]) | st.floats(low, high)


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """A few fields anywhere, each anywhere within its limits, as `with_` takes them."""
    changed: dict[str, Any] = {}
    for name in sorted(draw(st.sets(st.sampled_from(NAMES), max_size=12))):
        group, _, field = name.rpartition(".")
        (changed.setdefault(group, {}) if group else changed)[field] = draw(values(name))
    return changed


def tiny(**changed: Any) -> ms.Experiment:
    """Some 12 x 20 pixels of the guide's scene for two frames, changed."""
    small = ms.presets.get("guide", field_um=None, duration_s=0.1, sensor={"width_px": 20, "height_px": 12})
    return small.with_(**changed)


def accepted(changed: dict[str, Any]) -> ms.Experiment:
    """The experiment, unless it is refused in a sentence."""
    try:
        return tiny(**changed)
    except ms.ParameterError as error:
        assert "pydantic" not in str(error) and any(name in str(error) for name in NAMES)
        assume(False)
        raise


def check_light(expected: np.ndarray[Any, Any], exp: ms.Experiment) -> None:
    assert np.isfinite(expected).all()
    scale = max(float(expected.max()), 1e-6)
    sharp = {"blur", "neuropil"} <= set(exp.off)
    if sharp:  # moved by cubic convolution, an edge overshoots, even that of a cell outside the field
        share = min(exp.pixel_um**2 / (math.pi * exp.cells.radius_um**2), 1)
        scale = max(scale, share * Scene(exp).rest_electrons.max(initial=0))
    assert expected.min() >= (-0.1 if sharp else -1e-3) * scale


@given(changes())
def test_any_experiment_renders_what_a_camera_could_record(changed: dict[str, Any]) -> None:
    exp = accepted(changed)
    memory.clear()
    rec = ms.simulate(exp)
    last = rec.shape[0] - 1
    expected = rec.expected[[0, last]]
    check_light(expected, exp)
    frames = rec.frames[[0, last]]
    assert frames.max() < 2**exp.sensor.bit_depth
    assert frames.shape == (2, *exp.shape_px)
    memory.clear()
    again = ms.simulate(ms.Experiment.from_json(exp.to_json()))
    assert np.array_equal(again.frames[last], frames[1])
    assert np.array_equal(again.expected[0], expected[0])


@given(changes(), st.integers(0, 2**32 - 1))
def test_any_experiment_is_explained(changed: dict[str, Any], seed: int) -> None:
    rec = ms.simulate(accepted(changed))
    weights = np.random.default_rng(seed).normal(size=rec.shape[1:])
    parts = rec.explain(weights, frames=slice(-1, None))
    light = rec.expected[-1].astype(float)
    gap = sum(part[0] for part in parts.values()) - (weights * light).sum()
    assert abs(gap) <= 1e-5 * (np.abs(weights * light)).sum() + 1e-12


@given(changes())
def test_the_truth_of_any_experiment_is_finite_and_fits_its_frames(changed: dict[str, Any]) -> None:
    rec = ms.simulate(accepted(changed))
    truth, (count, height, width) = rec.truth, rec.shape
    cells = len(truth.positions_um)
    for name in ("illumination", "vignetting", "stray_light_e", "focal_surface_um", "vessel_mask"):
        assert getattr(truth, name).shape == (height, width)
        assert np.isfinite(getattr(truth, name)).all()
    for transmission in (truth.vessel_transmission_ex, truth.vessel_transmission_em):
        assert ((transmission >= 0) & (transmission <= 1)).all()
    assert truth.motion_um.shape == (count, 2) and np.isfinite(truth.motion_um).all()
    for course in (truth.calcium, truth.fluorescence):
        assert course.shape == (cells, count)
        assert np.isfinite(course[:, -1]).all() and (course[:, -1] >= 0).all()
    assert len(truth.footprints) == len(truth.footprints_sharp) == cells
    for i in range(min(cells, 3)):
        y0, x0, patch = truth.footprints[i]
        assert np.isfinite(patch).all()
        assert 0 <= y0 <= y0 + patch.shape[0] <= height and 0 <= x0 <= x0 + patch.shape[1] <= width


@MANY
@given(changes())
def test_any_experiment_goes_through_json(changed: dict[str, Any]) -> None:
    exp = accepted(changed)
    again = ms.Experiment.from_json(exp.to_json())
    assert again == exp
    assert again.to_json() == exp.to_json()
    for name, value in changed.items():
        if name not in GROUPS:
            assert getattr(exp, name) == (ms.layers.check(value) if name == "off" else value)
        else:
            for field, inner in value.items():
                assert getattr(getattr(exp, name), field) == inner


ENDS = [(name, end) for name in NAMES for end in (describe(name).low, describe(name).high) if end is not None]


@pytest.mark.parametrize(("name", "value"), ENDS)
def test_a_parameter_at_its_limit_renders_or_is_refused_in_a_sentence(name: str, value: float) -> None:
    group, _, field = name.rpartition(".")
    changed: dict[str, Any] = {group: {field: value}} if group else {field: value}
    if name in ("sensor.width_px", "sensor.height_px"):
        changed["field_um"] = 20
    try:
        exp = tiny(**changed)
    except ms.ParameterError as error:
        assert name in str(error) or "field_um" in str(error)
        return
    rec = ms.simulate(exp)
    check_light(rec.expected[0], exp)
    assert rec.frames[0].max() < 2**exp.sensor.bit_depth


# -- what is refused ----------------------------------------------------------------------------


def wrong(name: str) -> list[Any]:
    """Values that a field cannot have, whatever the others are."""
    about, holds = describe(name), kind(name)
    bad: list[Any] = [object()]
    if about.default is not None and name != "field_um":
        bad.append(None)
    if typing.get_origin(holds) is tuple:
        return [*bad, "ab", 4, math.nan, (math.nan, 1.0), ("a", "b"), ((1.0,),)]
    bad.append({})
    if typing.get_origin(holds) is Literal:
        return [*bad, "none of them", -1, 1e9, math.nan, [about.choices[0]]]
    if holds is bool:
        return [*bad, "yes", "true", 2, 0.5, math.nan, []]
    if holds is str:
        return [*bad, 4, 1.5, True, ["a"]]
    assert holds in (int, float), f"say what a {holds} cannot be"
    assert about.low is not None and about.high is not None
    bad += [math.nan, math.inf, -math.inf, "5", b"5", True, [5], (5,), 1j]
    if holds is int:
        return [*bad, about.low - 1, about.high + 1, about.low + 0.5]
    return [*bad, math.nextafter(about.low, -math.inf), math.nextafter(about.high, math.inf), 10**400]


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_value_is_refused_with_a_sentence_that_names_its_field(name: str) -> None:
    group, _, field = name.rpartition(".")
    about = describe(name)
    for value in wrong(name):
        with pytest.raises(ms.ParameterError) as caught:
            tiny(**({group: {field: value}} if group else {field: value}))
        text = str(caught.value)
        assert name in text, (value, text)
        assert not any(word in text for word in ("pydantic", "Input", "validation", "\n"))
        if about.low is not None and about.high is not None:
            assert text.startswith(f"{name} = ")
            assert f"{about.low:g}" in text and f"{about.high:g}" in text


class Switch(ms.parameters.Parameters):
    on: bool = ms.parameters.quantity(False, "a switch")


def test_a_switch_takes_true_and_false_and_nothing_else() -> None:
    for value in (True, False):
        assert ms.parameters.build(Switch, {"on": value}, "lamp").on is value
    for value in (1, 0, 1.0, "true", "yes", None, [], math.nan):
        with pytest.raises(ms.ParameterError, match=r"^lamp\.on = .* true or false$"):
            ms.parameters.build(Switch, {"on": value}, "lamp")


@MANY
@given(
    st.sampled_from([name for name in NAMES if describe(name).low is not None]),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_values_beyond_the_limits_are_refused_by_name(name: str, value: float) -> None:
    about = describe(name)
    assert about.low is not None and about.high is not None
    inside = math.isfinite(value) and about.low <= value <= about.high
    assume(not inside or (kind(name) is int and value != int(value)))
    group, _, field = name.rpartition(".")
    with pytest.raises(ms.ParameterError) as caught:
        ms.presets.get("guide").with_(**({group: {field: value}} if group else {field: value}))
    assert str(caught.value).startswith(f"{name} = ")
    assert f"{about.low:g}" in str(caught.value) and f"{about.high:g}" in str(caught.value)


@MANY
@given(st.data())
def test_any_index_is_numpys(data: st.DataObject) -> None:
    exp = ms.presets.get("guide", field_um=20, duration_s=1)
    calcium = ms.simulate(exp).truth.calcium
    whole = np.asarray(calcium)

    def axis(n: int) -> st.SearchStrategy[Any]:
        return st.integers(-n, n - 1) | st.slices(n)

    key = data.draw(
        st.tuples(axis(whole.shape[0]), axis(whole.shape[1]))
        | axis(whole.shape[0])
        | st.tuples(st.just(...), axis(whole.shape[1]))
        | st.lists(st.integers(-whole.shape[0], whole.shape[0] - 1), min_size=1, max_size=4)
    )
    got, want = calcium[key], whole[key]
    assert np.shape(got) == want.shape
    assert np.array_equal(got, want)
