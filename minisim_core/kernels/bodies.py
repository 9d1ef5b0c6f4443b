"""Images of cell bodies: exact in the Fourier domain, or sharp by counting what lies in a pixel.

A body is an ellipsoid with a nucleus and a few dendrites. A dendrite is a curve, root + u along +
u² bend for u in 0..1, dressed with discs whose radius falls evenly to nothing at its end; its
volume grows as 1 - (1 - u)³.
"""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit

SIZE = 32
"""Nodes of a core patch before it is trimmed."""

_HALF = SIZE // 2 + 1
_FADE = (12.5, 15.0)  # nodes from a patch's centre between which a dendrite that is too long fades


@jit
def _look_up(table, per_unit, q):
    at = q * per_unit
    k = int(at)
    if k >= table.size - 1:
        return table[table.size - 1]
    f = at - k
    return table[k] * (1 - f) + table[k + 1] * f


@jit
def _kept(y_um, x_um, node_um):
    """Share of a dendrite's light that is kept here, so that none is cut at the patch's edge."""
    away = max(abs(y_um), abs(x_um)) / node_um
    return min(max((_FADE[1] - away) / (_FADE[1] - _FADE[0]), 0.0), 1.0)


@jit
def string_beads(beads, root, along, bend, root_radius, node_um):
    """Cut one cell's dendrites into beads: y, x, variance per axis, share of the dendrites' light.

    Beads lie no farther apart than the nodes, so what lies between them is finer than the grid.
    Returns how many there are.
    """
    count, total = 0, 0.0
    for k in range(root_radius.size):
        if root_radius[k] == 0:
            continue
        length = math.hypot(along[k, 1] + bend[k, 1], along[k, 2] + bend[k, 2])
        pieces = int(length / node_um) + 2
        for m in range(pieces):
            # centre of mass of the piece between two distances from the end
            v0, v1 = 1 - m / pieces, 1 - (m + 1) / pieces
            volume = v0**3 - v1**3
            u = 1 - 0.75 * (v0**4 - v1**4) / volume
            y = root[k, 1] + u * (along[k, 1] + u * bend[k, 1])
            x = root[k, 2] + u * (along[k, 2] + u * bend[k, 2])
            light = volume * root_radius[k] ** 2 * _length(along[k]) * _kept(y, x, node_um)
            if light == 0 or count == beads.shape[0]:
                break
            beads[count, 0], beads[count, 1] = y, x
            beads[count, 2] = (root_radius[k] * (1 - u)) ** 2 / 4
            beads[count, 3] = light
            total += light
            count += 1
    for n in range(count):
        beads[n, 3] /= total
    return count


@jit
def _length(v):
    return math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


@jit
def _waves(table, at, variance, step, weight):
    """Cos and sin of the first wave numbers at one place, damped by a Gaussian: by recurrence."""
    turn_c, turn_s = math.cos(step * at), math.sin(step * at)
    damp, fall, falls = weight, 0.0, math.exp(-variance * step * step)
    fall = math.sqrt(falls)
    c, s = 1.0, 0.0
    for m in range(_HALF):
        table[m], table[_HALF + m] = damp * c, damp * s
        c, s = c * turn_c - s * turn_s, s * turn_c + c * turn_s
        damp *= fall
        fall *= falls


