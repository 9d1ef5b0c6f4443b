"""What lies behind the cells, as page 3 draws it: in numbers, on the real engine."""

from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_guide import plots
from minisim_guide.plots import MEASURES, SENTENCES, Sight, background, places
from minisim_guide.plots.spec import shares
from test_plots import check, series


@pytest.fixture(scope="module")
def sight() -> Sight:
    scene = ms.presets.get("guide", field_um=150, frame_rate_hz=30, duration_s=4, off=("motion",))
    right = ms.simulate(scene)
    return Sight(right.without("neuropil", "vessels"), right, 0, marks=places(scene, background.PLACES))


def test_the_courses_are_a_minute_of_the_light_at_the_marks(sight: Sight) -> None:
    spec = plots.finish("courses", sight)
    check(spec)
    assert [s["ink"] for s in spec["series"]] == [plots.MARKS[name].ink for name in background.PLACES]
    minute = ms.simulate(sight.right.experiment.with_(duration_s=60))
    row, column = sight.marks["vessel"]
    light = minute.expected[:, row : row + 1, column : column + 1].ravel().astype(float)
    drawn = spec["series"][0]
    assert drawn["x"][-1] > 59
    np.testing.assert_allclose(drawn["y"], 100 * light.reshape(-1, 3).mean(axis=1) / light.mean(), rtol=1e-3)
    assert spec["bands"] == [{"from": 0, "to": 4.0}], "what of it the movie shows"
    np.testing.assert_array_equal(light[:120], sight.right.expected[:, row, column])


def test_the_rhythms_have_the_heart_and_the_slow_wave_of_the_vessels(sight: Sight) -> None:
    spec = plots.finish("rhythms", sight)
    check(spec)
    assert [m["label"] for m in spec["marks"]] == ["vessels 0.1 Hz", "heart"]
    slow, heart = (m["x"] for m in spec["marks"])
    assert (slow, heart) == pytest.approx((0.1, 10.5))
    vessel, haze = (np.array([series(spec, name)[axis] for axis in "xy"]) for name in ("a vessel", "haze"))

    def height(curve: Any, at: float) -> float:
        return float(curve[1][abs(np.log(curve[0] / at)) < 0.05].max())

    assert height(vessel, heart) > 3 * height(vessel, 9) and height(vessel, heart) > 2 * height(haze, heart)
    ratio = np.array([series(spec, "vessel ÷ haze")[axis] for axis in "xy"])
    assert ratio[0][ratio[1].argmax()] == pytest.approx(0.1, abs=0.035), "the haze's own waves divide out"


def test_without_vessels_nothing_pulses(sight: Sight) -> None:
    bare = sight.right.without("vessels")
    spec = plots.finish("rhythms", Sight(bare, bare, 0, marks=sight.marks))
    assert spec["marks"] == [] and "No vessel pulses" in spec["summary"]


def test_the_noise_switch_changes_no_course(sight: Sight) -> None:
    clean = sight.right.without("noise")
    drawn = plots.finish("courses", Sight(clean, clean, 0, marks=sight.marks))
    assert drawn["series"] == plots.finish("courses", sight)["series"]


def test_the_bar_holds_all_that_changes(sight: Sight) -> None:
    spec = plots.finish("variance_share", sight)
    check(spec)
    assert spec["kind"] == "shares"
    starts, wide = (np.array([s[axis][0] for s in spec["series"]]) for axis in "xy")
    np.testing.assert_allclose(starts, np.append(0, np.cumsum(wide)[:-1]), atol=0.05)
    assert wide.sum() == pytest.approx(100, abs=0.1)
    focus = MEASURES["focus_share_of_variance"].of(sight.right.experiment, 0)
    assert series(spec, "cells in focus")["y"] == [pytest.approx(100 * focus, rel=1e-3)]


def test_a_bar_says_what_a_share_below_zero_means() -> None:
    for least, notes in [(-0.04, 1), (-0.004, 0), (0.0, 0)]:
        bar = shares("Who", [("cells", "own", 1 - least), ("blood", "cool", least)], "of all, %", "A bar.")
        assert len(bar["notes"]) == notes


def test_the_sentence_says_what_the_background_gives_and_takes(sight: Sight) -> None:
    say = SENTENCES["background"]
    seen, bare = (r.expected[0].astype(float) for r in (sight.right, sight.right.without("vessels")))
    row, column = sight.marks["vessel"]
    marked = Sight(sight.left, sight.right, 0, (row, column))
    assert f"the darkest vessel takes {100 * (1 - (seen / bare).min()):.0f} %" in say(sight)
    assert f"at the marked pixel {100 * (1 - (seen / bare)[row, column]):.0f} %." in say(marked)
    glow = seen - sight.right.without("neuropil").expected[0]
    assert f"Neuropil gives {100 * glow.sum() / seen.sum():.0f} % of the light" in say(sight)
    assert say(Sight(sight.left, sight.left, 0)) == "Neuropil is switched off; no vessel is in the way."
