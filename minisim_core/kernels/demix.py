"""Sums that demixing spends its time on: sparse footprints against long time courses."""

from __future__ import annotations

import numpy as np

from ._jit import jit


@jit
def project(out, starts, pixels, weights, movie):
    """Sum the courses of each footprint's pixels, weighted.

    Parameters
    ----------
    out : (K, T) float32
        Filled.
    starts, pixels, weights : (K + 1,), (n,), (n,)
        Footprints: the columns of a sparse matrix.
    movie : (P, T) any
        One pixel's course a row.
    """
    for k in range(len(starts) - 1):
        row = out[k]
        row[:] = np.float32(0)
        for n in range(starts[k], starts[k + 1]):
            course, weight = movie[pixels[n]], np.float32(weights[n])
            for t in range(len(row)):
                row[t] += weight * np.float32(course[t])


@jit
def correlate(out, starts, pixels, movie, traces):
    """Sum each footprint's pixels against its cell's course: the transpose of `project`, where cells are.

    Parameters
    ----------
    out : (n,) float32
        Filled, one value for each pixel of each footprint.
    starts, pixels : (K + 1,), (n,)
        Columns of a sparse matrix.
    movie : (P, T) any
    traces : (K, T) float32
    """
    frames = traces.shape[1]
    whole = frames - frames % 8
    for k in range(len(starts) - 1):
        trace = traces[k]
        for n in range(starts[k], starts[k + 1]):
            course = movie[pixels[n]]
            # Eight sums side by side: one alone would wait for itself.
            sums = np.zeros(8, dtype=np.float32)
            for t in range(0, whole, 8):
                for lane in range(8):
                    sums[lane] += trace[t + lane] * np.float32(course[t + lane])
            total = np.float32(0)
            for lane in range(8):
                total += sums[lane]
            for t in range(whole, frames):
                total += trace[t] * np.float32(course[t])
            out[n] = total


@jit
def gram(out, starts, cells, values, weights):
    """Sum the products of all pairs of footprints over the pixels that both hold.

    Parameters
    ----------
    out : (K, K) float64
        Filled.
    starts, cells, values : (P + 1,), (n,), (n,)
        Footprints: the rows of a sparse matrix, each with its cells in ascending order.
    weights : (P,) float32
    """
    out[:] = 0
    for p in range(len(starts) - 1):
        past = starts[p + 1]
        for n in range(starts[p], past):
            value = np.float64(values[n]) * weights[p]
            row = out[cells[n]]
            for m in range(n, past):
                row[cells[m]] += value * values[m]
    for i in range(len(out)):
        for j in range(i):
            out[i, j] = out[j, i]


@jit
def courses(out, gram, projected, floor, sweeps):
    """Improve courses one cell at a time, given all others, above a floor: coordinate descent.

    Parameters
    ----------
    out : (K, T) float32
        Start, improved in place.
    gram : (K, K) float64
        No diagonal element is 0.
    projected : (K, T) float32
        What `gram @ out` should be.
    floor : (K,) float32
        Least value of each course.
    sweeps : int
        How often all cells have their turn.
    """
    cells, frames = out.shape
    wanted = np.empty(frames, dtype=np.float32)
    for _ in range(sweeps):
        for k in range(cells):
            wanted[:] = projected[k]
            for j in range(cells):
                if j != k and gram[k, j] != 0:
                    share = np.float32(gram[k, j])
                    for t in range(frames):
                        wanted[t] -= share * out[j, t]
            scale, least = np.float32(1 / gram[k, k]), floor[k]
            for t in range(frames):
                out[k, t] = max(wanted[t] * scale, least)


@jit
def shapes(values, starts, cells, wanted, gram, sweeps):
    """Improve non-negative footprints pixel by pixel, one cell at a time given all others there.

    Parameters
    ----------
    values : (n,) float32
        Rows of a sparse matrix of footprints, improved in place.
    starts, cells : (P + 1,), (n,)
        Its structure.
    wanted : (n,) float32
        The courses of those pixels times those of those cells.
    gram : (K, K) float64
        Products of the cells' courses; no diagonal element is 0.
    sweeps : int
    """
    for p in range(len(starts) - 1):
        first, past = starts[p], starts[p + 1]
        for _ in range(sweeps):
            for n in range(first, past):
                row = gram[cells[n]]
                left = np.float64(wanted[n])
                for m in range(first, past):
                    if m != n:
                        left -= row[cells[m]] * values[m]
                values[n] = max(left / row[cells[n]], 0.0)
