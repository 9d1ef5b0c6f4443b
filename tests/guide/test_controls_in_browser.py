"""Drop-downs, tick boxes, held sliders and a side with its own range, as a reader meets them."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe

from small_site import voila

HERE = Path(__file__).parent
CELL = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import fake_engine, minisim_core as ms
from minisim_guide import Choice, Figure, Panel, Slider, Tick, plots
ms.simulate = fake_engine.Log().simulate
plots.SENTENCES["seen"] = lambda sight: (
    f"focus {{sight.right.experiment.focus_um:g}}, aperture {{sight.right.experiment.scope.numerical_aperture:g}},"
    f" LED {{sight.right.experiment.illumination.led_mw:g}}, cell {{sight.right.experiment.cells.positions_um[0][0]:g}}."
)
Figure(
    ms.presets.get("guide", cells={{"positions_um": ((90.0, 0.0, 0.0),)}}), name="controls",
    left=Panel("Near focus", off=("out_of_focus",), own_range=True), right=Panel("Everything"),
    switches=("neuropil",), says="seen",
    sliders=(
        Choice("Scope", {{"UCLA V4": {{}}, "GRIN lens": {{"scope.numerical_aperture": 0.5, "scope.ewl_um_per_step": 0.0}}}}),
        Slider("focus_um", also="ewl"), "scope.numerical_aperture",
        Slider("cells.positions_um.0.0", 0, 300, 1, label="Depth of the cell", unit="µm"),
        Tick("focus_follows_cell"),
    ),
    more=("sensor.exposure_fraction", Tick("hold_brightness")),
)
"""  # noqa: E501


@pytest.fixture(scope="module")
def address(tmp_path_factory, chromium):
    """The address of a Voila with the page."""
    with voila(tmp_path_factory.mktemp("pages"), {"controls": CELL}) as (address, _):
        yield address("controls")


@pytest.fixture
def open_page(browser, address):
    """Open the page in a context of its own; it must stay free of script errors."""
    contexts, errors = [], []

    def open_(link="", width=1280, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, reduced_motion="reduce", color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + link)
        page.wait_for_selector(".mg[data-version]", timeout=60_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def says(page, text: str) -> None:
    """Wait until the sentence holds a text."""
    page.wait_for_function(
        "text => document.querySelector('.mg-main ~ .mg-says').textContent.includes(text)", arg=text
    )


def output(page, name: str) -> str:
    return page.locator(f"[data-slider='{name}'] output").text_content()


def test_a_drop_down_works_by_keyboard_moves_its_sliders_and_comes_back(open_page):
    page = open_page()
    select = page.get_by_label("Scope", exact=True)
    before = output(page, "scope.numerical_aperture")
    assert "EWL" in output(page, "focus_um")
    select.focus()
    page.keyboard.press("ArrowDown")
    says(page, "aperture 0.5,")
    assert select.input_value() == "GRIN lens" and output(page, "scope.numerical_aperture") == "0.5"
    assert output(page, "focus_um") == "90 µm · no electronic lens"
    page.get_by_label("Numerical aperture", exact=True).press("ArrowLeft")
    says(page, "aperture 0.49,")
    page.get_by_role("button", name="Reset Scope to UCLA V4").click()
    says(page, f"aperture {before},")
    assert select.input_value() == "UCLA V4" and output(page, "scope.numerical_aperture") == before


def test_a_tick_box_holds_the_slider_that_its_rule_decides(open_page):
    page = open_page()
    depth = page.get_by_label("Depth of the cell", exact=True)
    depth.press("ArrowRight")
    says(page, "focus 90, aperture 0.33, LED 0.4, cell 91.")
    page.get_by_label("Focus follows the cell", exact=True).press("Space")
    says(page, "focus 91,")
    focus = page.locator("[data-slider=focus_um] input")
    assert focus.is_disabled() and "Focus follows the cell" in focus.get_attribute("title")
    depth.press("ArrowRight")
    says(page, "focus 92,")
    page.wait_for_function(
        "() => document.querySelector('[data-slider=focus_um] output').textContent.startsWith('92')"
    )
    page.get_by_text("More").click()
    page.get_by_label("Exposure", exact=True).press("Home")
    page.get_by_label("Hold the brightness", exact=True).check()
    says(page, "The LED is at its limit of 10 mW")
    page.locator("[data-action=reset]").click()
    says(page, "focus 90, aperture 0.33, LED 0.4, cell 90.")
    assert focus.is_enabled() and not page.get_by_label("Focus follows the cell", exact=True).is_checked()


def test_a_link_carries_drop_downs_ticks_and_places(open_page):
    values = {"choice.scope": "GRIN lens", "scope.numerical_aperture": 0.5, "tick.focus_follows_cell": True,
              "cells.positions_um.0.0": 133}  # fmt: skip
    page = open_page("#controls=" + quote(json.dumps({"values": values})))
    says(page, "focus 133, aperture 0.5, LED 0.4, cell 133.")
    assert page.get_by_label("Scope", exact=True).input_value() == "GRIN lens"
    for bad in ({"choice.scope": "V5"}, {"tick.focus_follows_cell": 1}, {"focus_um": "90"}):
        page = open_page("#controls=" + quote(json.dumps({"values": bad})))
        assert "left out" in page.locator(".mg-notice").text_content()
        says(page, "focus 90, aperture 0.33, LED 0.4, cell 90.")


def test_a_side_with_its_own_range_is_brightened_and_says_so(open_page):
    page = open_page()
    ranges = page.locator(".mg-range").text_content()
    assert "left black" in ranges and "; right black" in ranges
    left = page.locator("[data-panel=left] .mg-title:visible").text_content()
    assert left.startswith("Near focus (brightened × ")
    peaks = page.evaluate(
        """() => [...document.querySelectorAll("canvas[data-side]")].map(c => Math.max(
        ...c.getContext("2d").getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 0)))"""
    )
    assert peaks == [255, 255]  # the left one holds half the counts
    assert page.locator("[data-choice=difference]").count() == 0
    page.locator("[data-choice=wipe]").check()
    assert "brightened ×" in page.locator(".mg-both").text_content()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_all_controls_are_accessible_and_fit(open_page, width, scheme):
    page = open_page(width=width, scheme=scheme)
    page.get_by_text("More").click()
    page.get_by_label("Focus follows the cell", exact=True).check()
    page.wait_for_timeout(500)
    found = Axe().run(page).response["violations"]
    grave = [
        v for v in found if v["impact"] in ("serious", "critical") and ".mg" in str(v["nodes"][0]["target"])
    ]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in grave] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in page.locator(".mg-side :is(input, select, button)").all():
        assert control.get_attribute("title") or control.locator("xpath=ancestor::*[@title]").count()
