"""The figure in a real browser, before a stand-in engine: every control, key and mode."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

import fake_engine
import minisim_core as ms
from small_site import voila

HERE = Path(__file__).parent

CELL = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import fake_engine, minisim_core as ms
from minisim_guide import Choice, Figure, Panel, Slider, plots
log = fake_engine.Log(delay_s=DELAY)
ms.simulate = log.simulate
plots.SENTENCES["log"] = lambda sight: (
    f"{{log.calls}} calls, {{log.most}} at once, frame {{sight.frame}}, {{sight.pixel}}, {{sight.roi}}"
)
plots.PLOTS["line"] = lambda sight: {{
    "kind": "lines", "title": "A plot", "x": {{"label": "x", "limits": [0, 9]}},
    "y": {{"label": "y", "limits": [0, 10]}}, "marks": [{{"x": 4, "label": "here"}}],
    "series": [{{"name": "a", "x": [0, 9], "y": [1, 9]}},
               {{"name": "b", "x": [0, 9], "y": [2, 2], "dash": True}}],
    "summary": "Two lines.",
}}
figure = Figure(
    ms.presets.get("guide", sensor={{"bit_depth": BITS}}),
    left=Panel("Near focus", off=("out_of_focus",)), right=Panel("Everything"),
    switches=("out_of_focus", "neuropil"), says="log", plots=("line",),
    sliders=("focus_um", Slider("cells.density_per_mm3", 2e3, 6e4), Slider("cells.depth_range_um", 0, 300)),
    more=(Choice("Bits", {{f"{{n}} bits": {{"sensor.bit_depth": n}} for n in (10, 8, 12)}}),) * (BITS > 8),
)
figure
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory, chromium):
    """The address of a Voila with small pages: a quick engine, one of 40 ms a picture, one of 10 bits."""
    kinds = {"quick": (0.0, 8), "slow": (0.04, 8), "deep": (0.0, 10)}
    cells = {
        name: CELL.replace("DELAY", str(delay)).replace("BITS", str(bits))
        for name, (delay, bits) in kinds.items()
    }
    with voila(tmp_path_factory.mktemp("pages"), cells) as (address, _):
        yield address


@pytest.fixture
def open_page(browser, address):
    """Open a page in a context of its own; the page must stay free of script errors."""
    contexts, errors = [], []

    def open_(name="quick", motion="reduce", width=1280, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, reduced_motion=motion, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address(name))
        page.wait_for_selector(".mg[data-version]", timeout=30_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def colours(page, side="right") -> np.ndarray:
    """The red, green and blue on a canvas, as the browser holds them."""
    values = page.evaluate(
        """side => { const c = document.querySelector(`canvas[data-side=${side}]`);
        return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data] }""",
        side,
    )
    return np.array(values, np.uint8).reshape(fake_engine.SIZE, fake_engine.SIZE, 4)[..., :3]


def pixels(page, side="right") -> np.ndarray:
    """The grey values on a canvas."""
    return colours(page, side)[..., 0]


def counted(focus_um: float, frame: int = 0, side="right", bits: int = 8) -> np.ndarray:
    """The counts that the stand-in engine makes."""
    off = ("out_of_focus",) if side == "left" else ()
    experiment = ms.presets.get("guide", focus_um=focus_um, off=off, sensor={"bit_depth": bits})
    return fake_engine.Log().simulate(experiment).frames[frame].astype(float)


def shades(counts, limits, stops=((0, 0, 0), (255, 255, 255))) -> np.ndarray:
    """The colours of counts between two limits."""
    low, high = limits
    at = np.clip((counts - low) / (high - low), 0, 1) * (len(stops) - 1)
    bands = [np.interp(at, np.arange(len(stops)), band) for band in np.transpose(stops)]
    return np.floor(np.stack(bands, axis=-1) + 0.5).astype(np.uint8)


def expected(focus_um: float, frame: int, limits, side="right", bits: int = 8) -> np.ndarray:
    """The grey values that the browser should show."""
    return shades(counted(focus_um, frame, side, bits), limits)[..., 0]


def near(page, side: str, y: float, x: float) -> tuple[float, float]:
    """A place on the screen, from parts of a picture's frame."""
    box = page.locator(f"[data-panel={side}] .mg-frame").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag_over(page, side: str, start, end) -> None:
    """Drag with the mouse between two parts of a frame."""
    page.mouse.move(*near(page, side, *start))
    page.mouse.down()
    page.mouse.move(*near(page, side, *end), steps=5)
    page.mouse.up()


