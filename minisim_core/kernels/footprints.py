"""One cell's image by itself, in a window of the canvas, and how far it stands out of the noise."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit
from .pyramid import PAD, cubic_weights


@jit
def draw_cell(out, top, left, n, cells, grid):
    """Add cell `n`, its core and its near light, to a window that begins at the canvas's (top, left)."""
    level, core_top, core_left, rows, columns, first, values, base, along_y, along_x, near = cells[:11]
    offsets, _, widths = grid
    height, width = out.shape
    levels = near.shape[1]
    down, across = np.zeros((height, levels), dtype=np.float32), np.zeros((levels, width), dtype=np.float32)
    used = 0
    for k in range(1, levels):
        if near[n, k] != 0:
            node = base[n, k] - offsets[k]
            down[:, used] = _profile(along_y[n, k], node // widths[k], top, k, height) * near[n, k]
            across[used] = _profile(along_x[n, k], node % widths[k], left, k, width)
            used += 1
    add_product(out, down, across[:used])
    core = values[first[n] : first[n] + rows[n] * columns[n]].reshape(rows[n], columns[n])
    if level[n] == 0:
        _add_overlap(out, core, core_top[n] - top, core_left[n] - left)
    elif rows[n]:
        lines = np.zeros((rows[n], width), dtype=np.float32)
        add_product(lines, core, _basis(columns[n], core_left[n], left, level[n], width))
        _add_spline(out, lines, core_top[n], top, level[n])


@jit
def _add_overlap(out, patch, top, left):
    begin, end = max(left, 0), min(left + patch.shape[1], out.shape[1])
    if begin < end:
        for y in range(max(top, 0), min(top + patch.shape[0], out.shape[0])):
            out[y, begin:end] += patch[y - top, begin - left : end - left]


@jit
def _basis(nodes, first, start, level, count):
    """Values on `count` pixels from `start` of the splines at some nodes of a level, from `first` on."""
    out = np.zeros((nodes, count), dtype=np.float32)
    step = 1 << level
    begin = max((first - 2 - PAD) * step - start, 0)
    end = min((first + nodes + 1 - PAD) * step - start, count)
    for p in range(begin, end):
        u = (start + p) / step + PAD - first
        k = int(math.floor(u))
        w = cubic_weights(u - k)
        for i in range(4):
            if 0 <= k - 1 + i < nodes:
                out[k - 1 + i, p] = w[i]
    return out


@jit
def _profile(along, first, start, level, count):
    """Values on `count` pixels from `start` of a level's spline with four nodes, from `first` on."""
    out = np.zeros((1, count), dtype=np.float32)
    add_product(out, along.reshape(1, 4), _basis(4, first, start, level, count))
    return out[0]


@jit
def _add_spline(out, lines, first, start, level):
    """Add a level's spline down the pixels from `start`; `lines` are its nodes, from `first` on."""
    share = np.zeros((1, lines.shape[0]), dtype=np.float32)
    for y in range(out.shape[0]):
        u = (start + y) / (1 << level) + PAD - first
        k = int(math.floor(u))
        w = cubic_weights(u - k)
        begin, end = max(k - 1, 0), min(k + 3, lines.shape[0])
        for i in range(begin, end):
            share[0, i - begin] = w[i - k + 1]
        if begin < end:
            add_product(out[y : y + 1], share, lines[begin:end])


@jit
def add_product(out, a, b):
    """Add the matrix product of the first columns of `a` with `b`, four rows of `b` at a time."""
    count, width = b.shape
    if count == 0:
        return
    for y in range(out.shape[0]):
        line = out[y]
        for k in range(0, count - 3, 4):
            f0, f1, f2, f3 = a[y, k], a[y, k + 1], a[y, k + 2], a[y, k + 3]
            s0, s1, s2, s3 = b[k], b[k + 1], b[k + 2], b[k + 3]
            for x in range(width):
                line[x] += f0 * s0[x] + f1 * s1[x] + f2 * s2[x] + f3 * s3[x]
        for k in range(count - count % 4, count):
            f0, s0 = a[y, k], b[k]
            for x in range(width):
                line[x] += f0 * s0[x]


@jit
def crop(image, floor):
    """Clear what does not exceed a share of the peak; return the rows and columns that the rest spans."""
    height, width = image.shape
    peak = np.float32(0)
    for y in range(height):
        for x in range(width):
            peak = max(peak, image[y, x])
    least = np.float32(floor * max(peak, 1e-30))
    top, bottom, left, right = height, 0, width, 0
    for y in range(height):
        begin, end = width, 0
        for x in range(width):
            if image[y, x] > least:
                begin, end = min(begin, x), x + 1
            else:
                image[y, x] = 0
        if end:
            top, bottom = min(top, y), y + 1
            left, right = min(left, begin), max(right, end)
    return (top, bottom, left, right) if bottom else (0, 0, 0, 0)


@jit
def signal_to_noise(out, gain, boxes, cells, grid, margin, shade, precision, floor, sigma, pad):
    """Each cell's light over the noise in a matched filter, less what a low-pass of it can imitate.

    Parameters
    ----------
    out, gain : (N,) float64
        Result; each cell's light.
    boxes : (N, 4) int64
        Rows and columns of the field, first and past the last, outside which a cell is not looked at.
    cells, grid, margin
        See `draw_cell`; the field begins at the canvas's pixel (margin, margin).
    shade, precision : (H, W) float32
        What multiplies the picture; one over the variance of the noise.
    floor : float
        Share of its peak below which a footprint ends.
    sigma, pad
        Sd of the low-pass, and how far around the footprint it is looked at, in pixels.
    """
    height, width = precision.shape
    for n in range(out.size):
        out[n] = 0
        y0, y1, x0, x1 = boxes[n]
        if gain[n] <= 0 or y1 <= y0 or x1 <= x0:
            continue
        drawn = np.zeros((y1 - y0, x1 - x0), dtype=np.float32)
        draw_cell(drawn, y0 + margin, x0 + margin, n, cells, grid)
        a, b, c, d = crop(drawn, floor)
        top, left = max(y0 + a - pad, 0), max(x0 + c - pad, 0)
        bottom, right = min(y0 + b + pad, height), min(x0 + d + pad, width)
        image = drawn[a:b, c:d] * shade[y0 + a : y0 + b, x0 + c : x0 + d]
        power = power_beyond_haze(
            image, y0 + a - top, x0 + c - left, precision[top:bottom, left:right], sigma
        )
        out[n] = gain[n] * math.sqrt(power)


@jit
def power_beyond_haze(image, top, left, precision, sigma):
    """Sum of precision times the square of an image less its Gaussian low-pass.

    The image lies at (top, left) in a window that `precision` covers; the window's edges mirror.
    There a Gaussian multiplies cosines, and it passes only a few of them.
    """
    rows, columns = image.shape
    height, width = precision.shape
    down, across = _cosines(height, sigma), _cosines(width, sigma)
    by_column = np.zeros((len(down), columns), dtype=np.float32)
    add_product(by_column, down[:, top : top + rows].copy(), image)
    shares = np.zeros((len(down), len(across)), dtype=np.float32)
    add_product(shares, by_column, across[:, left : left + columns].T.copy())
    passed = np.zeros((len(down), width), dtype=np.float32)
    add_product(passed, shares, across)
    rest = np.zeros((height, width), dtype=np.float32)
    add_product(rest, -down.T.copy(), passed)
    rest[top : top + rows, left : left + columns] += image
    power = np.zeros(width, dtype=np.float32)
    for y in range(height):
        line, weight = rest[y], precision[y]
        for x in range(width):
            power[x] += line[x] * line[x] * weight[x]
    return power.sum()


@jit
def _cosines(count, sigma):
    """Orthonormal cosines on `count` mirrored pixels, times the square root of what a Gaussian leaves.

    What goes to them and back with the same table is low-passed.
    """
    turn = math.pi / count
    modes = min(int(4 / (turn * sigma)) + 1, count)  # of the next, less than exp(-8) is left
    out = np.empty((modes, count), dtype=np.float32)
    for x in range(count):
        angle = turn * (x + 0.5)
        twice, before, now = 2 * math.cos(angle), math.cos(angle), 1.0
        for k in range(modes):
            out[k, x] = now
            before, now = now, twice * now - before
    for k in range(modes):
        out[k] *= np.float32(
            math.sqrt((2.0 if k else 1.0) / count) * math.exp(-((turn * k * sigma) ** 2) / 4)
        )
    return out
