"""Page 1 as a reader meets it: every switch, slider, mode and key, through the guide's own server."""

import hashlib
import re
import time
import urllib.request

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

import minisim_core as ms
from minisim_guide.pages import folder

NAME = "01_sectioning"
WAIT = 30_000


@pytest.fixture
def open_page(page, server):
    """Open page 1, calm; give the page and its two figures once their movies are there."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page(NAME))
    page.wait_for_function(
        "() => document.querySelectorAll('.mg[data-version]').length === 2", timeout=2 * WAIT
    )
    return page


def explore(page):
    """The second figure: the one with the controls."""
    figure = page.locator(".mg[data-version]").nth(1)
    figure.scroll_into_view_if_needed()
    return figure


def hashes(figure) -> tuple[str, ...]:
    """A hash of each canvas's pixels, as the browser holds them."""
    pixels = figure.locator("canvas").evaluate_all(
        """all => all.map(c => [...new Uint32Array(
        c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)].join())"""
    )
    return tuple(hashlib.sha1(p.encode()).hexdigest() for p in pixels)


def settle(figure) -> None:
    """Wait until the pictures of a drag have all come: half a second without a newer one."""
    figure.page.wait_for_function(
        """n => {
        if (n.lastSeen !== n.dataset.version) [n.lastSeen, n.seenAt] = [n.dataset.version, performance.now()];
        return performance.now() - n.seenAt > 500 }""",
        arg=figure.element_handle(),
        timeout=WAIT,
    )


def after(figure, act) -> tuple[str, ...]:
    """Do something that asks for a new picture, wait for the last one, and hash it."""
    version = int(figure.get_attribute("data-version"))
    act()
    figure.page.wait_for_function(
        "([n, v]) => +n.dataset.version > v", arg=[figure.element_handle(), version], timeout=WAIT
    )
    settle(figure)
    return hashes(figure)


def drag(page, slider, index: int, to: float) -> None:
    """Drag a slider's thumb from where it is to a part of its track, with the mouse."""
    thumb = slider.locator("input").nth(index)
    thumb.scroll_into_view_if_needed()
    box = thumb.bounding_box()
    at = thumb.evaluate("n => (n.value - n.min) / (n.max - n.min)")
    inset = 8  # half a thumb: the track's ends
    x = [box["x"] + inset + part * (box["width"] - 2 * inset) for part in (at, to)]
    y = box["y"] + box["height"] / 2
    page.mouse.move(x[0], y)
    page.mouse.down()
    page.mouse.move(x[1], y, steps=12)
    page.mouse.up()


def test_every_switch_changes_the_picture_and_back_brings_it_back(open_page):
    figure = explore(open_page)
    before = hashes(figure)
    for name in ("out_of_focus", "neuropil", "vessels", "noise"):
        switch = figure.locator(f"[data-switch={name}]")
        changed = after(figure, switch.click)
        # With the cells out of focus gone the right side changes; the left never had them.
        assert changed[1] != before[1], name
        assert (changed[0] != before[0]) == (name in ("noise", "neuropil", "vessels")), name
        assert after(figure, switch.click) == before, name


def test_a_laser_leaves_only_the_focal_plane(open_page):
    figure = explore(open_page)
    says = figure.locator(".mg-says")
    assert int(re.search(r"(\d+) %", says.text_content())[1]) > 80
    after(
        figure, lambda: figure.locator("[data-slider='choice.excitation'] select").select_option("two-photon")
    )
    open_page.wait_for_function("n => !n.textContent.includes('8')", arg=says.element_handle())
    assert int(re.search(r"(\d+) %", says.text_content())[1]) < 25