def under(page) -> str:
    """What is read under the pointer."""
    return page.locator(".mg-readout div").first.text_content()


def marked(page) -> str:
    """What is read at the mark."""
    return page.locator(".mg-readout div").last.text_content()


def heard(page, text: str) -> None:
    """Wait until the kernel has heard of something."""
    page.wait_for_function("text => document.querySelector('.mg-says').textContent.includes(text)", arg=text)


def roi_mean(counts: np.ndarray, roi) -> float:
    """The mean over the ellipse in a box, by its definition."""
    top, left, bottom, right = roi
    rows, columns = (np.arange(fake_engine.SIZE) + 0.5 for _ in range(2))
    y, x = (2 * rows - top - bottom) / (bottom - top), (2 * columns - left - right) / (right - left)
    return float(counts[y[:, None] ** 2 + x**2 <= 1].mean())


def limits(page) -> tuple[int, int]:
    low, high = re.search(r"black ([\d,]+), white ([\d,]+) counts", page.text_content(".mg-range")).groups()
    return int(low.replace(",", "")), int(high.replace(",", ""))


def version(page) -> int:
    return int(page.get_attribute(".mg", "data-version"))


def move(page, name: str, position: float, index: int = 0) -> None:
    """Move a slider as a hand does: a value, and the event of it."""
    page.locator(f"[data-slider='{name}'] input").nth(index).evaluate(
        "(n, v) => { n.value = v; n.dispatchEvent(new Event('input', { bubbles: true })) }", str(position)
    )


def buffered(page) -> None:
    page.wait_for_function(
        "() => document.querySelector('[data-scrub]').style.getPropertyValue('--have') === '100%'"
    )


def test_the_canvas_holds_the_engine_s_counts(open_page):
    page = open_page()
    for side in ("left", "right"):
        np.testing.assert_array_equal(pixels(page, side), expected(90, 0, limits(page), side))
    assert page.locator("canvas[role=img]").count() == 2
    assert "Everything" in page.get_attribute("canvas[data-side=right]", "aria-label")


def test_a_fast_drag_ends_on_the_last_value(open_page):
    page = open_page("slow")
    at_rest = page.evaluate(
        """async () => {
          const input = document.querySelector("[data-slider=focus_um] input");
          const root = document.querySelector(".mg");
          let painted = 0;
          new MutationObserver(() => { painted = performance.now(); })
            .observe(root, { attributes: true, attributeFilter: ["data-version"] });
          const start = performance.now();
          for (let i = 0; i < 150; i++) {
            input.value = 20 + i;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            const rest = start + 10 * (i + 1) - performance.now();
            await new Promise((done) => setTimeout(done, Math.max(0, rest)));
          }
          const released = performance.now();
          await new Promise((done) => setTimeout(done, 1000));
          return painted - released;
        }"""
    )
    assert at_rest < 300
    np.testing.assert_array_equal(pixels(page), expected(169, 0, limits(page)))
    page.wait_for_timeout(300)
    said = page.text_content(".mg-says")
    assert "1 at once" in said
    print(f"last picture {at_rest:.0f} ms after the last event; {said}")


def test_every_slider_and_switch_reaches_the_picture_and_reset_undoes_them(open_page):
    page = open_page()
    before = pixels(page)
    move(page, "focus_um", 140)
    page.wait_for_selector(".mg[data-version='1']")
    np.testing.assert_array_equal(pixels(page), expected(140, 0, limits(page)))
    assert page.text_content("[data-slider=focus_um] output") == "140 µm"
    page.click("[data-switch=out_of_focus]")
    page.wait_for_selector(".mg[data-version='2']")
    np.testing.assert_array_equal(pixels(page), pixels(page, "left"))
    move(page, "cells.depth_range_um", 260, index=0)
    page.wait_for_selector(".mg[data-version='3']")
    assert page.text_content("[data-slider='cells.depth_range_um'] output") == "260 to 260 µm"
    move(page, "cells.density_per_mm3", 200)
    page.wait_for_selector(".mg[data-version='4']")
    assert page.text_content("[data-slider='cells.density_per_mm3'] output") == "60,000 /mm³"
    page.check("[data-choice=wipe]")
    drag_over(page, "right", (0.2, 0.2), (0.4, 0.4))
    page.click("[data-action=zoom-in]")
    page.click("[data-action=reset]")
    page.wait_for_selector(".mg[data-version='5'][data-mode=pair]")
    assert page.locator(".mg-roi:visible").count() == 0
    assert page.text_content(".mg-zoomed") == "1×"
    np.testing.assert_array_equal(pixels(page), before)
    assert page.locator(".mg-undo:visible").count() == 0


