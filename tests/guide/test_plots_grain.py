"""The grain and what drowns in it, as page 7 draws it: in numbers, on the real engine."""

import numpy as np
import pytest

import minisim_core as ms
from minisim_guide import plots
from minisim_guide.overlays import OVERLAYS
from minisim_guide.plots import MEASURES, SENTENCES, Sight, places
from minisim_guide.plots.spec import percent
from test_plots import check, series

SCENE = ms.presets.get("guide", off=("motion",))


def sight(experiment: ms.Experiment = SCENE, pixel: tuple[int, ...] = ()) -> Sight:
    right = ms.simulate(experiment)
    return Sight(right.without("noise"), right, 0, pixel, marks=places(experiment, ("bright", "faint")))


def test_the_camera_moves_no_mark() -> None:
    dim = SCENE.with_(illumination={"led_mw": 0.05}, sensor={"gain": 1, "read_noise_e": 60})
    assert sight(dim).marks == sight().marks


def test_two_cells_are_drawn_with_and_without_their_grain() -> None:
    shown = sight()
    spec = plots.finish("two_cells", shown)
    check(spec)
    assert [s["name"] for s in spec["series"]] == ["with grain", "bright, true", "with grain", "faint, true"]
    noise = np.subtract(spec["series"][2]["y"], spec["series"][3]["y"])
    row, column = shown.marks["faint"]
    black, e_per_count, _ = shown.right.counts_to_e
    seen = (shown.right.frames[:, row, column] - black) * e_per_count - shown.right.expected[:, row, column]
    np.testing.assert_allclose(noise, seen, atol=0.6)  # drawn with four digits
    bright, faint = (np.ptp(spec["series"][place]["y"]) for place in (1, 3))
    assert bright > 4 * noise.std() and faint < 3 * noise.std()
    assert "bright cell" in spec["notes"][0] and "stands out" in spec["notes"][0]
    assert "faint cell" in spec["notes"][1] and "drowns" in spec["notes"][1]


def test_more_light_brings_the_faint_cell_out() -> None:
    spec = plots.finish("two_cells", sight(SCENE.with_(illumination={"led_mw": 1.6})))
    assert "faint cell" in spec["notes"][1] and "stands out" in spec["notes"][1]


@pytest.mark.parametrize("gain", [2, 16])
def test_both_cells_lie_within_their_plot(gain: float) -> None:
    """Where a cell's pixel is saturated its counts do not follow its light, which is drawn all the same."""
    spec = plots.finish("two_cells", sight(SCENE.with_(sensor={"gain": gain})))
    bottom, top = spec["y"]["limits"]
    for lane in spec["series"]:
        drawn = np.array(lane["y"]) - lane["mean"] + lane["at"]
        assert bottom <= drawn.min() and drawn.max() <= top


def test_a_cell_whose_pixel_is_saturated_is_told() -> None:
    shown = sight(SCENE.with_(sensor={"gain": 16}))
    bright = plots.finish("two_cells", shown)["notes"][0]
    full = shown.right.frames[:, *shown.marks["bright"]] == shown.right.counts_to_e.full_scale
    assert full.any()
    assert bright.endswith(f"but saturated in {percent(float(full.mean()))} of the frames")
    assert "saturated" not in plots.finish("two_cells", sight())["notes"][0]


@pytest.mark.parametrize("pixel", [(), (30, 40)])
def test_the_noise_budget_says_what_stray_light_costs(pixel: tuple[int, ...]) -> None:
    shown = sight(pixel=pixel)
    spec = plots.finish("noise_budget", shown)
    check(spec)
    budget = ms.measures.noise_budget(shown.right, 0, pixel or None)
    total = sum(budget.values())
    assert sum(s["y"][0] for s in spec["series"]) == pytest.approx(100, abs=0.1)
    assert series(spec, "stray light")["y"] == [pytest.approx(100 * budget["stray_light"] / total, rel=1e-3)]
    with_it, without = (f"{v**0.5:.1f}" for v in (total, total - budget["stray_light"]))
    assert spec["notes"] == [f"sd {with_it} e⁻; without stray light {without} e⁻"]


def test_the_sentence_counts_electrons() -> None:
    shown, say = sight(), SENTENCES["photons"]
    light, e_per_count = shown.right.expected[0].mean(), shown.right.counts_to_e.e_per_count
    assert say(shown).startswith(
        f"{round(float(light), -1):.0f} photoelectrons in an average pixel, give or take "
    )
    assert say(shown).endswith(f"; one count is {e_per_count:.1f} of them.")
    assert "at the marked pixel" in say(sight(pixel=(30, 40)))
    glaring = sight(SCENE.with_(illumination={"led_mw": 3}))
    share = percent(float((glaring.right.frames[0] == 255).mean()))
    assert f" {share} of the pixels are saturated: they say 255, however much light falls" in say(glaring)
    assert "the grain is switched off" in say(Sight(shown.left, shown.left, 0))


def test_found_counts_the_detectable_cells() -> None:
    assert MEASURES["found"].of(SCENE, 0) == ms.simulate(SCENE).truth.detectable.sum()


def test_cells_under_saturated_pixels_are_not_counted_as_found() -> None:
    """Twice too much light: every place that counts cells says how many of them are lost to the camera."""
    shown = sight(SCENE.with_(illumination={"led_mw": 1.6}))
    truth = shown.right.truth
    lost = ms.measures.saturated_cells(shown.right, 0) & truth.detectable
    assert 0 < lost.sum() < truth.detectable.sum()
    told = f"{lost.sum()} lie under saturated pixels, where no cell can be read"
    assert f"Of them {told}." in SENTENCES["yield"](shown)
    for name in ("snr_by_depth", "detectable_by_depth"):
        assert told in plots.finish(name, shown)["notes"]
        assert not plots.finish(name, sight())["notes"]
    assert told in OVERLAYS["detectable"].draw(shown)["summary"]
    assert MEASURES["found"].of(shown.right.experiment, 0) == truth.detectable.sum() - lost.sum()
    share = MEASURES["share_found"].of(shown.right.experiment, 0)
    assert share < truth.detectable.sum() / truth.in_field.sum()
    rows, columns = np.rint(truth.centroids_px[truth.detectable]).astype(int).T
    often = (shown.right.frames[:][:, rows, columns] == 255).mean(axis=0) >= 0.05
    assert plots.finish("two_cells", shown)["notes"][-1] == (
        f"{truth.detectable.sum()} of {truth.in_field.sum()} cells stand out (SNR 5), "
        f"but {often.sum()} of them are saturated in 5 % of the frames or more"
    )
