"""Images of cell bodies: exact in the Fourier domain, or sharp by counting what lies in a pixel.

A body is an ellipsoid with a nucleus and a few dendrites. A dendrite is a curve, root + u along +
u² bend for u in 0..1, dressed with discs across `along` whose radius falls as (1 - u)²: thick where
it leaves the soma, then thin; its volume grows as 1 - (1 - u)⁵.
"""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit

SIZE = 32
"""Nodes of a core patch before it is trimmed."""

_HALF = SIZE // 2 + 1
_GOLDEN_RAD = math.pi * (3 - math.sqrt(5))
_BEADED = 0.7  # of a dendrite's length; 1/400 of its light lies beyond
_FADE = (11.5, 14.5)  # nodes from a patch's centre between which a dendrite that is too long fades


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
    """Cut one cell's dendrites into beads: rows y, x, variance per axis, share of their light.

    Beads lie no farther apart than the nodes, so what lies between them is finer than the grid.
    Returns how many there are.
    """
    count, total = 0, 0.0
    for k in range(root_radius.size):
        if root_radius[k] == 0:
            continue
        length = math.hypot(along[k, 1] + bend[k, 1], along[k, 2] + bend[k, 2])
        pieces = int(_BEADED * length / node_um) + 2
        size = _length(along[k])
        section = (1 + (along[k, 0] / size) ** 2) / 8  # variance per axis of a tilted disc, projected
        for m in range(pieces):
            # centre of mass of the piece between two distances from the end
            v0, v1 = 1 - _BEADED * m / pieces, 1 - _BEADED * (m + 1) / pieces
            volume = v0**5 - v1**5
            v = 5 / 6 * (v0**6 - v1**6) / volume
            y, x = _point(root[k], along[k], bend[k], 1 - v)
            light = volume * root_radius[k] ** 2 * size * _kept(y, x, node_um)
            if light == 0 or count == beads.shape[1]:
                break
            beads[0, count], beads[1, count] = y, x
            beads[2, count] = section * (root_radius[k] * v * v) ** 2
            beads[3, count] = light
            total += light
            count += 1
    for n in range(count):
        beads[3, n] /= total
    return count


@jit
def _point(root, along, bend, u):
    return root[1] + u * (along[1] + u * bend[1]), root[2] + u * (along[2] + u * bend[2])


@jit
def _length(v):
    return math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


@jit
def _waves(at, variance, step):
    """Cosines (first half of the rows) and sines of every wave number, damped by Gaussians."""
    count = at.size
    out = np.empty((2 * _HALF, count), dtype=np.float32)
    turns = np.empty((4, count), dtype=np.float32)
    turn_c, turn_s, fall, falls = turns[0], turns[1], turns[2], turns[3]
    for n in range(count):
        out[0, n], out[_HALF, n] = 1, 0
        angle = np.float32(step * at[n])
        turn_c[n], turn_s[n] = math.cos(angle), math.sin(angle)
        damp = math.exp(np.float32(-0.5 * variance[n] * step * step))
        fall[n], falls[n] = damp, damp * damp
    for m in range(_HALF - 1):
        c, s, next_c, next_s = out[m], out[_HALF + m], out[m + 1], out[_HALF + m + 1]
        for n in range(count):
            damped_c, damped_s = fall[n] * c[n], fall[n] * s[n]
            next_c[n] = damped_c * turn_c[n] - damped_s * turn_s[n]
            next_s[n] = damped_c * turn_s[n] + damped_s * turn_c[n]
        for n in range(count):
            fall[n] *= falls[n]
    return out