def test_one_slider_can_go_back_alone(open_page):
    page = open_page()
    move(page, "focus_um", 140)
    page.wait_for_selector(".mg[data-version='1']")
    page.click("[data-slider=focus_um] .mg-undo")
    page.wait_for_selector(".mg[data-version='2']")
    np.testing.assert_array_equal(pixels(page), expected(90, 0, limits(page)))


def test_playing_scrubbing_and_stepping_need_no_kernel_and_show_true_frames(open_page):
    page = open_page()
    buffered(page)
    page.click("[data-action=play]")
    page.wait_for_function("() => +document.querySelector('.mg').dataset.frame > 3")
    page.click("[data-action=play]")
    frame = int(page.get_attribute(".mg", "data-frame"))
    np.testing.assert_array_equal(pixels(page), expected(90, frame, limits(page)))
    page.wait_for_timeout(300)
    assert int(page.get_attribute(".mg", "data-frame")) == frame
    assert f"frame {frame}" in page.text_content(".mg-says")
    page.click("[data-action=next]")
    assert int(page.get_attribute(".mg", "data-frame")) == frame + 1
    page.locator("[data-scrub]").fill("12")
    np.testing.assert_array_equal(pixels(page), expected(90, 12, limits(page)))


def test_keys_play_step_and_mark(open_page):
    page = open_page()
    buffered(page)
    page.focus(".mg-stage")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute(".mg", "data-frame") == "1"
    page.keyboard.press("End")
    assert page.get_attribute(".mg", "data-frame") == str(fake_engine.COUNT - 1)
    page.keyboard.press("Space")
    assert page.get_attribute("[data-action=play]", "aria-label") == "Pause"
    page.keyboard.press("Space")
    assert page.get_attribute("[data-action=play]", "aria-label") == "Play"
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_function("() => document.querySelector('.mg-says').textContent.includes('(13, 12)')")
    page.focus("[data-slider=focus_um] input")
    page.keyboard.press("ArrowRight")
    assert page.text_content("[data-slider=focus_um] output") == "91 µm"
    page.keyboard.press("Home")
    assert page.text_content("[data-slider=focus_um] output") == "0 µm"


def test_the_wipe_shows_left_and_right_of_its_divider(open_page):
    page = open_page()
    page.check("[data-choice=wipe]")
    assert not page.is_visible("canvas[data-side=left]")
    both = [expected(90, 0, limits(page), side) for side in ("left", "right")]
    np.testing.assert_array_equal(pixels(page), np.where(np.arange(24) < 12, *both))
    # The handle is wide: 12 px beside the line still take hold of it, and no region is drawn.
    x, y = near(page, "right", 0.2, 0.5)
    page.mouse.move(x + 12, y)
    page.mouse.down()
    page.mouse.move(*near(page, "right", 0.2, 0.75), steps=5)
    page.mouse.up()
    np.testing.assert_array_equal(pixels(page), np.where(np.arange(24) < 18, *both))
    assert page.locator(".mg-roi:visible").count() == 0
    page.focus("[data-wipe]")
    page.keyboard.press("Home")
    np.testing.assert_array_equal(pixels(page), both[1])
    page.keyboard.press("End")
    np.testing.assert_array_equal(pixels(page), both[0])
    # Zoomed in, the divider stays where it is on the screen: here at the picture's middle.
    page.locator("[data-wipe]").fill("50")
    page.mouse.move(0, 0)
    page.focus(".mg-stage")
    for _ in range(3):
        page.keyboard.press("+")
    np.testing.assert_array_equal(pixels(page), np.where(np.arange(24) < 12, *both))
    page.locator("[data-wipe]").fill("100")
    zoom = 24 / 12
    edge = round(24 * (0.5 + 0.5 / zoom))
    np.testing.assert_array_equal(pixels(page), np.where(np.arange(24) < edge, *both))


