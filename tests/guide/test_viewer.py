"""The figure in a real browser, before a stand-in engine: every control, key and mode."""

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe

import fake_engine
import minisim_core as ms

HERE = Path(__file__).parent

CELL = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import fake_engine, minisim_core as ms
from minisim_guide import Figure, Panel, Slider, plots
log = fake_engine.Log(delay_s=DELAY)
ms.simulate = log.simulate
plots.SENTENCES["log"] = lambda sight: (
    f"{{log.calls}} calls, {{log.most}} at once, frame {{sight.frame}}, {{sight.pixel}}"
)
plots.PLOTS["line"] = lambda sight: {{
    "kind": "lines", "title": "A plot", "x": {{"label": "x", "limits": [0, 9]}},
    "y": {{"label": "y", "limits": [0, 10]}}, "marks": [{{"x": 4, "label": "here"}}],
    "series": [{{"name": "a", "x": [0, 9], "y": [1, 9]}},
               {{"name": "b", "x": [0, 9], "y": [2, 2], "dash": True}}],
    "summary": "Two lines.",
}}
figure = Figure(
    "guide", left=Panel("Near focus", off=("out_of_focus",)), right=Panel("Everything"),
    switches=("out_of_focus", "neuropil"), says="log", plots=("line",),
    sliders=("focus_um", Slider("cells.density_per_mm3", 2e3, 6e4), Slider("cells.depth_range_um", 0, 300)),
)
figure
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory, chromium):
    """The address of a Voila that serves two small pages: a quick engine and one of 40 ms a picture."""
    folder = tmp_path_factory.mktemp("pages")
    for name, delay in (("quick", 0.0), ("slow", 0.02)):
        cell = nbformat.v4.new_code_cell(CELL.replace("DELAY", str(delay)))
        notebook = nbformat.v4.new_notebook(cells=[cell])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
    (folder / "voila.json").write_text(
        '{"VoilaConfiguration": {"extension_allowlist": '
        '["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]}}'
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}", "."]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(command, cwd=folder, stderr=log)
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield lambda name: f"http://127.0.0.1:{port}/voila/render/{name}.ipynb"
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()


@pytest.fixture
def open_page(browser, address):
    """Open a page in a context of its own; the page must stay free of script errors."""
    contexts, errors = [], []

    def open_(name="quick", motion="reduce", width=1280):
        context = browser.new_context(viewport={"width": width, "height": 800}, reduced_motion=motion)
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


def pixels(page, side="right") -> np.ndarray:
    """The grey values on a canvas, as the browser holds them."""
    values = page.evaluate(
        """side => { const c = document.querySelector(`canvas[data-side=${side}]`);
        return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data] }""",
        side,
    )
    return np.array(values, np.uint8).reshape(fake_engine.SIZE, fake_engine.SIZE, 4)[..., 0]


def expected(focus_um: float, frame: int, limits, side="right") -> np.ndarray:
    """The grey values that the browser should show."""
    log = fake_engine.Log()
    off = ("out_of_focus",) if side == "left" else ()
    experiment = ms.presets.get("guide", focus_um=focus_um, off=off)
    counts = log.simulate(experiment).frames[frame].astype(float)
    low, high = limits
    return np.floor(255 * np.clip((counts - low) / (high - low), 0, 1) + 0.5).astype(np.uint8)


def limits(page) -> tuple[int, int]:
    text = page.text_content(".mg-range").replace(",", " ").split()
    return int(text[text.index("black") + 1]), int(text[text.index("white") + 1])


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
    page.click("[data-action=reset]")
    page.wait_for_selector(".mg[data-version='5'][data-mode=pair]")
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
    box = page.locator("canvas[data-side=right]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=5)
    page.mouse.up()
    np.testing.assert_array_equal(pixels(page), np.where(np.arange(24) < 18, *both))
    page.focus("[data-wipe]")
    page.keyboard.press("Home")
    np.testing.assert_array_equal(pixels(page), both[1])
    page.check("[data-choice=right]")
    np.testing.assert_array_equal(pixels(page), both[1])


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
    said = f"x 13 µm, y −10 µm: left {left} counts ≈ {electrons[0]} e⁻, right {right} counts ≈ {electrons[1]} e⁻"
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
    for mode in ("wipe", "pair"):
        page.check(f"[data-choice={mode}]")
        found = Axe().run(page, context=".mg").response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    page.click(".mg-display summary")
    over = "() => { const n = document.querySelector('.mg'); return n.scrollWidth - n.clientWidth }"
    assert page.evaluate(over) <= 0
