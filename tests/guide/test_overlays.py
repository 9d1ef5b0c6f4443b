"""Overlays lie where the truth says: in numbers, and as the browser draws them."""

import json
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

import minisim_core as ms
from minisim_guide.overlays import OVERLAYS
from minisim_guide.plots import Sight
from plain_page import plain_page
from test_plots import STATES, recording, sight


def subpaths(d: str) -> list[np.ndarray]:
    """The vertices (x, y) of each piece of a path, in pixels from the picture's corner."""
    pieces = []
    for start, steps in re.findall(r"M(-?\d+ -?\d+)l([^MZ]*)", d):
        numbers = [int(v) for v in re.findall(r"-?\d+", steps)]
        vertices = np.vstack([[int(v) for v in start.split()], np.reshape(numbers, (-1, 2))])
        pieces.append(np.cumsum(vertices, axis=0) / 10)
    return pieces


def inside(point: np.ndarray, polygon: np.ndarray) -> bool:
    """Whether a ray from the point crosses the polygon an odd number of times."""
    (x, y), a, b = point, polygon, np.roll(polygon, -1, axis=0)
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    at = a[spans, 0] + (y - a[spans, 1]) * (b - a)[spans, 0] / (b - a)[spans, 1]
    return bool((at > x).sum() % 2)


def area(polygon: np.ndarray) -> float:
    (x, y), (u, v) = polygon.T, np.roll(polygon, -1, axis=0).T
    return abs((x * v - u * y).sum()) / 2


@pytest.mark.parametrize("changes", [{}, {"off": ("motion",)}, {"cells": {"depth_range_um": (590, 600)}}])
@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_can_be_drawn_in_every_state(name: str, changes: dict[str, Any]) -> None:
    right = recording(**changes)
    for marked in STATES.values():
        drawing = OVERLAYS[name](sight(right, **marked))
        assert len(json.dumps(drawing, allow_nan=False)) < 40_000
        assert {"paths", "labels", "cells", "moves", "shift_px", "summary"} <= drawing.keys()
        assert drawing["summary"].endswith(".")
        assert "nan" not in drawing["summary"]


def test_an_outline_encloses_its_cell_and_its_body() -> None:
    right = recording(field_um=150)
    truth = right.truth
    drawing = OVERLAYS["cells"](sight(right))
    outlines = [piece for path in drawing["paths"] for piece in subpaths(path["d"])]
    assert len(outlines) == truth.in_field.sum()
    inner = np.flatnonzero(truth.in_field & (abs(truth.centroids_px - 49) < 40).all(axis=1))
    for i in inner:
        centre = truth.centroids_px[i, ::-1] + 0.5
        around = [piece for piece in outlines if inside(centre, piece)]
        body = ms.measures.body_mask(right, int(i)).sum()
        assert any(area(piece) == pytest.approx(body, rel=0.25) for piece in around), i


def test_the_classes_are_those_of_the_focal_surface() -> None:
    right = recording(field_um=150)
    truth, drawing = right.truth, OVERLAYS["cells"](sight(right))
    count = {path["kind"]: len(subpaths(path["d"])) for path in drawing["paths"]}
    assert count["near"] == (truth.near_focus & truth.in_field).sum() > 0
    deep = truth.positions_um[truth.in_field & ~truth.near_focus, 0]
    assert count["above"] == (deep < 75).sum()
    assert count["below"] == (deep > 90).sum()


def test_outlines_follow_the_focus_to_where_cells_are_imaged() -> None:
    deep = recording(focus_um=180)
    below, *_ = OVERLAYS["cells"](sight(deep))["paths"]
    outlines = np.concatenate(subpaths(below["d"]))
    centres = deep.truth.centroids_px[deep.truth.in_field, ::-1] + 0.5
    away = np.hypot(*(outlines[:, None] - centres).transpose(2, 0, 1)).min(axis=1)
    assert away.max() < 9


def test_a_drawing_moves_as_the_brain_does() -> None:
    right = recording()
    shown = Sight(right.without("motion"), right, 3)
    for name in ("cells", "detectable", "motion"):
        shifts = OVERLAYS[name](shown)["shift_px"]
        np.testing.assert_allclose(shifts["right"], right.truth.motion_um / right.pixel_um, atol=6e-3)
        assert shifts["left"] == []
    assert OVERLAYS["focal_surface"](shown)["moves"] == ""


def test_cells_for_the_pointer_are_those_of_the_field() -> None:
    right = recording()
    cells = np.array(OVERLAYS["detectable"](sight(right))["cells"])
    np.testing.assert_array_equal(cells[:, 0], np.flatnonzero(right.truth.in_field))
    index = cells[:, 0].astype(int)
    np.testing.assert_allclose(cells[:, 1:3], right.truth.centroids_px[index], atol=0.051)
    np.testing.assert_allclose(cells[:, 4], right.truth.positions_um[index, 0], atol=0.051)
    np.testing.assert_allclose(cells[:, 5], right.truth.snr[index], atol=0.051)