DIVERGING = (176, 219, 255), (40, 116, 196), (0, 0, 0), (200, 92, 14), (255, 214, 150)


@pytest.mark.parametrize(("name", "bits"), [("quick", 8), ("deep", 10)])
def test_each_mode_shows_exactly_its_counts(open_page, name, bits):
    page = open_page(name)
    left, right = (counted(90, 0, side, bits) for side in ("left", "right"))
    for mode, shown, counts in (("pair", "left", left), ("left", "left", left), ("right", "right", right)):
        page.check(f"[data-choice={mode}]")
        np.testing.assert_array_equal(colours(page, shown), shades(counts, limits(page)))
    page.check("[data-choice=difference]")
    span = int(page.text_content(".mg-range").split("+")[1].split()[0].replace(",", ""))
    assert np.mean(np.abs(right - left) > span) <= 0.004 < np.mean(np.abs(right - left) >= 0.98 * span) + 0.05
    np.testing.assert_array_equal(colours(page), shades(right - left, (-span, span), DIVERGING))
    # The range of the difference is the reader's too, and stays when the picture changes.
    page.click(".mg-display summary")
    page.locator("[data-range=span]").fill("40")
    move(page, "focus_um", 130)
    page.wait_for_selector(".mg[data-version='1']")
    left, right = (counted(130, 0, side, bits) for side in ("left", "right"))
    np.testing.assert_array_equal(colours(page), shades(right - left, (-40, 40), DIVERGING))
    page.check("[data-choice=pair]")
    for colour, stops in (
        ("viridis", ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))),
        ("green", ((0, 0, 0), (0, 74, 38), (18, 160, 72), (140, 226, 130), (250, 255, 240))),
    ):
        page.check(f"[data-choice={colour}]")
        np.testing.assert_array_equal(colours(page), shades(right, limits(page), stops))


def test_zoom_stays_under_the_pointer_and_both_pictures_follow(open_page):
    page = open_page()
    spot = 0.3, 0.7
    page.mouse.move(*near(page, "left", *spot))
    before = under(page)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -30)
    page.keyboard.up("Control")
    page.mouse.move(*near(page, "left", *spot))
    assert under(page) == before
    assert page.text_content(".mg-zoomed") == "1.3×"
    zoom = np.exp(0.3)
    page.mouse.move(*near(page, "left", 0.9, 0.1))
    row, column = (int(24 * (part + (at - part) / zoom)) for part, at in zip(spot, (0.9, 0.1), strict=True))
    um = [round((at - 11.5) * 1.5 + 1e-9) for at in (column, row)]
    assert under(page).startswith(f"x {um[0]} µm, y {um[1]} µm:".replace("-", "−"))
    worlds = [page.locator(f"[data-panel={side}] .mg-world").bounding_box() for side in ("left", "right")]
    assert worlds[0]["width"] == pytest.approx(worlds[1]["width"])
    assert worlds[0]["width"] == pytest.approx(
        zoom * page.locator("[data-panel=left] .mg-frame").bounding_box()["width"], rel=1e-3
    )
    # The pixel goes with the hand that moves the picture; plain dragging draws, it does not move.
    page.mouse.move(*near(page, "right", 0.5, 0.5))
    middle = under(page)
    page.keyboard.down("Shift")
    drag_over(page, "right", (0.5, 0.5), (0.55, 0.45))
    page.keyboard.up("Shift")
    assert under(page) == middle
    assert page.locator(".mg-roi:visible").count() == 0
    page.click("[data-action=zoom-fit]")
    assert page.text_content(".mg-zoomed") == "1×"


def test_a_plain_wheel_scrolls_the_page(open_page):
    page = open_page()
    page.set_viewport_size({"width": 1280, "height": 400})
    page.mouse.move(*near(page, "left", 0.3, 0.5))
    page.mouse.wheel(0, 120)
    page.wait_for_function("() => [document, ...document.querySelectorAll('*')].some(n => n.scrollTop > 0)")
    assert page.text_content(".mg-zoomed") == "1×"