@jit
def _sum_beads(sums, down, across, beads, node_um):
    """Sums over beads of products of waves: rows cos, sin along y; columns cos, sin along x."""
    step = 2 * math.pi / (SIZE * node_um)
    sums[:] = 0
    for n in range(beads.shape[0]):
        _waves(down, beads[n, 0], beads[n, 2], step, beads[n, 3])
        _waves(across, beads[n, 1], beads[n, 2], step, 1.0)
        for i in range(2 * _HALF):
            row, weight = sums[i], down[i]
            for j in range(across.size):
                row[j] += weight * across[j]


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
    dendrite_share,
    root,
    along,
    bend,
    root_radius,
    disc,
    sigma,
    soma,
    bessel,
    per_unit,
):
    """Spectra of cores: projected body * defocus disc * lens blur * pixel.

    `row`, `column` are the centres within the patch, in nodes; `soma` and `bessel` tabulate the
    transforms of a round soma of radius 1 and of a disc. On spline levels the spectrum is divided
    by the spline's.
    """
    shape_y, shape_x = np.empty((_HALF, 2)), np.empty((_HALF, 2))
    beads = np.empty((64 * root_radius.shape[1], 4))
    sums = np.zeros((2 * _HALF, 2 * _HALF + 6), dtype=np.float32)  # rows of whole vectors
    down = np.zeros(2 * _HALF, dtype=np.float32)
    across = np.zeros(2 * _HALF + 6, dtype=np.float32)
    for n in range(out.shape[0]):
        h = node_um[n]
        for i in range(_HALF):
            damp = _axis_damping(i / SIZE, h, pixel_um, sigma[n], on_pixels[n])
            for shape, centre in ((shape_y, row[n]), (shape_x, column[n])):
                shape[i, 0] = damp * math.cos(2 * math.pi * i / SIZE * centre)
                shape[i, 1] = -damp * math.sin(2 * math.pi * i / SIZE * centre)
        count = 0
        if dendrite_share[n] > 0:
            count = string_beads(beads, root[n], along[n], bend[n], root_radius[n], h)
            _sum_beads(sums, down, across, beads[:count], h)
        rest = dendrite_share[n] if count else 0.0
        long_axis = radius[n] * math.sqrt(ratio[n])
        short_axis = radius[n] / math.sqrt(ratio[n])
        c, s = math.cos(turn[n]), math.sin(turn[n])
        step = 2 * math.pi / (SIZE * h)
        for i in range(_HALF):
            ky = step * i
            for j in range(_HALF):
                kx = step * j
                blur = 1.0
                if disc[n] > 0:
                    blur = _look_up(bessel, per_unit, disc[n] * math.sqrt(ky * ky + kx * kx))
                for sign in (1, -1):
                    if (sign > 0 and i == SIZE // 2) or (sign < 0 and i == 0):
                        continue
                    u = long_axis * (c * kx + s * sign * ky)
                    v = short_axis * (c * sign * ky - s * kx)
                    re = (1 - rest) * _look_up(soma, per_unit, math.sqrt(u * u + v * v))
                    im = 0.0
                    if rest > 0:
                        re += rest * (sums[i, j] - sign * sums[_HALF + i, _HALF + j])
                        im -= rest * (sums[i, _HALF + j] + sign * sums[_HALF + i, j])
                    # the patch's own phase, times blur
                    y_re, y_im = shape_y[i, 0], sign * shape_y[i, 1]
                    p_re = blur * (y_re * shape_x[j, 0] - y_im * shape_x[j, 1])
                    p_im = blur * (y_re * shape_x[j, 1] + y_im * shape_x[j, 0])
                    out[n, sign * i, j] = complex(re * p_re - im * p_im, re * p_im + im * p_re)


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
def sharp_bodies(
    out,
    row,
    column,
    node_um,
    radius,
    ratio,
    turn,
    root,
    along,
    bend,
    root_radius,
    nucleus,
    nucleus_brightness,
):
    """Projected bodies without any blur: share of each one's light per node.

    Light is volume: somata are sampled 6 x 6 times per node, dendrites in points.
    """
    samples = 6
    for n in range(out.shape[0]):
        long_axis = radius[n] * math.sqrt(ratio[n]) / node_um[n]
        short_axis = radius[n] / math.sqrt(ratio[n]) / node_um[n]
        c, s = math.cos(turn[n]), math.sin(turn[n])
        reach = int(max(long_axis, short_axis)) + 2
        thickness = 2 * radius[n] * (node_um[n] / samples) ** 2
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
                out[n, i, j] = thickness * light
        dendrites = root[n], along[n], bend[n], root_radius[n]
        _throw_dendrites(out[n], row[n], column[n], node_um[n], *dendrites)
        total = out[n].sum()
        if total > 0:
            out[n] /= total


@jit
def _throw_dendrites(patch, row, column, node_um, root, along, bend, root_radius):
    """Add dendrites in points of known volume: discs along the curve, filled evenly."""
    slices, points = 64, 12
    for k in range(root_radius.size):
        if root_radius[k] == 0:
            continue
        for m in range(slices):
            u = (m + 0.5) / slices
            radius = root_radius[k] * (1 - u)
            volume = math.pi * radius**2 * _length(along[k]) / (slices * points)
            for p in range(points):
                away = radius * math.sqrt((p + 0.5) / points)
                turn = 2.399963229728653 * (p + points * m)  # as seeds fill a sunflower
                y = root[k, 1] + u * (along[k, 1] + u * bend[k, 1]) + away * math.sin(turn)
                x = root[k, 2] + u * (along[k, 2] + u * bend[k, 2]) + away * math.cos(turn)
                kept = _kept(y, x, node_um)
                if kept > 0:
                    patch[int(row + y / node_um + 0.5), int(column + x / node_um + 0.5)] += kept * volume


@jit
def _box(patch, threshold):
    """The smallest box, half-open, that holds all values above a share of the peak."""
    level = threshold * patch.max()
    y0, y1, x0, x1 = SIZE, 0, SIZE, 0
    for i in range(SIZE):
        for j in range(SIZE):
            if abs(patch[i, j]) > level:
                y0, y1 = min(y0, i), max(y1, i + 1)
                x0, x1 = min(x0, j), max(x1, j + 1)
    return y0, y1, x0, x1


@jit
def trim(patches, threshold, box, total, row_limits, column_limits):
    """Cut each patch to the box of its values above a share of its peak, inside limits.

    `box` receives first row, last row, first column, last column (half-open); `total` the sum
    over the box that no limit cuts.
    """
    for n in range(patches.shape[0]):
        y0, y1, x0, x1 = _box(patches[n], threshold)
        total[n] = 0.0
        for i in range(y0, y1):
            for j in range(x0, x1):
                total[n] += patches[n, i, j]
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