def test_rings_count_the_detectable_cells() -> None:
    right = recording(field_um=120)
    drawing = OVERLAYS["detectable"](sight(right))
    found = int(right.truth.detectable.sum())
    assert drawing["paths"][0]["d"].count("M") == found > 0
    assert f"the {found} detectable cells" in drawing["summary"]


def test_contours_lie_at_their_depth() -> None:
    right = recording(field_um=None, duration_s=0.1)
    surface = right.truth.focal_surface_um
    drawing = OVERLAYS["focal_surface"](sight(right))
    assert 3 <= len(drawing["paths"]) <= 7
    for path, label in zip(drawing["paths"], drawing["labels"], strict=True):
        level = float(path["name"].removesuffix(" µm"))
        x, y = (np.concatenate(subpaths(path["d"])) - 0.5).round().astype(int).clip(0, 607).T
        np.testing.assert_allclose(surface[y, x], level, atol=1.5)
        assert label["text"] == path["name"]
    flat = OVERLAYS["focal_surface"](sight(recording(scope={"field_curvature_um": 1e6})))
    assert not flat["paths"]
    assert "flat" in flat["summary"]


def test_the_path_of_the_brain_is_drawn_around_the_mark_to_scale() -> None:
    right = recording()
    drawing = OVERLAYS["motion"](sight(right, pixel=(20, 30)))
    assert drawing["dot"] == [30.5, 20.5]
    (path,) = subpaths(drawing["paths"][0]["d"])
    reach = np.ptp(right.truth.motion_path_um, axis=0)[::-1] / right.pixel_um
    np.testing.assert_allclose(np.ptp(path, axis=0), reach, rtol=0.1, atol=0.3)
    assert "stands still" in OVERLAYS["motion"](sight(right.without("motion")))["summary"]


# -- in the browser ---------------------------------------------------------------------------

MAKE = """([drawings, frame]) => {
  const host = document.querySelector("#host");
  Object.assign(host.style, { position: "relative", width: "400px", height: "400px" });
  window.overlays = new Overlays({ right: host });
  overlays.draw(drawings, frame, { height: SIZE, width: SIZE });
}"""


def test_outlines_are_drawn_on_their_cells_and_move_without_a_kernel(browser: Browser) -> None:
    right = recording()
    size, truth = right.frames.shape[1], right.truth
    drawing = OVERLAYS["detectable"](sight(right))
    with plain_page(browser, "dom.js", "overlays.js") as page:
        page.evaluate(MAKE.replace("SIZE", str(size)), [[drawing], 0])
        cell = drawing["cells"][0]
        for frame in (0, 17):
            page.evaluate("frame => overlays.at(frame)", frame)
            page.evaluate("cell => overlays.light(cell)", cell[0])
            box = page.locator(".mg-over-lit").bounding_box()
            host = page.locator("#host").bounding_box()
            shift = truth.motion_um[frame] / right.pixel_um
            y, x = (np.array(cell[1:3]) + 0.5 + shift) * 400 / size
            assert box["x"] + box["width"] / 2 - host["x"] == pytest.approx(x, abs=0.6)
            assert box["y"] + box["height"] / 2 - host["y"] == pytest.approx(y, abs=0.6)
            at = (np.array(cell[1:3]) + shift).tolist()
            found = page.evaluate("([row, column]) => overlays.hit(row, column)", at)
            near = next(c for c in drawing["cells"] if c[0] == found["cell"])
            assert np.hypot(near[1] - cell[1], near[2] - cell[2]) < 1
            assert "µm deep, SNR" in found["words"]
        assert page.evaluate("overlays.hit(-40, -40)") is None


def test_lines_keep_their_width_when_the_picture_is_zoomed(browser: Browser) -> None:
    drawing = OVERLAYS["focal_surface"](sight(recording(field_um=300)))
    with plain_page(browser, "dom.js", "overlays.js") as page:
        page.evaluate(MAKE.replace("SIZE", "198"), [[drawing], 0])
        effects = page.locator(".mg-drawn path").evaluate_all(
            "all => all.map((p) => getComputedStyle(p).vectorEffect)"
        )
        assert set(effects) == {"non-scaling-stroke"}
        assert page.locator(".mg-over-label").all_text_contents() == [p["name"] for p in drawing["paths"]]
        assert page.locator("#host .mg-hidden").text_content() == drawing["summary"]
        page.evaluate("overlays.draw([], 0, { height: 198, width: 198 })")
        assert page.locator("#host > *").count() == 0