def test_keys_zoom_and_the_view_follows_the_mark(open_page):
    page = open_page()
    page.focus(".mg-stage")
    page.keyboard.press("+")
    assert page.text_content(".mg-zoomed") == "1.5×"
    assert page.locator(".mg-scalebar span").first.text_content() == "5 µm"
    page.keyboard.press("-")
    assert page.text_content(".mg-zoomed") == "1×"
    for _ in range(5):
        page.keyboard.press("=")
    assert page.text_content(".mg-zoomed") == "2×"  # 12 pixels across: no further
    assert page.is_disabled("[data-action=zoom-in]")
    for _ in range(11):
        page.keyboard.press("Shift+ArrowRight")
    heard(page, "(12, 23)")
    pin = page.locator("[data-panel=left] .mg-pin").bounding_box()
    frame = page.locator("[data-panel=left] .mg-frame").bounding_box()
    assert frame["x"] + frame["width"] / 2 < pin["x"] < frame["x"] + frame["width"]
    page.keyboard.press("0")
    assert page.text_content(".mg-zoomed") == "1×"


def test_a_region_is_drawn_moved_grown_and_cleared(open_page):
    page = open_page()
    drag_over(page, "left", (6 / 24, 4 / 24), (14 / 24, 16 / 24))
    heard(page, "(10, 10), (6.")
    roi = page.evaluate(
        """() => { const s = document.querySelector('[data-panel=left] .mg-roi').style;
        return ['top', 'left', 'height', 'width'].map(n => parseFloat(s[n]) * 0.24) }"""
    )
    box = roi[0], roi[1], roi[0] + roi[2], roi[1] + roi[3]
    assert box == pytest.approx((6, 4, 14, 16), abs=0.15)
    means = [roi_mean(counted(90, 0, side), box) for side in ("left", "right")]
    assert f"left {means[0]:.1f}".removesuffix(".0") in marked(page)
    assert f"right {means[1]:.1f}".removesuffix(".0") in marked(page)
    assert page.locator(".mg-roi:visible").count() == 2
    assert page.locator(".mg-pin:visible").count() == 0
    drag_over(page, "right", (10 / 24, 10 / 24), (12 / 24, 13 / 24))  # from inside: it moves
    heard(page, "(12, 13), (8.")
    page.focus(".mg-stage")
    page.keyboard.press("]")
    assert [int(n) for n in re.findall(r"\d+", marked(page))[:2]] == pytest.approx([22.5, 15], abs=1)
    page.keyboard.press("[")
    assert [int(n) for n in re.findall(r"\d+", marked(page))[:2]] == pytest.approx([18, 12], abs=1)
    page.keyboard.press("Shift+ArrowUp")
    heard(page, "(11, 13), (7.")
    page.keyboard.press("Escape")
    heard(page, "(), ()")
    assert page.locator(".mg-roi:visible").count() == 0
    page.mouse.click(*near(page, "left", 8.5 / 24, 9.5 / 24))
    page.keyboard.press("r")
    heard(page, "(8, 9), (4.5, 5.5, 12.5, 13.5)")
    assert page.get_attribute("[data-action=region]", "aria-pressed") == "true"
    page.click("[data-action=region]")
    heard(page, "(8, 9), ()")
    page.wait_for_function(
        "() => document.querySelector('[aria-live]').textContent.includes('Marked x −4 µm')"
    )


STANDS_STILL = """async () => {
  const stage = document.querySelector(".mg-stage");
  let before;
  do { // a flick scrolls on for a while
    stage.scrollIntoView({ block: "center" });
    before = stage.getBoundingClientRect().top;
    await new Promise((done) => setTimeout(done, 300));
  } while (stage.getBoundingClientRect().top !== before);
}"""


class Fingers:
    """Touches as a screen reports them."""

    def __init__(self, page) -> None:
        self.page, self.session = page, page.context.new_cdp_session(page)

    def __call__(self, kind: str, *spots) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(spots)]
        self.session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})


