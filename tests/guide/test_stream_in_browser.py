"""The wire in a real browser, before the real engine: flips without a kernel, cancelling, links, copies."""

import contextlib
import json
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import minisim_core as ms
from small_site import voila

HERE = Path(__file__).parent
SMALL = {"field_um": 60, "duration_s": 1, "sensor": {"bit_depth": 10, "gain": 3.5}}
SWITCHES = ("out_of_focus", "neuropil", "vessels", "noise")

CELL = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import minisim_core as ms, stuck_engine
from minisim_guide import Figure, Panel, Slider
ms.simulate = stuck_engine.simulate
figure = Figure(
    ms.presets.get("guide", **{SMALL!r}), name="small",
    left=Panel("Near focus", off=("out_of_focus",)), right=Panel("Everything"),
    switches={SWITCHES!r}, sliders=(Slider("focus_um", 20, 250),), says="out_of_focus",
)
figure
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, chromium):
    """A Voila that serves one small figure: its address, and its process."""
    with voila(tmp_path_factory.mktemp("pages"), {"small": CELL}) as (address, process):
        yield address("small"), process


@pytest.fixture
def open_page(browser, site):
    """Open the page in a context of its own, perhaps with a link; script errors fail the test."""
    contexts, errors = [], []

    def open_(fragment: str = ""):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site[0] + fragment)
        page.wait_for_selector(".mg[data-version]", timeout=60_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def limits(page) -> tuple[int, int]:
    text = page.text_content(".mg-range").replace(",", " ").split()
    return int(text[text.index("black") + 1]), int(text[text.index("white") + 1])


def pixels(page, side: str) -> np.ndarray:
    """The grey values on a canvas, as the browser holds them."""
    values, height, width = page.evaluate(
        """side => { const c = document.querySelector(`canvas[data-side=${side}]`);
        return [[...c.getContext("2d").getImageData(0, 0, c.width, c.height).data], c.height, c.width] }""",
        side,
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., 0]


def expected(page, side: str, off=(), frame: int = 0, **changes) -> np.ndarray:
    """The grey values that the browser should show, from the engine in this process."""
    fixed = ("out_of_focus",) if side == "left" else ()
    experiment = ms.presets.get("guide", **SMALL).with_(off=(*off, *fixed), **changes)
    counts = ms.simulate(experiment).frames[frame].astype(float)
    low, high = limits(page)
    return np.floor(255 * np.clip((counts - low) / (high - low), 0, 1) + 0.5).astype(np.uint8)


def agrees(page, **state) -> None:
    for side in ("left", "right"):
        np.testing.assert_array_equal(pixels(page, side), expected(page, side, **state))


def becomes(page, **state) -> None:
    """Wait until the picture is the one of this state, which then stays."""
    for _ in range(100):
        with contextlib.suppress(AssertionError):
            agrees(page, **state)
            break
        page.wait_for_timeout(100)
    agrees(page, **state)


def ready(page) -> None:
    """Wait for all views and the whole movie."""
    page.wait_for_function(
        """() => document.querySelector('.mg').dataset.views === '16'
        && document.querySelector('[data-scrub]').style.getPropertyValue('--have') === '100%'"""
    )


def move(page, position: float) -> None:
    page.locator("[data-slider='focus_um'] input").evaluate(
        "(n, v) => { n.value = v; n.dispatchEvent(new Event('input', { bubbles: true })) }", str(position)
    )


@contextlib.contextmanager
def stopped(site):
    """Hold every kernel still: nothing but the browser can answer."""
    kernels = [p for p in site[1].children(recursive=True) if "ipykernel_launcher" in p.cmdline()]
    assert kernels
    for kernel in kernels:
        kernel.suspend()
    try:
        yield
    finally:
        for kernel in kernels:
            kernel.resume()


FLIP = """name => new Promise((done) => {
  const input = document.querySelector(`[data-switch=${name}] input`);
  const canvas = document.querySelector("canvas[data-side=right]"), start = performance.now();
  input.click();
  done(performance.now() - start);
})"""


def test_flips_need_no_kernel_and_show_the_engine_s_counts(open_page, site):
    page = open_page()
    ready(page)
    off: set[str] = set()
    took = []
    with stopped(site):
        for name in ("neuropil", "noise", "vessels", "out_of_focus", "noise", "neuropil"):
            took.append(page.evaluate(FLIP, name))
            off ^= {name}
            agrees(page, off=tuple(off))
    print("flips took", [f"{t:.1f} ms" for t in took])
    assert min(took) < 16
    # The kernel wakes up, and what it sends is what is already shown; then the movie follows.
    page.wait_for_function("() => +document.querySelector('.mg').dataset.version > 0")
    agrees(page, off=tuple(off))
    ready(page)
    page.locator("[data-scrub]").fill("12")
    agrees(page, off=tuple(off), frame=12)


def test_fitting_the_range_before_the_frame_has_come_is_no_error(open_page, site):
    page = open_page()
    ready(page)
    page.locator("[data-choice=difference]").click()
    with stopped(site):
        page.evaluate(FLIP, "noise")  # of the other frames nothing is here now
        page.locator("[data-scrub]").fill("7")
        assert page.get_attribute(".mg", "data-frame") == "0", "the last picture stands"
        page.locator("[data-action=fit]").first.dispatch_event("click")
    page.wait_for_function("() => +document.querySelector('.mg').dataset.version > 0")
    ready(page)


def test_a_flip_after_a_slider_waits_for_the_kernel_and_is_right_in_the_end(open_page):
    page = open_page()
    ready(page)
    move(page, 130)
    page.click("[data-switch=noise]")
    becomes(page, off=("noise",), focus_um=130)


def test_cancel_brings_the_last_good_picture_and_its_controls_back(open_page):
    page = open_page()
    ready(page)
    move(page, 120)
    page.wait_for_selector(".mg[data-version='1']")
    move(page, 200)  # takes a minute
    page.wait_for_selector("[data-action=cancel]:visible")
    took = page.evaluate(
        """() => new Promise((done) => {
          const start = performance.now(), notice = document.querySelector(".mg-notice");
          new MutationObserver(() => { if (!notice.hidden) done(performance.now() - start); })
            .observe(notice, { attributes: true });
          document.querySelector("[data-action=cancel]").click();
        })"""
    )
    print(f"cancelled after {took:.0f} ms")
    assert took < 200
    assert page.text_content("[data-slider=focus_um] output") == "120 µm"
    assert "Cancelled" in page.text_content(".mg-notice")
    assert page.is_hidden(".mg-error")
    agrees(page, focus_um=120)
    move(page, 60)
    page.wait_for_function("() => document.querySelector('.mg-notice').hidden")
    becomes(page, focus_um=60)


def test_a_new_seed_is_another_scene_with_the_same_settings(open_page):
    page = open_page()
    move(page, 100)
    page.wait_for_selector(".mg[data-version='1']")
    page.click("[data-action=seed]")
    page.wait_for_selector(".mg[data-version='2']")
    agrees(page, focus_um=100, seed=1)


def copied(page, what: str) -> str:
    """Press a copy button in a browser without a clipboard and read what is shown instead."""
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.click(".mg-menu summary")
    page.click(f"[data-action=copy-{what}]")
    text = page.locator("dialog textarea").input_value()
    page.click("dialog button")
    return text


def test_what_is_copied_makes_the_same_recording(open_page):
    page = open_page()
    move(page, 100)
    page.click("[data-switch=vessels]")
    page.wait_for_function("() => +document.querySelector('.mg').dataset.version >= 1")
    made: dict = {}
    exec(copied(page, "python"), made)
    wanted = ms.presets.get("guide", **SMALL, focus_um=100, off=("vessels",))
    assert made["exp"] == wanted
    assert made["left"].experiment == wanted.with_(off=("out_of_focus", "vessels"))


def test_the_json_is_the_experiment(open_page):
    assert ms.Experiment.from_json(copied(open_page(), "json")) == ms.presets.get("guide", **SMALL)


def test_a_link_brings_everything_back(open_page):
    page = open_page()
    ready(page)
    move(page, 140)
    page.click("[data-switch=neuropil]")
    page.click("[data-action=seed]")
    page.locator("[data-scrub]").fill("7")
    page.wait_for_function("() => +document.querySelector('.mg').dataset.version >= 2")
    link = copied(page, "link")
    assert "#small=" in link
    again = open_page(link[link.index("#") :])
    becomes(again, off=("neuropil",), frame=7, focus_um=140, seed=1)
    assert again.text_content("[data-slider=focus_um] output") == "140 µm"
    assert copied(again, "link") == link
    assert copied(open_page(), "link").endswith("#small=" + quote("{}"))


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("#small=%7Bnot json", "damaged"),
        ("#small=" + quote(json.dumps([1])), "damaged"),
        ("#small=" + quote(json.dumps({"values": {"motion.stride_um": 3}})), "left out"),
        (
            "#small=" + quote(json.dumps({"off": "noise", "pixel": [1, 2.5], "frame": -3, "zzz": 1})),
            "left out",
        ),
        ("#another=" + quote("{}"), ""),
        ("#why", ""),
    ],
)
def test_a_damaged_or_foreign_link_opens_the_page_as_always(open_page, fragment, said):
    page = open_page(fragment)
    agrees(page)
    text = page.text_content(".mg-notice")
    assert said in text if said else text == ""


def test_a_link_s_values_are_judged_by_the_engine(open_page):
    page = open_page("#small=" + quote(json.dumps({"values": {"focus_um": 4000}})))
    page.wait_for_selector(".mg-error:visible")
    assert re.search(r"focus_um = 4000", page.text_content(".mg-error"))
    move(page, 60)
    page.wait_for_selector(".mg-error", state="hidden")
    agrees(page, focus_um=60)
