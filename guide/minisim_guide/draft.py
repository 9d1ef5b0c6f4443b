"""A page as one plain text, to write and to edit: ``python -m minisim_guide.draft FILE``.

A draft is Markdown. A block ```` ```python numbers ```` defines what the expressions ``{{ … }}`` in the
prose use, a block ```` ```python ```` is a code cell, and prose begins a new cell at every heading of the
second rank. Given a draft, the command writes the notebook beside it; given a notebook, the draft. A
figure's still is kept as long as the page's code stays as it was.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from minisim_guide import numbers

PARTS = re.compile(r"^```python( numbers)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
HEADING = re.compile(r"^(?=## )", re.MULTILINE)

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""What each page says about itself; nothing depends on the machine that wrote it."""


def to_notebook(text: str, name: str) -> Any:
    """Return the notebook that a draft describes, its numbers not yet filled.

    Parameters
    ----------
    text
        The draft.
    name
        What the names of the cells begin with.
    """
    from nbformat import v4

    notebook = v4.new_notebook(metadata=dict(KERNEL))
    for kind, part in _parts(COMMENT.sub("", text)):
        if kind == "numbers":
            notebook.metadata["minisim"] = {"numbers": part.splitlines(keepends=True)}
            continue
        new = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
        cell = new(part, id=f"{name}-{len(notebook.cells)}")
        if kind == "prose" and numbers.EXPRESSION.search(part):
            cell.metadata["minisim"] = {"source": part.splitlines(keepends=True)}
        notebook.cells.append(cell)
    return notebook


def _parts(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for block in PARTS.finditer(text):
        yield from _prose(text[at : block.start()])
        yield ("numbers" if block[1] else "code"), block[2].strip()
        at = block.end()
    yield from _prose(text[at:])


def _prose(text: str) -> Iterator[tuple[str, str]]:
    yield from (("prose", part.strip()) for part in HEADING.split(text) if part.strip())


def to_text(notebook: Any) -> str:
    """Return the draft that a notebook was made from."""
    parts = [f"```python\n{cell.source}\n```" if cell.cell_type == "code" else numbers.source(cell)
             for cell in notebook.cells]  # fmt: skip
    definitions = numbers.definitions(notebook)
    head = [f"```python numbers\n{definitions}\n```"] if definitions else []
    return "\n\n".join(head + parts) + "\n"


def keep_stills(notebook: Any, old: Any) -> None:
    """Take over the old stills if the code has not changed, for then they are still true."""
    code, before = ([c for c in n.cells if c.cell_type == "code"] for n in (notebook, old))
    if [c.source for c in code] == [c.source for c in before]:
        for cell, kept in zip(code, before, strict=True):
            cell.outputs = kept.outputs


def main(arguments: Sequence[str] | None = None) -> None:
    """Turn each file into its other form, beside it."""
    import nbformat

    for file in map(Path, sys.argv[1:] if arguments is None else arguments):
        if file.suffix == ".ipynb":
            made = file.with_suffix(".md")
            made.write_text(to_text(nbformat.read(file, as_version=4)), "utf-8")
        else:
            made = file.with_suffix(".ipynb")
            notebook = to_notebook(file.read_text("utf-8"), file.stem)
            if made.exists():
                keep_stills(notebook, nbformat.read(made, as_version=4))
            numbers.fill(notebook)
            nbformat.write(notebook, made)
        print(f"Wrote {made}")


if __name__ == "__main__":
    main()
