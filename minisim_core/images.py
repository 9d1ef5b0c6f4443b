"""Every cell's image, in pieces on the canvas's levels: a core, and scattered light on a ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import FAR_LEVEL, LEVELS, RUNG, Canvas, views
from .cells import Bodies, Places
from .cores import draw_cores
from .kernels import pyramid as pyramid_kernels
from .memory import Result, stage
from .scope import Lens, OffAxis, focal_surface_um, imaged_um, lens_blur_um
from .tissue import (
    CLEAR,
    NARROW_EXPONENT,
    WIDE_EXPONENT,
    Medium,
    fate,
    fluence,
    narrower_share,
)

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]


class CellArrays(NamedTuple):
    """What the kernels need of `CellImages`, in their order."""

    level: NDArray[np.int64]
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    first: NDArray[np.int64]
    values: Float32Array
    base: NDArray[np.int64]
    along_y: Float32Array
    along_x: Float32Array
    near: Float32Array
    far: Float32Array


@dataclass(frozen=True, eq=False)
class CellImages(Result):
    """Every cell's image per unit of its light, in pieces on the canvas's levels."""

    center_px: FloatArray  # (N, 2) canvas pixel of the centre
    defocus_um: FloatArray  # (N,) signed distance from the focal surface
    core_share: FloatArray  # (N,) light in the core patch
    level: NDArray[np.int64]  # (N,) level of the core patch
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    first: NDArray[np.int64]  # (N,) where each patch begins in `values`
    values: Float32Array
    base: NDArray[np.int64]  # (N, LEVELS) flat index of the first node of each splat
    along_y: Float32Array  # (N, LEVELS, 4) spline weights
    along_x: Float32Array
    near: Float32Array  # (N, LEVELS) coefficient of near wide light per level
    far: Float32Array  # (N, LEVELS) coefficient of far light per level

    def __len__(self) -> int:
        return len(self.level)

    @property
    def arrays(self) -> CellArrays:
        """What the kernels need of them."""
        return CellArrays(*(getattr(self, name) for name in CellArrays._fields))


def body_variance_um2(
    radius_um: FloatArray, axis_ratio: FloatArray, nucleus: float, nucleus_brightness: float
) -> FloatArray:
    """Variance per axis of a projected soma, a ball with a nucleus, mean over its two axes."""
    lost = 1 - nucleus_brightness
    ball = radius_um**2 / 5 * (1 - lost * nucleus**5) / (1 - lost * nucleus**3)
    return ball * (axis_ratio + 1 / axis_ratio) / 2


def rungs_um(pixel_um: float) -> FloatArray:
    """Sd of the light one splat makes on each level; level 0 has none."""
    return RUNG * 2.0 ** np.arange(LEVELS) * pixel_um


_WIDER = 1.5
"""A rung is wider than the core if its variance is so many times the core's."""


def near_shares(core_variance_um2: FloatArray, half_radius_um: FloatArray, pixel_um: float) -> FloatArray:
    """Share of narrowly scattered light per rung, (N, LEVELS); column 0 stays in the core.

    Scattered light is a mixture of Gaussians of sd s. Together with the core it has variance
    core + s², and goes to the rung that is nearest in the logarithm. The lowest rung in use is the
    first one that is wider than the core; as the core grows, its light passes smoothly to the next.
    """
    variance = np.asarray(core_variance_um2, dtype=float)
    radius = np.asarray(half_radius_um, dtype=float)
    rung = rungs_um(pixel_um)[1:] ** 2
    last = len(rung) - 1
    lowest = np.minimum((rung[None, :] <= _WIDER * variance[:, None]).sum(axis=1), last)
    kept = np.clip(np.log(rung[lowest] / (_WIDER * variance)) / np.log(_WIDER), 0, 1)[:, None]
    return kept * _shares_from(lowest, variance, radius, rung) + (1 - kept) * _shares_from(
        np.minimum(lowest + 1, last), variance, radius, rung
    )


def _shares_from(
    lowest: NDArray[np.int64], variance: FloatArray, radius: FloatArray, rung: FloatArray
) -> FloatArray:
    """Share per rung when no rung below the `lowest` is used; column 0 stays in the core."""
    edges = np.zeros((len(variance), len(rung) + 2))
    border = np.sqrt(rung[:-1] * rung[1:])
    sd = np.sqrt(np.maximum(np.append(border, np.inf)[None, :] - variance[:, None], 0))
    edges[:, 2:] = narrower_share(sd, radius[:, None], NARROW_EXPONENT)
    used = np.arange(len(rung)) >= lowest[:, None]
    edges[:, 2:] *= used
    first = np.sqrt(np.maximum(np.sqrt(variance * rung[lowest]) - variance, 0))
    core = narrower_share(first, radius, NARROW_EXPONENT)
    edges[:, 1:] = np.maximum(edges[:, 1:], core[:, None])
    shares = np.diff(edges, axis=1)
    shares[:, 1:] *= used
    return shares


