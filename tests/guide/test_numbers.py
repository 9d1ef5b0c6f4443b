"""Numbers in the prose are the engine's: filled by a command, and stale ones are found."""

import nbformat
import pytest

from minisim_guide import draft, numbers
from minisim_guide.cli import main
from minisim_guide.errors import GuideError
from minisim_guide.stills import write_stills

DRAFT = """<!-- a remark to other authors -->
```python numbers
import minisim_core as ms
guide = ms.presets.get("guide")
aperture = guide.scope.numerical_aperture
```

# A page

It has an aperture of {{ f"{aperture:.2f}" }}, and $e^{x}$ in it.

```python
1 + 1
```

## Why

Twice that is {{ f"{2 * aperture:.2f}" }}.

## Last

Nothing to count here.
"""


@pytest.fixture
def notebook():
    return draft.to_notebook(DRAFT, "a_page")


def test_a_draft_becomes_cells_in_order(notebook):
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds == ["markdown", "code", "markdown", "markdown"]
    assert [cell.id for cell in notebook.cells] == [f"a_page-{n}" for n in range(4)]
    assert notebook.cells[1].source == "1 + 1"
    assert "minisim" not in notebook.cells[3].metadata
    assert "remark" not in str(notebook)
    nbformat.validate(notebook)


def test_a_notebook_gives_its_draft_back(notebook):
    numbers.fill(notebook)
    text = draft.to_text(notebook)
    assert text.split() == DRAFT.split("-->\n")[1].split()
    assert draft.to_text(draft.to_notebook(text, "a_page")) == text


def test_numbers_are_filled_and_their_source_is_kept(notebook):
    numbers.fill(notebook)
    assert notebook.cells[0].source == "# A page\n\nIt has an aperture of 0.33, and $e^{x}$ in it."
    assert "{{" in "".join(notebook.cells[0].metadata.minisim.source)


def test_a_stale_number_is_put_right(notebook):
    numbers.fill(notebook)
    notebook.cells[2].source = notebook.cells[2].source.replace("0.66", "0.61")
    numbers.fill(notebook)
    assert "0.66" in notebook.cells[2].source


AGREE = [
    ("It is 0.66, of 1,204.", "It is 0.67, of 1,203."),
    ("9.9 µm", "10 µm"),
    ("−0.0 counts", "0.0 counts"),
    ("Between 3-4 and 5–6.", "Between 3-5 and 5–7."),
    ("1.2e-05", "1.3e-05"),
    ("cell2 at 10³", "cell2 at 10³"),
]
DISAGREE = [
    ("It is 0.66.", "It is 0.68."),
    ("151 of 499 cells", "153 of 499 cells"),
    ("9.90 µm", "10 µm"),
    ("1,204", "2,204"),
    ("-3 µm", "3 µm"),
    ("1e-05", "1e-07"),
    ("10³", "10⁴"),
    ("12 cells", "12 neurons"),
    ("12 and 13", "12"),
]


@pytest.mark.parametrize("pair", AGREE + DISAGREE, ids="|".join)
def test_texts_agree_up_to_a_unit_of_the_last_printed_digit(pair):
    old, new = pair
    assert numbers.agree(old, new) == numbers.agree(new, old) == (pair in AGREE)


def test_the_line_is_shown_that_says_something_else():
    old, new = "It is 0.66.\nNow 12.\nThen 5.", "It is 0.67.\nNow 15.\nThen 5."
    assert numbers.differing(old, new) == "“Now 12.” where the engine says “Now 15.”"


@pytest.mark.parametrize(
    ("wrong", "said"), [("aperture:.2f", "nonsense:.2f"), ("import minisim_core", "import no_such_module")]
)
def test_what_cannot_be_computed_is_named(wrong, said):
    with pytest.raises(GuideError, match=said.split(":")[0].split()[-1]):
        numbers.fill(draft.to_notebook(DRAFT.replace(wrong, said, 1), "a_page"))


def test_the_commands_write_a_page_and_fill_it(tmp_path, capsys):
    page = tmp_path / "a_page.ipynb"
    page.with_suffix(".md").write_text(DRAFT, "utf-8")
    draft.main([str(page.with_suffix(".md"))])
    notebook = nbformat.read(page, as_version=4)
    assert "0.33" in notebook.cells[0].source
    notebook.cells[0].source = "old"
    nbformat.write(notebook, page)
    assert main(["stills", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    notebook = nbformat.read(page, as_version=4)
    assert "0.33" in notebook.cells[0].source
    assert notebook.cells[1].outputs[0].data == {"text/plain": "2"}
    before = page.read_bytes()
    assert write_stills(tmp_path) == [page]
    assert page.read_bytes() == before, "nothing but what changed"


def test_an_author_who_changes_only_prose_keeps_the_stills(tmp_path):
    page = tmp_path / "a_page.ipynb"
    page.with_suffix(".md").write_text(DRAFT, "utf-8")
    draft.main([str(page.with_suffix(".md"))])
    write_stills(page)
    for change, kept in (("Nothing", True), ("1 + 1", False)):
        page.with_suffix(".md").write_text(DRAFT.replace(change, f"2 + {change}"), "utf-8")
        draft.main([str(page.with_suffix(".md"))])
        assert bool(nbformat.read(page, as_version=4).cells[1].outputs) == kept
