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
_SAMPLES = 6  # of a sharp soma, per node and axis
_SLICES, _POINTS = 64, 12  # of a sharp dendrite, and in each of them
_BEADED = 0.7  # of a dendrite's length; 1/400 of its light lies beyond
_FADE = (11.5, 14.5)  # nodes from a patch's centre between which a dendrite that is too long fades


@jit
def _look_up(table, per_unit, q2):
    at = q2 * per_unit
    k = np.uint32(at)
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
        pieces = int(_BEADED * length / node_um) + 1
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
    transforms of a round soma of radius 1 and of a disc by the square of their argument. On spline
    levels the spectrum is divided by the spline's.
    """
    single = np.float32
    shape_y, shape_x = np.empty((_HALF, 2), dtype=single), np.empty((_HALF, 2), dtype=single)
    blur, re, im = np.ones(_HALF, dtype=single), np.empty(_HALF, dtype=single), np.empty(_HALF, dtype=single)
    beads = np.empty((4, 64 * root_radius.shape[1]))
    sums = np.empty((2 * _HALF, 2 * _HALF + 6), dtype=single)  # rows of whole vectors
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
        rest = single(dendrite_share[n] if count else 0.0)
        unit = (2 * math.pi / (SIZE * h)) ** 2
        long2, short2 = unit * radius[n] ** 2 * ratio[n], unit * radius[n] ** 2 / ratio[n]
        c, s = math.cos(turn[n]), math.sin(turn[n])
        xx, yy, xy = (
            long2 * c * c + short2 * s * s,
            long2 * s * s + short2 * c * c,
            2 * c * s * (long2 - short2),
        )
        disc2 = unit * disc[n] ** 2
        for i in range(_HALF):
            for j in range(_HALF):
                blur[j] = _look_up(bessel, per_unit, disc2 * (i * i + j * j))
            for sign in (1, -1):
                if (sign > 0 and i == SIZE // 2) or (sign < 0 and i == 0):
                    continue
                for j in range(_HALF):
                    body = _look_up(soma, per_unit, (xx * j + sign * xy * i) * j + yy * i * i)
                    re[j], im[j] = (1 - rest) * single(body), 0
                if rest > 0:
                    even, odd = sums[i], sums[_HALF + i]
                    for j in range(_HALF):
                        re[j] += rest * (even[j] - single(sign) * odd[_HALF + j])
                        im[j] -= rest * (even[_HALF + j] + single(sign) * odd[j])
                # the patch's own phase, times blur
                line = out[n, i if sign > 0 else SIZE - i]
                y_re, y_im = shape_y[i, 0], single(sign) * shape_y[i, 1]
                for j in range(_HALF):
                    p_re = blur[j] * (y_re * shape_x[j, 0] - y_im * shape_x[j, 1])
                    p_im = blur[j] * (y_re * shape_x[j, 1] + y_im * shape_x[j, 0])
                    line[j] = complex(re[j] * p_re - im[j] * p_im, re[j] * p_im + im[j] * p_re)


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
    at, line = np.empty(SIZE * _SAMPLES, dtype=np.float32), np.empty(SIZE * _SAMPLES, dtype=np.float32)
    slices, seeds = _cut(_SLICES), _sown(_POINTS)
    for n in range(out.shape[0]):
        soma = radius[n] / node_um[n], ratio[n], turn[n], nucleus, 1 - nucleus_brightness
        _project_soma(out[n], row[n], column[n], *soma, 2 * radius[n] * node_um[n] ** 2, at, line)
        dendrites = root[n], along[n], bend[n], root_radius[n]
        _throw_dendrites(out[n], row[n], column[n], node_um[n], *dendrites, slices, seeds)
        total = out[n].sum()
        if total > 0:
            out[n] /= total


@jit
def _project_soma(patch, row, column, radius, ratio, turn, nucleus, lost, volume, at, line):
    """Add an ellipsoid with a nucleus, its lengths in nodes; `volume` of one node as high as it is thick.

    A row of samples is computed at once and in single precision, as that vectorises; `at` and `line` hold it.
    """
    zero, one = np.float32(0), np.float32(1)
    inner, dark = np.float32(nucleus * nucleus), np.float32(lost)
    c2, s2, cs = math.cos(turn) ** 2, math.sin(turn) ** 2, math.cos(turn) * math.sin(turn)
    long2, short2 = 1 / (radius * radius * ratio), ratio / (radius * radius)
    reach = radius * max(math.sqrt(ratio), 1 / math.sqrt(ratio)) + 1
    top, bottom = max(int(row - reach), 0), min(int(row + reach) + 2, SIZE)
    left, right = max(int(column - reach), 0), min(int(column + reach) + 2, SIZE)
    count = (right - left) * _SAMPLES
    at, line = at[:count], line[:count]
    for m in range(count):
        at[m] = (m + 0.5) / _SAMPLES - 0.5 - column + left
    square = np.float32(c2 * long2 + s2 * short2)
    for i in range(top, bottom):
        line[:] = zero
        for a in range(_SAMPLES):
            y = i - row + (a + 0.5) / _SAMPLES - 0.5
            slope, base = (
                np.float32(2 * cs * (long2 - short2) * y),
                np.float32((s2 * long2 + c2 * short2) * y * y),
            )
            for m in range(count):
                q = (square * at[m] + slope) * at[m] + base
                all_over, within = one - q, inner - q
                all_over = all_over if all_over > zero else zero
                within = within if within > zero else zero
                line[m] += np.float32(math.sqrt(all_over)) - dark * np.float32(math.sqrt(within))
        for j in range(right - left):
            light = zero
            for m in range(j * _SAMPLES, (j + 1) * _SAMPLES):
                light += line[m]
            patch[i, left + j] += volume / _SAMPLES**2 * light


@jit
def _cut(count):
    """Slices of a dendrite, thinner ones where it is thick: 1 - u, volume, cosine and sine of its turn."""
    out = np.empty((count, 4))
    for m in range(count):
        v0, v1 = math.sqrt(1 - m / count), math.sqrt(1 - (m + 1) / count)
        out[m, 0], out[m, 1] = (v0 + v1) / 2, math.pi / 5 * (v0**5 - v1**5)
        out[m, 2], out[m, 3] = math.cos(_GOLDEN_RAD * m), math.sin(_GOLDEN_RAD * m)
    return out


@jit
def _sown(count):
    """Points that lie as seeds do in a sunflower: the first n fill a disc of radius √n evenly."""
    out = np.empty((count, 2))
    for p in range(count):
        away = math.sqrt(p + 0.5)
        out[p, 0], out[p, 1] = away * math.cos(_GOLDEN_RAD * p), away * math.sin(_GOLDEN_RAD * p)
    return out


@jit
def _throw_dendrites(patch, row, column, node_um, root, along, bend, root_radius, slices, seeds):
    """Add dendrites in points of known volume: slices along the curve, filled evenly, all as densely."""
    row, column = row + 0.5, column + 0.5
    for k in range(root_radius.size):
        if root_radius[k] == 0:
            continue
        size, flat = _length(along[k]), math.hypot(along[k, 1], along[k, 2])
        # two directions across the dendrite, as seen from above
        a_y, a_x = (along[k, 2] / flat, -along[k, 1] / flat) if flat > 0 else (1.0, 0.0)
        b_y, b_x = along[k, 0] / size * a_x, -along[k, 0] / size * a_y
        for m in range(slices.shape[0]):
            v = slices[m, 0]
            points = int(seeds.shape[0] * v**4) + 1
            light = slices[m, 1] * root_radius[k] ** 2 * size / points
            y, x = _point(root[k], along[k], bend[k], 1 - v)
            y, x = y / node_um, x / node_um
            radius = root_radius[k] * v * v / node_um
            fades = max(abs(y), abs(x)) + radius > _FADE[0]
            c, s = radius / math.sqrt(points) * slices[m, 2], radius / math.sqrt(points) * slices[m, 3]
            c_y, c_x, s_y, s_x = c * a_y + s * b_y, c * a_x + s * b_x, c * b_y - s * a_y, c * b_x - s * a_x
            for p in range(points):
                py, px = y + seeds[p, 0] * c_y + seeds[p, 1] * s_y, x + seeds[p, 0] * c_x + seeds[p, 1] * s_x
                kept = _kept(py, px, 1.0) if fades else 1.0
                if kept > 0:
                    patch[np.uint32(row + py), np.uint32(column + px)] += kept * light


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
