"""What stands in for a stack on paper, and for a page in the contents."""

import io

import numpy as np
import pytest
from PIL import Image

import minisim_core as ms
from minisim_guide import Figure, Panel, stills

SMALL = {"field_um": 60, "duration_s": 1}
LAYERS = ("neuropil", "motion", "noise")


@pytest.fixture(scope="module")
def stack():
    cells = Panel("Cells", off=ms.LAYERS[1:])
    return Figure(
        ms.presets.get("guide", **SMALL), left=cells, right=Panel("All"), stack=True, switches=LAYERS, frame=3
    )


def test_every_stage_of_a_stack_is_the_engines_own_picture(stack):
    shown = stills.stages(stack)
    assert [name for name, _ in shown] == ["None of these", "+ Neuropil", "+ Brain motion", "+ Camera noise"]
    for stop, (_, counts) in enumerate(shown):
        recording = ms.simulate(ms.presets.get("guide", **SMALL)).without(*LAYERS[stop:])
        np.testing.assert_array_equal(counts, recording.frames[3])
    assert "4 pictures of one simulated field" in stills.alt(stack)
    assert "+ Neuropil, + Brain motion, + Camera noise." in stills.alt(stack)


def test_a_still_of_a_stack_shows_every_stage(stack):
    wide = Image.open(io.BytesIO(stills.draw(stack)[0])).convert("L")
    grey = np.asarray(wide)
    assert grey.shape[1] == pytest.approx(860, abs=2)
    gaps = (grey > 240).mean(axis=0) > 0.98  # left, right and between them all is white
    assert np.count_nonzero(np.diff(gaps.astype(int)) == 1) == 4


def test_a_miniature_shows_both_pictures(stack):
    image = Image.open(io.BytesIO(stills.miniature(stack)))
    assert image.size == (2 * stills.MINIATURE_PX + 4, stills.MINIATURE_PX)
    left, right = np.split(np.asarray(image.convert("L"), float)[:, :-4], 2, axis=1)
    assert right.mean() > left.mean() + 20, "cells on black beside a raw frame"


def test_what_is_no_stack_has_no_stages():
    panels = {"left": Panel("A"), "right": Panel("B")}
    assert stills.stages(Figure(ms.presets.get("guide", **SMALL), **panels)) == []


def test_the_stills_of_a_page_share_its_room_fairly():
    small, large = ["s" * 30, "s" * 20], ["l" * 100, "l" * 60, "l" * 25]
    chosen = {
        room: [len(still) for still in stills.shared([small, large], room)] for room in (130, 90, 60, 50, 9)
    }
    assert chosen == {130: [30, 100], 90: [30, 60], 60: [30, 25], 50: [20, 25], 9: [20, 25]}
