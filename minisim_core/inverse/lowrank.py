"""Haze as CNMF tells it: a few images, each with one course, smooth across the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]

_RIDGE = 1e-4  # of the mean power of a column: for bumps that hardly meet a valid pixel


def smooth_images(
    blocks: Float32Array, footprints: sparse.csr_array, shape: tuple[int, int], step: float, rank: int
) -> Float32Array:
    """Find the images of the strongest smooth changes that are not the cells'.

    Parameters
    ----------
    blocks : (h * w, T) float32
        Courses of the blocks of a coarse grid, each with a mean of 0.
    footprints : (h * w, K) sparse array
        The cells on that grid.
    shape : (h, w)
    step : float
        Distance of the bumps that a smooth image is made of, in blocks.
    rank : int
        How many images; fewer come back if the grid or the movie has fewer.

    Returns
    -------
    (h * w, rank) float32
    """
    bumps = np.kron(*(_bumps(length, step) for length in shape))
    columns = np.hstack([footprints.toarray(), bumps]).astype(float)
    columns /= np.maximum(np.sqrt((columns**2).sum(axis=0)), 1e-12)
    gram = columns.T @ columns
    gram[np.diag_indices(len(gram))] += _RIDGE
    solved = np.linalg.solve(gram, columns.T @ blocks)
    smooth = columns[:, footprints.shape[1] :] @ solved[footprints.shape[1] :]
    # Strongest changes by the eigenvectors of the smaller of the two products.
    values, vectors = np.linalg.eigh(smooth.T @ smooth)
    images = smooth @ vectors[:, ::-1][:, :rank]
    kept = values[::-1][:rank] > 1e-9 * max(values[-1], 1e-12)
    return (images[:, kept] / np.sqrt((images[:, kept] ** 2).mean(axis=0))).astype(np.float32)


def _bumps(length: int, step: float) -> FloatArray:
    """Cubic B-splines in even steps over an axis, (length, n)."""
    count = int(np.ceil(max(length - 1, 1) / step)) + 1
    away = np.abs(np.arange(length)[:, None] / step - np.linspace(0, (length - 1) / step, count))
    near = 2 / 3 - away**2 + away**3 / 2
    return np.where(away < 1, near, np.maximum(2 - away, 0) ** 3 / 6)
