"""The plots in numbers, on the real engine: what they draw is what the recording was made with."""

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import minisim_core as ms
from minisim_guide import plots
from minisim_guide.plots import Sight
from minisim_guide.plots.paper import draw_spec

ROI = (10.0, 8.0, 21.0, 19.0)
STATES: dict[str, dict[str, Any]] = {
    "nothing marked": {},
    "a pixel": {"pixel": (20, 30)},
    "a region": {"roi": ROI},
}
SCENES: dict[str, dict[str, Any]] = {
    "as opened": {},
    "all layers off": {"off": tuple(name for name in ms.LAYERS if name != "cells")},
    "no light": {"illumination": {"led_mw": 0}},
    "glaring": {"illumination": {"led_mw": 10}, "sensor": {"gain": 16}},
    "one cell": {"cells": {"positions_um": [(90, 0, 0)]}},
    "only deep cells": {"cells": {"depth_range_um": (590, 600)}},
    "twelve bits": {"sensor": {"bit_depth": 12}},
    "short": {"duration_s": 0.1},
    "dropped frames": {"sensor": {"dropped_fraction": 0.5}},
    "slow": {"frame_rate_hz": 5, "duration_s": 8},
}


def recording(**changes: Any) -> ms.Recording:
    return ms.simulate(ms.presets.get("guide", **({"field_um": 80, "duration_s": 2} | changes)))


def sight(right: ms.Recording, **marked: Any) -> Sight:
    return Sight(right.without("out_of_focus"), right, min(3, len(right.frames) - 1), **marked)


def series(spec: dict[str, Any], start: str) -> dict[str, Any]:
    return next(s for s in spec["series"] if s["name"].startswith(start))


# -- every plot, in every state ---------------------------------------------------------------


def check(spec: dict[str, Any]) -> None:
    """A description the browser can draw: finite, within its words, small."""
    assert len(json.dumps(spec, allow_nan=False)) < 40_000
    assert {"kind", "title", "x", "y", "series", "summary"} <= spec.keys()
    assert spec["kind"] in ("lines", "bars", "stack", "points", "traces", "shares", "side", "maps")
    assert spec["summary"].endswith(".")
    assert "nan" not in spec["summary"]
    for axis in (spec["x"], spec["y"]):
        low, high = axis["limits"]
        assert low < high
        assert low > 0 or not axis.get("log")
    for s in spec["series"]:
        if spec["kind"] == "maps":
            assert len({len(line) for line in s["values"]}) == 1
            continue
        assert s["ink"] in plots.INKS
        assert len(s["x"]) == len(s["y"]) == len(s.get("cells", s["x"]))
        assert spec["kind"] == "traces" or all(y >= min(spec["y"]["limits"][0], 0) for y in s["y"])
    for mark in (*spec.get("marks", ()), *spec.get("levels", ())):
        assert mark["label"]


@pytest.mark.filterwarnings("ignore::minisim_core.ModelRangeWarning")
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", plots.PLOTS)
def test_every_plot_can_be_drawn_in_every_state(name: str, scene: str) -> None:
    right = recording(**SCENES[scene])
    for marked in STATES.values():
        check(plots.finish(name, sight(right, **marked)))


@pytest.mark.parametrize("name", [name for name in plots.PLOTS if plots.takes_the_movie(name)])
def test_a_plot_of_the_movie_tells_how_far_it_is(name: str) -> None:
    pieces = list(plots.PLOTS[name](sight(recording())))
    *shares, spec = pieces
    assert isinstance(spec, dict)
    if isinstance(pieces[0], dict):  # what can be shown at once
        check(shares.pop(0))
    assert all(isinstance(share, float) and 0 <= share <= 1 for share in shares)
    assert shares == sorted(shares)
    check(plots.waiting(name) | {"summary": "being computed."})
    assert plots.waiting(name)["stale"]