def test_fingers_mark_pinch_draw_and_scroll(open_page):
    page = open_page(width=360, has_touch=True, is_mobile=True)
    page.locator(".mg-stage").scroll_into_view_if_needed()
    touch = Fingers(page)

    def at(y, x):
        return near(page, "right", y, x)

    page.touchscreen.tap(*at(3.5 / 24, 6.5 / 24))
    heard(page, "(3, 6), ()")
    # A finger that moves at once is not drawing.
    touch("Start", at(0.8, 0.2))
    for step in range(1, 6):
        touch("Move", at(0.8 - 0.1 * step, 0.2))
    touch("End")
    assert page.locator(".mg-roi:visible").count() == 0
    page.evaluate(STANDS_STILL)
    # One that rests first is.
    touch("Start", at(0.25, 0.25))
    heard(page, "(6, 6), ()")
    for step in range(1, 6):
        touch("Move", at(0.25 + 0.05 * step, 0.25 + 0.04 * step))
    touch("End")
    heard(page, "(9, 8), (")
    # Two zoom: what was between them stays between them.
    touch("Start", at(0.5, 0.7), at(0.5, 0.8))
    for step in range(1, 6):
        touch("Move", at(0.5, 0.7 - 0.01 * step), at(0.5, 0.8 + 0.01 * step))
    touch("End")
    assert page.text_content(".mg-zoomed") == "2×"
    world = page.locator("[data-panel=right] .mg-world").bounding_box()
    frame = page.locator("[data-panel=right] .mg-frame").bounding_box()
    x, y = at(0.5, 0.75)
    assert (x - world["x"]) / world["width"] == pytest.approx(0.75, abs=0.02)
    assert (y - world["y"]) / world["height"] == pytest.approx(0.5, abs=0.02)
    assert world["width"] == pytest.approx(2 * frame["width"], rel=0.02)


@pytest.mark.parametrize(("name", "bits"), [("quick", 8), ("deep", 10)])
def test_the_histogram_shows_the_pair_and_its_lines_set_the_range(open_page, name, bits):
    page = open_page(name)
    page.click(".mg-display summary")
    page.locator(".mg-ends > :last-child:not(:empty)").wait_for()  # it is drawn once it is open
    top = int(page.locator(".mg-ends > :last-child").text_content().replace(",", ""))
    sides = [counted(90, 0, side, bits) for side in ("left", "right")]
    assert max(side.max() for side in sides) <= top <= 2**bits
    bins = [np.histogram(side, 128, (0, top + 1))[0] for side in sides]
    most = np.log1p(max(map(max, bins)))
    for side, seen in zip(("left", "right"), bins, strict=True):
        path = page.get_attribute(f"path.mg-h-{side}", "d")
        heights = [float(part.split("L")[0].split()[1]) for part in path[1:].split("M")[0].split("L")[::2]]
        np.testing.assert_allclose(heights, 48 - 47 * np.log1p(seen) / most, atol=0.06)
    line = page.locator("[data-limit=high]").bounding_box()
    graph = page.locator(".mg-bins").bounding_box()
    page.mouse.move(line["x"] + line["width"] / 2, line["y"] + 20)
    page.mouse.down()
    page.mouse.move(graph["x"] + 0.9 * graph["width"], line["y"] + 20, steps=4)
    page.mouse.up()
    assert limits(page)[1] == pytest.approx(0.9 * top, abs=top / 200)
    np.testing.assert_array_equal(pixels(page), expected(90, 0, limits(page), bits=bits))
    page.locator("[data-range=low]").fill("30")
    assert limits(page)[0] == 30


def test_over_and_under_exposed_pixels_are_marked_and_counted(open_page):
    page = open_page("deep")
    move(page, "focus_um", 199)
    page.wait_for_selector(".mg[data-version='1']")
    page.click(".mg-display summary")
    page.check("[data-exposed]")
    right = counted(199, 0, bits=10)
    over = right == 1023
    assert 0 < over.sum() < right.size
    found = colours(page)
    assert (found[over] == (255, 92, 0)).all()
    assert not (found[~over] == (255, 92, 0)).all(axis=-1).any()
    assert f"left 0, right {over.sum()} pixels" in page.text_content(".mg-counted")
    move(page, "focus_um", 100)
    page.wait_for_selector(".mg[data-version='2']")
    dark = [counted(100, 0, side, 10) == 0 for side in ("left", "right")]
    assert dark[0].any()
    assert (colours(page, "left")[dark[0]] == (0, 170, 255)).all()
    zero = f"Zero counts: left {dark[0].sum()}, right {dark[1].sum()} pixels"
    assert zero in page.text_content(".mg-counted")
    page.uncheck("[data-exposed]")
    np.testing.assert_array_equal(pixels(page, "left"), expected(100, 0, limits(page), "left", 10))


def test_actions_stand_in_a_quiet_row(open_page):
    page = open_page()
    page.click("[data-action=seed]")
    page.wait_for_selector(".mg[data-version='1']")
    page.click(".mg-menu summary")
    names = [f"[data-action=copy-{what}]" for what in ("python", "link", "json")]
    assert all(page.is_visible(name) for name in names)
    page.keyboard.press("Escape")
    assert not page.is_visible(names[0])
    page.click(".mg-help summary")
    assert "play or pause" in page.text_content(".mg-help")


