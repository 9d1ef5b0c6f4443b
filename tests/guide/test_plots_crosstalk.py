"""Page 4's plots and sentence: their numbers are the engine's."""

import threading

import numpy as np
import pytest

import minisim_core as ms
from minisim_guide import overlays, plots
from minisim_guide.plots import Sight
from minisim_guide.plots.demixing import at_density
from minisim_guide.plots.pieces import Remembered, in_pieces

ALONE = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")


@pytest.fixture(scope="module")
def pair() -> ms.Recording:
    cells = {
        "positions_um": ((120.0, 0.0, -10.0), (120.0, 0.0, 10.0), (190.0, 12.0, 9.0)),
        "brightness_sd": 0,
    }
    return ms.simulate(ms.presets.get("guide", field_um=120, duration_s=2, cells=cells, off=ALONE))


@pytest.fixture(scope="module")
def piece() -> ms.Recording:
    return ms.simulate(ms.presets.get("guide", field_um=100, duration_s=6, off=("motion",)))


def sight(recording: ms.Recording, **about: object) -> Sight:
    return Sight(recording, recording, **({"frame": 0} | about))  # type: ignore[arg-type]


def test_the_bars_of_a_frame_add_up_to_the_light_of_the_pixel(piece: ms.Recording) -> None:
    spec = plots.plot_owners(sight(piece, pixel=(30, 30), frame=7))
    light = float(piece.expected[7][30, 30])
    assert sum(s["y"][0] for s in spec["series"]) == pytest.approx(light, rel=0.01)
    assert spec["levels"][0]["y"] == pytest.approx(light, rel=1e-4)


def test_the_stack_over_time_adds_up_to_the_light_of_the_region(piece: ms.Recording) -> None:
    seen = sight(piece, roi=(20, 20, 30, 30))
    spec = plots.finish("owner_courses", seen)
    mask = seen.mask()
    light = piece.expected[:][:, mask].mean(axis=1)
    np.testing.assert_allclose(np.sum([s["y"] for s in spec["series"]], axis=0), light, rtol=0.01)
    names = [s["name"] for s in spec["series"]]
    assert names[0] == "stray light" and names[-1].startswith("cell ")


def test_no_light_is_said_to_come_from_cells_that_are_switched_off(piece: ms.Recording) -> None:
    without = piece.without("out_of_focus")
    spec = plots.plot_owners(sight(without, pixel=(30, 30)))
    names = [s["name"] for s in spec["series"]]
    assert not any("out of focus" in name for name in names) and any("in focus" in name for name in names)
    light = float(without.expected[0][30, 30])
    assert sum(s["y"][0] for s in spec["series"]) == pytest.approx(light, rel=0.01)


def test_cells_placed_by_hand_go_by_letters(pair: ms.Recording) -> None:
    row, column = np.rint(pair.truth.centroids_px[1]).astype(int).tolist()
    spec = plots.plot_owners(sight(pair, pixel=(row, column)))
    assert spec["series"][0]["name"].split()[1] == "B"
    assert {s["name"].split()[1] for s in spec["series"]} == {"A", "B", "C"}
    said = plots.SENTENCES["crosstalk"](sight(pair, pixel=(row, column)))
    assert said.startswith("In this frame the light of the marked pixel comes from cell B ")
    assert "Click a pixel" in plots.SENTENCES["crosstalk"](sight(pair))


def test_the_owners_of_the_mark_are_outlined_and_named(pair: ms.Recording) -> None:
    row, column = np.rint(pair.truth.centroids_px[0]).astype(int).tolist()
    drawn = overlays.OVERLAYS["owners"](sight(pair, pixel=(row, column)))
    assert {label["text"] for label in drawn["labels"]} == {"cell A", "cell B", "cell C"}
    assert drawn["paths"][0]["name"] == "cell A" and drawn["paths"][0]["d"].startswith("M")
    assert overlays.OVERLAYS["owners"](sight(pair))["paths"] == []


def test_four_readings_of_a_region_come_with_their_r(piece: ms.Recording) -> None:
    cell = int(np.argmax(np.where(piece.truth.detectable, piece.truth.snr, 0)))
    row, column = np.rint(piece.truth.centroids_px[cell]).astype(int).tolist()
    spec = plots.finish("four_readings", sight(piece, pixel=(row, column)))
    assert spec["title"].endswith(f"cell {cell}")
    assert [s["name"].split(",")[0] for s in spec["series"]] == ["truth", "demixed", "less ring", "region"]
    for s in spec["series"]:
        assert np.std(s["y"]) == pytest.approx(1, abs=0.02)
        assert len(s["x"]) == len(piece.frames)


def test_every_detectable_cell_is_a_point_and_every_density_a_place() -> None:
    scene = ms.simulate(ms.presets.get("guide", field_um=100, duration_s=8, off=("motion",)))
    spec = plots.finish("demixed_cells", sight(scene))
    cells = [cell for s in spec["series"] for cell in s.get("cells", [])]
    assert sorted(cells) == np.flatnonzero(scene.truth.detectable).tolist()
    made = [step for step in plots.PLOTS["demixing_by_density"](sight(scene)) if isinstance(step, dict)]
    assert len(made) == 5  # the present density first, then one by one
    assert made[0]["marks"] == [{"x": 15000, "label": "here"}]
    assert all(0 <= y <= 1 for s in made[-1]["series"] for y in s["y"])


def test_denser_tissue_is_lit_less() -> None:
    here = ms.presets.get("guide")
    dense = at_density(here, 6e4)
    assert dense.cells.density_per_mm3 == 6e4
    assert dense.illumination.led_mw == pytest.approx(here.illumination.led_mw / 4)
    assert at_density(dense, 1.5e4).illumination.led_mw == pytest.approx(here.illumination.led_mw)
    assert at_density(here, 5e3).illumination.led_mw == here.illumination.led_mw


def test_long_work_yields_its_shares_and_returns_its_result() -> None:
    def work(tell):
        for k in range(5):
            tell(k / 4)
        return "done"

    made = in_pieces(work)
    shares = []
    while True:
        try:
            shares.append(next(made))
        except StopIteration as end:
            assert end.value == "done"
            break
    assert shares == sorted(shares) and shares[0] == 0

    calls = []
    known = Remembered(lambda key, tell: calls.append(key) or key, most=1)
    for key in ("a", "a", "b", "a"):
        assert list(known(key)) is not None
    assert calls == ["a", "b", "a"]


def test_long_work_stops_when_it_is_dropped() -> None:
    stopped = threading.Event()

    def work(tell):
        try:
            while True:
                tell(0.0)
        except ms.Cancelled:
            stopped.set()
            raise

    made = in_pieces(work)
    next(made)
    made.close()
    assert stopped.wait(5)


def test_what_long_work_raises_is_raised() -> None:
    def work(tell):
        raise ms.ParameterError("refused")

    with pytest.raises(ms.ParameterError, match="refused"):
        list(in_pieces(work))
