"""From the tissue's light on the canvas to the light expected on each pixel."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit


@jit
def shadow_now(out, constant, linear, quadratic, swelling):
    """The vessels' transmission at a relative change of their radius: a parabola in it."""
    s = np.float32(swelling)
    for n in range(out.size):
        out[n] = constant[n] + s * (linear[n] + s * quadratic[n])


@jit
def path_taps(taps, path_px):
    """Merge the shifts of one exposure into one small kernel.

    Each path point shifts the picture by cubic convolution (Keys 1981: exact for parabolas, so it
    adds no blur of its own). Light that rests at p appears at p + path, so pixel x collects from
    x - path.

    Returns
    -------
    The taps, the row and column of the first one relative to the pixel, and how many rows and
    columns of them there are.
    """
    taps[:] = 0
    points = path_px.shape[0]
    top, left = _first_tap(path_px[:, 0]), _first_tap(path_px[:, 1])
    share = 1.0 / points
    wy, wx = np.empty(4), np.empty(4)
    last_y, last_x = top, left
    for n in range(points):
        y, x = int(math.floor(-path_px[n, 0])), int(math.floor(-path_px[n, 1]))
        last_y, last_x = max(last_y, y), max(last_x, x)
        _keys_weights(wy, -path_px[n, 0] - y)
        _keys_weights(wx, -path_px[n, 1] - x)
        for i in range(4):
            for j in range(4):
                taps[y - 1 + i - top, x - 1 + j - left] += share * wy[i] * wx[j]
    return taps, top, left, last_y + 3 - top, last_x + 3 - left


@jit
def _first_tap(path_px):
    highest = path_px[0]
    for value in path_px:
        highest = max(highest, value)
    return int(math.floor(-highest)) - 1


@jit
def _keys_weights(w, f):
    w[0] = ((-0.5 * f + 1.0) * f - 0.5) * f
    w[1] = (1.5 * f - 2.5) * f * f + 1.0
    w[2] = ((-1.5 * f + 2.0) * f + 0.5) * f
    w[3] = (0.5 * f - 0.5) * f * f


@jit
def move_and_light(out, canvas, margin, motion, shade, stray):
    """Expected light: the moved canvas times the static shade, plus stray light.

    `shade` and `stray` are maps given as a profile down and one across.
    """
    for y in range(out.shape[0]):
        light_row(out[y], canvas, margin, y, motion, shade, stray)


@jit
def light_row(out, canvas, margin, y, motion, shade, stray):
    """One row of `move_and_light`."""
    taps, top, left, rows, columns = motion
    width = out.size
    out[:] = 0
    for i in range(rows):
        source = canvas[margin + y + top + i]
        for j in range(0, columns, 4):
            a, b, c, d = taps[i, j], taps[i, j + 1], taps[i, j + 2], taps[i, j + 3]
            if a == 0 and b == 0 and c == 0 and d == 0:
                continue
            at = margin + left + j
            s0 = source[at : at + width]
            if b == 0 and c == 0 and d == 0:
                for x in range(width):
                    out[x] += a * s0[x]
            else:
                s1 = source[at + 1 : at + 1 + width]
                s2 = source[at + 2 : at + 2 + width]
                s3 = source[at + 3 : at + 3 + width]
                for x in range(width):
                    out[x] += a * s0[x] + b * s1[x] + c * s2[x] + d * s3[x]
    shade_x, stray_x = shade[1], stray[1]
    shade_y, stray_y = shade[0][y], stray[0][y]
    for x in range(width):
        out[x] = out[x] * (shade_y * shade_x[x]) + stray_y * stray_x[x]


@jit
def move_back(weights, canvas, margin, motion, shade):
    """Transpose of `move_and_light` without its constant: pixel weights onto the canvas."""
    taps, top, left, rows, columns = motion
    height, width = weights.shape
    for y in range(height):
        for x in range(width):
            value = weights[y, x] * shade[0][y] * shade[1][x]
            if value == 0:
                continue
            for i in range(rows):
                for j in range(columns):
                    if taps[i, j] != 0:
                        canvas[margin + y + top + i, margin + left + x + j] += value * taps[i, j]


@jit
def add_haze(out, haze, course):
    """Add a haze to its nodes: its mean times one course, and each patch's share times its own."""
    mean, along_y, along_x = haze
    down, across = along_y.shape[0], along_x.shape[0]
    band = np.zeros((down, mean.shape[1]), dtype=np.float32)
    for i in range(down):
        for j in range(across):
            c = np.float32(course[1 + i * across + j])
            for x in range(mean.shape[1]):
                band[i, x] += c * along_x[j, x]
    line = np.empty(mean.shape[1], dtype=np.float32)
    for y in range(mean.shape[0]):
        line[:] = np.float32(course[0])
        for i in range(down):
            w = along_y[i, y]
            if w != 0:
                for x in range(line.size):
                    line[x] += w * band[i, x]
        for x in range(line.size):
            out[y, x] += mean[y, x] * line[x]
