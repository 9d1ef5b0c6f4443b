"""Where each cell is seen: its image alone, in a window of the field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Grid
from .images import CellArrays, CellImages
from .kernels import footprints as kernels
from .once import cached_property

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]
Footprint = tuple[int, int, Float32Array]

FLOOR = 1e-3
"""Share of its peak below which a footprint ends."""

WIDEST_PX = 128
"""Longest side of a footprint: 64 kB."""


def boxes(canvas: Canvas, images: CellImages) -> NDArray[np.int64]:
    """Where cells are looked for: rows and columns of the field, first and past the last, (N, 4)."""
    center = np.rint(images.center_px).astype(np.int64) - canvas.margin_px
    low = np.maximum(center - WIDEST_PX // 2, 0)
    high = np.minimum(center + WIDEST_PX // 2, (canvas.height_px, canvas.width_px))
    return np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)


class Footprints(Sequence[Footprint]):
    """Images of the cells at rest: for each, first row, first column and a float32 patch.

    Parameters
    ----------
    canvas : Canvas
    images : CellImages
        Drawn on that canvas.
    """

    def __init__(self, canvas: Canvas, images: CellImages) -> None:
        self._canvas, self._images = canvas, images

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> Footprint: ...

    @overload
    def __getitem__(self, index: slice) -> list[Footprint]: ...

    def __getitem__(self, index: int | slice) -> Footprint | list[Footprint]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no cell {index}: there are {len(self)}")
        return self._draw(index % len(self))

    def __iter__(self) -> Iterator[Footprint]:
        return (self[i] for i in range(len(self)))

    def csc(self, cells: Sequence[int] | NDArray[np.intp] | None = None) -> sparse.csc_array:
        """Return footprints as the columns of a sparse matrix.

        Parameters
        ----------
        cells : sequence or (n,) array of int, optional
            Which cells, in which order; all by default.

        Returns
        -------
        (H * W, n) scipy.sparse.csc_array of float32
        """
        from scipy import sparse

        height, width = self._canvas.height_px, self._canvas.width_px
        rows, values, starts = [], [], [0]
        for i in range(len(self)) if cells is None else cells:
            y0, x0, patch = self[int(i)]
            y, x = np.nonzero(patch)
            rows.append((y + y0) * width + x + x0)
            values.append(patch[y, x])
            starts.append(starts[-1] + len(y))
        flat_rows = np.concatenate(rows) if rows else np.zeros(0, dtype=np.intp)
        flat = np.concatenate(values) if values else np.zeros(0, dtype=np.float32)
        return sparse.csc_array((flat, flat_rows, starts), shape=(height * width, len(starts) - 1))

    @cached_property
    def _for_kernels(self) -> tuple[CellArrays, Grid]:
        return self._images.arrays, self._canvas.grid

    @cached_property
    def _boxes(self) -> NDArray[np.int64]:
        return boxes(self._canvas, self._images)

    def _draw(self, i: int) -> Footprint:
        top, bottom, left, right = self._boxes[i].tolist()
        window = np.zeros((max(bottom - top, 0), max(right - left, 0)), dtype=np.float32)
        m = self._canvas.margin_px
        kernels.draw_cell(window, top + m, left + m, i, *self._for_kernels)
        y0, y1, x0, x1 = kernels.crop(window, FLOOR)
        patch = window[y0:y1, x0:x1].copy()
        patch.setflags(write=False)
        return (top + y0, left + x0, patch) if patch.size else (0, 0, patch)
