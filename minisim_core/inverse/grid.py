"""The coarse grid that haze is described on: what varies over tens of µm needs no finer one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .movies import Survey

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class CoarseGrid:
    """Blocks of pixels, and the way between blocks and pixels.

    On the grid light is told as a share of each pixel's mean: illumination, vignetting and vessels
    multiply haze and mean alike, so their edges drop out of the shares.

    Attributes
    ----------
    shape : (h, w)
        Blocks down and across.
    pool : (H * W, h * w) csc_array of float32
        What weighs a frame's pixels into mean shares of the blocks.
    spread : (H * W, h * w) csr_array of float32
        Shares of the blocks to light of the pixels, interpolated linearly between blocks' centres.
    """

    shape: tuple[int, int]
    pool: sparse.csc_array
    spread: sparse.csr_array


def coarse_grid(survey: Survey, block_px: int) -> CoarseGrid:
    """Lay blocks of `block_px` pixels over a movie's field; those at the far edges may be smaller.

    Parameters
    ----------
    survey : Survey
    block_px : int

    Returns
    -------
    CoarseGrid
    """
    from scipy import sparse

    mean = survey.mean
    useful = survey.valid & (mean > 0)
    axes = [_axis(length, block_px) for length in survey.shape_px]
    members = sparse.kron(axes[0][0], axes[1][0], format="csc")
    per_pixel = np.where(useful, 1 / np.where(useful, mean, 1), 0).astype(np.float32)
    counts = np.maximum(members.T @ useful.astype(np.float32), 1)
    pool = sparse.csc_array(members.multiply(per_pixel[:, None]).multiply(1 / counts[None, :]))
    spread = sparse.csr_array(sparse.kron(axes[0][1], axes[1][1], format="csr").multiply(mean[:, None]))
    shape = axes[0][0].shape[1], axes[1][0].shape[1]
    return CoarseGrid(shape, pool.astype(np.float32), spread.astype(np.float32))


def _axis(length: int, block: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Which block each pixel of an axis is in, and how it lies between the centres of two."""
    from scipy import sparse

    pixels = np.arange(length)
    of_block = pixels // block
    blocks = int(of_block[-1]) + 1
    sizes = np.bincount(of_block)
    centers = np.bincount(of_block, pixels) / sizes
    inside = sparse.csr_array((np.ones(length), (pixels, of_block)), shape=(length, blocks))
    place = np.interp(pixels, centers, np.arange(blocks))
    below = np.minimum(place.astype(int), max(blocks - 2, 0))
    beyond = place - below
    above = np.minimum(below + 1, blocks - 1)
    rows = np.concatenate([pixels, pixels])
    weights = np.concatenate([1 - beyond, beyond])
    between = sparse.csr_array((weights, (rows, np.concatenate([below, above]))), shape=(length, blocks))
    return inside, between