def test_every_slider_changes_the_picture_under_the_hand_and_reset_undoes_it_all(open_page):
    figure = explore(open_page)
    before = hashes(figure)
    sliders = figure.locator("[data-slider]:visible:has(input)")
    assert sliders.count() == 3
    seen = {before}
    for n in range(3):
        slider = sliders.nth(n)
        for index in range(slider.locator("input").count()):
            said = slider.locator("output").text_content()
            changed = after(figure, lambda s=slider, i=index: drag(open_page, s, i, 0.55 + 0.1 * i))
            assert changed not in seen, slider.get_attribute("data-slider")
            assert slider.locator("output").text_content() != said
            seen.add(changed)
    assert after(figure, figure.locator("[data-action=reset]").click) == before


def test_the_sentence_and_the_plots_say_what_the_engine_says(open_page):
    figure = explore(open_page)
    off = [n for n in ms.LAYERS if n not in ("cells", "out_of_focus", "blur", "dimming")]
    drag(open_page, figure.locator("[data-slider=focus_um]"), 0, 0.7)
    focus = float(figure.locator("[data-slider=focus_um] output").text_content().split()[0])
    assert focus > 150
    everything = ms.simulate(ms.presets.get("guide", off=off, focus_um=focus))
    near = everything.without("out_of_focus")
    share = 1 - near.expected[0].sum() / everything.expected[0].sum()
    open_page.wait_for_function(
        "([n, text]) => n.querySelector('.mg-says').textContent.includes(text)",
        arg=[figure.element_handle(), f"send {100 * share:.0f} %"],
    )
    plots = figure.locator(".mg-plot svg[role=img]")
    open_page.wait_for_function(
        "([n, text]) => n.querySelector('.mg-plot svg[role=img]').getAttribute('aria-label').includes(text)",
        arg=[figure.element_handle(), f"focus at {focus:g} µm"],
    )
    assert "receives 100 %" in plots.nth(1).get_attribute("aria-label")


def test_modes_keys_and_playing(open_page):
    figure = explore(open_page)
    beside = hashes(figure)
    figure.locator("[data-choice=wipe]").check()
    assert figure.locator("canvas[data-side=left]").is_hidden()
    wiped = hashes(figure)[1]
    assert wiped != beside[1]
    figure.locator("[data-wipe]").focus()
    open_page.keyboard.press("Home")
    assert hashes(figure)[1] == beside[1]
    open_page.keyboard.press("End")
    assert hashes(figure)[1] == beside[0]
    figure.locator("[data-choice=pair]").check()
    figure.locator(".mg-stage").focus()
    open_page.keyboard.press("ArrowRight")
    open_page.wait_for_timeout(300)
    stepped = hashes(figure)
    assert figure.get_attribute("data-frame") == "1" and stepped != beside
    open_page.keyboard.press("Space")
    open_page.wait_for_function("n => +n.dataset.frame > 4", arg=figure.element_handle(), timeout=WAIT)
    open_page.keyboard.press("Space")
    held = figure.get_attribute("data-frame")
    open_page.wait_for_timeout(300)
    assert figure.get_attribute("data-frame") == held
    assert hashes(figure) not in (beside, stepped)


def test_figure_controls_and_plots_share_one_screen(open_page):
    figure = explore(open_page)
    for mode in ("pair", "wipe", "difference"):
        figure.locator(f"[data-choice={mode}]").check()
        assert figure.bounding_box()["height"] <= 800
        assert figure.locator(".mg-frame:visible").first.bounding_box()["width"] >= 300


def test_the_prediction_is_computed_after_the_reader_has_chosen(open_page):
    box = open_page.locator(".mg-prediction")
    box.scroll_into_view_if_needed()
    assert box.locator("button:visible").is_disabled()
    assert "%" not in box.text_content()
    box.get_by_text("Double the LED power").click()
    box.locator("button:visible").click()
    open_page.wait_for_selector(".mg-option.mg-right", timeout=WAIT)
    assert "thinner slab" in box.locator(".mg-option.mg-right").text_content()
    values = [int(re.search(r"(\d+) %", text)[1]) for text in box.locator(".mg-value").all_text_contents()]
    assert len(values) == 4 and min(values) == values[3] < values[0]


