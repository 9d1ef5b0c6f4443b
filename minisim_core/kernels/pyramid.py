"""Light on several scales: a pyramid of cubic B-spline grids above the pixels.

Level 0 holds pixels. Level L > 0 holds spline coefficients with nodes every 2^L pixels, the third
node (index `PAD`) on pixel 0. Coefficients of a level pass exactly to the next finer one
(subdivision), and level 1 is evaluated at the pixels. All levels lie in one flat buffer.
"""

from __future__ import annotations

import numpy as np

from ._jit import jit

PAD = 2


@jit
def add_patches(
    buffer, amplitudes, level_offset, level_width, level, top, left, rows, columns, first, values
):
    """Add every cell's core, times its amplitude, on the level it is kept at."""
    for n in range(amplitudes.size):
        amplitude = amplitudes[n]
        if amplitude == 0 or rows[n] == 0:
            continue
        width = level_width[level[n]]
        start = level_offset[level[n]] + top[n] * width + left[n]
        at = first[n]
        for _ in range(rows[n]):
            line, core = buffer[start : start + columns[n]], values[at : at + columns[n]]
            for x in range(columns[n]):
                line[x] += amplitude * core[x]
            start += width
            at += columns[n]


@jit
def dot_patches(buffer, out, level_offset, level_width, level, top, left, rows, columns, first, values):
    """Weigh every cell's core by the buffer: the transpose of `add_patches`."""
    for n in range(out.size):
        width = level_width[level[n]]
        start = level_offset[level[n]] + top[n] * width + left[n]
        at = first[n]
        total = 0.0
        for _ in range(rows[n]):
            line, core = buffer[start : start + columns[n]], values[at : at + columns[n]]
            for x in range(columns[n]):
                total += line[x] * core[x]
            start += width
            at += columns[n]
        out[n] += total


@jit
def add_splats(buffer, amplitudes, weights, base, along_y, along_x, level_width, first_level, levels):
    """Add every cell's wide light: one B-spline per level, times its weight there."""
    for n in range(amplitudes.size):
        amplitude = amplitudes[n]
        if amplitude == 0:
            continue
        for level in range(first_level, levels):
            weight = amplitude * weights[n, level]
            if weight == 0:
                continue
            start = base[n, level]
            for y in range(4):
                row = weight * along_y[n, level, y]
                line = buffer[start : start + 4]
                for x in range(4):
                    line[x] += row * along_x[n, level, x]
                start += level_width[level]


@jit
def dot_splats(buffer, out, weights, base, along_y, along_x, level_width, first_level, levels):
    """Weigh every cell's wide light by the buffer: the transpose of `add_splats`."""
    for n in range(out.size):
        total = 0.0
        for level in range(first_level, levels):
            start = base[n, level]
            here = 0.0
            for y in range(4):
                for x in range(4):
                    here += buffer[start + x] * along_y[n, level, y] * along_x[n, level, x]
                start += level_width[level]
            total += here * weights[n, level]
        out[n] += total


@jit
def subdivide(coarse, fine):
    """Add a level's spline to the next finer level, exactly."""
    rows, columns = fine.shape
    a, b, c = np.float32(0.125), np.float32(0.75), np.float32(0.5)
    line = np.empty(coarse.shape[1], dtype=fine.dtype)
    for y in range(rows):
        k = y // 2 + 1
        if y % 2 == 0:
            for x in range(line.size):
                line[x] = (coarse[k - 1, x] + coarse[k + 1, x]) * a + coarse[k, x] * b
        else:
            for x in range(line.size):
                line[x] = (coarse[k, x] + coarse[k + 1, x]) * c
        half = columns // 2
        for m in range(half):
            fine[y, 2 * m] += (line[m] + line[m + 2]) * a + line[m + 1] * b
            fine[y, 2 * m + 1] += (line[m + 1] + line[m + 2]) * c
        if columns % 2:
            fine[y, columns - 1] += (line[half] + line[half + 2]) * a + line[half + 1] * b


@jit
def gather(fine, coarse):
    """Transpose of `subdivide`."""
    rows, columns = fine.shape
    line = np.empty(coarse.shape[1], dtype=fine.dtype)
    for y in range(rows):
        line[:] = 0
        for x in range(0, columns, 2):
            k = x // 2 + 1
            line[k - 1] += fine[y, x] * 0.125
            line[k] += fine[y, x] * 0.75
            line[k + 1] += fine[y, x] * 0.125
        for x in range(1, columns, 2):
            k = x // 2 + 1
            line[k] += fine[y, x] * 0.5
            line[k + 1] += fine[y, x] * 0.5
        c = y // 2 + 1
        if y % 2 == 0:
            for x in range(coarse.shape[1]):
                coarse[c - 1, x] += line[x] * 0.125
                coarse[c, x] += line[x] * 0.75
                coarse[c + 1, x] += line[x] * 0.125
        else:
            for x in range(coarse.shape[1]):
                coarse[c, x] += line[x] * 0.5
                coarse[c + 1, x] += line[x] * 0.5