def test_with_nothing_marked_a_plot_says_whom_it_shows() -> None:
    right = recording()
    spec = plots.finish("traces", sight(right))
    cell = ms.measures.brightest_cell(right)
    assert f"cell {cell}, the brightest in focus" in spec["title"]
    assert f"cell {cell}" in spec["summary"]
    assert series(spec, f"cell {cell}")["cell"] == cell


def test_no_switch_changes_who_is_looked_at() -> None:
    right = recording()
    whom = plots.subject(sight(right))
    for name in ("neuropil", "noise", "motion", "blur"):
        assert plots.subject(sight(right.without(name))).words == whom.words


# -- numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("marked", STATES.values(), ids=STATES)
def test_the_traces_sum_to_the_light_of_the_region(marked: dict[str, Any]) -> None:
    right = recording()
    shown = sight(right, **marked)
    spec = plots.finish("traces", shown)
    weights = plots.subject(shown).weights
    light = np.einsum("tyx,yx->t", np.asarray(right.expected), weights)
    whole = series(spec, "everything")
    np.testing.assert_allclose(whole["y"], light, rtol=1e-3)
    np.testing.assert_allclose(whole["x"], right.times_s, atol=1e-3)
    parts = sum(np.array(s["y"]) for s in spec["series"] if s is not whole)
    steady = light - parts  # what does not vary has no lane
    assert np.ptp(steady) < 0.06 * np.ptp(light)
    assert abs(steady.mean()) < 0.2 * light.mean()


def test_lanes_lie_above_each_other() -> None:
    spec = plots.finish("traces", sight(recording()))
    below = spec["y"]["limits"][1]
    for s in spec["series"]:
        assert s["at"] + max(s["y"]) - s["mean"] < below
        below = s["at"] + min(s["y"]) - s["mean"]
    assert below > spec["y"]["limits"][0]


def test_a_long_trace_is_thinned_to_what_a_plot_shows() -> None:
    right = recording(field_um=30, duration_s=50)
    spec = plots.finish("traces", sight(right, pixel=(5, 5)))
    whole = series(spec, "everything")
    assert spec["x"]["every"] == 2
    assert len(whole["y"]) == 500
    first = np.asarray(right.expected[:2])[:, 5, 5].mean()
    assert whole["y"][0] == pytest.approx(first, rel=1e-3)


def test_the_spectrum_has_a_line_where_the_brain_strides() -> None:
    alone = {"heart_um": 0, "breathing_um": 0, "drift_um": 0, "stride_um": 6, "running_fraction": 1}
    right = recording(
        motion=alone,
        activity={"rate_hz": 0},
        duration_s=20,
        sensor={"bit_depth": 12},
        off=("noise", "vessels", "neuropil"),
    )
    mask = (30.0, 10.0, 34.0, 14.0)
    spec = plots.finish("spectrum", sight(right, roi=mask))
    y, x = np.array(series(spec, "right")["y"]), np.array(series(spec, "right")["x"])
    (mark,) = spec["marks"]
    assert mark["x"] == pytest.approx(7)
    assert x[3:][y[3:].argmax()] == pytest.approx(7, abs=0.5)
    shown = sight(right, roi=mask)
    light = np.einsum("tyx,yx->t", np.asarray(right.expected), plots.subject(shown).weights)
    expected = ms.measures.spectrum(100 * light / light.mean(), 20).amplitude
    near = abs(x - 7) < 1
    assert y[near].max() == pytest.approx(expected[near].max(), rel=0.05)


def test_an_aliased_stride_is_marked_where_it_shows() -> None:
    spec = plots.finish("spectrum", sight(recording(frame_rate_hz=10, duration_s=3)))
    marks = {mark["label"]: mark["x"] for mark in spec["marks"]}
    assert marks["stride 7→3"] == pytest.approx(3)
    assert marks["breathing"] == pytest.approx(3)


def test_a_still_brain_has_no_marks_in_its_spectrum() -> None:
    assert plots.finish("spectrum", sight(recording(off=("motion",))))["marks"] == []


