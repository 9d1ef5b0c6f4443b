"""Page 5's plots and sentence: their numbers are the engine's."""

import numpy as np
import pytest

import minisim_core as ms
from minisim_guide import plots
from minisim_guide.plots import Sight

RUNNING = {"running_fraction": 1.0, "looseness": 2.0}


@pytest.fixture(scope="module")
def moving() -> Sight:
    right = ms.simulate(ms.presets.get("guide", field_um=150, duration_s=4, motion=RUNNING))
    return Sight(right.without("motion"), right, 0)


def test_the_path_is_drawn_with_a_dot_for_each_frame(moving: Sight) -> None:
    spec = plots.plot_path(moving)
    truth = moving.right.truth
    for axis, lane in enumerate(spec["series"]):
        (dots,) = lane["dots"]
        np.testing.assert_allclose(dots["y"], truth.motion_um[:, axis], rtol=1e-3, atol=1e-3)
        assert lane["mean"] == pytest.approx(truth.motion_path_um[:, axis].mean())
    assert spec["y"]["unit"] == "µm"


def test_the_spectrum_shows_the_stride_at_its_alias(moving: Sight) -> None:
    slow = ms.simulate(moving.right.experiment.with_(frame_rate_hz=12, duration_s=10))
    spec = plots.plot_path_spectrum(Sight(slow, slow, 0))
    true, filmed = spec["series"]
    peak = {s["name"]: s["x"][int(np.argmax(s["y"]))] for s in (true, filmed)}
    assert peak[true["name"]] == pytest.approx(7, abs=0.3)
    assert peak[filmed["name"]] == pytest.approx(5, abs=0.3)
    assert spec["bands"] == [{"from": 6.0, "to": 15.0}]
    assert "stride at 7 Hz, seen at 5 Hz" in spec["summary"]


def test_the_mean_image_is_wider_when_the_brain_moves(moving: Sight) -> None:
    spec = plots.finish("smear", moving)
    width = {s["name"].split(":")[0]: float(s["name"].split()[-2]) for s in spec["series"]}
    assert width["moving"] > 1.1 * width["held still"]


def test_registration_finds_the_path_and_sharpens_the_mean(moving: Sight) -> None:
    spec = plots.finish("registration", moving)
    truth = moving.right.truth.motion_um
    for axis, lane in enumerate(spec["series"]):
        without, found = lane["dots"]
        assert without["hollow"]
        near = truth[:, axis][: len(found["y"])]
        assert np.std(np.array(found["y"]) - near) < 0.25 * np.std(near)
    sharp = plots.finish("sharpened", moving)
    width = {s["name"].split(":")[0]: float(s["name"].split()[-2]) for s in sharp["series"]}
    assert width["held still"] < width["registered"] < width["moving"]


def test_a_pixel_at_a_cells_edge_changes_hands(moving: Sight) -> None:
    spec = plots.finish("pixel_owner", moving)
    assert spec["notes"][0].startswith("in ")
    share = float(spec["notes"][0].split()[1]) / 100
    row, column = plots.motion.edge_pixel(moving.right)
    rest = ms.simulate(moving.right.experiment.with_(activity={"rate_hz": 0}))
    owners = ms.measures.main_owners(rest.explain((row, column), cells=None))
    usual = np.bincount(owners).max()
    assert share == pytest.approx(1 - usual / len(owners), abs=0.006)


def test_with_motion_off_the_plots_say_so(moving: Sight) -> None:
    still = Sight(moving.left, moving.left, 0)
    for name in ("path", "path_spectrum", "pixel_owner"):
        assert "Nothing moves" in plots.finish(name, still)["notes"][0]
    assert "stands still" in plots.SENTENCES["motion"](still)


def test_the_sentence_says_how_far_and_how_far_in_one_frame(moving: Sight) -> None:
    path = moving.right.truth.motion_path_um
    far = np.hypot(*(path - path.mean(axis=0)).T).max()
    said = plots.SENTENCES["motion"](moving)
    assert f"comes {far:.2g} µm" in said.replace(".0 µm", " µm") or f"{far:.1f} µm" in said
    short = ms.simulate(moving.right.experiment.with_(sensor={"exposure_fraction": 0.1}))
    travels = [float(plots.SENTENCES["motion"](Sight(r, r, 0)).split()[-2]) for r in (moving.right, short)]
    assert travels[1] == pytest.approx(0.1 * travels[0], rel=0.1)
