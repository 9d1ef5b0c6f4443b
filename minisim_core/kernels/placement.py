"""Scattering cells in endless tissue, tile by tile, and keeping them apart."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit
from .chance import bits, uniform


@jit
def tile_id(z, y, x):
    """One number for a tile of tissue."""
    return (np.int64(z) << np.int64(42)) + (np.int64(y + 1048576) << np.int64(21)) + np.int64(x + 1048576)


@jit
def candidates(key, first, last, tile_um, density):
    """Positions (z, y, x), density levels and identities of the candidates in a box of tiles.

    Within a tile the levels are a unit Poisson process along the density axis: raising the
    density appends candidates and moves none.
    """
    volume = tile_um[0] * tile_um[1] * tile_um[2]
    tiles = (last[0] - first[0]) * (last[1] - first[1]) * (last[2] - first[2])
    mean = density * volume * tiles
    room = int(mean + 4 * math.sqrt(mean)) + 16
    positions, levels = np.empty((room, 3)), np.empty(room)
    ids = np.empty(room, dtype=np.uint64)
    n = 0
    for z in range(first[0], last[0]):
        for y in range(first[1], last[1]):
            for x in range(first[2], last[2]):
                tile = tile_id(z, y, x)
                level, k = 0.0, 0
                while True:
                    level -= math.log(uniform(key, tile, 4 * k)) / volume
                    if level > density:
                        break
                    if n == room:
                        positions = np.concatenate((positions, np.empty((room, 3))))
                        levels = np.concatenate((levels, np.empty(room)))
                        ids = np.concatenate((ids, np.empty(room, dtype=np.uint64)))
                        room *= 2
                    positions[n, 0] = (z + uniform(key, tile, 4 * k + 1)) * tile_um[0]
                    positions[n, 1] = (y + uniform(key, tile, 4 * k + 2)) * tile_um[1]
                    positions[n, 2] = (x + uniform(key, tile, 4 * k + 3)) * tile_um[2]
                    levels[n] = level
                    ids[n] = bits(key, tile, -1 - k)
                    n += 1
                    k += 1
    return positions[:n], levels[:n], ids[:n]


@jit
def keep_apart(positions, minimum_distance):
    """Which candidates have no earlier candidate closer than the minimum distance.

    Earlier candidates count whether they were kept or not (Matérn's second process), so what
    happens to one depends on its surroundings alone.
    """
    count = positions.shape[0]
    keep = np.ones(count, dtype=np.bool_)
    box = max(minimum_distance, 10.0)  # µm; as many boxes as a small distance asks for would fill the memory
    low = np.empty(3)
    size = np.empty(3, dtype=np.int64)
    for axis in range(3):
        low[axis] = positions[:, axis].min()
        size[axis] = int((positions[:, axis].max() - low[axis]) / box) + 3
    head = np.full((size[0], size[1], size[2]), -1, dtype=np.int32)
    following = np.empty(count, dtype=np.int32)
    limit = minimum_distance * minimum_distance
    for n in range(count):
        z, y, x = positions[n]
        bz = int((z - low[0]) / box) + 1
        by = int((y - low[1]) / box) + 1
        bx = int((x - low[2]) / box) + 1
        for iz in range(bz - 1, bz + 2):
            for iy in range(by - 1, by + 2):
                for ix in range(bx - 1, bx + 2):
                    m = head[iz, iy, ix]
                    while m >= 0:
                        dz, dy, dx = positions[m, 0] - z, positions[m, 1] - y, positions[m, 2] - x
                        if dz * dz + dy * dy + dx * dx < limit:
                            keep[n] = False
                        m = following[m]
        following[n] = head[bz, by, bx]
        head[bz, by, bx] = n
    return keep
