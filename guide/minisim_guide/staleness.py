"""Whether a page still shows what the engine does: its stills, their texts, its numbers, its size."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import numbers, stills

COUNTS = 2.0
"""A still is stale if it differs by more than this from a new one, in the mean over its pixels, of 255."""

LARGEST_BYTES = 200_000
"""A page that is larger is slow to open where it is only read."""


def stale(page: Path) -> list[str]:
    """Run a page and say what in it is not what it would be now.

    Parameters
    ----------
    page
        A notebook; it is not changed.

    Returns
    -------
    list of str
        A sentence about each stale cell, and one if the page is too large; nothing if all is well.
    """
    import nbformat

    old = nbformat.read(page, as_version=4)
    new, small = stills.render(page)
    said = [sentence for cells in zip(old.cells, new.cells, strict=True) for sentence in _cell(*cells)]
    if small and page.stem != "index":
        said += _miniature(stills.miniature_file(page), small)
    size = page.stat().st_size
    if size > LARGEST_BYTES:
        said.append(f"The page has {size / 1e3:.0f} kB, more than {LARGEST_BYTES / 1e3:.0f}.")
    return said


def _cell(old: Any, new: Any) -> Iterator[str]:
    if old.cell_type != "code":
        if not numbers.agree(old.source, new.source):
            yield f"Cell {old.id} says {numbers.differing(old.source, new.source)}."
        return
    if len(old.outputs) != len(new.outputs):
        yield f"Cell {old.id} has {len(old.outputs)} stills where there should be {len(new.outputs)}."
        return
    for before, after in zip(old.outputs, new.outputs, strict=True):
        kind = next(iter(after.data))
        if set(before.get("data", {})) != {kind}:
            yield f"Cell {old.id} shows another kind of still than it should."
        elif kind != "image/png":
            if not numbers.agree(before.data[kind], after.data[kind]):
                yield f"Cell {old.id} shows {numbers.differing(before.data[kind], after.data[kind])}."
        else:
            away = min(distance(_bytes(before.data[kind]), _bytes(v)) for v in stills.versions(after.data))
            if away > COUNTS:
                yield f"Cell {old.id} has a still {away:.1f} counts away from what it should show."
            alts = [output.get("metadata", {}).get(kind, {}).get("alt", "") for output in (before, after)]
            if not numbers.agree(*alts):
                yield f"Cell {old.id} describes its still by {numbers.differing(*alts)}."


def _miniature(file: Path, new: bytes) -> Iterator[str]:
    if not file.exists():
        yield f"There is no {file}."
    elif (away := distance(file.read_bytes(), new)) > COUNTS:
        yield f"{file} is {away:.1f} counts away from what it should show."


def distance(old: bytes, new: bytes) -> float:
    """Return how far two pictures are apart: the mean difference of their pixels, of 255.

    Parameters
    ----------
    old, new : bytes
        PNG files.

    Returns
    -------
    float
        Infinite if they differ in size.
    """
    before, after = (_pixels(data) for data in (old, new))
    return float(abs(before - after).mean()) if before.shape == after.shape else float("inf")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _pixels(data: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)
