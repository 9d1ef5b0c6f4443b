"""Footprints while they are being found: kept local, in one piece, merged and pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..kernels import demix as kernels
from .seeds import Patch

if TYPE_CHECKING:
    from scipy import sparse

Float32Array = NDArray[np.float32]

_FAINT = 0.15  # share of its peak below which a footprint ends
_SURE_SD = 2.0  # standard errors below which a pixel's weight is taken for noise
_WIDEST = 1.5  # soma diameters from its middle to which a footprint may reach
_SMALLEST = 0.25  # share of a soma's area below which a footprint is no cell
_SWEEPS = 5


def in_one_piece(image: Float32Array) -> Float32Array:
    """Cut a footprint below a share of its peak, and keep the piece that holds the peak."""
    from scipy import ndimage

    labels, _ = ndimage.label(image > _FAINT * image.max(initial=0))
    peak = labels.flat[image.argmax()]
    return np.where((labels == peak) & (labels > 0), image, 0).astype(np.float32)


def least_pixels(soma_px: float) -> float:
    """Pixels that a footprint must have to be a cell."""
    return max(4.0, _SMALLEST * np.pi / 4 * soma_px**2)


def assemble(patches: list[Patch], shape_px: tuple[int, int], soma_px: float) -> sparse.csc_array:
    """Make sparse columns of patches, each in one piece and summing to 1; too small ones are left out.

    Parameters
    ----------
    patches : list of (y0, x0, patch)
    shape_px : (H, W)
    soma_px : float

    Returns
    -------
    (H * W, K) csc_array of float32
    """
    from scipy import sparse

    pixels, values, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], [0]
    least = least_pixels(soma_px)
    for y0, x0, patch in patches:
        kept = in_one_piece(patch)
        y, x = np.nonzero(kept)
        if len(y) >= least:
            pixels.append((y + y0) * shape_px[1] + x + x0)
            values.append(kept[y, x] / kept.sum())
            starts.append(starts[-1] + len(y))
    flat = np.concatenate(pixels), np.concatenate(values)
    return sparse.csc_array((flat[1], flat[0], starts), shape=(shape_px[0] * shape_px[1], len(starts) - 1))


def patches_of(columns: sparse.csc_array, shape_px: tuple[int, int], margin: int = 0) -> list[Patch]:
    """Return columns as patches, with a margin of zeros where the field has room."""
    out = []
    for start, stop in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        y, x = np.divmod(columns.indices[start:stop], shape_px[1])
        y0, x0 = max(y.min() - margin, 0), max(x.min() - margin, 0)
        y1, x1 = min(y.max() + margin + 1, shape_px[0]), min(x.max() + margin + 1, shape_px[1])
        patch = np.zeros((y1 - y0, x1 - x0), dtype=np.float32)
        patch[y - y0, x - x0] = columns.data[start:stop]
        out.append((int(y0), int(x0), patch))
    return out


def support(columns: sparse.csc_array, shape_px: tuple[int, int], soma_px: float) -> sparse.csc_array:
    """Let every footprint grow by a quarter soma, up to a distance from its middle; values stay.

    Returns
    -------
    (H * W, K) csc_array of float32
        Zeros are held where a footprint may grow.
    """
    from scipy import ndimage, sparse

    grow = max(1, round(soma_px / 4))
    pixels, values, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], [0]
    for y0, x0, patch in patches_of(columns, shape_px, grow):
        total = patch.sum()
        rows, cols = np.arange(patch.shape[0])[:, None], np.arange(patch.shape[1])
        middle = (patch * rows).sum() / total, (patch * cols).sum() / total
        near = np.hypot(rows - middle[0], cols - middle[1]) <= _WIDEST * soma_px
        y, x = np.nonzero(ndimage.binary_dilation(patch > 0, iterations=grow) & near)
        pixels.append((y + y0) * shape_px[1] + x + x0)
        values.append(patch[y, x])
        starts.append(starts[-1] + len(y))
    flat = np.concatenate(pixels), np.concatenate(values)
    return sparse.csc_array((flat[1], flat[0], starts), shape=columns.shape)


def reshaped(
    allowed: sparse.csc_array,
    wanted: Float32Array,
    traces: Float32Array,
    variance: Float32Array,
    valid: NDArray[np.bool_],
) -> sparse.csc_array:
    """Solve every pixel for the non-negative weights of the cells that may hold it.

    Parameters
    ----------
    allowed : (H * W, K) csc_array
        As `support` returns it: where weights may be, and where to start.
    wanted : (n,) float32
        Course of each pixel times that of each cell, in the order of `allowed`.
    traces : (K, T) float32
        Courses of the cells, with a mean of 0.
    variance : (H * W,) float32
        Of each pixel's noise.
    valid : (H * W,) bool

    Returns
    -------
    (H * W, K) csc_array of float32
        Weights that are less than two standard errors are 0.
    """
    from scipy import sparse

    gram = (traces @ traces.T).astype(float)
    gram[np.diag_indices(len(gram))] += 1e-6 * np.trace(gram) / len(gram)
    order = np.arange(1, len(wanted) + 1)  # 0 would be lost in a sparse matrix
    places = sparse.csc_array((order, allowed.indices, allowed.indptr), shape=allowed.shape).tocsr()
    values = allowed.data[places.data - 1].astype(np.float32)
    kernels.shapes(values, places.indptr, places.indices, wanted[places.data - 1], gram, _SWEEPS)
    pixel = np.repeat(np.arange(len(valid)), np.diff(places.indptr))
    error = np.sqrt(variance[pixel] / np.diag(gram)[places.indices])
    values[(values < _SURE_SD * error) | ~valid[pixel]] = 0
    return sparse.csc_array(sparse.csr_array((values, places.indices, places.indptr), shape=allowed.shape))


def merged_groups(
    columns: sparse.csc_array, traces: Float32Array, overlap: float, alike: float
) -> list[list[int]]:
    """Group cells that overlap and go together: one cell found in pieces.

    Parameters
    ----------
    columns : (H * W, K) csc_array
    traces : (K, T) float32
    overlap : float
        Cosine of two footprints from which they overlap.
    alike : float
        Correlation of two courses from which they go together.

    Returns
    -------
    list of list of int
        Every cell in one group, most of them alone.
    """
    from scipy.sparse import csgraph

    products = (columns.T @ columns).toarray()
    length = np.sqrt(np.diag(products))
    same = (products > overlap * np.outer(length, length)) & (np.atleast_2d(np.corrcoef(traces)) > alike)
    count, group = csgraph.connected_components(same, directed=False)
    return [np.flatnonzero(group == g).tolist() for g in range(count)]