@jit
def sum_beads(sums, beads, node_um):
    """Sums over beads of products of waves: rows cos, sin along y; columns cos, sin along x."""
    step = 2 * math.pi / (SIZE * node_um)
    count = (beads.shape[1] + 3) // 4 * 4
    down = np.zeros((2 * _HALF, count), dtype=np.float32)
    across = np.zeros((count, sums.shape[1]), dtype=np.float32)
    down_waves, across_waves = _waves(beads[0], beads[2], step), _waves(beads[1], beads[2], step)
    for i in range(2 * _HALF):
        for n in range(beads.shape[1]):
            down[i, n] = down_waves[i, n] * beads[3, n]
            across[n, i] = across_waves[i, n]
    for i in range(2 * _HALF):
        row, weight = sums[i], down[i]
        row[:] = 0
        for n in range(0, count, 4):
            a, b, c, d = across[n], across[n + 1], across[n + 2], across[n + 3]
            wa, wb, wc, wd = weight[n], weight[n + 1], weight[n + 2], weight[n + 3]
            for j in range(row.size):
                row[j] += (wa * a[j] + wb * b[j]) + (wc * c[j] + wd * d[j])


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
    beads = np.empty((4, 64 * root_radius.shape[1]))
    sums = np.empty((2 * _HALF, 2 * _HALF + 6), dtype=np.float32)  # rows of whole vectors
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
            sum_beads(sums, beads[:, :count], h)
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
                if math.hypot(i - row[n], j - column[n]) > max(long_axis, short_axis) + 1:
                    continue  # no part of this node is inside
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
    """Add dendrites in points of known volume: slices along the curve, filled evenly."""
    slices, points = 64, 12
    seeds = np.empty((points, 2))
    for p in range(points):  # as seeds fill a sunflower
        away = math.sqrt((p + 0.5) / points)
        seeds[p, 0], seeds[p, 1] = away * math.cos(_GOLDEN_RAD * p), away * math.sin(_GOLDEN_RAD * p)
    for k in range(root_radius.size):
        if root_radius[k] == 0:
            continue
        size, flat = _length(along[k]), math.hypot(along[k, 1], along[k, 2])
        # two directions across the dendrite, as seen from above
        a_y, a_x = (along[k, 2] / flat, -along[k, 1] / flat) if flat > 0 else (1.0, 0.0)
        b_y, b_x = along[k, 0] / size * a_x, -along[k, 0] / size * a_y
        for m in range(slices):  # thinner ones where the dendrite is thick
            v0, v1 = math.sqrt(1 - m / slices), math.sqrt(1 - (m + 1) / slices)
            v = (v0 + v1) / 2
            volume = math.pi / 5 * root_radius[k] ** 2 * size * (v0**5 - v1**5) / points
            y, x = _point(root[k], along[k], bend[k], 1 - v)
            radius = root_radius[k] * v * v
            c, s = radius * math.cos(_GOLDEN_RAD * m), radius * math.sin(_GOLDEN_RAD * m)
            c_y, c_x, s_y, s_x = c * a_y + s * b_y, c * a_x + s * b_x, c * b_y - s * a_y, c * b_x - s * a_x
            for p in range(points):
                py, px = y + seeds[p, 0] * c_y + seeds[p, 1] * s_y, x + seeds[p, 0] * c_x + seeds[p, 1] * s_x
                kept = _kept(py, px, node_um)
                if kept > 0:
                    patch[int(row + py / node_um + 0.5), int(column + px / node_um + 0.5)] += kept * volume


@jit
def _exceeds(line, level):
    for value in line:
        if abs(value) > level:
            return True
    return False


@jit
def _box(patch, threshold):
    """The smallest box, half-open, that holds all values above a share of the peak."""
    peaks = patch[0].copy()  # column by column, as that vectorises
    for line in patch:
        for j in range(SIZE):
            peaks[j] = line[j] if line[j] > peaks[j] else peaks[j]
    level = threshold * peaks.max()
    y0, y1, x0, x1 = 0, SIZE, 0, SIZE
    while y0 < y1 and not _exceeds(patch[y0], level):
        y0 += 1
    while y0 < y1 and not _exceeds(patch[y1 - 1], level):
        y1 -= 1
    while x0 < x1 and not _exceeds(patch[y0:y1, x0], level):
        x0 += 1
    while x0 < x1 and not _exceeds(patch[y0:y1, x1 - 1], level):
        x1 -= 1
    return y0, y1, x0, x1


@jit
def trim(patches, threshold, box, total, row_limits, column_limits):
    """Cut each patch to the box of its values above a share of its peak, inside limits.

    `box` receives first row, last row, first column, last column (half-open); `total` the sum
    over the box that no limit cuts.
    """
    sums = np.empty(SIZE)
    for n in range(patches.shape[0]):
        y0, y1, x0, x1 = _box(patches[n], threshold)
        sums[:] = 0
        for i in range(y0, y1):
            for j in range(x0, x1):
                sums[j] += patches[n, i, j]
        total[n] = sums.sum()
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
