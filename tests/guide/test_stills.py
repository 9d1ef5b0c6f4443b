"""Stale pages are found: their stills, the texts of these, their numbers, their size."""

import base64
import io

import nbformat
import numpy as np
import pytest
from PIL import Image

from minisim_guide import staleness, stills
from minisim_guide.cli import main
from minisim_guide.pages import folder
from minisim_guide.stills import write_stills

CELL = """import minisim_core as ms
from minisim_guide import Figure, Panel
scene = ms.presets.get("guide", field_um=60, duration_s=1)
Figure(scene, left=Panel("A", off=("noise",)), right=Panel("B"))"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A page whose stills and numbers have just been made."""
    v4 = nbformat.v4
    prose = v4.new_markdown_cell("?", id="prose", metadata={"minisim": {"source": ["One is {{ one }}."]}})
    notebook = v4.new_notebook(cells=[prose, v4.new_code_cell(CELL, id="figure")])
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "minisim": {"numbers": ["one = 1\n"]},
    }
    page = tmp_path_factory.mktemp("pages") / "01_page.ipynb"
    nbformat.write(notebook, page)
    assert write_stills(page) == [page]
    return page


def changed(png: bytes, by: int) -> bytes:
    """Return a picture that is so many counts away from another."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)
    out = io.BytesIO()
    Image.fromarray(abs(image - by).astype(np.uint8)).save(out, "png")
    return out.getvalue()


def brighter(notebook, by: int) -> None:
    """Change a page's still by so many counts."""
    data = notebook.cells[1].outputs[0].data
    data["image/png"] = base64.b64encode(changed(base64.b64decode(data["image/png"]), by)).decode()


def reworded(notebook, old: str, new: str) -> None:
    """Change the text that describes a page's still."""
    about = notebook.cells[1].outputs[0].metadata["image/png"]
    assert old in about["alt"]
    about["alt"] = about["alt"].replace(old, new)


CHANGES = {
    "nothing": (lambda n: None, []),
    "a still, hardly": (lambda n: brighter(n, 1), []),
    "a still": (lambda n: brighter(n, 4), ["4.0 counts away"]),
    "its text": (lambda n: reworded(n, "Left: A", "Left: B"), ["Right: B.” where the engine says"]),
    "a number in it": (lambda n: reworded(n, "(48", "(46"), ["describes its still by"]),
    "a number in it, hardly": (lambda n: reworded(n, "(48", "(47"), []),
    "no still": (lambda n: n.cells[1].outputs.clear(), ["0 stills where there should be 1"]),
    "a number": (lambda n: n.cells[0].update(source="One is 3."), ["“One is 3.” where the engine says"]),
    "a number, hardly": (lambda n: n.cells[0].update(source="One is 2."), []),
    "its size": (lambda n: n.metadata.update(more="x" * 200_000), ["more than 200"]),
}


def test_what_is_stale_is_said_and_what_is_not_is_not(fresh, tmp_path, monkeypatch):
    made, small = stills.render(fresh)
    monkeypatch.setattr(stills, "render", lambda _: (made, small))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "02_page.png").write_bytes(small)
    for name, (change, wanted) in CHANGES.items():
        notebook = nbformat.read(fresh, as_version=4)
        change(notebook)
        page = tmp_path / "02_page.ipynb"
        nbformat.write(notebook, page)
        before = page.read_bytes()
        said = staleness.stale(page)
        assert len(said) == len(wanted), (name, said)
        assert all(part in sentence for part, sentence in zip(wanted, said, strict=True)), (name, said)
        assert page.read_bytes() == before


def test_a_coarser_version_of_a_still_is_no_other_still(fresh, monkeypatch):
    made, small = stills.render(fresh)
    versions = stills.versions(made.cells[1].outputs[0].data)
    assert len(versions) == len(stills.FINENESS)
    monkeypatch.setattr(stills, "render", lambda _: (made, small))
    notebook = nbformat.read(fresh, as_version=4)
    notebook.cells[1].outputs[0].data["image/png"] = versions[-1]
    page = fresh.parent / fresh.name.replace("01", "04")
    nbformat.write(notebook, page)
    stills.miniature_file(page).write_bytes(small)
    assert staleness.stale(page) == []


def test_a_stale_miniature_is_named(fresh, monkeypatch):
    made, small = stills.render(fresh)
    monkeypatch.setattr(stills, "render", lambda _: (made, changed(small, 9)))
    assert staleness.stale(fresh) == [
        f"{stills.miniature_file(fresh)} is 9.0 counts away from what it should show."
    ]
    page = fresh.parent / fresh.name.replace("01", "05")
    page.write_bytes(fresh.read_bytes())
    assert staleness.stale(page) == [f"There is no {stills.miniature_file(page)}."]


def test_the_command_fails_with_a_sentence_where_a_page_is_stale(fresh, capsys):
    assert main(["stills", "--check", str(fresh)]) == 0
    notebook = nbformat.read(fresh, as_version=4)
    brighter(notebook, 9)
    page = fresh.parent / "03_page.ipynb"
    nbformat.write(notebook, page)
    assert main(["stills", "--check", str(page)]) == 1
    assert "03_page.ipynb: Cell figure has a still" in capsys.readouterr().err


@pytest.mark.parametrize("page", stills.runs(folder()), ids=lambda page: page.stem)
def test_no_page_of_the_guide_is_stale(page, without_loop):
    assert staleness.stale(page) == []


@pytest.mark.parametrize("page", stills.runs(folder()), ids=lambda page: page.stem)
def test_every_page_is_small_and_has_no_coarser_stills_beside_its_own(page):
    assert page.stat().st_size <= staleness.LARGEST_BYTES
    for cell in nbformat.read(page, as_version=4).cells:
        assert all(set(output.data) <= {"image/png", "text/html"} for output in cell.get("outputs", []))


def test_pictures_of_other_sizes_are_as_far_apart_as_can_be():
    def png(size: int) -> bytes:
        out = io.BytesIO()
        Image.new("L", (size, size)).save(out, "png")
        return out.getvalue()

    assert staleness.distance(png(3), png(3)) == 0
    assert staleness.distance(png(3), png(4)) == np.inf


def test_a_page_that_is_not_there_is_a_sentence(capsys):
    assert main(["stills", "guide/no_such_page.ipynb"]) == 1
    assert "guide/no_such_page.ipynb does not exist" in capsys.readouterr().err
