"""One cell carried through the tissue and across the field: plots, sentences, measures, contours."""

import re
from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_guide import plots, scopes
from minisim_guide.overlays import OVERLAYS
from minisim_guide.plots import MARKS, MEASURES, SENTENCES, Sight
from test_plots import recording, series, sight

STILL: dict[str, Any] = {"activity": {"rate_hz": 0}, "duration_s": 0.1}


def one_cell(z: float = 130, y: float = 0, x: float = 0, **changes: Any) -> Sight:
    return sight(recording(cells={"positions_um": ((z, y, x),)}, **(STILL | changes)))


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", text)]


# -- in depth ----------------------------------------------------------------------------------


def test_the_cell_is_as_bright_and_as_wide_as_it_is_rendered() -> None:
    alike = {"labelling": "soma", "radius_sd_um": 0, "elongation": 0, "brightness_sd": 0}
    alone = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")
    peak, width = {}, {}
    for z in (90, 130, 190):
        right = recording(field_um=200, off=alone, cells=alike | {"positions_um": ((z, 0, 0),)}, **STILL)
        image = right.expected[0]
        peak[z] = float(image.max())
        width[z] = 2 * np.sqrt((image > image.max() / 2).sum() / np.pi) * right.pixel_um
    light, wide = (plots.finish(name, one_cell()) for name in ("one_cell_by_depth", "cell_width_by_depth"))
    fixed = {kind: spec["series"][0] for kind, spec in (("light", light), ("wide", wide))}
    at = {z: fixed["light"]["x"].index(z) for z in (90, 130, 190)}
    for z in (130, 190):
        expected = peak[z] / peak[90]
        assert fixed["light"]["y"][at[z]] / fixed["light"]["y"][at[90]] == pytest.approx(expected, rel=0.12)
        assert fixed["wide"]["y"][at[z]] == pytest.approx(width[z], rel=0.05)


def test_refocusing_gives_the_width_back_and_not_the_peak() -> None:
    light, wide = (plots.finish(name, one_cell()) for name in ("one_cell_by_depth", "cell_width_by_depth"))
    follows = np.array(series(light, "peak, focus follows")["y"])
    assert (np.diff(follows) < 0).all()
    assert follows[-1] < 0.1 * follows[0]
    assert np.ptp(series(wide, "focus follows")["y"]) < 2
    assert min(series(light, "all its light")["y"]) > 85
    assert [mark["x"] for mark in light["marks"]] == [90, 130]


def test_the_curves_obey_the_switches() -> None:
    bare = plots.finish("one_cell_by_depth", one_cell(off=("blur", "dimming")))
    for s in bare["series"]:
        np.testing.assert_allclose(s["y"], 100, rtol=0.1)
    flat = plots.finish("one_cell_by_depth", one_cell(off=("dimming",)))["series"][0]
    by_depth = dict(zip(flat["x"], flat["y"], strict=True))
    assert by_depth[50] == pytest.approx(by_depth[130], rel=0.02), "equally out of focus, equally dim"


def test_the_sentence_says_what_the_plots_draw() -> None:
    away, z, width, peak, of_focus = numbers(SENTENCES["one_cell"](one_cell(130)))
    light, wide = (
        plots.finish(name, one_cell())["series"][0] for name in ("one_cell_by_depth", "cell_width_by_depth")
    )
    at = light["x"].index(130)
    assert (away, z) == (40, 130)
    assert width == pytest.approx(wide["y"][at], abs=1)
    assert peak == pytest.approx(light["y"][at], rel=0.1)
    assert of_focus == pytest.approx(100 * light["y"][at] / light["y"][light["x"].index(90)], rel=0.1)
    assert SENTENCES["one_cell"](one_cell(90)).startswith("In focus and 90 µm deep")
    assert "above the focus" in SENTENCES["one_cell"](one_cell(50))


