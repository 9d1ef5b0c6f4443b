"""Time courses of cells from sums over their footprints: non-negative least squares, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels import demix as kernels
from .movies import cells_named

__all__ = ["Conditioning"]

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]

WORST_CONDITION = 1e4
"""Condition number from which a demixing is called ill-conditioned: noise grows up to 100 fold."""

WORST_INFLATION = 25.0
"""Growth of a cell's noise variance by its neighbours from which it is doubtful: 5 fold in sd."""

COLLINEAR = 0.95
"""Cosine from which two footprints count as nearly the same."""

_SWEEPS = 6
_SMOOTH = 5  # frames averaged before a baseline is read
_REST_PERCENT = 10.0  # of frames, in which a cell is taken to rest


@dataclass(frozen=True, eq=False)
class Conditioning:
    """How well footprints can be told apart, from the Gram matrix of those scaled to equal length.

    Parameters
    ----------
    condition : float
        Largest over smallest eigenvalue.
    inflation : (K,) float64
        How much the others raise the variance of each cell's noise: 1 if nothing overlaps.
    pairs : (n, 2) int
        Cells whose footprints are nearly the same.
    """

    condition: float
    inflation: FloatArray
    pairs: NDArray[np.int64]

    @property
    def doubtful(self) -> NDArray[np.intp]:
        """Cells that the others mask, ascending."""
        masked = np.flatnonzero(self.inflation > WORST_INFLATION)
        return np.union1d(masked, self.pairs.ravel()).astype(np.intp)

    def notes(self) -> list[str]:
        """Say in sentences what is doubtful.

        Returns
        -------
        list of str
            Empty if nothing is.
        """
        said = []
        if self.condition > WORST_CONDITION:
            said.append(
                f"ill-conditioned: the condition number of the weighted footprints is {self.condition:.2g}"
            )
        said += [
            f"cells {i} and {j} have nearly the same footprint: only the sum of their courses is known"
            for i, j in self.pairs[:8].tolist()
        ]
        if len(self.pairs) > 8:
            said.append(f"and so have {len(self.pairs) - 8} more pairs")
        masked = np.setdiff1d(self.doubtful, self.pairs.ravel())
        if len(masked):
            said.append(f"doubtful, masked by what overlaps: {cells_named(masked)}")
        return said


def conditioning(gram: FloatArray, cells: int) -> Conditioning:
    """Judge a Gram matrix.

    Parameters
    ----------
    gram : (N, N) float64
        Weighted products of the footprints, and after the cells' of anything else that is solved for.
    cells : int
        How many of them are cells.

    Returns
    -------
    Conditioning
    """
    if not len(gram):
        return Conditioning(1.0, np.zeros(0), np.zeros((0, 2), dtype=np.int64))
    length = np.sqrt(np.diag(gram))
    alike = gram / np.outer(length, length)
    values, vectors = np.linalg.eigh(alike)
    # Rounding leaves eigenvalues of about 1e-7: float32 footprints are known no better.
    floor = np.finfo(np.float32).eps * values[-1]
    inflation = (vectors**2 / np.maximum(values, floor)).sum(axis=1)[:cells]
    condition = float("inf") if values[0] < floor else float(values[-1] / values[0])
    i, j = np.nonzero(np.triu(alike[:cells, :cells] > COLLINEAR, 1))
    return Conditioning(condition, inflation, np.stack([i, j], axis=1))


def solve(gram: FloatArray, projected: Float32Array, cells: int) -> tuple[Float32Array, Float32Array]:
    """Solve for non-negative courses of cells above their rest, and free ones of the background.

    Parameters
    ----------
    gram : (N, N) float64
        Cells first.
    projected : (N, T) float32
        Weighted sums of the movie less each pixel's mean.
    cells : int

    Returns
    -------
    (N, T) float32
        Least squares, with cells not below 0.
    (cells,) float32
        What was added to each cell's course to put its rest at 0: with it the mean is that of the movie.
    """
    length = np.sqrt(np.diag(gram)).astype(np.float32)
    scaled = gram / np.outer(length, length)
    wanted = (projected / length[:, None]).astype(np.float32)
    damped = scaled + np.finfo(np.float32).eps * np.eye(len(gram))
    free: Float32Array = np.linalg.solve(damped, wanted).astype(np.float32)
    lift = np.zeros(len(gram), dtype=np.float32)
    lift[:cells] = -rest_level(free[:cells])
    wanted += (scaled @ lift).astype(np.float32)[:, None]
    out: Float32Array = free + lift[:, None]
    floor = np.where(np.arange(len(gram)) < cells, 0, -np.inf).astype(np.float32)
    np.maximum(out, floor[:, None], out=out)
    kernels.courses(out, scaled, wanted, floor, _SWEEPS)
    return out / length[:, None], lift[:cells] / length[:cells]


def rest_level(courses: FloatArray) -> FloatArray:
    """Read the level that each course rests at: a low percentile of its running mean, (K,)."""
    from scipy import ndimage

    if not courses.size:
        return np.zeros(len(courses), dtype=courses.dtype)
    smooth = ndimage.uniform_filter1d(courses, _SMOOTH, axis=1)
    level: FloatArray = np.percentile(smooth, _REST_PERCENT, axis=1)
    return level
