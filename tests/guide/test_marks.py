"""Named marks: found robustly in ten scenes, given to plots, drawn in both pictures."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

import minisim_core as ms
from copies import copies
from minisim_guide import Figure, Panel, plots
from minisim_guide.plots import MARKS, places

NAMES = ("vessel", "haze", "cell")
SMALL = ms.presets.get("guide", field_um=150, duration_s=1)


@pytest.mark.parametrize("seed", range(10))
def test_marks_lie_where_their_names_say(seed):
    experiment = ms.presets.get("guide", seed=seed)
    recording = ms.simulate(experiment)
    truth, pixel_um = recording.truth, recording.pixel_um
    found = places(experiment, NAMES)
    assert list(found) == list(NAMES)
    height, width = recording.frames.shape[1:]
    for row, column in found.values():
        assert 0.09 * height < row < 0.91 * height
        assert 0.09 * width < column < 0.91 * width

    through = truth.vessel_transmission_ex * truth.vessel_transmission_em
    assert truth.vessel_mask[found["vessel"]]
    assert through[found["vessel"]] < np.percentile(through[truth.vessel_mask], 20)

    detectable = np.flatnonzero(truth.detectable & truth.in_field)
    bodies = np.any([ms.measures.body_mask(recording, cell) for cell in detectable], axis=0)
    assert pixel_um * distance_transform_edt(~bodies)[found["haze"]] > 15
    assert pixel_um * distance_transform_edt(~truth.vessel_mask)[found["haze"]] > 15

    near = np.flatnonzero(truth.near_focus & truth.in_field)
    cell = next(i for i in near if ms.measures.body_mask(recording, i)[found["cell"]])
    assert truth.detectable[cell]
    assert (truth.snr[near] > truth.snr[cell]).mean() < 0.4


def test_neither_light_nor_camera_nor_switches_move_a_mark():
    changes = [{"illumination": {"led_mw": 0.8}}, {"sensor": {"gain": 2}}, {"off": ("vessels", "noise")}]
    opening = places(SMALL, NAMES)
    assert all(places(SMALL.with_(**change), NAMES) == opening for change in changes)


def test_a_place_that_a_scene_lacks_is_left_out():
    empty = SMALL.with_(cells={"positions_um": ()}, vessels={"count": 0})
    assert list(places(empty, NAMES)) == ["haze"]


def test_a_mark_is_asked_of_a_recording():
    recording = ms.simulate(SMALL.with_(off=()))
    assert {name: MARKS[name](recording) for name in NAMES} == places(SMALL, NAMES)


@pytest.fixture
def figure(monkeypatch) -> Figure:
    monkeypatch.setitem(plots.SENTENCES, "marks", lambda sight: f"{sight.marks}")
    return Figure(
        SMALL, left=Panel("Cells", off=("neuropil", "vessels")), right=Panel("Everything"), says="marks",
        switches=("noise",), marks=NAMES,
    )  # fmt: skip


def test_plots_and_sentences_get_the_marks(figure):
    assert figure.viewer.says == str(places(SMALL, NAMES))
    assert [(m["name"], (m["row"], m["column"])) for m in figure.viewer.marks] == list(
        places(SMALL, NAMES).items()
    )


def test_marks_are_drawn_at_their_pixels_in_both_pictures(browser, figure):
    with copies(browser, {"figure": figure}) as page:
        for side in ("left", "right"):
            frame = page.locator(f"[data-panel={side}] .mg-frame").bounding_box()
            for name, (row, column) in places(SMALL, NAMES).items():
                ring = page.locator(f"[data-panel={side}] [data-mark={name}]").bounding_box()
                size = figure.viewer.picture["height"]
                y = (ring["y"] + ring["height"] / 2 - frame["y"]) / frame["height"]
                x = (ring["x"] + ring["width"] / 2 - frame["x"]) / frame["width"]
                assert abs(y - (row + 0.5) / size) < 0.5 / size
                assert abs(x - (column + 0.5) / size) < 0.5 / size
        assert page.inner_text(".mg-over-keys").split("\n")[0].startswith("V")
        assert "V, a vessel; H, haze" in page.get_attribute("canvas[data-side=right]", "aria-label")