def far_shares(half_radius_um: FloatArray, pixel_um: float) -> FloatArray:
    """Share of widely scattered light per rung, (N, LEVELS); nothing below `FAR_LEVEL`."""
    rung = rungs_um(pixel_um)[FAR_LEVEL:]
    border = np.sqrt(rung[:-1] * rung[1:])
    below = narrower_share(border, np.asarray(half_radius_um)[:, None], WIDE_EXPONENT)
    shares = np.zeros((len(below), LEVELS))
    shares[:, FAR_LEVEL] = below[:, 0]
    shares[:, FAR_LEVEL + 1 : -1] = np.diff(below, axis=1)
    shares[:, -1] = 1 - below[:, -1]
    return shares


@stage
def cell_images(
    canvas: Canvas,
    places: Places,
    bodies: Bodies,
    nucleus_fraction: float,
    nucleus_brightness: float,
    lens: Lens,
    off_axis: OffAxis,
    medium: Medium,
    blur: bool,
    dimming: bool,
) -> CellImages:
    """Draw each cell as the scope images it, per unit of light sent into the cone.

    Near image = body * lens blur * defocus disc * (ballistic + narrow scatter) x fluence; far
    image = wide scatter x fluence. The core and the ballistic light are exact in the Fourier
    domain; scattered light lies on the rungs of the pyramid. `blur` off makes the lens perfect,
    `dimming` off the tissue clear.
    """
    position = places.positions_um
    r2 = (position[:, 1:] ** 2).sum(axis=1)
    defocus = position[:, 0] - focal_surface_um(r2, lens.focus_um, off_axis.field_curvature_um)
    disc = np.abs(defocus) * lens.slope
    sigma = lens_blur_um(r2, lens.blur_um, off_axis)
    if not blur:
        disc, sigma = np.zeros_like(disc), np.zeros_like(sigma)
    coefficients = (medium if dimming else CLEAR).transport()
    light = fate(position[:, 0], coefficients)
    shine = fluence(position[:, 0], coefficients)

    variance = (
        body_variance_um2(bodies.radius_um, bodies.axis_ratio, nucleus_fraction, nucleus_brightness)
        + disc**2 / 4
        + sigma**2
        + canvas.pixel_um**2 / 12
    )
    shares = np.zeros((len(position), LEVELS))
    if light.narrow.any():
        shares = near_shares(variance, light.narrow_radius_um, canvas.pixel_um) * light.narrow[:, None]
    core = (light.ballistic + shares[:, 0]) * shine
    area = 4.0 ** np.arange(LEVELS)
    near = shares * shine[:, None] / area
    near[:, 0] = 0
    far = np.zeros_like(near)
    if light.wide.any():
        far = far_shares(light.wide_radius_um, canvas.pixel_um) * (light.wide * shine)[:, None] / area

    place = imaged_um(position[:, 1], position[:, 2], off_axis.scale, off_axis.distortion_per_mm2)
    y, x = canvas.pixel_of(*place)
    patches = draw_cores(canvas, y, x, bodies, nucleus_fraction, nucleus_brightness, disc, sigma, core)
    base, along_y, along_x = _splats(canvas, y, x)
    return CellImages(
        center_px=np.stack([y, x], axis=1),
        defocus_um=defocus,
        core_share=core,
        **patches,
        base=base,
        along_y=along_y,
        along_x=along_x,
        near=near.astype(np.float32),
        far=far.astype(np.float32),
    )


def _splats(
    canvas: Canvas, y: FloatArray, x: FloatArray
) -> tuple[NDArray[np.int64], Float32Array, Float32Array]:
    rows, columns = canvas.level_rows, canvas.level_columns
    top = np.zeros((len(y), LEVELS), dtype=np.int64)
    left = np.zeros_like(top)
    along_y = np.zeros((len(y), LEVELS, 4), dtype=np.float32)
    along_x = np.zeros_like(along_y)
    pyramid_kernels.spline_weights(top, along_y, y, rows)
    pyramid_kernels.spline_weights(left, along_x, x, columns)
    return canvas.level_offsets[:-1] + top * columns + left, along_y, along_x


def picture(canvas: Canvas, images: CellImages, near: FloatArray, far: FloatArray) -> Float32Array:
    """Draw cells at rest on the canvas's pixels, each with its near and far light.

    Parameters
    ----------
    canvas : Canvas
    images : CellImages
        Drawn on that canvas.
    near, far : (N,) float64
        Light of each cell.
    """
    buffer = np.zeros(canvas.level_offsets[-1], dtype=np.float32)
    levels = views(buffer, canvas)
    amplitude = np.asarray(near, dtype=np.float32)
    splats = (images.base, images.along_y, images.along_x, canvas.level_columns)
    pyramid_kernels.add_splats(buffer, amplitude, images.near, *splats, 1, LEVELS)
    pyramid_kernels.add_splats(
        buffer, np.asarray(far, dtype=np.float32), images.far, *splats, FAR_LEVEL, LEVELS
    )
    patches = (
        canvas.level_offsets, canvas.level_columns, images.level, images.top, images.left,
        images.rows, images.columns, images.first, images.values,
    )  # fmt: skip
    sharp = np.where(images.level == 0, amplitude, np.float32(0))
    pyramid_kernels.add_patches(buffer, amplitude - sharp, *patches)
    for level in range(LEVELS - 1, 1, -1):
        pyramid_kernels.subdivide(levels[level], levels[level - 1])
    pyramid_kernels.expand(levels[1], levels[0])
    pyramid_kernels.add_patches(buffer, sharp, *patches)
    return levels[0]
