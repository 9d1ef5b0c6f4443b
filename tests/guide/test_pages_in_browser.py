"""Every page as its reader meets it: each opened once, every control moved by the keyboard alone."""

import contextlib
import statistics

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

from minisim_guide import pages

RUNNING = [page.file.stem for page in pages.pages() if page.runs]
WAIT = 60_000
PLOTS_WAIT = 4 * WAIT  # some demix or register whole movies
CONTROLS = ".mg [data-slider] :is(input, select):enabled, .mg [data-switch] input:enabled, .mg [data-stack]"
WATCH = """() => {
  window.latencies = [];
  window.asked = null;
  addEventListener("input", (event) => {
    if (event.target.matches("[data-slider] input[type=range]")) window.asked = event.timeStamp;
  }, true);
  for (const figure of document.querySelectorAll(".mg[data-version]")) {
    const plots = [...figure.querySelectorAll(".mg-plot")];
    figure.plotsMoved = plots.map(() => false);
    plots.forEach((plot, i) => { plot.first = plot.innerHTML; });
    new MutationObserver(() => [...figure.querySelectorAll(".mg-plot")].forEach((plot, i) => {
      if (plot.innerHTML !== plots[i].first) figure.plotsMoved[i] = true;
    })).observe(figure.querySelector(".mg-plots"), { childList: true, subtree: true, attributes: true });
    new MutationObserver(() => requestAnimationFrame(() => {
      if (window.asked !== null) window.latencies.push(performance.now() - window.asked);
      window.asked = null;
    })).observe(figure, { attributes: true, attributeFilter: ["data-version"] });
  }
}"""
PIXELS = """figure => Promise.all([...figure.querySelectorAll("canvas")].map(async (canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [...new Uint8Array(await crypto.subtle.digest("SHA-1", data))].join();
}))"""
VERSION = "figure => figure.dataset.version"
DRAWN = "figure => [...figure.querySelectorAll('.mg-over')].map((over) => over.innerHTML).join()"
# A tick that shows nothing until this has moved.
HOW_OTHERS_ACT = {"tick.hold_brightness": "sensor.exposure_fraction"}
DRAWS = "n => n.closest('fieldset')?.querySelector('legend')?.textContent === 'Draw over the pictures'"
IDLE = "figure => !figure.querySelector('.mg-busy:not([hidden]), .mg-stale')"
UNMOVED = """figure => [...figure.querySelectorAll(".mg-plot")].filter((_, i) => !figure.plotsMoved[i])
  .map((plot) => plot.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def latencies(request):
    """Milliseconds from slider to picture, by page; told at the end of the run."""
    found: dict[str, list[float]] = {}
    yield found
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name, all_ms in found.items():
            last = statistics.quantiles(all_ms, n=20)[-1]
            print(f"\n{name}: slider to picture, median {statistics.median(all_ms):.0f} ms, "
                  f"95 % {last:.0f} ms ({len(all_ms)} moves)", end="")  # fmt: skip


def open_page(page, server, name):
    """Open a page, calm, with all that is folded away unfolded; wait for its figures."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page(name))
    page.locator("#loading").wait_for(state="detached", timeout=WAIT)
    page.wait_for_function(
        """() => { const figures = [...document.querySelectorAll(".mg:has(canvas)")];
        return figures.length && figures.every((figure) => figure.dataset.version); }""",
        timeout=WAIT,
    )
    page.evaluate("() => document.querySelectorAll('.mg details.mg-more').forEach(d => { d.open = true; })")
    page.evaluate(WATCH)


def name_of(control) -> str:
    return control.evaluate(
        """n => { const { slider, switch: layer } =
            n.closest("[data-slider], [data-switch], [data-stack]").dataset;
        return slider || layer || "the stack"; }"""
    )


