"""Haze as CNMF-E tells it: at every place a weighted sum of what lies on a ring around.

Zhou et al. 2018 (eLife 7:e28728). A ring wider than a cell sees the same haze as its centre, but not
the cell. Here rings are laid on a coarse grid (`grid`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

Float32Array = NDArray[np.float32]

_RIDGE = 0.02  # of the ring's mean power: ties the weights of neighbours that look alike


def ring_weights(
    residual: Float32Array, shape: tuple[int, int], radius: float, width: float
) -> sparse.csr_array:
    """Fit, for every block, the weights of the blocks on a ring around it.

    Parameters
    ----------
    residual : (h * w, T) float32
        Courses of the blocks without the cells, each with a mean of 0.
    shape : (h, w)
    radius, width : float
        Inner radius of the ring and its width, in blocks.

    Returns
    -------
    (h * w, h * w) scipy.sparse.csr_array of float32
        Times courses of the blocks: the haze.
    """
    from scipy import sparse

    offsets = _ring(radius, width)
    height, across = shape
    y, x = np.divmod(np.arange(height * across), across)
    indices, values, starts = [], [], [0]
    for block in range(height * across):
        rows, cols = y[block] + offsets[:, 0], x[block] + offsets[:, 1]
        inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < across)
        ring = rows[inside] * across + cols[inside]
        seen = residual[ring]
        gram = seen @ seen.T
        power = np.trace(gram) / max(len(ring), 1)
        gram[np.diag_indices(len(ring))] += _RIDGE * power + np.finfo(np.float32).tiny
        indices.append(ring)
        values.append(np.linalg.solve(gram, seen @ residual[block]))
        starts.append(starts[-1] + len(ring))
    count = height * across
    return sparse.csr_array(
        (np.concatenate(values).astype(np.float32), np.concatenate(indices), starts), shape=(count, count)
    )


def _ring(radius: float, width: float) -> NDArray[np.int64]:
    reach = int(np.ceil(radius + width))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    away = np.hypot(y, x)
    on = (away >= radius) & (away < radius + width)
    return np.stack([y[on], x[on]], axis=1)
