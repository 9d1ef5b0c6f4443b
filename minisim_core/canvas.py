"""The canvas on which tissue is drawn: the field, a margin for motion, and coarser grids above."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import pyramid as kernels

LEVELS = 11
"""Pixels, and ten grids of spacing 2 to 1024 pixels."""

FAR_LEVEL = 4
"""The finest level that far light is kept on: 16 pixels."""

RUNG = np.sqrt(2 / 3)
"""Sd, in nodes, of a B-spline splatted onto a grid and read off it: cubic twice, 1/3 + 1/3."""

FloatArray = NDArray[np.floating]
Grid = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Canvas(NamedTuple):
    """Field and margin in pixels. Canvas pixel (margin, margin) is the field's pixel (0, 0)."""

    height_px: int
    width_px: int
    margin_px: int
    pixel_um: float

    @property
    def rows(self) -> int:
        """Rows of pixels, margins included."""
        return self.height_px + 2 * self.margin_px

    @property
    def columns(self) -> int:
        """Columns of pixels, margins included."""
        return self.width_px + 2 * self.margin_px

    def level_shape(self, level: int) -> tuple[int, int]:
        """Nodes of one level, down and across."""
        if level == 0:
            return self.rows, self.columns
        extra = 2 * kernels.PAD + 2
        return ((self.rows - 1) >> level) + extra, ((self.columns - 1) >> level) + extra

    @property
    def level_rows(self) -> NDArray[np.int64]:
        """Rows of every level."""
        return np.array([self.level_shape(level)[0] for level in range(LEVELS)])

    @property
    def level_columns(self) -> NDArray[np.int64]:
        """Columns of every level."""
        return np.array([self.level_shape(level)[1] for level in range(LEVELS)])

    @property
    def level_offsets(self) -> NDArray[np.int64]:
        """Where each level begins in the flat buffer; one more entry gives its size."""
        return np.concatenate([[0], np.cumsum(self.level_rows * self.level_columns)])

    @property
    def grid(self) -> Grid:
        """Offsets, rows and columns of every level, as the kernels take them."""
        return self.level_offsets, self.level_rows, self.level_columns

    def pixel_of(self, y_um: FloatArray, x_um: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Canvas pixel (row, column) of points in the image plane."""
        return (
            y_um / self.pixel_um + self.margin_px + (self.height_px - 1) / 2,
            x_um / self.pixel_um + self.margin_px + (self.width_px - 1) / 2,
        )

    def nodes_um(self, level: int) -> tuple[FloatArray, FloatArray]:
        """Positions (y, x) of a level's rows and columns; level 0 gives the canvas's pixels."""
        rows, columns = self.level_shape(level)
        pad = 0 if level == 0 else kernels.PAD
        y: FloatArray = (np.arange(rows) - pad) * 2.0**level - self.margin_px - (self.height_px - 1) / 2
        x: FloatArray = (np.arange(columns) - pad) * 2.0**level - self.margin_px - (self.width_px - 1) / 2
        return y * self.pixel_um, x * self.pixel_um

    @property
    def field_half_um(self) -> float:
        """Half the longer side of the field."""
        return max(self.height_px, self.width_px) * self.pixel_um / 2

    @property
    def half_um(self) -> float:
        """Half the longer side of the canvas."""
        return max(self.rows, self.columns) * self.pixel_um / 2


def views(buffer: NDArray[np.floating], canvas: Canvas) -> list[NDArray[np.floating]]:
    """Return a flat buffer's levels as 2-d arrays."""
    offsets = canvas.level_offsets
    return [
        buffer[offsets[level] : offsets[level + 1]].reshape(canvas.level_shape(level))
        for level in range(LEVELS)
    ]
