"""The microscope: its lens, its focal surface, its magnification."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]
Quantity = TypeVar("Quantity", float, FloatArray)


class Scope(Parameters):
    """The optics of a scope. Defaults: UCLA Miniscope V4, traced from its published lens file."""

    model_name: str = quantity("UCLA Miniscope V4", "name of the instrument")
    numerical_aperture: float = quantity(
        0.33,
        "how wide a cone of light the objective collects",
        low=0.05,
        high=0.9,
        step=0.01,
        label="Numerical aperture",
        source="ray trace of the published V4 prescription",
    )
    magnification: float = quantity(
        3.161,
        "image size over object size on the axis",
        low=0.5,
        high=40,
        step=0.01,
        source="ray trace of the published V4 prescription",
    )
    field_curvature_um: float = quantity(
        1684,
        "radius of the bowl-shaped focal surface, in tissue; larger is flatter",
        low=200,
        high=1e6,
        log=True,
        unit="µm",
        label="Radius of the focal bowl",
        source="2290 µm in air by ray trace, divided by the index of tissue",
    )
    aberration_um: float = quantity(
        1.14,
        "sd of the lens's own blur on the axis, in the object",
        low=0,
        high=20,
        unit="µm",
        step=0.05,
        label="Lens blur on the axis",
        source="ray-traced rms spot (5.1 µm at the sensor) per axis",
    )
    aberration_growth_um_per_mm2: float = quantity(
        8.0,
        "how fast the lens's blur grows with the squared distance from the axis",
        low=0,
        high=100,
        unit="µm/mm²",
        label="Growth of lens blur",
        source="fit to the ray-traced spots up to 0.6 mm, within 0.16 µm",
    )
    distortion_per_mm2: float = quantity(
        0.060,
        "pincushion distortion: r' = r (1 + distortion r²)",
        low=-0.5,
        high=0.5,
        unit="/mm²",
        source="ray trace of the published V4 prescription",
    )
    transmission: float = quantity(
        0.6,
        "share of the collected light that reaches the sensor (lenses, filters, tissue surface)",
        low=0.01,
        high=1,
        step=0.01,
    )
    near_focus_um: float = quantity(
        15,
        "cells within this distance of the focal surface count as in focus",
        low=1,
        high=200,
        step=1,
        unit="µm",
        label="In focus within",
    )


class Lens(NamedTuple):
    """What decides how a source on the axis is blurred."""

    numerical_aperture: float
    refractive_index: float
    focus_um: float
    aberration_um: float

    @property
    def slope(self) -> float:
        """Radius of the defocus disc over the distance from the focal plane."""
        return math.tan(cone_angle_rad(self.numerical_aperture, self.refractive_index))


def cone_angle_rad(numerical_aperture: float, refractive_index: float) -> float:
    """Half-angle of the collected cone in tissue, asin(NA / n)."""
    return math.asin(numerical_aperture / refractive_index)


def collected_fraction(numerical_aperture: float, refractive_index: float) -> float:
    """Share of an isotropic source's light inside the cone, (1 - cos) / 2."""
    return (1 - math.cos(cone_angle_rad(numerical_aperture, refractive_index))) / 2


def pixel_um(pixel_pitch_um: float, magnification: float) -> float:
    """Width of one sensor pixel in the object."""
    return pixel_pitch_um / magnification


def focal_surface_um(r2_um2: Quantity, focus_um: float, field_curvature_um: float) -> Quantity:
    """Depth of best focus at a squared distance from the axis: focus - r²/2R, a shallow bowl."""
    return focus_um - r2_um2 / (2 * field_curvature_um)


def distorted_um(position_um: FloatArray, distortion_per_mm2: float) -> tuple[FloatArray, FloatArray]:
    """Where points (z, y, x) appear in the image plane: r' = r (1 + distortion r²)."""
    y, x = position_um[:, 1], position_um[:, 2]
    scale = 1 + distortion_per_mm2 * (y**2 + x**2) * 1e-6
    return y * scale, x * scale


def lens_blur_um(r2_um2: FloatArray, aberration_um: float, growth_um_per_mm2: float) -> FloatArray:
    """Sd of the lens's own blur at a squared distance from the axis (V4 ray trace)."""
    return aberration_um + growth_um_per_mm2 * np.asarray(r2_um2) * 1e-6
