"""One frame of expected light, and its transpose."""

from __future__ import annotations

import numpy as np

from ._jit import jit
from .pyramid import (
    add_patches,
    add_splats,
    collapse,
    dot_patches,
    dot_splats,
    expand,
    gather,
    subdivide,
)
from .stack import cast_shadow, mix_maps, move_and_light, move_back, path_taps


@jit
def _level(buffer, grid, level):
    """One level of a flat buffer as a 2-d array."""
    offsets, rows, columns = grid
    return buffer[offsets[level] : offsets[level + 1]].reshape(rows[level], columns[level])


@jit
def _taps(taps, path_px):
    y, x = path_px[:, 0].copy(), path_px[:, 1].copy()
    top, left = path_taps(taps, y, x)
    rows = int(np.floor(-y.min())) + 3 - top
    columns = int(np.floor(-x.min())) + 3 - left
    return top, left, rows, columns


@jit
def expect(
    out,
    near,
    far,
    taps,
    grid,
    far_level,
    cells,
    amplitudes,
    far_amplitudes,
    haze_level,
    haze_near,
    haze_far,
    haze_course,
    beyond,
    inverse_beam,
    shadow,
    swelling,
    path_px,
    margin,
    shade,
    stray,
):
    """Expected photoelectrons of one frame.

    Cells, haze and the tissue beyond are added up on the levels of two pyramids. Far light is lit
    where it starts; it is divided by the beam here because the pixel's beam multiplies everything
    at the end. Then come the vessels' shadow, the motion, and the static fields.
    """
    offsets, rows, columns = grid
    levels = rows.size
    near[offsets[1] :] = 0
    far[offsets[far_level] :] = 0
    patches, (base, along_y, along_x, near_weights, far_weights) = cells[:7], cells[7:]
    sharp = np.where(cells[0] == 0, amplitudes, np.float32(0))  # cores kept on the pixels
    add_patches(near, amplitudes - sharp, offsets, columns, *patches)
    add_splats(near, amplitudes, near_weights, base, along_y, along_x, columns, 1, levels)
    add_splats(far, far_amplitudes, far_weights, base, along_y, along_x, columns, far_level, levels)
    mix_maps(_level(near, grid, haze_level).ravel(), haze_near, haze_course)
    mix_maps(_level(far, grid, far_level).ravel(), haze_far, haze_course)
    lowest = _level(far, grid, far_level)
    lowest += beyond
    for level in range(levels - 1, far_level, -1):
        subdivide(_level(far, grid, level), _level(far, grid, level - 1))
    joined = _level(near, grid, far_level)
    for y in range(lowest.shape[0]):
        for x in range(lowest.shape[1]):
            joined[y, x] += lowest[y, x] * inverse_beam[y, x]
    for level in range(levels - 1, 1, -1):
        subdivide(_level(near, grid, level), _level(near, grid, level - 1))
    canvas = _level(near, grid, 0)
    expand(_level(near, grid, 1), canvas)
    add_patches(near, sharp, offsets, columns, *patches)
    cast_shadow(canvas, shadow[0], shadow[1], shadow[2], swelling)
    top, left, height, width = _taps(taps, path_px)
    move_and_light(out, canvas, margin, taps, top, left, height, width, shade, stray)


@jit
def pull_back(
    weights, near, far, taps, grid, far_level, inverse_beam, shadow, swelling, path_px, margin, shade
):
    """Carry weights on the pixels back onto the levels: the transpose of `expect`."""
    levels = grid[1].size
    near[:] = 0
    far[:] = 0
    canvas = _level(near, grid, 0)
    top, left, height, width = _taps(taps, path_px)
    move_back(weights, canvas, margin, taps, top, left, height, width, shade)
    cast_shadow(canvas, shadow[0], shadow[1], shadow[2], swelling)
    collapse(canvas, _level(near, grid, 1))
    for level in range(1, levels - 1):
        gather(_level(near, grid, level), _level(near, grid, level + 1))
    lowest, joined = _level(far, grid, far_level), _level(near, grid, far_level)
    for y in range(lowest.shape[0]):
        for x in range(lowest.shape[1]):
            lowest[y, x] = joined[y, x] * inverse_beam[y, x]
    for level in range(far_level, levels - 1):
        gather(_level(far, grid, level), _level(far, grid, level + 1))


@jit
def weigh_cells(near_out, far_out, near, far, grid, far_level, cells):
    """Light that a unit of each cell's near and far amplitude sends to the weighted pixels."""
    offsets, rows, columns = grid
    levels = rows.size
    base, along_y, along_x, near_weights, far_weights = cells[7:]
    near_out[:] = 0
    far_out[:] = 0
    dot_patches(near, near_out, offsets, columns, *cells[:7])
    dot_splats(near, near_out, near_weights, base, along_y, along_x, columns, 1, levels)
    dot_splats(far, far_out, far_weights, base, along_y, along_x, columns, far_level, levels)
