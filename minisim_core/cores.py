"""Cores: each cell's body seen through the lens, drawn on the coarsest grid that shows its shape."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import LEVELS, Canvas
from .cells import Bodies, soma_volume_um3
from .kernels import bodies as body_kernels
from .kernels import pyramid as pyramid_kernels

FloatArray = NDArray[np.floating]

_TRIM = 1e-3
"""Values of a core below this share of its peak are cut off and their light given to the rest."""

PER_UNIT, _LARGEST = 8, 4096
"""Transforms are tabulated by the square of their argument: entries per unit, and where they end."""


def dendrite_shares(bodies: Bodies, nucleus: float, nucleus_brightness: float) -> FloatArray:
    """Share of each cell's light that its dendrites send, (N,)."""
    dendrites = bodies.dendrite_volume_um3
    soma = soma_volume_um3(bodies.radius_um, nucleus, nucleus_brightness)
    return dendrites / np.maximum(soma + dendrites, 1e-30)


def draw_cores(
    canvas: Canvas,
    y: FloatArray,
    x: FloatArray,
    bodies: Bodies,
    nucleus: float,
    nucleus_brightness: float,
    disc_um: FloatArray,
    sigma_um: FloatArray,
    share: FloatArray,
) -> dict[str, NDArray[Any]]:
    """Draw the core patches, each on the coarsest level that still shows its shape.

    A cell's place (y, x) is its centre of light: dendrites push the soma a little to the other side.
    """
    from scipy import fft

    size = body_kernels.SIZE
    dendrite_share = dendrite_shares(bodies, nucleus, nucleus_brightness)
    offset_px = dendrite_share[:, None] * bodies.dendrite_centre_um / canvas.pixel_um
    y, x = y - offset_px[:, 0], x - offset_px[:, 1]
    level = _core_levels(bodies, disc_um, sigma_um, canvas.pixel_um)
    node_px: FloatArray = 2.0**level
    pad = np.where(level > 0, pyramid_kernels.PAD, 0)
    v, u = y / node_px + pad, x / node_px + pad
    top, left = np.floor(v).astype(np.int64) - size // 2, np.floor(u).astype(np.int64) - size // 2
    # the rest lies beyond the canvas, where nothing of it is seen
    margin = (size / 2 + 2) * node_px
    seen = (np.abs(y - canvas.rows / 2) < canvas.rows / 2 + margin) & (
        np.abs(x - canvas.columns / 2) < canvas.columns / 2 + margin
    )
    k = np.flatnonzero(seen)
    node_um = node_px[k] * canvas.pixel_um
    outline = (bodies.radius_um[k], bodies.axis_ratio[k], bodies.orientation_rad[k])
    dendrites = (bodies.root_um[k], bodies.along_um[k], bodies.bend_um[k], bodies.root_radius_um[k])
    place = (v[k] - top[k], u[k] - left[k], node_um)
    if not disc_um.any() and not sigma_um.any():
        patches: NDArray[Any] = np.zeros((len(k), size, size), dtype=np.float32)
        body_kernels.sharp_bodies(patches, *place, *outline, *dendrites, nucleus, nucleus_brightness)
    else:
        disc, sigma = _without_ringing(disc_um[k], sigma_um[k], bodies.radius_um[k], node_um)
        spectra = np.empty((len(k), size, size // 2 + 1), dtype=np.complex64)
        body_kernels.core_spectra(
            spectra, *place, canvas.pixel_um, level[k] == 0, *outline, dendrite_share[k], *dendrites,
            disc, sigma, soma_table(nucleus, nucleus_brightness), disc_table(), PER_UNIT,
        )  # fmt: skip
        patches = fft.irfft2(spectra, s=(size, size), overwrite_x=True)
    limits = [
        np.stack([-corner[k], nodes[level[k]] - corner[k]], axis=1)
        for corner, nodes in ((top, canvas.level_rows), (left, canvas.level_columns))
    ]
    total, inside = np.empty(len(k)), np.empty((len(k), 4), dtype=np.int64)
    body_kernels.trim(patches, _TRIM, inside, total, *limits)
    box = np.zeros((len(y), 4), dtype=np.int64)
    box[k] = inside
    height, width = box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]
    first = np.concatenate([[0], np.cumsum(height * width)])
    values = np.empty(first[-1], dtype=np.float32)
    scale = share[k] / np.where(total > 0, total, 1) / node_px[k] ** 2
    body_kernels.pack(patches, inside, scale, first[k], values)
    return {
        "level": level,
        "top": top + box[:, 0],
        "left": left + box[:, 2],
        "rows": height,
        "columns": width,
        "first": first[:-1],
        "values": values,
    }


def _core_levels(
    bodies: Bodies, disc_um: FloatArray, sigma_um: FloatArray, pixel_um: float
) -> NDArray[np.int64]:
    """Return the level of each core: somata must fit, dendrites should where the blur allows it."""
    soma = bodies.radius_um * np.sqrt(bodies.axis_ratio)
    nodes = body_kernels.SIZE / 2
    fits = (soma + disc_um + 2.5 * sigma_um) / (nodes - 3)
    tips = np.abs(bodies.root_um + 0.55 * bodies.along_um)[..., 1:].max(axis=-1)
    tip = np.where(bodies.root_radius_um > 0, tips, 0.0).max(axis=1, initial=0.0)
    fits_all = (tip + disc_um + 2 * sigma_um) / nodes
    level, ample, coarse = (
        np.ceil(np.log2(np.maximum(fits / pixel_um, 1))),
        np.ceil(np.log2(np.maximum(fits_all / pixel_um, 1))),
        np.floor(np.log2(np.maximum(1.33 * np.hypot(sigma_um, disc_um / 2) / pixel_um, 1))),
    )
    return np.clip(np.maximum(level, np.minimum(ample, coarse)), 0, LEVELS - 1).astype(np.int64)


def _without_ringing(
    disc_um: FloatArray, sigma_um: FloatArray, radius_um: FloatArray, node_um: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Soften a wide disc's edge to what the grid can show, and shrink it to keep its variance.

    A body that is wide itself does part of it. No profile can be soft and as low and as narrow as
    a disc: the variance is kept, and the peak is up to 7 % high.
    """
    missing = np.maximum((0.72 * node_um) ** 2 - sigma_um**2 - 0.07 * radius_um**2, 0)
    missing = np.where(disc_um**2 > 16 * missing, missing, 0)
    return np.sqrt(disc_um**2 - 4 * missing), np.sqrt(sigma_um**2 + missing)


def _ball(q: FloatArray) -> FloatArray:
    """Transform of a projected ball of radius 1, 3 (sin q - q cos q) / q³."""
    small = np.maximum(q, 1e-3)
    return np.where(q < 1e-3, 1.0, 3 * (np.sin(small) - small * np.cos(small)) / small**3)


@lru_cache(32)
def soma_table(nucleus: float, nucleus_brightness: float) -> FloatArray:
    """Tabulate the transform of a round soma of radius 1 with its nucleus."""
    lost = (1 - nucleus_brightness) * nucleus**3
    q = _arguments()
    table = (_ball(q) - lost * _ball(nucleus * q)) / (1 - lost)
    table[-1] = 0.0
    return table


@cache
def disc_table() -> FloatArray:
    """Tabulate the transform of a disc of radius 1, 2 J1(q) / q."""
    from scipy.special import j1

    q = _arguments()
    q[0] = 1e-3
    table: FloatArray = 2 * j1(q) / q
    table[0], table[-1] = 1.0, 0.0
    return table


def _arguments() -> FloatArray:
    return np.sqrt(np.arange(_LARGEST * PER_UNIT) / PER_UNIT)
