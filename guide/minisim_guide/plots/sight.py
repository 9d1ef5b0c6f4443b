"""What a figure shows at one moment, and what of it the reader asks about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

from .marks import MARKS, Place, places

__all__ = ["MARKS", "Sight", "Subject", "places", "subject"]


@dataclass(frozen=True)
class Sight:
    """What the figure shows at one moment: both recordings, a frame, perhaps a pixel or a region.

    Parameters
    ----------
    left, right
        The recordings.
    frame
        The frame shown.
    pixel
        The marked (row, column), or nothing.
    roi
        The box (top, left, bottom, right) around an ellipse, in pixels from the picture's corner, or nothing.
    marks
        The (row, column) of each place that the figure marks by name (`MARKS`) and the scene has.
    """

    left: Any
    right: Any
    frame: int
    pixel: tuple[int, ...] = ()
    roi: tuple[float, ...] = ()
    marks: Mapping[str, Place] = field(default_factory=dict)

    def mask(self) -> np.ndarray | None:
        """Return what the reader chose: the region, else the pixel, else None.

        Returns
        -------
        (H, W) bool, or None
            A region holds at least the pixel at its centre.
        """
        if not self.roi and not self.pixel:
            return None
        height, width = self.right.frames.shape[1:]
        chosen = np.zeros((height, width), dtype=bool)
        row, column = self.pixel or (0, 0)
        if self.roi:
            top, left, bottom, right = self.roi
            y, x = (top + bottom) / 2, (left + right) / 2
            tall, wide = max(bottom - top, 1e-9) / 2, max(right - left, 1e-9) / 2
            rows, columns = (at + 0.5 for at in np.ogrid[:height, :width])
            chosen = ((rows - y) / tall) ** 2 + ((columns - x) / wide) ** 2 <= 1
            row, column = int(y), int(x)
        chosen[min(max(row, 0), height - 1), min(max(column, 0), width - 1)] = True
        return chosen


@dataclass(frozen=True)
class Subject:
    """What a plot over time is about.

    Parameters
    ----------
    weights
        One over the number of its pixels inside it, 0 outside: sums of light become means, (H, W).
    own
        The cell that owns most of its light; None if no cell sends any.
    words
        What it is called in a sentence.
    chosen
        Whether the reader marked it.
    """

    weights: NDArray[np.float64]
    own: int | None
    words: str
    chosen: bool


def subject(sight: Sight) -> Subject:
    """Return what the reader marked; with nothing marked, the brightest cell in focus."""
    mask = sight.mask()
    if mask is not None:
        words = "the marked region" if sight.roi else "the marked pixel"
        return Subject(mask / mask.sum(), ms.measures.strongest_owner(sight.right, mask), words, True)
    own, mask = _brightest(sight.right.experiment.with_(off=()))
    if own is None:
        return Subject(mask / mask.sum(), None, "the whole picture, as no cell is in focus", False)
    return Subject(mask / mask.sum(), own, f"cell {own}, the brightest in focus", False)


@lru_cache(maxsize=8)
def _brightest(experiment: ms.Experiment) -> tuple[int | None, NDArray[np.bool_]]:
    """Find the brightest cell with every layer on, so that no switch changes who is looked at."""
    recording = ms.simulate(experiment)
    cell = ms.measures.brightest_cell(recording)
    mask = np.zeros(0, dtype=bool) if cell is None else ms.measures.body_mask(recording, cell)
    if not mask.any():
        return None, np.ones(experiment.shape_px, dtype=bool)
    return cell, mask