def test_the_depth_sentence_tells_of_the_cell_at_the_mark() -> None:
    shown = one_cell(130, field_um=200)
    row, column = np.rint(shown.right.truth.centroids_px[0]).astype(int).tolist()
    text = SENTENCES["depth"](Sight(shown.left, shown.right, 0, (row, column)))
    assert "0 of the 1 cells in the field lie within 15 µm of the focus" in text
    assert "130 µm deep, 40 µm below the focus" in text
    share = numbers(text.split("its peak is")[1])[0] / 100
    sharp, imaged = (
        f[0][2].max() for f in (shown.right.truth.footprints_sharp, shown.right.truth.footprints)
    )
    assert share == pytest.approx(imaged / sharp, rel=0.05)
    assert "cell" not in SENTENCES["depth"](shown).split("focus")[1]


def test_the_bowl_is_told_in_depths() -> None:
    text = SENTENCES["focus_depth"](sight(recording(field_um=400, focus_um=150, **STILL)))
    assert numbers(text) == [150, pytest.approx(150 - 2 * 200**2 / (2 * 1684), abs=1)]
    deep = SENTENCES["focus_depth"](sight(recording(field_um=None, focus_um=60, **STILL)))
    assert "above the tissue in the corners" in deep


def test_found_between_counts_the_cells_of_a_layer() -> None:
    e = ms.presets.get("guide", field_um=200)
    truth = ms.simulate(e).truth
    depth = truth.positions_um[:, 0]
    counted = MEASURES["found_between_130_and_170_um"].of(e, 0)
    assert counted == (truth.detectable & (depth >= 130) & (depth <= 170)).sum()


# -- across the field --------------------------------------------------------------------------

FLAT = {"field_curvature_um": 1e6, "aberration_growth_um_per_mm": 0, "aberration_growth_um_per_mm2": 0}


def test_the_carried_cell_follows_excitation_times_collection() -> None:
    shown = one_cell(90, 250, -150, field_um=None, scope=FLAT)
    spec = plots.finish("cell_across", shown)
    fields, cell = spec["series"]
    expected = np.interp(cell["x"], fields["x"], fields["y"])
    np.testing.assert_allclose(cell["y"], expected, rtol=0.05)
    assert min(cell["y"]) < 75
    [mark] = spec["marks"]
    assert mark["x"] == pytest.approx(np.hypot(250, 150))
    radius, share = numbers(SENTENCES["cell_across"](shown))
    assert (radius, share) == (round(np.hypot(250, 150)), pytest.approx(numbers(mark["label"])[0], abs=2))
    even = plots.finish(
        "cell_across", one_cell(90, field_um=None, scope=FLAT, off=("illumination", "vignetting"))
    )
    np.testing.assert_allclose(even["series"][1]["y"], 100, atol=4)


def test_in_a_corner_the_plot_and_the_words_name_one_share() -> None:
    shown = one_cell(90, 420, 420, field_um=None, scope=FLAT)
    [mark] = plots.finish("cell_across", shown)["marks"]
    _, share = numbers(SENTENCES["cell_across"](shown))
    assert numbers(mark["label"]) == [share]
    beyond = one_cell(90, 420, 420, field_um=400, scope=FLAT)
    assert "beyond the field" in SENTENCES["cell_across"](beyond)


