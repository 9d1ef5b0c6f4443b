"""Lines as SVG paths, in tenths of a pixel: contours of images, and the outlines of cells."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

FloatArray = NDArray[np.floating]

VERTICES = 20
"""Of an outline; fewer where there are many cells."""

MANY = 1000
"""So many cells are many."""


class Outline(NamedTuple):
    """The outline of a cell, wherever it is imaged."""

    dx: float
    dy: float
    steps: str

    def at(self, y: float, x: float) -> str:
        """Return its path around a centre, in tenths of a pixel."""
        return f"M{round(10 * (x + self.dx + 0.5))} {round(10 * (y + self.dy + 0.5))}{self.steps}"


def cell_outlines(experiment: ms.Experiment) -> dict[int, Outline]:
    """Trace every cell of the field by its index; only what cells look like and where they are matters.

    The focus shifts where they are imaged, and scales them by less than a tenth of a pixel.
    """
    plain = ms.Experiment()
    bare = experiment.with_(
        off=(),
        focus_um=experiment.scope.nominal_focus_um,
        activity=plain.activity,
        neuropil=plain.neuropil,
        vessels=plain.vessels,
        illumination=plain.illumination,
    )
    return _traced(bare)


@lru_cache(maxsize=4)
def _traced(experiment: ms.Experiment) -> dict[int, Outline]:
    """Trace every cell of the field at a fixed share of its sharp footprint's peak."""
    truth = ms.simulate(experiment).truth
    inside = np.flatnonzero(truth.in_field).tolist()
    vertices = VERTICES if len(inside) <= MANY else VERTICES // 2
    found = {}
    for i in inside:
        top, left, patch = truth.footprints_sharp[i]
        if not patch.size:
            continue
        lines = contours(np.pad(patch, 1), ms.measures.OUTLINE_SHARE * float(patch.max()))
        longest = max(lines, key=lambda line: len(line))
        line = longest[:: max(1, len(longest) // vertices)] + np.array([left - 1, top - 1])
        y, x = truth.centroids_px[i]
        found[i] = Outline(line[0, 0] - x, line[0, 1] - y, _steps(line, "Z"))
    return found


def contours(image: NDArray[Any], level: float) -> list[FloatArray]:
    """Return the lines (x, y) along which an image has a level, in pixels from the first one's centre."""
    from contourpy import contour_generator

    found: Any = contour_generator(z=image).lines(level)
    return list(found)


def level_path(line: FloatArray) -> str:
    """Write a contour, thinned; one that leaves the field stays open."""
    thin = np.concatenate([line[: -1 : max(1, len(line) // 100)], line[-1:]])
    return svg_path(thin, "Z" if (line[0] == line[-1]).all() else "")


def svg_path(points: FloatArray, end: str = "Z") -> str:
    """Write points (x, y), in pixels from the first pixel's centre, as an SVG path in tenths of a pixel."""
    x, y = np.rint(10 * (np.asarray(points)[0] + 0.5)).astype(int).tolist()
    return f"M{x} {y}{_steps(points, end)}"


def _steps(points: FloatArray, end: str) -> str:
    steps = np.diff(np.rint(10 * np.asarray(points)).astype(int), axis=0).ravel().tolist()
    return f"l{' '.join(map(str, steps))}{end}".replace(" -", "-")