def test_the_pointer_reads_and_a_click_marks(open_page):
    page = open_page()
    box = page.locator("canvas[data-side=left]").bounding_box()
    at = box["x"] + box["width"] * 20.5 / 24, box["y"] + box["height"] * 5.5 / 24
    page.mouse.move(*at)
    left, right = (
        fake_engine.Log().simulate(ms.presets.get("guide", off=off)).frames[0][5, 20]
        for off in (("out_of_focus",), ())
    )
    electrons = [2 * (int(counts) - 10) for counts in (left, right)]
    said = (
        f"x 13 µm, y −10 µm: left {left} counts ≈ {electrons[0]} e⁻, right {right} counts ≈ {electrons[1]} e⁻"
    )
    assert page.locator(".mg-readout div").first.text_content() == said
    page.mouse.click(*at)
    page.wait_for_function("() => document.querySelector('.mg-says').textContent.includes('(5, 20)')")
    assert page.locator(".mg-pin:visible").count() == 2


def test_the_display_range_changes_only_by_hand(open_page):
    page = open_page()
    opening = limits(page)
    move(page, "focus_um", 190)
    page.wait_for_selector(".mg[data-version='1']")
    assert limits(page) == opening
    page.click(".mg-display summary")
    page.locator("[data-range=high]").fill("200")
    assert limits(page) == (opening[0], 200)
    np.testing.assert_array_equal(pixels(page), expected(190, 0, limits(page)))
    page.locator("[data-range=auto]").check()
    assert limits(page) != (opening[0], 200)
    assert "auto" in page.text_content(".mg-range")
    page.click("[data-action=reset]")
    assert limits(page) == opening
    assert not page.is_checked("[data-range=auto]")


def test_a_refused_value_is_a_sentence_and_the_figure_goes_on(open_page):
    page = open_page()
    page.evaluate("() => { document.querySelector('[data-slider=focus_um] input').max = 5000 }")
    move(page, "focus_um", 4000)
    page.wait_for_selector(".mg-error:visible")
    assert "focus_um = 4000" in page.text_content(".mg-error")
    move(page, "focus_um", 120)
    page.wait_for_selector(".mg-error", state="hidden")
    np.testing.assert_array_equal(pixels(page), expected(120, 0, limits(page)))


def test_it_plays_by_itself_for_five_seconds_unless_motion_is_unwanted(open_page):
    page = open_page(motion="no-preference")
    page.wait_for_selector("[data-action=play][aria-label=Pause]")
    started = time.monotonic()
    page.wait_for_selector("[data-action=play][aria-label=Play]", timeout=8000)
    assert 4 < time.monotonic() - started < 6
    calm = open_page(motion="reduce")
    buffered(calm)
    calm.wait_for_timeout(300)
    assert calm.get_attribute(".mg", "data-frame") == "0"


@pytest.mark.parametrize("width", [1280, 360])
def test_it_is_accessible_and_fits(open_page, width):
    page = open_page(width=width)
    page.click(".mg-display summary")
    page.click("[data-action=region]")
    for mode in ("wipe", "difference", "left", "right", "pair"):
        page.check(f"[data-choice={mode}]")
        found = Axe().run(page, context=".mg").response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        over = "() => { const n = document.querySelector('.mg'); return n.scrollWidth - n.clientWidth }"
        assert page.evaluate(over) <= 0


def test_the_range_goes_with_the_bits_and_the_full_scale_too(open_page):
    page = open_page("deep")
    page.locator(".mg details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    low, high = limits(page)
    for bits, factor in ((12, 4), (8, 1 / 4), (10, 1)):
        before = version(page)
        page.locator("[data-slider='choice.bits'] select").select_option(label=f"{bits} bits")
        page.wait_for_function("v => +document.querySelector('.mg').dataset.version > v", arg=before)
        np.testing.assert_allclose(limits(page), (low * factor, high * factor), atol=0.51 + 2 * (bits == 10))
        assert page.get_attribute("[data-range=high]", "max") == str(2**bits - 1)
    page.check("[data-exposed]")
    assert "Full scale (1023 counts)" in page.text_content(".mg-counted")
