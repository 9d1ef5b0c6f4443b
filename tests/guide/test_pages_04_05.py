"""Pages 4 and 5: every claim is said, every figure opens, every control moves what it should."""

import re
from pathlib import Path

import nbformat
import pytest

from minisim_guide.pages import folder

SAID = {
    "04_crosstalk": {
        "C11": ("clearly apart", "The two have run together", "the deeper pair overlaps more"),
        "C12": ("its light by owner", "a pixel holds", "The mean over a region is the same sum"),
        "C13": ("demixing", "region's mean", "Towards dense tissue it falls", "cannot be told apart"),
    },
    "05_motion": {
        "C14": ("The heart moves it", "each breath", "each stride", "it drifts", "±10 µm"),
        "C15": ("Each cell on the right is smeared",),
        "C16": ("Registration finds how far each frame is displaced", "about their own mean"),
        "C17": ("A rhythm of frequency $f$ filmed at $f_s$ frames a second", "at 5 at 2 Hz with 22 %"),
        "C18": ("blur is baked into the pixels", "short exposures cost photons"),
        "C30": ("does not stay on the same cell", "than its usual owner"),
    },
}
SKELETON = ["What you see", "Why", "Explore", "Predict, then check", "At the rig, and in the pipeline"]
WAIT = 60_000


def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(Path(folder()) / f"{name}.ipynb", as_version=4)


def prose(name: str) -> str:
    cells = notebook(name).cells
    return " ".join(" ".join(c.source.split()) for c in cells if c.cell_type == "markdown")


@pytest.mark.parametrize(("page", "claim"), [(page, claim) for page in SAID for claim in SAID[page]])
def test_a_claim_is_said(page: str, claim: str) -> None:
    text = prose(page)
    for words in SAID[page][claim]:
        assert words in text


@pytest.mark.parametrize("page", SAID)
def test_a_page_has_the_skeleton_and_few_lines_of_code(page: str) -> None:
    source = "\n".join(c.source for c in notebook(page).cells if c.cell_type == "markdown")
    assert re.findall(r"^## (.+)$", source, re.MULTILINE) == SKELETON
    assert "{{" not in source
    for cell in notebook(page).cells:
        if cell.cell_type == "code":
            assert "def " not in cell.source and len(cell.source.splitlines()) <= 14


@pytest.mark.parametrize("page", SAID)
def test_the_stills_of_a_page_are_small_and_say_what_they_show(page: str) -> None:
    outputs = [o for c in notebook(page).cells if c.cell_type == "code" for o in c.outputs]
    stills = [o for o in outputs if "image/png" in o.data]
    assert len(stills) == 3
    assert sum(len(o.data["image/png"]) for o in stills) * 3 / 4 <= 200_000
    assert all(o.metadata["image/png"]["alt"].startswith("Two pictures") for o in stills)


@pytest.mark.parametrize("page_name", SAID)
def test_every_control_changes_the_picture_or_the_plots(page_name: str, page, server) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page(page_name))
    page.wait_for_function(
        "() => document.querySelectorAll('.mg[data-version]').length === 3", timeout=2 * WAIT
    )
    for number in range(3):
        figure = page.locator(".mg[data-version]").nth(number)
        figure.scroll_into_view_if_needed()
        for slider in figure.locator(".mg-slider input[type=range]:visible").all():
            before = figure.get_attribute("data-version")
            slider.focus()
            page.keyboard.press("ArrowLeft")
            page.wait_for_function(
                "([node, before]) => node.dataset.version !== before",
                arg=[figure.element_handle(), before],
                timeout=WAIT,
            )
        assert figure.locator(".mg-error:visible").count() == 0
