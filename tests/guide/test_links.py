"""Links in the prose that flip switches and set sliders, in a plain page and in every front end."""

import nbformat
import pytest
from playwright.sync_api import Page

import minisim_core as ms
from copies import copies
from minisim_guide import Figure, Panel
from test_frontends import COMMANDS, NAME, WAIT_MS, Ours, compiled, found, run_all, served

BODY = """<p>Above: <a id=a href="#switch-neuropil">neuropil</a>, <a id=b href="#switch-noise">noise</a>,
<a id=s href="#switch-vessels">vessels</a>, <a id=n href="#switch-nothing">nothing</a>.</p>
<div data-copy="first"></div><p>Between: <a id=c href="#switch-neuropil">neuropil</a></p>
<div style="height: 1500px"></div><div data-copy="second"></div>
<p>Below: <a id=d href="#switch-neuropil">neuropil</a>, <a id=e href="#switch-noise">noise</a>,
<a id=f href="#show-focus_um=150">a focus of 150 µm</a>,
<a id=g href="#show-focus_um=150&figure=early">the same in the first</a></p><div data-copy="third"></div>"""


def make(*switches: str, **changes) -> Figure:
    scene = ms.presets.get("guide", field_um=60, duration_s=1)
    return Figure(
        scene, left=Panel("A", off=("out_of_focus",)), right=Panel("B"), switches=switches, **changes
    )


@pytest.fixture
def page(browser):
    figures = {
        "first": make("neuropil", "noise", name="early", sliders=("focus_um",)),
        "second": make("neuropil", sliders=("focus_um",)),
        "third": make("vessels", "motion", stack=True),
    }
    with copies(browser, figures, BODY) as page:
        yield page


def states(page: Page) -> list[str]:
    """What is on in each figure: its switches, or how many layers of its stack."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".mg")].map((f) =>
        f.querySelector("[data-stack]")?.value ?? [...f.querySelectorAll("[data-switch] input")]
          .map((i) => (i.checked ? i.parentNode.dataset.switch : "")).join(" ").trim())"""
    )


def test_a_link_flips_the_nearest_figure_that_has_its_switch(page):
    assert states(page) == ["neuropil noise", "neuropil", "2"]
    for link, after in [
        ("a", ["noise", "neuropil", "2"]),
        ("a", ["neuropil noise", "neuropil", "2"]),
        ("c", ["neuropil noise", "", "2"]),
        ("b", ["neuropil", "", "2"]),
        ("d", ["neuropil", "neuropil", "2"]),
        ("e", ["neuropil noise", "neuropil", "2"]),
        ("s", ["neuropil noise", "neuropil", "1"]),
        ("s", ["neuropil noise", "neuropil", "0"]),
    ]:
        page.click(f"#{link}")
        assert states(page) == after, link
    assert page.url == "http://copies.test/"
    page.click("#n")
    assert page.url.endswith("#switch-nothing"), "a link that means no figure stays a link"


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_link_works_by_keyboard_and_says_and_shows_what_it_did(page, key):
    link = page.locator("#a")
    assert link.get_attribute("role") == "switch"
    assert link.get_attribute("aria-checked") == "true"
    assert ms.layers.DESCRIPTIONS["neuropil"] in link.get_attribute("title")
    link.focus()
    page.keyboard.press(key)
    assert states(page)[0] == "noise"
    assert link.get_attribute("aria-checked") == "false"
    assert page.locator("#c").get_attribute("aria-checked") == "true"
    assert page.locator(".mg [aria-live]").first.inner_text() == "Neuropil: off."
    page.click(".mg >> nth=0 >> [data-switch=neuropil]")
    assert link.get_attribute("aria-checked") == "true"
    assert page.locator("#n").get_attribute("role") is None


def test_the_figure_is_scrolled_into_view_only_if_it_is_not(page):
    page.click("#a")
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == 0
    page.click("#c")
    page.wait_for_function("scrollY > 500")
    stage = page.locator(".mg-stage").nth(1).bounding_box()
    assert 0 <= stage["y"] < 800 - stage["height"]


def test_prose_that_is_rendered_later_has_links_too(page):
    page.evaluate("document.body.append(document.createElement('p'))")
    page.evaluate("document.body.lastChild.innerHTML = '<a id=late href=\"#switch-vessels\">late</a>'")
    page.wait_for_selector("#late[role=switch][aria-checked=true]")
    page.click("#late")
    assert states(page)[2] == "1"


def test_a_copy_says_that_its_sliders_need_the_live_page(page):
    page.click("#f")
    assert "live page" in page.locator(".mg-notice").nth(1).inner_text()


def test_a_link_may_name_its_figure(page):
    page.click("#g")
    notices = page.locator(".mg-notice").all_inner_texts()
    assert ["live page" in notice for notice in notices] == [True, False, False]


SET = """Focus [deeper](#show-focus_um=150), [at 90](#show-focus_um=90),
[a slab](#show-cells.depth_range_um=60,120&focus_um=100); [neuropil](#switch-neuropil)."""
CELL = """from minisim_guide import Figure, Panel, Slider
import minisim_core as ms
Figure(ms.presets.get("guide", field_um=100, duration_s=1), left=Panel("A", off=("out_of_focus",)),
    right=Panel("B"), switches=("neuropil",), sliders=("focus_um", Slider("cells.depth_range_um", 0, 300)))"""


__all__ = ["compiled"]  # a fixture for all tests here


@pytest.mark.parametrize("front_end", COMMANDS)
def test_links_work_in_every_front_end(front_end, tmp_path, browser):
    v4 = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(SET), v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with served(front_end, tmp_path) as url:
        nbformat.write(notebook, tmp_path / "guide" / "90_links.ipynb")
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        ours = Ours(page)
        page.goto(url.replace(NAME, "90_links"), timeout=WAIT_MS)
        if front_end != "voila":
            run_all(page)
        figure = found(page)
        address = page.url
        link = page.locator("a", has_text="deeper")
        page.wait_for_function("n => n.getAttribute('role') === 'button'", arg=link.element_handle())
        link.click()
        assert figure.locator("[data-slider=focus_um] output").inner_text() == "150 µm"
        assert link.get_attribute("aria-pressed") == "true"
        at_90 = page.locator("a", has_text="at 90")
        at_90.focus()
        page.keyboard.press("Enter")
        assert figure.locator("[data-slider=focus_um] output").inner_text() == "90 µm"
        page.locator("a", has_text="a slab").click()
        assert figure.locator("[data-slider=focus_um] output").inner_text() == "100 µm"
        assert figure.locator("[data-slider='cells.depth_range_um'] output").inner_text() == "60 to 120 µm"
        switch = page.locator("a", has_text="neuropil")
        version = int(figure.get_attribute("data-version"))
        switch.focus()
        page.keyboard.press("Enter")
        assert not figure.locator("[data-switch=neuropil] input").is_checked()
        page.wait_for_function(
            "([n, v]) => +n.dataset.version > v", arg=[figure.element_handle(), version], timeout=WAIT_MS
        )
        assert page.url == address
        assert page.locator(".jp-MarkdownCell .jp-InputArea-editor:visible").count() == 0, "not edited"
        assert ours.complaints == []
        page.close()
