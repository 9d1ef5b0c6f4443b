"""The tissue from the side: at which depth cells lie, what is in focus, and which can be recovered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

from .depth import seen_cells
from .sight import Sight
from .spec import Spec, number, short

BAND_UM = 40.0
"""Cells so close to the line that the tissue is cut along are drawn."""

HANDLES = 4
"""Up to so many given cells are drawn by themselves, each with a handle."""

_POINTS = 41  # along the focal surface
_AXIS = (0.0, 1.0)  # (y, x): from left to right
_DIAGONAL = (math.sqrt(0.5), math.sqrt(0.5))  # from the upper left corner to the lower right one


def plot_side_view(sight: Sight) -> Iterator[Spec]:
    """Draw the tissue cut from left to right, through the mark or the middle."""
    yield from _side_view(sight, _AXIS, sight.pixel)


def plot_side_view_diagonal(sight: Sight) -> Iterator[Spec]:
    """Draw the tissue cut from corner to corner."""
    yield from _side_view(sight, _DIAGONAL, ())


def _side_view(sight: Sight, along: tuple[float, float], pixel: tuple[int, ...]) -> Iterator[Spec]:
    """First draw where the cells are, at once; then which of them can be recovered, which takes longer."""
    cut = _cut(sight.right.experiment.with_(off=()), along, pixel)
    yield _drawn(sight, cut, None)
    if not cut.others(sight.right.experiment).size:
        return
    _, truth = seen_cells(sight.right.experiment)
    yield _drawn(sight, cut, np.asarray(truth.detectable))


class _Cut:
    """The tissue along a line across the field."""

    def __init__(self, recording: Any, along: tuple[float, float], pixel: tuple[int, ...]) -> None:
        self.label = "across the field, µm" if along == _AXIS else "from corner to corner, µm"
        truth, (height, width) = recording.truth, recording.frames.shape[1:]
        places = np.asarray(truth.positions_um)
        center = np.array([(height - 1) / 2, (width - 1) / 2])
        through = center.copy()
        if pixel:
            through[0] = min(max(pixel[0], 0), height - 1)
        off_um = ((through - center) * recording.pixel_um) @ (along[1], -along[0])
        self.across_um = places[:, 1:] @ along
        self.depth_um = places[:, 0]
        near_line = abs(places[:, 1:] @ (along[1], -along[0]) - off_um) <= BAND_UM
        self.cells = np.flatnonzero(near_line & np.asarray(truth.in_field))
        self.all_in_field = int(np.asarray(truth.in_field).sum())
        half_px = min(c / a for c, a in zip(center, along, strict=True) if a)
        self.half_um = float(half_px * recording.pixel_um)
        steps = np.linspace(-1, 1, _POINTS)
        rows, columns = np.rint(through[:, None] + half_px * np.outer(along, steps)).astype(int)
        self.line_um = self.half_um * steps
        self.surface_um = np.asarray(truth.focal_surface_um, dtype=float)[rows, columns]

    def others(self, experiment: ms.Experiment) -> NDArray[np.int64]:
        """Return the cells along the line that are not drawn by themselves."""
        return self.cells[self.cells >= len(_handles(experiment))]


def _handles(experiment: ms.Experiment) -> range:
    """Return the given cells, if they are few."""
    given = experiment.cells.positions_um or ()
    return range(len(given)) if len(given) <= HANDLES else range(0)


@lru_cache(maxsize=8)
def _cut(experiment: ms.Experiment, along: tuple[float, float], pixel: tuple[int, ...]) -> _Cut:
    """Cut the tissue; switches change nothing in it."""
    return _Cut(ms.simulate(experiment), along, pixel)


def _drawn(sight: Sight, cut: _Cut, found: NDArray[np.bool_] | None) -> Spec:
    e = sight.right.experiment
    handles, others = _handles(e), cut.others(e)
    if found is None:
        groups = [("cells", "soft", True, others)]
    else:
        groups = [
            ("lost", "soft", True, others[~found[others]]),
            ("recoverable", "own", False, others[found[others]]),
        ]
    inside = cut.surface_um >= 0
    deepest = max(e.cells.depth_range_um[1], *cut.depth_um[cut.cells], *cut.surface_um, 200.0)
    near = e.scope.near_focus_um
    focus = {
        "name": f"in focus, ± {near:g} µm",
        "ink": "cool",
        "line": True,
        "around": near,
        "moves": {"y": "focus_um"},
        "x": short(cut.line_um[inside]),
        "y": short(cut.surface_um[inside]),
    }
    apex = float(cut.surface_um[_POINTS // 2])
    slope = math.tan(math.asin(e.scope.numerical_aperture / e.tissue.refractive_index))
    return {
        "kind": "side",
        "title": "The tissue from the side",
        "x": {"label": cut.label, "limits": [-cut.half_um, cut.half_um]},
        "y": {"label": "depth, µm", "limits": [0, 50 * math.ceil(round(deepest / 50, 3))]},
        "series": [focus]
        + [_points(cut, *group) for group in groups if len(group[-1]) or not handles]
        + [_handle(cut, i, found) for i in handles],
        "cone": {"from": [0.0, apex], "half": slope * apex},
        "notes": [_note(found)] if others.size else [],
        "summary": _say(cut, found),
    }


def _points(cut: _Cut, name: str, ink: str, hollow: bool, chosen: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "name": f"{name} {len(chosen)}",
        "ink": ink,
        "hollow": hollow,
        "x": short(cut.across_um[chosen]),
        "y": short(cut.depth_um[chosen]),
        "cells": chosen.tolist(),
    }


def _handle(cut: _Cut, cell: int, found: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Draw a given cell as a handle on its own depth and its own place across the field."""
    points = _points(cut, "the cell", "own", found is not None and not found[cell], np.array([cell]))
    place = f"cells.positions_um.{cell}"
    return points | {"name": "the cell", "moves": {"y": f"{place}.0", "x": f"{place}.2"}, "large": True}


def _note(found: NDArray[np.bool_] | None) -> str:
    return "counting…" if found is None else f"{int(found.sum())} recoverable in the whole field"


def _say(cut: _Cut, found: NDArray[np.bool_] | None) -> str:
    middle, end = cut.surface_um[_POINTS // 2], cut.surface_um[-1]
    text = (
        f"Side view of the tissue within {BAND_UM:g} µm of a line across the field: in focus at "
        f"{number(middle)} µm in its middle and "
        + (f"at {number(end)} µm at its end" if end >= 0 else "above the tissue at its end")
    )
    if found is None:
        return f"{text}; cells: {len(cut.cells)}."
    return (
        f"{text}; {int(found[cut.cells].sum())} of {len(cut.cells)} cells can be recovered, and "
        f"{int(found.sum())} of the {cut.all_in_field} in the whole field."
    )
