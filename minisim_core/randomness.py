"""Named random streams: every variate is keyed by seed, layer, quantity and index.

Nothing is drawn in sequence, so no draw depends on which others were made: parameters scale
variates, push them through an inverse distribution function, or thin them by a fixed mark.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .kernels import camera, chance

FloatArray = NDArray[np.floating]


@cache
def stream(seed: int, layer: str, quantity: str) -> np.uint64:
    """Return the key of one named stream."""
    text = f"{seed}/{layer}/{quantity}".encode()
    return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))


def uniforms(key: np.uint64, ids: NDArray[np.uint64], j: int = 0) -> FloatArray:
    """Return uniform variates in (0, 1), one per id."""
    out = np.empty(ids.size)
    chance.fill_uniform(out, key, ids, np.int64(j))
    return out


def normals(key: np.uint64, ids: NDArray[np.uint64], j: int = 0) -> FloatArray:
    """Return standard normal variates, one per id."""
    out = np.empty(ids.size)
    chance.fill_normal(out, key, ids, np.int64(j))
    return out


def normal_quantiles(probabilities: FloatArray) -> FloatArray:
    """Return the normal distribution's quantiles."""
    return np.array([chance.normal_quantile(p) for p in probabilities])


def normal_grid(
    key: np.uint64, first_row: int, first_column: int, rows: int, columns: int
) -> NDArray[np.float32]:
    """Return standard normal variates on part of a grid, whose columns lie within ±2048."""
    out = np.empty((rows, columns), dtype=np.float32)
    camera.fill_normal_pixels(out, key, first_row, first_column)
    return out


def _knots(key: np.uint64, first: int, count: int) -> FloatArray:
    return normals(key, np.arange(first, first + count, dtype=np.int64).view(np.uint64))


def smooth_noise(key: np.uint64, time_s: FloatArray, spacing_s: float) -> FloatArray:
    """Smooth unit-variance Gaussian noise in continuous time.

    A cubic B-spline through independent normal knots, divided by the standard deviation such a
    sum has at each phase, so every instant has unit variance. Derived.

    Parameters
    ----------
    key : uint64
        The stream.
    time_s : (T,) float64
        Ascending instants, in seconds; any sign.
    spacing_s : float
        Distance between knots; the correlation time is about as long.
    """
    phase = np.asarray(time_s) / spacing_s
    base = np.floor(phase).astype(np.int64)
    first = int(base.min()) - 1
    knots = _knots(key, first, int(base.max()) - first + 3)
    index = base - first - 1
    weights = _spline_weights(phase - base)
    return sum(w * knots[index + k] for k, w in enumerate(weights))  # type: ignore[return-value]


def _spline_weights(f: FloatArray) -> FloatArray:
    """Weights of the four knots around phase f, scaled to unit sum of squares."""
    weights = np.stack([(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3])
    return weights / np.sqrt((weights**2).sum(0))  # type: ignore[no-any-return]


def smooth_correlation(lag: FloatArray) -> FloatArray:
    """Autocorrelation of `smooth_noise` at lags in units of the knots' spacing."""
    phase = (np.arange(16) + 0.5) / 16
    early = _spline_weights(phase)
    late_at = phase[None, :] + np.asarray(lag)[:, None]
    late = _spline_weights(late_at - np.floor(late_at))
    shift = np.floor(late_at).astype(int)
    total = np.zeros_like(late_at)
    for k in range(4):
        for m in range(4):
            total += np.where(shift + m == k, early[k] * late[m], 0)
    return total.mean(axis=1)  # type: ignore[no-any-return]


def slow_noise(key: np.uint64, first_step: int, count: int, step_s: float, time_s: float) -> FloatArray:
    """Unit-variance noise with exponential memory (Ornstein-Uhlenbeck) on a fixed time grid.

    A moving average of independent normals, cut where its memory has faded to e⁻⁸, so any stretch
    of time is had without the ones before it. Derived.
    """
    decay = np.exp(-step_s / time_s)
    length = int(np.ceil(8 * time_s / step_s))
    weights = decay ** np.arange(length)
    weights /= np.sqrt((weights**2).sum())
    innovations = _knots(key, first_step - length + 1, count + length - 1)
    return np.convolve(innovations, weights, mode="valid")