def test_the_radial_profile_is_that_of_the_scope() -> None:
    right = recording(field_um=300)
    spec = plots.finish("radial_profile", sight(right))
    collection = series(spec, "collection")
    fall_off = np.exp(
        -right.experiment.illumination.vignetting_per_mm2 * 1e-6 * np.array(collection["x"]) ** 2
    )
    np.testing.assert_allclose(np.array(collection["y"]) / 100, fall_off, atol=2e-3)
    assert f"collects {collection['y'][-1]:.0f} %" in spec["summary"]
    even = plots.finish("radial_profile", sight(right.without("illumination", "vignetting")))
    assert set(series(even, "excitation ×")["y"]) == {100}


def test_photon_transfer_draws_the_cameras_gain() -> None:
    right = recording(sensor={"bit_depth": 10}, duration_s=4, field_um=160)
    spec = plots.finish("photon_transfer", sight(right))
    line = series(spec, "slope")
    slope = np.diff(line["y"]) / np.diff(line["x"])
    assert slope == pytest.approx(1 / right.counts_to_e.e_per_count, rel=0.06)
    quiet = plots.finish("photon_transfer", sight(right.without("noise")))
    assert "switched off" in quiet["summary"]
    assert not any("slope" in s["name"] for s in quiet["series"])


def test_photon_transfer_shows_where_pixels_clip() -> None:
    spec = plots.finish("photon_transfer", sight(recording(sensor={"gain": 10}, illumination={"led_mw": 1})))
    assert series(spec, "with clipped pixels")["hollow"]
    assert "clip" in spec["summary"]


def test_detectable_cells_are_those_of_the_truth() -> None:
    right = recording(field_um=150)
    truth = right.truth
    spec = plots.finish("snr_by_depth", sight(right))
    assert sorted(series(spec, "detectable")["cells"]) == np.flatnonzero(truth.detectable).tolist()
    found, lost = series(spec, "detectable"), series(spec, "lost")
    assert len(found["cells"]) + len(lost["cells"]) == truth.in_field.sum()
    np.testing.assert_allclose(found["y"], truth.snr[found["cells"]], rtol=1e-3)
    assert min(found["y"]) >= spec["levels"][0]["y"] == 5
    bars = plots.finish("detectable_by_depth", sight(right))
    assert sum(series(bars, "detectable")["y"]) == truth.detectable.sum()
    assert sum(series(bars, "lost")["y"]) == (truth.in_field & ~truth.detectable).sum()


def test_the_histogram_counts_both_frames() -> None:
    right = recording(sensor={"gain": 16})
    shown = sight(right)
    spec = plots.finish("histogram", shown)
    for side, r in (("left", shown.left), ("right", right)):
        frame = r.frames[shown.frame]
        assert sum(series(spec, side)["y"]) == frame.size
        assert series(spec, side)["y"][-1] == (frame == 255).sum()
    assert {"black", "full scale"} == {mark["label"] for mark in spec["marks"]}


def test_a_region_is_an_ellipse_and_holds_a_pixel() -> None:
    mask = sight(recording(), roi=(10, 20, 20, 40)).mask()
    assert mask.sum() == pytest.approx(np.pi * 5 * 10, rel=0.05)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 20, 39)
    assert sight(recording(), roi=(10.2, 20.2, 10.3, 20.3)).mask().sum() == 1


@pytest.mark.parametrize("name", plots.PLOTS)
def test_every_plot_can_be_printed(name: str) -> None:
    spec = plots.finish(name, sight(recording()))
    axes = Figure().add_subplot()
    draw_spec(axes, spec)
    assert axes.get_xlim() == pytest.approx(spec["x"]["limits"])
    downwards = spec["kind"] == "side"
    assert axes.get_ylim() == pytest.approx(spec["y"]["limits"][:: -1 if downwards else 1])
    assert axes.get_legend().get_title().get_text() == spec["title"]
    said = [t.get_text() for t in (*axes.get_legend().get_texts(), *axes.get_yticklabels())]
    assert {s["name"] for s in spec["series"]} <= set(said)
    draw_spec(Figure().add_subplot(), spec | {"notes": []})
