"""From the tissue's light on the canvas to the light expected on each pixel."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit


@jit
def cast_shadow(canvas, constant, linear, quadratic, swelling):
    """Multiply by the vessels' transmission at a relative change of their radius."""
    s = np.float32(swelling)
    for y in range(canvas.shape[0]):
        for x in range(canvas.shape[1]):
            canvas[y, x] *= constant[y, x] + s * (linear[y, x] + s * quadratic[y, x])


@jit
def path_taps(taps, path_y, path_x):
    """Merge the shifts of one exposure into one small kernel.

    Each path point shifts the picture by cubic convolution (Keys 1981: exact for parabolas, so it
    adds no blur of its own). Returns the row and column of the first tap, relative to the pixel:
    light that rests at p appears at p + path, so pixel x collects from x - path.
    """
    taps[:] = 0
    top, left = int(math.floor(-path_y.max())) - 1, int(math.floor(-path_x.max())) - 1
    share = 1.0 / path_y.size
    wy, wx = np.empty(4), np.empty(4)
    for n in range(path_y.size):
        y, x = int(math.floor(-path_y[n])), int(math.floor(-path_x[n]))
        _keys_weights(wy, -path_y[n] - y)
        _keys_weights(wx, -path_x[n] - x)
        for i in range(4):
            for j in range(4):
                taps[y - 1 + i - top, x - 1 + j - left] += share * wy[i] * wx[j]
    return top, left


@jit
def _keys_weights(w, f):
    w[0] = ((-0.5 * f + 1.0) * f - 0.5) * f
    w[1] = (1.5 * f - 2.5) * f * f + 1.0
    w[2] = ((-1.5 * f + 2.0) * f + 0.5) * f
    w[3] = (0.5 * f - 0.5) * f * f


@jit
def move_and_light(out, canvas, margin, taps, top, left, rows, columns, shade, stray):
    """Expected light: the moved canvas times the static shade, plus stray light."""
    height, width = out.shape
    total = np.empty(width, dtype=np.float32)
    for y in range(height):
        total[:] = 0
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
                        total[x] += a * s0[x]
                else:
                    s1 = source[at + 1 : at + 1 + width]
                    s2 = source[at + 2 : at + 2 + width]
                    s3 = source[at + 3 : at + 3 + width]
                    for x in range(width):
                        total[x] += a * s0[x] + b * s1[x] + c * s2[x] + d * s3[x]
        for x in range(width):
            out[y, x] = total[x] * shade[y, x] + stray[y, x]


@jit
def move_back(weights, canvas, margin, taps, top, left, rows, columns, shade):
    """Transpose of `move_and_light` without its constant: pixel weights onto the canvas."""
    height, width = weights.shape
    for y in range(height):
        for x in range(width):
            value = weights[y, x] * shade[y, x]
            if value == 0:
                continue
            for i in range(rows):
                for j in range(columns):
                    if taps[i, j] != 0:
                        canvas[margin + y + top + i, margin + left + x + j] += value * taps[i, j]


@jit
def mix_maps(out, maps, courses):
    """Add maps, each times its value at this instant."""
    for k in range(courses.size):
        c = np.float32(courses[k])
        for n in range(out.size):
            out[n] += c * maps[k, n]
