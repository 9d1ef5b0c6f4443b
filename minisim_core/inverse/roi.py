"""Regions of interest as labs draw them: the mean of a cell's pixels, less what surrounds it.

A region is where a footprint exceeds a share of its peak. The ring around it, without the regions of
the other cells, shows the haze; a share of it is subtracted. The share of 0.7 is that of Chen et al.
2013 (Nature 499:295) for GCaMP6 under two photons, who took it from the brightness of vessels beside
their surround; one-photon labs use it as well, though there the haze is many times the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["COEFFICIENT", "Annuli", "annulus", "neuropil_subtracted", "regions", "traces"]

FloatArray = NDArray[np.floating]
Footprints = Any
"""(K, H, W) array; (H * W, K) sparse array; or a sequence of (first row, first column, patch)."""

COEFFICIENT = 0.7
"""Share of the surround that is subtracted: Chen et al. 2013, Nature 499:295."""

_CHUNK = 64  # frames read at once


@dataclass(frozen=True, eq=False)
class Annuli:
    """Rings around regions, free of other cells.

    Parameters
    ----------
    pixels : (H * W, K) scipy.sparse.csc_array of bool
        The pixels of each cell's ring.
    empty : (n,) int
        Cells with fewer pixels in their ring than asked for; those rings are empty.
    """

    pixels: sparse.csc_array
    empty: NDArray[np.intp]


def regions(footprints: Footprints, shape: tuple[int, int], *, share: float = 0.5) -> sparse.csc_array:
    """Draw a region around every cell.

    Parameters
    ----------
    footprints : (K, H, W) array, (H * W, K) sparse array, or sequence of (y0, x0, patch)
        Images of the cells.
    shape : (int, int)
        Rows and columns of the field.
    share : float
        Share of its peak from which a pixel belongs to a cell, above 0 and at most 1.

    Returns
    -------
    (H * W, K) scipy.sparse.csc_array of bool
        A footprint without a positive value has no pixels.

    Raises
    ------
    ParameterError
        If the footprints do not fit the field, are not finite, or `share` is out of its limits.
    """
    if not 0 < share <= 1:
        raise ParameterError(f"share = {share} is refused: it must be above 0 and at most 1")
    return _columns([_region(*patch, shape, share) for patch in _patches(footprints, shape)], shape)


def annulus(
    footprints: Footprints,
    shape: tuple[int, int],
    *,
    gap_px: float = 2,
    width_px: float = 6,
    share: float = 0.5,
    fewest_px: int = 20,
) -> Annuli:
    """Draw a ring around every region, without the regions of all cells.

    Parameters
    ----------
    footprints : (K, H, W) array, (H * W, K) sparse array, or sequence of (y0, x0, patch)
        Images of the cells, those to be excluded among them.
    shape : (int, int)
        Rows and columns of the field.
    gap_px : float
        Distance from the region to the ring, at least 0.
    width_px : float
        Width of the ring, above 0.
    share : float
        As for `regions`.
    fewest_px : int
        Pixels that a ring must have to be used, at least 1.

    Returns
    -------
    Annuli

    Raises
    ------
    ParameterError
        If the footprints do not fit the field or a length is out of its limits.
    """
    from scipy import ndimage

    for name, value, limit in (("gap_px", gap_px, 0), ("fewest_px", fewest_px, 1)):
        if not value >= limit:
            raise ParameterError(f"{name} = {value} is refused: it must be at least {limit}")
    if not width_px > 0:
        raise ParameterError(f"width_px = {width_px} is refused: it must be above 0")
    drawn = regions(footprints, shape, share=share)
    taken = np.asarray(drawn.sum(axis=1) > 0).reshape(shape)
    reach = int(np.ceil(gap_px + width_px))
    rings, empty = [], []
    for cell in range(drawn.shape[1]):
        y, x = np.divmod(drawn.indices[drawn.indptr[cell] : drawn.indptr[cell + 1]], shape[1])
        inside = np.zeros(0, dtype=np.intp)
        if len(y):
            top, left = max(y.min() - reach, 0), max(x.min() - reach, 0)
            others = taken[top : y.max() + reach + 1, left : x.max() + reach + 1]
            own = np.ones(others.shape, dtype=bool)
            own[y - top, x - left] = False
            away = ndimage.distance_transform_edt(own)
            ring = (away > gap_px) & (away <= gap_px + width_px) & ~others
            rows, columns = np.nonzero(ring)
            inside = (rows + top) * shape[1] + columns + left
        if len(inside) < fewest_px:
            empty.append(cell)
            inside = inside[:0]
        rings.append(inside)
    return Annuli(_columns(rings, shape), np.array(empty, dtype=np.intp))


def traces(movie: Any, footprints: Footprints, *, share: float = 0.5) -> FloatArray:
    """Average a movie over the region of every cell.

    Parameters
    ----------
    movie : (T, H, W) array
        Anything that gives frames when sliced; it is read a few frames at a time.
    footprints : (K, H, W) array, (H * W, K) sparse array, or sequence of (y0, x0, patch)
        Images of the cells; or what `regions` or `annulus` drew, which is taken as it is.
    share : float
        As for `regions`.

    Returns
    -------
    (K, T) float64
        In the movie's units; NaN for a cell without pixels.

    Raises
    ------
    ParameterError
        If movie and footprints are not of one field, or `share` is out of its limits.
    """
    if len(movie.shape) != 3:
        raise ParameterError(f"movie of shape {tuple(movie.shape)} is refused: it must be (T, H, W)")
    pixels = regions(footprints, tuple(movie.shape[1:]), share=share)
    sizes = np.diff(pixels.indptr)
    sums = pixels.T.astype(np.float64)
    out = np.empty((len(sizes), movie.shape[0]))
    for start in range(0, movie.shape[0], _CHUNK):
        chunk = np.asarray(movie[start : start + _CHUNK], dtype=np.float64)
        out[:, start : start + _CHUNK] = sums @ chunk.reshape(len(chunk), -1).T
    out[sizes > 0] /= sizes[sizes > 0, None]
    out[sizes == 0] = np.nan
    return out


def neuropil_subtracted(
    traces: FloatArray, surround: FloatArray, coefficient: float = COEFFICIENT
) -> FloatArray:
    """Subtract a share of each surround from its cell.

    Parameters
    ----------
    traces, surround : (K, T) float
        Means over the regions and over their rings.
    coefficient : float
        Share of the surround.

    Returns
    -------
    (K, T) float64
        NaN where the surround is: a cell without a ring is not corrected by nothing.

    Raises
    ------
    ParameterError
        If the shapes differ.
    """
    if traces.shape != surround.shape:
        raise ParameterError(
            f"surround of shape {surround.shape} is refused: the traces are of shape {traces.shape}"
        )
    return np.asarray(traces, dtype=float) - coefficient * np.asarray(surround, dtype=float)


def _patches(footprints: Footprints, shape: tuple[int, int]) -> Sequence[tuple[int, int, FloatArray]]:
    """Return any kind of footprints as a sequence of first row, first column and patch."""
    from scipy import sparse

    if sparse.issparse(footprints):
        if footprints.shape[0] != shape[0] * shape[1]:
            raise ParameterError(
                f"footprints of shape {footprints.shape} are refused: a field of {shape[0]} x {shape[1]} "
                f"has {shape[0] * shape[1]} pixels"
            )
        columns = footprints.tocsc()
        return [
            _patch(columns.indices[first:last], columns.data[first:last], shape[1])
            for first, last in pairwise(columns.indptr)
        ]
    if isinstance(footprints, np.ndarray):
        if footprints.shape[1:] != tuple(shape):
            raise ParameterError(
                f"footprints of shape {footprints.shape} are refused: they must be of shape "
                f"(K, {shape[0]}, {shape[1]})"
            )
        return [(0, 0, image) for image in footprints]
    return footprints


def _patch(pixels: NDArray[np.intp], values: FloatArray, width: int) -> tuple[int, int, FloatArray]:
    if not len(pixels):
        return 0, 0, np.zeros((0, 0))
    y, x = np.divmod(pixels, width)
    patch = np.zeros((np.ptp(y) + 1, np.ptp(x) + 1))
    patch[y - y.min(), x - x.min()] = values
    return int(y.min()), int(x.min()), patch


def _region(y0: int, x0: int, patch: FloatArray, shape: tuple[int, int], share: float) -> NDArray[np.intp]:
    """Return the flat pixels of one region."""
    height, width = patch.shape
    if y0 < 0 or x0 < 0 or y0 + height > shape[0] or x0 + width > shape[1]:
        raise ParameterError(
            f"a footprint of {height} x {width} pixels at ({y0}, {x0}) is refused: it leaves the field of "
            f"{shape[0]} x {shape[1]}"
        )
    peak = patch.max(initial=0)
    if not np.isfinite(patch).all():
        raise ParameterError("footprints are refused: their values must be finite")
    y, x = np.nonzero((patch >= share * peak) & (patch > 0))
    return (y + y0) * shape[1] + x + x0


def _columns(pixels: Sequence[NDArray[np.intp]], shape: tuple[int, int]) -> sparse.csc_array:
    from scipy import sparse

    rows = np.concatenate(pixels) if pixels else np.zeros(0, dtype=np.intp)
    starts = np.concatenate([[0], np.cumsum([len(p) for p in pixels], dtype=np.intp)])
    return sparse.csc_array(
        (np.ones(len(rows), dtype=bool), rows, starts), shape=(shape[0] * shape[1], len(pixels))
    )
