"""Run a page's code in this process, one cell after another, as a notebook does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minisim_guide.errors import GuideError


def run(notebook: Any, file: Path) -> Iterator[tuple[Any, Any]]:
    """Yield each cell, in order, and the value of its last line.

    Parameters
    ----------
    notebook
        A notebook as `nbformat` reads it.
    file
        Where it is from, for what is said if it fails.

    Yields
    ------
    cell
        A cell of the notebook.
    object
        What the cell shows; None for prose, and for code that ends with a statement.

    Raises
    ------
    GuideError
        If a cell fails.
    """
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        try:
            shown = _value(cell.source, names, file) if cell.cell_type == "code" else None
        except Exception as error:
            raise GuideError(f"Cell {cell.id} of {file} fails: {error!r}.") from error
        yield cell, shown


def _value(code: str, names: dict[str, Any], file: Path) -> Any:
    lines = ast.parse(code)
    last = lines.body[-1] if lines.body else None
    if isinstance(last, ast.Expr):
        lines.body.pop()
    exec(compile(lines, file.name, "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), file.name, "eval"), names)
    return None