def test_maps_and_words_are_the_fields_of_the_scope() -> None:
    right = recording(field_um=None, **STILL)
    truth = right.truth
    spec = plots.finish("field_maps", sight(right))
    for s, field in zip(
        spec["series"],
        (truth.illumination, truth.vignetting, truth.illumination * truth.vignetting),
        strict=True,
    ):
        values = np.array(s["values"])
        assert values.shape == (32, 32)
        middle = field[field.shape[0] // 2, field.shape[1] // 2]
        whole = np.asarray(field, dtype=float).mean() / middle
        assert values.mean() / 100 == pytest.approx(whole, abs=0.01)
    words = SENTENCES["evenness"](sight(right, pixel=(0, 0)))
    corners, excitation, collection, product = numbers(words)
    assert product == pytest.approx(excitation * collection / 100, abs=1)
    assert corners == pytest.approx(product, abs=5)
    assert numbers(SENTENCES["evenness"](sight(right))) == [corners]


def test_only_a_wider_beam_or_a_better_lens_lights_the_corner() -> None:
    wide = ms.presets.get("guide-wide", duration_s=0.1)
    measure = MEASURES["corner_over_center"]
    changes = ({}, {"led_mw": 0.8}, {"width_um": 1200}, {"vignetting_per_mm2": 0})
    now, led, beam, lens = (measure.of(wide.with_(illumination=change), 0) for change in changes)
    assert led == pytest.approx(now, rel=1e-6)
    assert now < lens < beam < 1


def test_contours_lie_where_the_light_is_that_share() -> None:
    right = recording(field_um=None, **STILL)
    drawing = OVERLAYS["evenness"](sight(right))
    fields = np.asarray(right.truth.illumination, dtype=float) * right.truth.vignetting
    center = fields[fields.shape[0] // 2, fields.shape[1] // 2]
    assert [label["text"] for label in drawing["labels"]] == ["50 %", "60 %", "70 %", "80 %", "90 %"]
    for label in drawing["labels"]:
        at = fields[int(label["y"]), int(label["x"])] / center
        assert 100 * at == pytest.approx(numbers(label["text"])[0], abs=1.5)


@pytest.mark.parametrize("scope", ["UCLA Miniscope V3", "NINscope"])
def test_beyond_a_smaller_field_the_reader_is_told_the_way_back(scope: str) -> None:
    smaller = scopes.options()[scope]
    away = one_cell(90, 260, 200, field_um=None, **smaller)
    text = SENTENCES["cell_across"](away)
    assert text.startswith("Your cell lies beyond the field of this scope")
    assert "Right to at most" not in text, "only down is too far"
    spec = plots.finish("cell_across", away)
    assert spec["marks"] == [] and "lies beyond the field" in spec["summary"]
    told = int(numbers(text.split("Down to at most")[1])[0])
    assert f"reaches {told} µm up or down" in text
    assert MARKS["carried"](one_cell(90, told + 5, 200, field_um=None, **smaller).right) is None
    back = one_cell(90, told, 200, field_um=None, **smaller)
    assert MARKS["carried"](back.right) is not None
    assert "of the light that it shows in the centre" in SENTENCES["cell_across"](back)
    assert plots.finish("cell_across", back)["marks"]


# -- on the page ---------------------------------------------------------------------------------


def test_the_carried_cell_is_marked_where_it_is_imaged() -> None:
    shown = one_cell(90, 30, -60, field_um=200)
    row, column = MARKS["carried"](shown.right)
    pixel_um = shown.right.pixel_um
    centre = (shown.right.shape[1] - 1) / 2
    assert (row - centre) * pixel_um == pytest.approx(30, abs=2)
    assert (column - centre) * pixel_um == pytest.approx(-60, abs=2)
    assert MARKS["carried"](one_cell(90, 0, 390, field_um=200).right) is None
    assert MARKS["carried"](recording()) is None


def test_a_scope_brings_its_own_light_and_field_and_no_camera() -> None:
    wide = ms.presets.get("guide-wide")
    found = {name: wide.with_(**changes) for name, changes in scopes.options().items()}
    assert found["UCLA Miniscope V4"] == wide
    for preset, name in (
        ("v3-ca1", "UCLA Miniscope V3"),
        ("minilfov-cortex", "MiniLFOV"),
        ("inscopix-striatum", "Inscopix nVista-like"),
    ):
        its = ms.presets.get(preset)
        assert found[name].shape_px == its.shape_px
        assert found[name].pixel_um == pytest.approx(its.pixel_um)
        fields = (ms.simulate(e).truth for e in (found[name], its))
        first, second = (f.illumination * f.vignetting for f in fields)
        np.testing.assert_allclose(first, second, rtol=1e-5)
        assert found[name].sensor.bit_depth == wide.sensor.bit_depth
