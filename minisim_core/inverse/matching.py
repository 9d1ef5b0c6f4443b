"""Which estimated cell is which true cell, by where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]
Similarity = Literal["cosine", "iou"]
Shift = tuple[int, int]

MASK_SHARE = 0.3
"""Share of its peak from which a pixel belongs to a footprint's mask: scattered light, whose weight may
be that of the cell's sharp image, is fainter."""

_FARTHEST_PX = 20  # how far the frame of a pipeline is looked for from ours


@dataclass(frozen=True, eq=False)
class Matching:
    """Pairs of an estimated and a true cell, each cell in at most one.

    Parameters
    ----------
    pairs : (M, 2) int64
        Estimated and true cell, by estimated cell.
    similarity : (M,) float64
        Of each pair.
    shift_px : (y, x)
        By which the estimate was moved before.
    """

    pairs: NDArray[np.int64]
    similarity: FloatArray
    shift_px: Shift = (0, 0)


def similarities(estimate: sparse.csc_array, truth: sparse.csc_array, kind: Similarity) -> FloatArray:
    """Compare every estimated with every true footprint.

    Parameters
    ----------
    estimate, truth : (H * W, K) and (H * W, N) csc_array
        Footprints as columns, none negative.
    kind : {"cosine", "iou"}
        `cosine`: cosine of the angle between the weights. `iou`: pixels that both masks hold over
        pixels that either holds; a mask is all pixels of at least 0.3 of the footprint's peak.

    Returns
    -------
    (K, N) float64
        Between 0 and 1; an empty footprint is like none.

    Raises
    ------
    ParameterError
        If the kind is unknown.
    """
    if kind == "cosine":
        lengths = [np.sqrt(_weights(columns.power(2))) for columns in (estimate, truth)]
        both = _products(estimate, truth)
        whole = np.outer(*lengths)
    elif kind == "iou":
        masks = [_mask(estimate), _mask(truth)]
        both = _products(*masks)
        whole = np.add.outer(*[_weights(mask) for mask in masks]) - both
    else:
        raise ParameterError(f"similarity = {kind!r} is refused: it must be 'cosine' or 'iou'")
    return np.divide(both, whole, out=np.zeros_like(both), where=whole > 0)


def match(likeness: FloatArray, threshold: float, first: NDArray[np.bool_]) -> Matching:
    """Pair cells one to one so that the similarity of the pairs sums to the most.

    Parameters
    ----------
    likeness : (K, N) float
        Of estimated with true cells.
    threshold : float
        Pairs below it are none.
    first : (N,) bool
        True cells that choose first, among all estimates; the others choose among the rest.

    Returns
    -------
    Matching

    Notes
    -----
    The assignment of Kuhn (1955, Nav. Res. Logist. Q. 2:83).
    """
    from scipy.optimize import linear_sum_assignment

    worth = np.where(likeness >= threshold, likeness, 0)
    free = np.ones(len(worth), dtype=bool)
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for turn in (first, ~first):
        rows, columns = np.flatnonzero(free), np.flatnonzero(turn)
        i, j = linear_sum_assignment(worth[np.ix_(rows, columns)], maximize=True)
        found = np.stack([rows[i], columns[j]], axis=1)
        found = found[worth[found[:, 0], found[:, 1]] > 0]
        free[found[:, 0]] = False
        pairs.append(found)
    joined = np.concatenate(pairs)
    joined = joined[np.argsort(joined[:, 0])]
    return Matching(joined, likeness[joined[:, 0], joined[:, 1]])


def global_shift(estimate: sparse.csc_array, truth: sparse.csc_array, shape_px: tuple[int, int]) -> Shift:
    """Find by how many pixels the estimate as a whole must be moved to lie on the truth.

    Parameters
    ----------
    estimate, truth : (H * W, K) and (H * W, N) csc_array
        Footprints as columns.
    shape_px : (H, W)

    Returns
    -------
    (y, x)
        Where the sums of all footprints, their bright parts alone and each of unit length, correlate
        best, within 20 px; (0, 0) if either is empty.
    """
    from scipy.signal import fftconvolve

    sums = [_picture(columns.multiply(_mask(columns)), shape_px) for columns in (estimate, truth)]
    if not all(picture.any() for picture in sums):
        return (0, 0)
    est, true = (picture - picture.mean() for picture in sums)
    correlation = fftconvolve(true, est[::-1, ::-1])
    zero = shape_px[0] - 1, shape_px[1] - 1
    near = [slice(max(at - _FARTHEST_PX, 0), at + _FARTHEST_PX + 1) for at in zero]
    window = correlation[near[0], near[1]]
    y, x = np.unravel_index(window.argmax(), window.shape)
    return int(y + near[0].start - zero[0]), int(x + near[1].start - zero[1])


def moved(
    columns: sparse.csc_array, shape_px: tuple[int, int], shift_px: Shift, *, around: bool = False
) -> sparse.csc_array:
    """Move footprints by whole pixels.

    Parameters
    ----------
    columns : (H * W, K) csc_array
    shape_px : (H, W)
    shift_px : (y, x)
    around : bool
        Whether what leaves the field comes in again on the other side; it is dropped otherwise.

    Returns
    -------
    (H * W, K) csc_array
    """
    from scipy import sparse

    height, width = shape_px
    coo = columns.tocoo()
    row, column = coo.coords
    y, x = row // width + shift_px[0], row % width + shift_px[1]
    stays = np.ones(len(y), dtype=bool)
    if around:
        y, x = y % height, x % width
    else:
        stays = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    flat = (y * width + x)[stays]
    return sparse.csc_array((coo.data[stays], (flat, column[stays])), shape=columns.shape)


def _weights(columns: sparse.csc_array) -> FloatArray:
    return np.asarray(columns.sum(axis=0, dtype=float)).ravel()


def _products(estimate: sparse.csc_array, truth: sparse.csc_array) -> FloatArray:
    """Scalar product of every estimated with every true column; fast where the truth has more entries."""
    products: FloatArray = (truth.T @ estimate.tocsr()).toarray().T.astype(float)
    return products


def _mask(columns: sparse.csc_array) -> sparse.csc_array:
    """Ones where a column reaches a share of its peak."""
    mask = columns.copy()
    peaks = columns.max(axis=0).toarray().ravel()
    mask.data = (columns.data >= MASK_SHARE * np.repeat(peaks, np.diff(columns.indptr))).astype(np.float32)
    mask.eliminate_zeros()
    return mask


def _picture(columns: sparse.csc_array, shape_px: tuple[int, int]) -> FloatArray:
    """Sum of footprints, each of unit length, (H, W)."""
    lengths = np.sqrt(_weights(columns.power(2)))
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return np.asarray(columns @ scale, dtype=float).reshape(shape_px)
