"""One frame, from the light of every source to counts, and the transpose of its light."""

from __future__ import annotations

from ._jit import jit
from .camera import expose_row, frame_keys, row_room
from .pyramid import (
    add_patches,
    add_splats,
    collapse,
    develop,
    dot_patches,
    dot_splats,
    expand,
    gather,
    subdivide,
)
from .stack import add_haze, light_row, move_back, shadow_now
from .warp import warp_back


@jit
def _level(buffer, grid, level):
    """One level of a flat buffer as a 2-d array."""
    offsets, rows, columns = grid
    return buffer[offsets[level] : offsets[level + 1]].reshape(rows[level], columns[level])


@jit
def draw(
    near,
    far,
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
):
    """Draw the tissue at one instant on level 0 of `near`: every source, under the vessels' shadow.

    Cells, haze and the tissue beyond are added up on the levels of two pyramids. Far light is lit
    where it starts; it is divided by the beam here because the pixel's beam multiplies everything
    at the end. `far` has nothing to hold on level 1: the shadow of the instant is kept there.
    """
    offsets, rows, columns = grid
    levels = rows.size
    near[:] = 0
    far[offsets[far_level] :] = 0
    patches, (base, along_y, along_x, near_weights, far_weights) = cells[:7], cells[7:]
    add_patches(near, amplitudes, offsets, columns, *patches)
    add_splats(near, amplitudes, near_weights, base, along_y, along_x, columns, 1, levels)
    add_splats(far, far_amplitudes, far_weights, base, along_y, along_x, columns, far_level, levels)
    if haze_course.size:
        add_haze(_level(near, grid, haze_level), haze_near, haze_course)
        add_haze(_level(far, grid, far_level), haze_far, haze_course)
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
    if shadow[0].size == 0:
        expand(_level(near, grid, 1), _level(near, grid, 0))
    else:
        shadow_now(far[offsets[1] : offsets[2]], shadow[0], shadow[1], shadow[2], swelling)
        develop(_level(near, grid, 1), _level(far, grid, 1), _level(near, grid, 0))


@jit
def photograph(
    out, expected, canvas, margin, motion, shade, stray, pattern, first_row, first_column, key, frame, camera
):
    """Move and light the canvas and turn it into counts, row by row: `expected` holds one row."""
    keys = frame_keys(key, frame)
    room = row_room(out.shape[1])
    gain, offset = pattern
    for y in range(out.shape[0]):
        light_row(expected, canvas, margin, y, motion, shade, stray)
        expose_row(
            out[y], expected, gain[y], offset[y], first_row + y, first_column, y > 0, keys, camera, room
        )


@jit
def pull_back(
    weights, near, far, grid, far_level, inverse_beam, shadow, swelling, flow, margin, motion, shade
):
    """Carry weights on the pixels back onto the levels: the transpose of drawing and moving."""
    offsets = grid[0]
    levels = grid[1].size
    near[:] = 0
    far[:] = 0
    canvas = _level(near, grid, 0)
    if flow[0].size:
        bent = _level(far, grid, 0)
        move_back(weights, bent, margin, motion, shade)
        warp_back(bent, canvas, *flow)
        bent[:] = 0
    else:
        move_back(weights, canvas, margin, motion, shade)
    if shadow[0].size:
        dark = _level(far, grid, 0)
        shadow_now(far[offsets[1] : offsets[2]], shadow[0], shadow[1], shadow[2], swelling)
        expand(_level(far, grid, 1), dark)
        canvas *= dark
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
