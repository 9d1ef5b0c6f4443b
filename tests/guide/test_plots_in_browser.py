"""Plots as the browser draws them, in a plain page."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from minisim_guide import plots
from minisim_guide.plots import Sight
from plain_page import plain_page
from test_plots import recording

PARTS = ("dom.js", "plots.js", "side.js", "maps.js")


@pytest.fixture(scope="module")
def specs() -> dict[str, dict[str, Any]]:
    right = recording(sensor={"bit_depth": 10})
    shown = Sight(right.without("out_of_focus"), right, 3)
    return {name: plots.finish(name, shown) for name in plots.PLOTS}


def draw(page: Page, *drawn: dict[str, Any]) -> None:
    page.evaluate(
        """(specs) => {
             window.heard = [];
             const hear = (what) => (value) => heard.push([what, value]);
             const host = document.querySelector("#host");
             window.plots ||= new Plots(host,
               { seek: hear("seek"), cell: hear("cell"), move: hear("move"), movable: () => true });
             plots.draw(specs);
           }""",
        list(drawn),
    )


def svg(page: Page, place: int = 0) -> Any:
    return page.locator(".mg-plot").nth(place).locator("svg[role=img]")


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (500, "dark"), (1100, "light")])
def test_no_text_overlaps_or_leaves_its_plot(
    browser: Browser, specs: dict[str, Any], width: int, scheme: str
) -> None:
    with plain_page(browser, *PARTS, width=width, scheme=scheme) as page:
        draw(page, *specs.values())
        for place, spec in enumerate(specs.values()):
            drawing = svg(page, place)
            assert drawing.get_attribute("aria-label") == spec["summary"]
            boxes = drawing.evaluate(
                """svg => {
                     const { left, right, top, bottom } = svg.getBoundingClientRect();
                     return [...svg.querySelectorAll("text")].filter((t) => t.textContent).map((t) => {
                       const b = t.getBoundingClientRect();
                       return [t.textContent, b.left - left, b.right - left, b.top - top, b.bottom - top,
                               right - left, bottom - top];
                     });
                   }"""
            )
            for text, x0, x1, y0, y1, wide, high in boxes:
                assert x0 > -3 and x1 < wide + 3, (spec["title"], text)
                assert y0 > -3 and y1 < high + 3, (spec["title"], text)
            for i, (text, x0, x1, y0, y1, *_) in enumerate(boxes):
                for other, u0, u1, v0, v1, *_ in boxes[:i]:
                    across, down = min(x1, u1) - max(x0, u0), min(y1, v1) - max(y0, v0)
                    assert across <= 2 or down <= 5, (spec["title"], text, other)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_line_of_a_mark_crosses_a_label(browser: Browser, specs: dict[str, Any]) -> None:
    """At 5 frames a second the heart is seen at 0.5 Hz, breathing and the stride at 2 Hz, close beside it."""
    slow = recording(sensor={"bit_depth": 10}, frame_rate_hz=5, duration_s=10)
    rhythms = plots.finish("path_spectrum", Sight(slow.without("motion"), slow, 0))
    assert len(rhythms["marks"]) == 3
    many = rhythms | {"marks": [{"x": x, "label": f"a label at {x}"} for x in (0.5, 2, 2, 4.5, 6, 9)]}
    with plain_page(browser, *PARTS, width=560) as page:
        draw(page, rhythms, many)
        for place in (0, 1):
            crossed = svg(page, place).evaluate(
                """svg => [...svg.querySelectorAll("text.mg-halo")].flatMap((t) => {
                     const b = t.getBBox();
                     return [...svg.querySelectorAll(".mg-mark")].map((l) => ["x1", "y1"].map(
                       (side) => Number(l.getAttribute(side)))).filter(([x, y]) =>
                       x > b.x + 1 && x < b.x + b.width - 1 && y < b.y + b.height - 3)
                       .map(([x]) => `${t.textContent} is crossed at ${x}`);
                   })"""
            )
            assert crossed == [], place


def test_an_empty_plot_says_why_and_draws_no_scale(browser: Browser) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, plots.spec.empty("Nothing", "because"))
        assert svg(page).locator("text", has_text="because").count() == 1
        assert svg(page).locator(".mg-grid").count() == 0


def test_the_present_frame_moves_along_the_traces_without_a_kernel(
    browser: Browser, specs: dict[str, Any]
) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, specs["traces"], specs["histogram"])
        xs = []
        for frame in (0, 20, 39):
            page.evaluate("frame => plots.at(frame)", frame)
            now = svg(page).locator(".mg-now")
            assert now.get_attribute("visibility") == "visible"
            xs.append(float(now.get_attribute("x1")))
        assert xs[1] - xs[0] == pytest.approx((xs[2] - xs[0]) * 20 / 39, abs=0.3)
        assert svg(page, 1).locator(".mg-now").get_attribute("visibility") == "hidden"


def test_a_click_on_the_traces_goes_to_that_frame(browser: Browser, specs: dict[str, Any]) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, specs["traces"])
        page.evaluate("plots.at(30)")
        at = float(svg(page).locator(".mg-now").get_attribute("x1"))
        svg(page).click(position={"x": at, "y": 60})
        assert page.evaluate("heard.at(-1)") == ["seek", 30]


def test_the_pointer_reads_the_nearest_values(browser: Browser, specs: dict[str, Any]) -> None:
    spec = specs["light_against_defocus"]
    with plain_page(browser, *PARTS) as page:
        draw(page, spec)
        box = svg(page).bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80)
        assert page.locator(".mg-read").text_content().startswith("below focus")
        read = page.locator(".mg-keys b").all_text_contents()
        assert read[0] == "100"
        page.mouse.move(0, 0)
        assert page.locator(".mg-read").text_content() == ""


def test_a_cell_is_shown_in_every_plot_that_knows_it(browser: Browser, specs: dict[str, Any]) -> None:
    cell = next(s["cell"] for s in specs["traces"]["series"] if "cell" in s)
    with plain_page(browser, *PARTS, width=900) as page:
        draw(page, specs["traces"], specs["snr_by_depth"])
        page.evaluate("cell => plots.light(cell)", cell)
        assert svg(page).locator(".mg-lit").count() == 1
        ring = svg(page, 1).locator(".mg-ring")
        assert ring.get_attribute("visibility") == "visible"
        box, at = svg(page, 1).bounding_box(), [float(ring.get_attribute(a)) for a in ("cx", "cy")]
        page.evaluate("plots.light(null)")
        page.mouse.move(box["x"] + at[0], box["y"] + at[1])
        assert page.evaluate("heard.at(-1)") == ["cell", cell]
        page.mouse.move(0, 0)
        assert page.evaluate("heard.at(-1)") == ["cell", None]


def test_a_plot_that_waits_says_so_and_an_old_one_is_greyed(browser: Browser, specs: dict[str, Any]) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, plots.waiting("spectrum"))
        assert "computing…" in svg(page).text_content()
        draw(page, specs["spectrum"])
        drawn = svg(page).inner_html()
        assert "computing…" not in drawn
        draw(page, specs["spectrum"] | {"stale": True})
        assert svg(page).evaluate("svg => getComputedStyle(svg).opacity") == "0.4"


def test_an_unchanged_plot_is_not_drawn_again(browser: Browser, specs: dict[str, Any]) -> None:
    with plain_page(browser, *PARTS) as page:
        draw(page, specs["histogram"], specs["traces"])
        page.evaluate("document.querySelector('.mg-plot svg[role]').dataset.same = 'yes'")
        draw(page, specs["histogram"], specs["traces"] | {"stale": True})
        assert svg(page).get_attribute("data-same") == "yes"
