"""Images of cell bodies: exact in the Fourier domain, or sharp by counting what lies in a pixel."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit

SIZE = 32
"""Nodes of a core patch before it is trimmed."""


@jit
def _look_up(table, per_unit, q):
    at = q * per_unit
    k = int(at)
    if k >= table.size - 1:
        return table[table.size - 1]
    f = at - k
    return table[k] * (1 - f) + table[k + 1] * f


@jit
def core_spectra(
    out,
    row,
    column,
    node_um,
    pixel_um,
    on_pixels,
    radius,
    ratio,
    turn,
    nucleus,
    nucleus_brightness,
    disc,
    sigma,
    ball,
    bessel,
    per_unit,
):
    """Spectra of cores: projected ellipsoid * nucleus * defocus disc * lens blur * pixel.

    `row`, `column` are the centres within the patch, in nodes; `ball` and `bessel` tabulate
    3(sin q - q cos q)/q³ and 2 J1(q)/q. On spline levels the spectrum is divided by the spline's.
    """
    count = out.shape[0]
    lost = (1 - nucleus_brightness) * nucleus**3
    shape_y = np.empty((SIZE, 2))
    shape_x = np.empty((SIZE // 2 + 1, 2))
    for n in range(count):
        h = node_um[n]
        for i in range(SIZE):
            f = (i if i < SIZE // 2 else i - SIZE) / SIZE
            damp = _axis_damping(f, h, pixel_um, sigma[n], on_pixels[n])
            shape_y[i, 0] = damp * math.cos(2 * math.pi * f * row[n])
            shape_y[i, 1] = -damp * math.sin(2 * math.pi * f * row[n])
            if i <= SIZE // 2:
                g = i / SIZE
                damp = _axis_damping(g, h, pixel_um, sigma[n], on_pixels[n])
                shape_x[i, 0] = damp * math.cos(2 * math.pi * g * column[n])
                shape_x[i, 1] = -damp * math.sin(2 * math.pi * g * column[n])
        long_axis = radius[n] * math.sqrt(ratio[n])
        short_axis = radius[n] / math.sqrt(ratio[n])
        c, s = math.cos(turn[n]), math.sin(turn[n])
        for i in range(SIZE):
            ky = 2 * math.pi * (i if i < SIZE // 2 else i - SIZE) / (SIZE * h)
            for j in range(SIZE // 2 + 1):
                kx = 2 * math.pi * j / (SIZE * h)
                u = long_axis * (c * kx + s * ky)
                v = short_axis * (c * ky - s * kx)
                q = math.sqrt(u * u + v * v)
                value = _look_up(ball, per_unit, q) - lost * _look_up(ball, per_unit, nucleus * q)
                value /= 1 - lost
                value *= _look_up(bessel, per_unit, disc[n] * math.sqrt(ky * ky + kx * kx))
                re = value * (shape_y[i, 0] * shape_x[j, 0] - shape_y[i, 1] * shape_x[j, 1])
                im = value * (shape_y[i, 0] * shape_x[j, 1] + shape_y[i, 1] * shape_x[j, 0])
                out[n, i, j] = complex(re, im)


@jit
def _axis_damping(f, node_um, pixel_um, sigma, on_pixels):
    """Lens blur and pixel width along one axis at f cycles per node, spline prefilter included."""
    k = 2 * math.pi * f / node_um
    value = math.exp(-0.5 * k * k * sigma * sigma)
    half = 0.5 * k * pixel_um
    if half != 0:
        value *= math.sin(half) / half
    if not on_pixels:
        value *= 3 / (2 + math.cos(2 * math.pi * f))
    return value


@jit
def sharp_bodies(out, row, column, node_um, radius, ratio, turn, nucleus, nucleus_brightness):
    """Projected ellipsoids without any blur: light per node, each node sampled 6 x 6 times."""
    samples = 6
    for n in range(out.shape[0]):
        long_axis = radius[n] * math.sqrt(ratio[n]) / node_um[n]
        short_axis = radius[n] / math.sqrt(ratio[n]) / node_um[n]
        c, s = math.cos(turn[n]), math.sin(turn[n])
        reach = int(max(long_axis, short_axis)) + 2
        total = 0.0
        first_y, first_x = int(row[n]) - reach, int(column[n]) - reach
        for i in range(max(first_y, 0), min(first_y + 2 * reach + 2, SIZE)):
            for j in range(max(first_x, 0), min(first_x + 2 * reach + 2, SIZE)):
                light = 0.0
                for a in range(samples):
                    dy = i - row[n] + (a + 0.5) / samples - 0.5
                    for b in range(samples):
                        dx = j - column[n] + (b + 0.5) / samples - 0.5
                        u = (c * dx + s * dy) / long_axis
                        v = (c * dy - s * dx) / short_axis
                        q = u * u + v * v
                        if q < 1:
                            light += math.sqrt(1 - q)
                        if q < nucleus * nucleus:
                            light -= (1 - nucleus_brightness) * math.sqrt(nucleus * nucleus - q)
                out[n, i, j] = light
                total += light
        if total > 0:
            for i in range(SIZE):
                for j in range(SIZE):
                    out[n, i, j] /= total


@jit
def trim(patches, threshold, box, row_limits, column_limits):
    """The smallest box that holds all values above a share of each patch's peak, inside limits.

    `box` receives first row, last row, first column, last column (half-open).
    """
    for n in range(patches.shape[0]):
        patch = patches[n]
        level = threshold * patch.max()
        y0, y1, x0, x1 = SIZE, 0, SIZE, 0
        for i in range(SIZE):
            for j in range(SIZE):
                if abs(patch[i, j]) > level:
                    y0, y1 = min(y0, i), max(y1, i + 1)
                    x0, x1 = min(x0, j), max(x1, j + 1)
        y0, y1 = max(y0, row_limits[n, 0]), min(y1, row_limits[n, 1])
        x0, x1 = max(x0, column_limits[n, 0]), min(x1, column_limits[n, 1])
        if y1 <= y0 or x1 <= x0:
            y0 = y1 = x0 = x1 = 0
        box[n, 0], box[n, 1], box[n, 2], box[n, 3] = y0, y1, x0, x1


@jit
def pack(patches, box, scale, first, values):
    """Lay the boxes of all patches behind each other, scaled."""
    for n in range(patches.shape[0]):
        at = first[n]
        for i in range(box[n, 0], box[n, 1]):
            for j in range(box[n, 2], box[n, 3]):
                values[at] = patches[n, i, j] * scale[n]
                at += 1


@jit
def totals(patches, box_threshold, out):
    """Sum of the values of each patch that trimming would keep were it not clipped."""
    for n in range(patches.shape[0]):
        level = box_threshold * patches[n].max()
        y0, y1, x0, x1 = SIZE, 0, SIZE, 0
        for i in range(SIZE):
            for j in range(SIZE):
                if abs(patches[n, i, j]) > level:
                    y0, y1 = min(y0, i), max(y1, i + 1)
                    x0, x1 = min(x0, j), max(x1, j + 1)
        total = 0.0
        for i in range(y0, y1):
            for j in range(x0, x1):
                total += patches[n, i, j]
        out[n] = total
