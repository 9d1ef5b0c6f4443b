"""The tissue from the side, in numbers and under the hand."""

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

import minisim_core as ms
from minisim_guide import plots
from minisim_guide.plots.side import BAND_UM
from plain_page import plain_page
from test_plots import recording, series, sight
from test_plots_in_browser import PARTS, draw

ONE = {"positions_um": ((120.0, 0.0, 10.0),)}


def pieces(name: str = "side_view", **changes: Any) -> list[dict[str, Any]]:
    return list(plots.PLOTS[name](sight(recording(**changes))))


def test_cells_are_drawn_at_once_and_counted_later() -> None:
    right = recording(field_um=200)
    first, last = plots.PLOTS["side_view"](sight(right))
    drawn, found, lost = series(first, "cells"), series(last, "recoverable"), series(last, "lost")
    assert sorted(found["cells"] + lost["cells"]) == drawn["cells"]
    detectable = np.asarray(right.truth.detectable)
    assert detectable[found["cells"]].all()
    assert not detectable[lost["cells"]].any()
    assert last["notes"] == [f"{detectable.sum()} recoverable in the whole field"]
    places = np.asarray(right.truth.positions_um)[drawn["cells"]]
    np.testing.assert_allclose(drawn["y"], places[:, 0], rtol=1e-3)
    np.testing.assert_allclose(drawn["x"], places[:, 2], rtol=1e-3)


def test_the_cut_goes_through_the_mark() -> None:
    right = recording(field_um=200)
    places = np.asarray(right.truth.positions_um)
    inside = np.flatnonzero(right.truth.in_field)
    for row in (0, 66, 131):
        first = next(plots.PLOTS["side_view"](sight(right, pixel=(row, 5))))
        y_um = (row - (right.shape[1] - 1) / 2) * right.pixel_um
        near = inside[abs(places[inside, 1] - y_um) <= BAND_UM]
        assert series(first, "cells")["cells"] == near.tolist()


@pytest.mark.parametrize("name", ["side_view", "side_view_diagonal"])
def test_the_focal_surface_is_the_bowl_of_the_truth(name: str) -> None:
    spec = pieces(name, field_um=500, duration_s=0.1, focus_um=150, cells=ONE)[0]
    line = series(spec, "in focus")
    radius_um = np.array(line["x"])
    assert radius_um.max() > (1.3 if name == "side_view_diagonal" else 0.9) * 250
    bowl = 150 - radius_um**2 / (2 * ms.presets.get("guide").scope.field_curvature_um)
    np.testing.assert_allclose(line["y"], bowl, atol=1)
    assert line["moves"] == {"y": "focus_um"}
    assert line["around"] == 15
    assert spec["x"]["label"].startswith("across" if name == "side_view" else "from corner to corner")


def test_where_the_bowl_leaves_the_tissue_it_is_not_drawn() -> None:
    spec = pieces("side_view_diagonal", field_um=None, duration_s=0.1, focus_um=60, cells=ONE)[0]
    line = series(spec, "in focus")
    assert min(line["y"]) >= 0
    assert max(line["x"]) < 0.9 * spec["x"]["limits"][1]
    assert "above the tissue at its end" in spec["summary"]


def test_the_drawing_reaches_down_to_the_focus() -> None:
    shallow = {"depth_range_um": (100, 120)}
    for focus_um, lowest_um in [(150, 200), (200, 200), (210, 250), (270, 300)]:
        spec = next(plots.PLOTS["side_view_diagonal"](sight(recording(focus_um=focus_um, cells=shallow))))
        assert spec["y"]["limits"] == [0, lowest_um]
        assert max(series(spec, "in focus")["y"]) <= lowest_um


def test_the_cone_is_that_of_the_aperture() -> None:
    half = [pieces(scope={"numerical_aperture": na}, cells=ONE)[0]["cone"]["half"] for na in (0.2, 0.4)]
    expected = [90 * np.tan(np.arcsin(na / 1.36)) for na in (0.2, 0.4)]
    np.testing.assert_allclose(half, expected, rtol=0.01)


def test_a_given_cell_is_a_handle_on_its_place() -> None:
    [only] = pieces(cells=ONE)
    cell = series(only, "the cell")
    assert only["notes"] == [], "there is nothing to count"
    assert (cell["x"], cell["y"], cell["cells"]) == ([10], [120], [0])
    assert cell["moves"] == {"y": "cells.positions_um.0.0", "x": "cells.positions_um.0.2"}


# -- under the hand ---------------------------------------------------------------------------


def drag(page: Any, number: int, place: int, by: tuple[int, int]) -> Any:
    x, y = page.evaluate(
        """([number, place]) => {
             const { svg, drawn } = plots.all[0], box = svg.getBoundingClientRect();
             return [box.x + drawn[number].xs[place], box.y + drawn[number].ys[place]];
           }""",
        [number, place],
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1])
    page.mouse.up()
    moved = [values for what, values in page.evaluate("heard") if what == "move"]
    return moved[-1] if moved else None


def per_px(page: Any, axis: str) -> float:
    return page.evaluate(f"Math.abs(plots.all[0].{axis}.back(101) - plots.all[0].{axis}.back(100))")


def test_the_focus_is_dragged_in_depth(browser: Browser) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, pieces()[-1])
        moved = drag(page, 0, 10, (15, 30))
        at_10 = pieces()[-1]["series"][0]["y"][10]
        assert moved == {"focus_um": pytest.approx(at_10 + 30 * per_px(page, "Y"), abs=0.5)}


def test_a_cell_is_dragged_in_depth_and_across(browser: Browser) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, pieces(cells=ONE)[-1])
        moved = drag(page, 1, 0, (25, 20))
        assert moved["cells.positions_um.0.0"] == pytest.approx(120 + 20 * per_px(page, "Y"), abs=0.5)
        assert moved["cells.positions_um.0.2"] == pytest.approx(10 + 25 * per_px(page, "X"), abs=0.5)


def test_what_has_no_slider_stays_put(browser: Browser) -> None:
    with plain_page(browser, *PARTS) as page:
        page.evaluate("window.plots = new Plots(document.querySelector('#host'), {})")
        draw(page, pieces()[-1])
        assert drag(page, 0, 10, (0, 30)) is None
        assert page.locator(".mg-grip").count() == 0