def keys(control) -> list[str]:
    """Return the key that moves a control, and the one that brings it back for the next one."""
    kind, up = control.evaluate(
        """n => [n.type, n.tagName === "SELECT" ? n.selectedIndex === 0 : 2 * n.value < +n.min + +n.max]"""
    )
    if kind == "checkbox":
        return ["Space", "Space"]
    if kind == "range":
        return ["PageUp", "PageDown"] if up else ["PageDown", "PageUp"]
    return ["ArrowDown", "ArrowUp"] if up else ["ArrowUp", "ArrowDown"]


def press(page, figure, key, what, answer) -> None:
    """Press a key on what has the focus, and wait for the answer that it asks for."""
    before = figure.evaluate(answer)
    page.keyboard.press(key)
    try:
        page.wait_for_function(f"([n, old]) => ({answer})(n) !== old", arg=[figure, before], timeout=WAIT)
    except TimeoutError:
        said = figure.evaluate("n => n.querySelector('.mg-error:not([hidden])')?.textContent")
        pytest.fail(f"{key} on {what} changes nothing in {WAIT / 1000:g} s; error shown: {said}")


def move_everything(page) -> None:
    """Move every control by keyboard; each has to change its figure's pictures or the drawing over them."""
    for control in page.locator(CONTROLS).element_handles():
        figure = control.evaluate_handle("n => n.closest('.mg')").as_element()
        what = name_of(control)
        draws = control.evaluate(DRAWS)
        if what in HOW_OTHERS_ACT:
            figure.query_selector(f"[data-slider='{HOW_OTHERS_ACT[what]}'] input").focus()
            press(page, figure, "PageDown", what, VERSION)
        before = figure.evaluate(PIXELS)
        control.focus()
        for number, key in enumerate(keys(control)):
            press(page, figure, key, what, DRAWN if draws else VERSION)
            if number == 0 and not draws:
                assert figure.evaluate(PIXELS) != before, f"{what} changes no picture"


def look_at_every_figure(page) -> None:
    """Wait for the plots of each figure: one that is out of sight is not hurried."""
    for figure in page.locator(".mg[data-version]").element_handles():
        figure.scroll_into_view_if_needed()
        wait_for_plots(page, figure, IDLE)
        if figure.evaluate(UNMOVED):  # every control was back before a slow plot was made
            first = figure.query_selector("[data-slider] :is(input[type=range], select):enabled")
            first.focus()
            press(page, figure, keys(first)[0], name_of(first), VERSION)
            wait_for_plots(page, figure, f"figure => ({IDLE})(figure) && !({UNMOVED})(figure).length")
        assert figure.evaluate(UNMOVED) == [], "plots that no control moves"
        assert figure.evaluate(IDLE), "still computing"


def wait_for_plots(page, figure, done: str) -> None:
    """Wait until plots are done, as far as they get; what was just asked for is first marked as waiting."""
    page.wait_for_timeout(500)
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(done, arg=figure, timeout=PLOTS_WAIT)


def reached_by_tab(page) -> int:
    """Press Tab until the page begins anew; return how many controls had the focus on the way."""
    page.evaluate(
        """() => { document.activeElement.blur(); getSelection().removeAllRanges();
        window.reached = new Set(); }"""
    )
    for _ in range(600):
        page.keyboard.press("Tab")
        again = page.evaluate(
            "() => { const n = document.activeElement, old = n === document.body || window.reached.has(n);"
            " window.reached.add(n); return old; }"
        )
        if again:
            break
    return page.evaluate(
        "all => [...document.querySelectorAll(all)].filter(n => window.reached.has(n)).length", CONTROLS
    )


@pytest.mark.parametrize("name", RUNNING)
def test_a_page_does_what_its_reader_asks(server, page, name, latencies):
    open_page(page, server, name)
    assert reached_by_tab(page) == page.locator(CONTROLS).count() > 0
    move_everything(page)
    look_at_every_figure(page)
    latencies[name] = page.evaluate("latencies")
    assert page.locator(".mg-error:visible").count() == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], scheme
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
