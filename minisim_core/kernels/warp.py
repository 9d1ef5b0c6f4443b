"""The tissue's picture after a smooth flow in the plane, and the transpose of that."""

from __future__ import annotations

import math

import numpy as np

from ._jit import inline, jit


@jit
def row_of_flow(down, across, knots, row, first_column, step):
    """How far the tissue seen at each pixel of one row has come, in pixels.

    The flow is (∂ψ/∂x, -∂ψ/∂y) of a cubic B-spline ψ. Between two knots it is a polynomial, so
    every pixel costs a few multiplications.

    Parameters
    ----------
    down, across : (columns,) float32
        Filled with the flow.
    knots : (rows, columns) float32
        Coefficients of ψ in pixels, derivatives taken per knot.
    row, first_column : float
        Position of the row, and of its first pixel, in knots.
    step : float
        Width of a pixel in knots.
    """
    k = int(math.floor(row))
    f = row - k
    g = 1.0 - f
    w0, w1, w2, w3 = (
        g * g * g / 6.0,
        (3.0 * f - 6.0) * f * f / 6.0 + 4.0 / 6.0,
        ((3.0 - 3.0 * f) * f + 3.0) * f / 6.0 + 1.0 / 6.0,
        f * f * f / 6.0,
    )
    d0, d1, d2, d3 = -0.5 * g * g, (1.5 * f - 2.0) * f, (1.0 - 1.5 * f) * f + 0.5, 0.5 * f * f
    value, slope = np.empty(knots.shape[1]), np.empty(knots.shape[1])
    for j in range(value.size):
        a, b, c, d = knots[k - 1, j], knots[k, j], knots[k + 1, j], knots[k + 2, j]
        value[j] = w0 * a + w1 * b + w2 * c + w3 * d
        slope[j] = d0 * a + d1 * b + d2 * c + d3 * d
    x = 0
    while x < down.size:
        at = first_column + step * x
        j = int(math.floor(at))
        stop = min(max(int(math.ceil((j + 1 - first_column) / step)), x + 1), down.size)
        a, b, c, d = value[j - 1], value[j], value[j + 1], value[j + 2]
        p0, p1, p2 = (
            np.float32(0.5 * (c - a)),
            np.float32(a - 2.0 * b + c),
            np.float32(0.5 * (d - a) + 1.5 * (b - c)),
        )
        a, b, c, d = slope[j - 1], slope[j], slope[j + 1], slope[j + 2]
        q0, q1 = np.float32((a + 4.0 * b + c) / 6.0), np.float32(0.5 * (c - a))
        q2, q3 = np.float32(0.5 * (a + c) - b), np.float32((d - a) / 6.0 + 0.5 * (b - c))
        begin, pace = np.float32(at - j), np.float32(step)
        here, there = down[x:stop], across[x:stop]
        for n in range(stop - x):
            t = begin + pace * np.float32(n)
            here[n] = p0 + t * (p1 + t * p2)
            there[n] = -(q0 + t * (q1 + t * (q2 + t * q3)))
        x = stop


@inline
def _keys(f):
    """Weights of the four pixels around a phase (Keys 1981): exact for parabolas."""
    half, one, two = np.float32(0.5), np.float32(1.0), np.float32(2.0)
    return (
        ((one - half * f) * f - half) * f,
        (np.float32(1.5) * f - np.float32(2.5)) * f * f + one,
        ((two - np.float32(1.5) * f) * f + half) * f,
        (half * f - half) * f * f,
    )


@jit
def _runs(stops, place, down, across):
    """Where the flow steps from one pixel to the next: ends of runs that fetch from a row of pixels."""
    for x in range(place.size):
        place[x] = np.floor(-down[x]) * np.float32(4096) + np.floor(-across[x])
    count = 0
    before, after = place[:-1], place[1:]
    for x in range(before.size):
        stops[count] = x + 1
        count += before[x] != after[x]
    stops[count] = place.size
    return count + 1


@jit
def warp(out, canvas, knots, first_row, first_column, step, inset):
    """Fetch each pixel's light from where its tissue rests.

    Light is moved, not spread: a pixel shows the canvas at (y, x) - flow, by cubic convolution.

    Parameters
    ----------
    out, canvas : (rows, columns) float32
        Pixels within `inset` of an edge of `out` are left alone.
    knots, first_row, first_column, step
        The flow (see `row_of_flow`); the position is that of pixel (0, 0).
    inset : int
        At least the longest flow and 2 pixels.
    """
    rows, columns = canvas.shape
    down, across = np.empty(columns, dtype=np.float32), np.empty(columns, dtype=np.float32)
    place, stops = np.empty(columns - 2 * inset, dtype=np.float32), np.empty(columns, dtype=np.int64)
    inside = slice(inset, columns - inset)
    for y in range(inset, rows - inset):
        row_of_flow(down, across, knots, first_row + step * y, first_column, step)
        x = inset
        for stop in stops[: _runs(stops, place, down[inside], across[inside])]:
            end = inset + stop
            a, b = int(math.floor(-down[x])), int(math.floor(-across[x]))
            left, right = x + b - 1, end + b + 2
            r0, r1 = canvas[y + a - 1, left:right], canvas[y + a, left:right]
            r2, r3 = canvas[y + a + 1, left:right], canvas[y + a + 2, left:right]
            v, u, to = down[x:end], across[x:end], out[y, x:end]
            above, before = np.float32(a), np.float32(b)
            for n in range(end - x):
                w0, w1, w2, w3 = _keys(-v[n] - above)
                c0 = w0 * r0[n] + w1 * r1[n] + w2 * r2[n] + w3 * r3[n]
                c1 = w0 * r0[n + 1] + w1 * r1[n + 1] + w2 * r2[n + 1] + w3 * r3[n + 1]
                c2 = w0 * r0[n + 2] + w1 * r1[n + 2] + w2 * r2[n + 2] + w3 * r3[n + 2]
                c3 = w0 * r0[n + 3] + w1 * r1[n + 3] + w2 * r2[n + 3] + w3 * r3[n + 3]
                z0, z1, z2, z3 = _keys(-u[n] - before)
                to[n] = z0 * c0 + z1 * c1 + z2 * c2 + z3 * c3
            x = end


@jit
def warp_back(weights, canvas, knots, first_row, first_column, step, inset):
    """Transpose of `warp`: add weights on the warped pixels to where their tissue rests."""
    rows, columns = canvas.shape
    down, across = np.empty(columns, dtype=np.float32), np.empty(columns, dtype=np.float32)
    for y in range(inset, rows - inset):
        row_of_flow(down, across, knots, first_row + step * y, first_column, step)
        for x in range(inset, columns - inset):
            value = weights[y, x]
            if value == 0:
                continue
            a, b = math.floor(-down[x]), math.floor(-across[x])
            along_y = _keys(-down[x] - np.float32(a))
            along_x = _keys(-across[x] - np.float32(b))
            top, left = y + int(a) - 1, x + int(b) - 1
            for i in range(4):
                for j in range(4):
                    canvas[top + i, left + j] += value * along_y[i] * along_x[j]
