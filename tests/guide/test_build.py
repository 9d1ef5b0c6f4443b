"""The guide as files: written from its pages, opened from a disk and from a plain file server."""

import functools
import http.server
import re
import threading

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from minisim_guide import build, draft
from minisim_guide.cli import main
from minisim_guide.errors import GuideError
from minisim_guide.prose import html
from minisim_guide.stills import write_stills

PAGE = r"""# A page

Switch the [haze](#switch-neuropil) off.

Light falls as $S_0 / (1 + x^2)$, and

$$d = 2\,|\Delta z|\,\tan\theta,\qquad \sin\theta = \frac{\mathrm{NA}}{n}$$

```python
import minisim_core as ms
from minisim_guide import Figure, Panel, Prediction

scene = ms.presets.get("guide", field_um=60, duration_s=1)
Figure(scene, left=Panel("Near", off=("out_of_focus",)), right=Panel("All"), switches=("noise", "neuropil"))
```

Nearer: [focus](#show-focus_um=60), [haze again](#switch-neuropil), [nothing](#switch-vessels),
[by name](#show-focus_um=60&figure=second), [by another](#show-focus_um=60&figure=third).

```python
sides = {"left": Panel("Left"), "right": Panel("Right")}
Figure(scene, name="second", switches=("noise",), sliders=("focus_um",), **sides)
```

```
minisim-guide record guide --duration 60s --format tiff -o a_folder_with_a_long_name
```

| Layer | How it looks | At the rig | Undone by |
|---|---|---|---|
| [Uneven illumination of the field](#switch-neuropil) | brighter in the middle | a diffuser | dividing |

## Predict, then check

The [haze](#switch-neuropil) is above.

```python
Prediction("Which?", scene=scene, measure="out_of_focus_share", because="So it is.",
           choices={"Deeper": {"focus_um": 130}, "Shallower": {"focus_um": 50}})
```

[Contents](index.ipynb) · [elsewhere](https://example.org/a.ipynb) · [a part](index.ipynb#words)
"""
INDEX = "# Contents\n\n[A page](01_a_page.ipynb)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder with two small pages, their stills made."""
    folder = tmp_path_factory.mktemp("pages")
    for name, text in (("01_a_page", PAGE), ("index", INDEX)):
        (folder / f"{name}.md").write_text(text, "utf-8")
        draft.main([str(folder / f"{name}.md")])
    write_stills(folder)
    return folder


@pytest.fixture(scope="module")
def site(source, tmp_path_factory):
    """The site, below a path of its own."""
    root = tmp_path_factory.mktemp("root")
    written = list(build.build(root / "some" / "where", source))
    assert [file.name for file in written] == ["index.html", "01_a_page.html"]
    return root / "some" / "where"


@pytest.fixture(scope="module")
def address(site):
    """The address of the site on a plain file server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_) -> None:
            pass

    handler = functools.partial(Quiet, directory=site.parents[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/some/where/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser):
    """A function that opens an address in a fresh context; the page must stay quiet and below `home`."""
    contexts, errors, asked = [], [], []

    def visit(home: str, name: str = "01_a_page", **how):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **how})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: r.url.startswith((home, "data:", "blob:")) or asked.append(r.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(f"{home}{name}.html")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert errors == []
    assert asked == [], "nothing is asked of any other place"


def live(page):
    """Wait until the figures have taken their stills' places; return the first."""
    page.wait_for_selector("main .guide-figure:last-of-type.guide-live .mg[data-version]")
    return page.locator(".mg").first


def pixels(page) -> np.ndarray:
    return np.array(
        page.evaluate(
            """() => { const c = document.querySelector("canvas[data-side=right]");
            return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data] }"""
        )
    )


def test_prose_is_html_with_equations_that_need_no_script():
    made = html(PAGE)
    assert made.count("<math") == 2 and "$" not in made
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in made
    assert '<h2 id="predict-then-check">' in made
    assert 'href="index.html"' in made and 'href="index.html#words"' in made
    assert 'href="https://example.org/a.ipynb"' in made