@jit
def expand(coarse, pixels):
    """Add level 1's spline to the pixels."""
    line, row = np.empty(coarse.shape[1], dtype=pixels.dtype), np.empty(pixels.shape[1], dtype=pixels.dtype)
    for y in range(pixels.shape[0]):
        _spline_row(row, line, coarse, y)
        for x in range(row.size):
            pixels[y, x] += row[x]


@jit
def develop(coarse, shadow, pixels):
    """Add level 1's spline to the pixels, then multiply them by another's."""
    width, kind = pixels.shape[1], pixels.dtype
    line = np.empty(coarse.shape[1], dtype=kind)
    light, dark = np.empty(width, dtype=kind), np.empty(width, dtype=kind)
    for y in range(pixels.shape[0]):
        _spline_row(light, line, coarse, y)
        _spline_row(dark, line, shadow, y)
        for x in range(width):
            pixels[y, x] = (pixels[y, x] + light[x]) * dark[x]


@jit
def _spline_row(row, line, coarse, y):
    """Level 1's spline on row `y` of the pixels; `line` is workspace."""
    a, b, c, d = np.float32(1 / 6), np.float32(2 / 3), np.float32(1 / 48), np.float32(23 / 48)
    k = y // 2 + PAD
    if y % 2 == 0:
        for x in range(line.size):
            line[x] = (coarse[k - 1, x] + coarse[k + 1, x]) * a + coarse[k, x] * b
    else:
        for x in range(line.size):
            line[x] = (coarse[k - 1, x] + coarse[k + 2, x]) * c + (coarse[k, x] + coarse[k + 1, x]) * d
    half = row.size // 2
    for m in range(half):
        k = m + PAD
        row[2 * m] = (line[k - 1] + line[k + 1]) * a + line[k] * b
        row[2 * m + 1] = (line[k - 1] + line[k + 2]) * c + (line[k] + line[k + 1]) * d
    if row.size % 2:
        k = half + PAD
        row[row.size - 1] = (line[k - 1] + line[k + 1]) * a + line[k] * b


@jit
def collapse(pixels, coarse):
    """Transpose of `expand`."""
    rows, columns = pixels.shape
    a, b, c, d = 1 / 6, 2 / 3, 1 / 48, 23 / 48
    line = np.empty(coarse.shape[1], dtype=coarse.dtype)
    for y in range(rows):
        line[:] = 0
        for x in range(columns):
            k = x // 2 + PAD
            value = pixels[y, x]
            if x % 2 == 0:
                line[k - 1] += value * a
                line[k] += value * b
                line[k + 1] += value * a
            else:
                line[k - 1] += value * c
                line[k] += value * d
                line[k + 1] += value * d
                line[k + 2] += value * c
        k = y // 2 + PAD
        if y % 2 == 0:
            for x in range(line.size):
                coarse[k - 1, x] += line[x] * a
                coarse[k, x] += line[x] * b
                coarse[k + 1, x] += line[x] * a
        else:
            for x in range(line.size):
                coarse[k - 1, x] += line[x] * c
                coarse[k, x] += line[x] * d
                coarse[k + 1, x] += line[x] * d
                coarse[k + 2, x] += line[x] * c


@jit
def cubic_weights(f):
    """Weights of the four nodes around a point that lies `f` beyond the second one."""
    return (
        (1 - f) ** 3 / 6,
        (3 * f**3 - 6 * f**2 + 4) / 6,
        (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6,
        f**3 / 6,
    )


@jit
def spline_weights(base, along, position, level_rows):
    """First node and the four cubic B-spline weights of each position, on every level but 0.

    Windows that stick out of a level are moved inside, the weights with them; what lies beyond
    the level's nodes cannot reach the pixels and is dropped.
    """
    for n in range(position.size):
        for level in range(1, level_rows.size):
            u = position[n] / (1 << level) + PAD
            k = int(np.floor(u))
            f = u - k
            w = cubic_weights(f)
            start = min(max(k - 1, 0), level_rows[level] - 4)
            base[n, level] = start
            for i in range(4):
                node = k - 1 + i - start
                if 0 <= node < 4:
                    along[n, level, node] = w[i]
