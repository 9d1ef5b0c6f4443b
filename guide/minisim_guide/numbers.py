"""Numbers in the prose: written as ``{{ expression }}``, filled by the engine, checked ever after.

A Markdown cell that holds numbers keeps its source in its metadata, ``minisim.source``, and what the
numbers make of it as its text, so that the page reads well wherever a notebook is shown. The notebook's
metadata, ``minisim.numbers``, hold the Python that defines the names the expressions use. Both are
lists of lines, as a notebook keeps all its texts.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from minisim_guide.errors import GuideError

EXPRESSION = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)

PRINTED = re.compile(r"(?:(?<![\w.])[-−])?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
"""A number in a text, with its sign unless that may be a hyphen or a dash."""


def definitions(notebook: Any) -> str:
    """Return the Python that a page's numbers are made with."""
    return "".join(notebook.metadata.get("minisim", {}).get("numbers", []))


def source(cell: Any) -> str:
    """Return what an author wrote in a cell: Markdown with its expressions, or code."""
    kept = cell.metadata.get("minisim", {}).get("source")
    return str(cell.source) if kept is None else "".join(kept)


def fill(notebook: Any) -> None:
    """Compute the numbers of a page and put them into its text.

    Parameters
    ----------
    notebook
        A notebook as `nbformat` reads it; its Markdown cells are changed in place.

    Raises
    ------
    GuideError
        If the definitions or an expression fail; names the cell and the expression.
    """
    wanted = [cell for cell in notebook.cells if "source" in cell.metadata.get("minisim", {})]
    if not wanted:
        return
    names: dict[str, Any] = {}
    try:
        exec(definitions(notebook), names)
    except Exception as error:
        raise GuideError(f"The definitions of the page's numbers fail: {error!r}.") from error
    for cell in wanted:
        cell.source = _filled(cell, names)


def _filled(cell: Any, names: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        try:
            return str(eval(found[1].strip(), names))
        except Exception as error:
            raise GuideError(f"Cell {cell.id}: {found[0]} fails: {error!r}.") from error

    return EXPRESSION.sub(value, source(cell))


def agree(old: str, new: str) -> bool:
    """Tell whether two texts say the same, up to roundings.

    Another machine computes the same to within its own roundings, which may turn a printed digit or move
    one cell across a threshold. So words have to be equal, and numbers may differ by one unit of
    the last digit that is printed, of the finer of the two: 9.9 agrees with 10, but 9.90 does not.
    """
    if PRINTED.split(old) != PRINTED.split(new):
        return False
    return all(_near(*pair) for pair in zip(PRINTED.findall(old), PRINTED.findall(new), strict=True))


def _near(*texts: str) -> bool:
    a, b = (Decimal(text.replace(",", "").replace("−", "-")) for text in texts)
    return abs(a - b) <= min(Decimal(1).scaleb(int(n.as_tuple().exponent)) for n in (a, b))


def differing(old: str, new: str) -> str:
    """Return the first line that says something else, as it is and as it should be."""
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    before, after = next(((a, b) for a, b in pairs if not agree(a, b)), (old, new))
    return f"“{before}” where the engine says “{after}”"