@pytest.mark.parametrize("kind", ["disk", "server"])
def test_a_figure_lives_without_kernel_from_a_disk_and_from_a_server(kind, site, address, visit):
    page = visit(f"file://{site}/" if kind == "disk" else address)
    figure = live(page)
    assert page.locator(".guide-figure > img").first.is_hidden()
    before = pixels(page)
    figure.locator("[data-switch=noise]").click()
    changed = pixels(page)
    assert (changed != before).any()
    figure.locator("[data-switch=noise]").click()
    assert (pixels(page) == before).all()
    figure.locator("[data-choice=wipe]").check()
    assert (pixels(page) != before).any()
    page.get_by_role("link", name="Contents", exact=True).last.click()
    assert page.title() == "Contents"


def test_the_answer_to_a_prediction_is_there_but_hidden(address, visit):
    page = visit(address)
    said = page.get_by_text("So it is.")
    assert not said.is_visible()
    page.get_by_text("What the simulation says").click()
    assert said.is_visible()
    assert re.search(r"Deeper: \d+ %; Shallower: \d+ %", said.inner_text())


def test_a_page_says_what_needs_the_live_guide_and_how_to_get_it(address, visit):
    page = visit(address)
    for words in ("This is a copy to read.", "To choose first, and have the simulation try your choice,"):
        assert page.get_by_text(words).is_visible()
    assert page.locator("code", has_text="minisim-guide").first.is_visible()
    assert page.locator(".mg-static-note").first.is_visible()


def test_without_script_and_on_paper_a_still_stands_for_the_figure(address, visit):
    page = visit(address, java_script_enabled=False)
    still = page.locator(".guide-figure > img").first
    assert still.is_visible() and "Left: Near. Right: All." in str(still.get_attribute("alt"))
    page = visit(address)
    live(page)
    page.emulate_media(media="print")
    assert page.locator(".guide-figure > img").first.is_visible()
    assert page.locator(".mg").first.is_hidden() and page.locator("header").is_hidden()
    assert page.locator(".guide-figure > img").first.evaluate("i => i.naturalWidth") > 400


AIMS = {
    "haze": "01_a_page-1",
    "focus": "01_a_page-3",
    "haze again": "01_a_page-1",
    "by name": "01_a_page-3",
}


def test_a_link_that_flips_a_switch_leads_to_its_figure_where_no_script_runs(address, visit):
    page = visit(address, java_script_enabled=False)
    for name, aim in AIMS.items():
        page.get_by_role("link", name=name, exact=True).first.click()
        assert page.url.endswith(f"01_a_page.html#{aim}")
        assert page.locator(f"figure[id='{aim}']").bounding_box()["y"] < 600, "it is in view"
    for name, stays in (("nothing", "#switch-vessels"), ("by another", "#show-focus_um=60&figure=third")):
        assert page.get_by_role("link", name=name, exact=True).get_attribute("href") == stays


def test_a_link_in_the_prose_flips_its_switch_without_kernel(address, visit):
    page = visit(address)
    figure = live(page)
    haze = page.get_by_role("switch", name="haze", exact=True).first
    before = pixels(page)
    haze.click()
    assert haze.get_attribute("aria-checked") == "false"
    assert not figure.locator("[data-switch=neuropil] input").is_checked()
    assert (pixels(page) != before).any()
    page.get_by_role("button", name="focus").click()
    assert "live page" in page.locator(".mg").last.locator(".mg-notice").inner_text()
    assert page.url.endswith("01_a_page.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "01_a_page"])
def test_every_page_is_accessible_and_fits_a_phone(address, visit, name, scheme):
    page = visit(address, name, color_scheme=scheme, viewport={"width": 360, "height": 740})
    if name != "index":
        live(page)
    assert [v["id"] for v in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("[aria-current=page]").count() == 1
    widths = page.locator("th").evaluate_all("all => all.map((e) => e.clientWidth)")
    assert max(widths) < 1.3 * min(widths), "no column is squeezed"


def test_a_page_without_its_stills_is_named(source, tmp_path):
    (tmp_path / "index.ipynb").write_bytes((source / "index.ipynb").read_bytes())
    (tmp_path / "01_a_page.md").write_text(PAGE, "utf-8")
    draft.main([str(tmp_path / "01_a_page.md")])
    with pytest.raises(GuideError, match=r"01_a_page.ipynb has no still of a figure"):
        list(build.build(tmp_path / "out", tmp_path))


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["build", str(tmp_path / "file" / "site")]) == 1
    assert "The site cannot be written to" in capsys.readouterr().err