def test_the_prediction_moves_the_figure_and_back(open_page):
    figure = explore(open_page)
    before = after(figure, lambda: figure.locator("[data-slider=focus_um] input").press("ArrowRight"))
    box = open_page.locator(".mg-prediction")
    box.get_by_text("Focus deeper").click()
    box.locator("button", has_text="Check").click()
    open_page.wait_for_selector(".mg-option.mg-right", timeout=WAIT)
    said = figure.locator(".mg-says")
    focus = figure.locator("[data-slider=focus_um] output")
    shows = box.locator("[aria-pressed]")
    values = box.locator(".mg-value").all_text_contents()

    def showing(n: int) -> None:
        assert shows.nth(n).get_attribute("aria-pressed") == "true"
        open_page.wait_for_function(
            "([n, text]) => n.textContent.includes(`send ${text} of the light`)",
            arg=[said.element_handle(), values[n]],
        )

    showing(2)
    assert focus.text_content() == "130 µm"
    shows.nth(3).focus()
    open_page.keyboard.press("Enter")
    open_page.wait_for_function("n => n.textContent === '91 µm'", arg=focus.element_handle())
    showing(3)
    assert after(figure, box.locator("button", has_text="Back").click) == before
    assert shows.nth(3).get_attribute("aria-pressed") == "false"
    box.locator("button", has_text="Ask again").click()
    open_page.wait_for_function("() => !document.querySelector('.mg-option input:checked')")
    assert box.locator("button", has_text="Check").is_disabled()
    assert "%" not in box.text_content()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_is_accessible_and_fits(open_page, width):
    open_page.set_viewport_size({"width": width, "height": 800})
    open_page.wait_for_timeout(500)
    found = Axe().run(open_page).response["violations"]
    grave = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in grave] == []
    assert open_page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_whose_figure_was_given_up_is_loaded_again(page, server):
    page.add_init_script(
        """if (!sessionStorage.getItem("seen")) addEventListener("DOMContentLoaded", () => {
          sessionStorage.setItem("seen", 1);
          const output = document.createElement("div");
          output.className = "jp-OutputArea-output";
          output.textContent = "Error displaying widget: model not found";
          document.getElementById("content").append(output);
        })"""
    )
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page(NAME))
    page.wait_for_function(
        "() => performance.getEntriesByType('navigation')[0].type === 'reload' "
        "&& document.querySelectorAll('.mg[data-version]').length === 2",
        timeout=2 * WAIT,
    )
    assert page.evaluate("Object.keys(sessionStorage).filter(k => k.startsWith('tries'))") == []


def test_a_tab_closed_in_the_middle_of_a_movie_does_not_hurt_the_server(open_page, server):
    figure = explore(open_page)
    drag(open_page, figure.locator("[data-slider=focus_um]"), 0, 0.5)
    open_page.wait_for_timeout(300)
    open_page.close()
    time.sleep(1)
    with urllib.request.urlopen(server.page("index"), timeout=10) as answer:
        assert answer.status == 200


# -- the file ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(folder() / f"{NAME}.ipynb", as_version=4)


def test_cells_are_short_and_hold_no_logic(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 12
            assert not re.search(r"\b(def|lambda|for|class|if)\b", cell.source)


def test_the_page_has_its_six_sections_and_links_that_exist(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "What you see", "Why", "Explore", "Predict, then check", "At the rig, and in the pipeline",
    ]  # fmt: skip
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (folder() / target).exists(), target


def test_every_figure_has_one_still_with_text_and_no_widget(notebook):
    assert "widgets" not in notebook.metadata
    figures = [cell for cell in notebook.cells if cell.source.startswith(("import", "explore"))]
    assert len(figures) == 2
    for cell in figures:
        (output,) = cell.outputs
        assert list(output.data) == ["image/png"]
        assert len(output.metadata["image/png"]["alt"]) > 100
