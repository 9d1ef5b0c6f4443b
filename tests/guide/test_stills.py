"""Stale pages are found: their stills, the texts of these, their numbers, their size."""

import base64
import io

import nbformat
import numpy as np
import pytest
from PIL import Image

from minisim_guide import staleness
from minisim_guide.cli import main
from minisim_guide.pages import folder
from minisim_guide.stills import runs, write_stills

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


def brighter(notebook, by: int) -> None:
    """Change a page's still by so many counts."""
    data = notebook.cells[1].outputs[0].data
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB"), int)
    out = io.BytesIO()
    Image.fromarray(abs(image - by).astype(np.uint8)).save(out, "png")
    data["image/png"] = base64.b64encode(out.getvalue()).decode()


CHANGES = {
    "nothing": (lambda n: None, []),
    "a still, hardly": (lambda n: brighter(n, 1), []),
    "a still": (lambda n: brighter(n, 4), ["4.0 counts away"]),
    "its text": (lambda n: n.cells[1].outputs[0].metadata["image/png"].update(alt="?"), ["another text"]),
    "no still": (lambda n: n.cells[1].outputs.clear(), ["0 stills where there should be 1"]),
    "a number": (lambda n: n.cells[0].update(source="One is 2."), ["“One is 2.” where the engine says"]),
    "its size": (lambda n: n.metadata.update(more="x" * 200_000), ["more than 200"]),
}


def test_what_is_stale_is_said_and_what_is_not_is_not(fresh, tmp_path, monkeypatch):
    made, _ = staleness.stills.render(fresh)
    monkeypatch.setattr(staleness.stills, "render", lambda _: (made, None))
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


def test_the_command_fails_with_a_sentence_where_a_page_is_stale(fresh, capsys):
    assert main(["stills", "--check", str(fresh)]) == 0
    notebook = nbformat.read(fresh, as_version=4)
    brighter(notebook, 9)
    page = fresh.parent / "03_page.ipynb"
    nbformat.write(notebook, page)
    assert main(["stills", "--check", str(page)]) == 1
    assert "03_page.ipynb: Cell figure has a still" in capsys.readouterr().err


@pytest.mark.parametrize("page", runs(folder()), ids=lambda page: page.stem)
def test_every_page_is_small_and_has_no_coarser_stills_beside_its_own(page):
    assert page.stat().st_size <= staleness.LARGEST_BYTES
    for cell in nbformat.read(page, as_version=4).cells:
        assert all(set(output.data) <= {"image/png", "text/html"} for output in cell.get("outputs", []))


def test_pictures_of_other_sizes_are_as_far_apart_as_can_be():
    def png(size: int) -> str:
        out = io.BytesIO()
        Image.new("L", (size, size)).save(out, "png")
        return base64.b64encode(out.getvalue()).decode()

    assert staleness.distance(png(3), png(3)) == 0
    assert staleness.distance(png(3), png(4)) == np.inf


def test_a_page_that_is_not_there_is_a_sentence(capsys):
    assert main(["stills", "guide/no_such_page.ipynb"]) == 1
    assert "guide/no_such_page.ipynb does not exist" in capsys.readouterr().err
