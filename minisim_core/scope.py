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
        "image size over object size on the axis, at the nominal focus",
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
    aberration_growth_um_per_mm: float = quantity(
        5.1,
        "lens blur that grows with the distance from the axis (sd; it adds in variance)",
        low=0,
        high=100,
        unit="µm/mm",
        step=0.1,
        label="Growth of lens blur",
        source="fit to the ray-traced spots up to 0.6 mm, within 0.04 µm",
    )
    aberration_growth_um_per_mm2: float = quantity(
        6.6,
        "lens blur that grows with the squared distance from the axis (sd; it adds in variance)",
        low=0,
        high=100,
        unit="µm/mm²",
        step=0.1,
        label="Growth of lens blur far out",
        source="fit to the ray-traced spots up to 0.6 mm, within 0.04 µm",
    )
    distortion_per_mm2: float = quantity(
        0.060,
        "pincushion distortion: r' = r (1 + distortion r²)",
        low=-0.5,
        high=0.5,
        unit="/mm²",
        source="ray trace of the published V4 prescription",
    )
    nominal_focus_um: float = quantity(
        90,
        "depth in focus with the electronic lens at step 0, where `magnification` holds",
        low=0,
        high=400,
        step=1,
        unit="µm",
        label="Nominal focus",
    )
    magnification_per_mm: float = quantity(
        -0.34,
        "change of magnification per mm of working distance in air: focusing deeper shows more tissue",
        low=-1,
        high=1,
        step=0.01,
        unit="/mm",
        label="Magnification with focus",
        source="ray trace of the published V4 prescription: 3.24 at 0.50 mm to 3.11 at 0.875 mm",
    )
    ewl_um_per_step: float = quantity(
        -1.87,
        "shift of focus per step of the electronic lens, in air; 0 for a scope without one",
        low=-20,
        high=20,
        step=0.01,
        unit="µm/step",
        label="Focus per EWL step",
        source="published working distances of V4 lens configuration 1: 0.425 to 0.900 mm in 254 steps",
    )
    ewl_steps: int = quantity(
        127, "steps of the electronic lens to either side", low=0, high=1023, label="EWL steps"
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

    def lens(self, refractive_index: float, focus_um: float) -> Lens:
        """Return what blurs a source on the axis."""
        return Lens(self.numerical_aperture, refractive_index, focus_um, self.aberration_um)

    def off_axis(self, refractive_index: float, focus_um: float) -> OffAxis:
        """Return what a source meets away from the axis."""
        away_mm = (focus_um - self.nominal_focus_um) / refractive_index / 1000  # in air
        return OffAxis(
            self.field_curvature_um,
            self.aberration_growth_um_per_mm,
            self.aberration_growth_um_per_mm2,
            self.distortion_per_mm2,
            1 + self.magnification_per_mm * away_mm / self.magnification,
        )


EMISSION_UM = 0.525
"""Wavelength of the light that is imaged."""


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

    @property
    def blur_um(self) -> float:
        """Sd of the blur in focus: aberration, and a Gaussian as wide as the Airy pattern.

        The Airy pattern holds half its light within 0.265 λ / NA, a Gaussian of sd 0.225 λ / NA.
        """
        return math.hypot(self.aberration_um, 0.225 * EMISSION_UM / self.numerical_aperture)


class OffAxis(NamedTuple):
    """What a source away from the axis meets: the bowl, growing blur, where it is imaged."""

    field_curvature_um: float
    growth_um_per_mm: float
    growth_um_per_mm2: float
    distortion_per_mm2: float
    scale: float
    """Magnification at this focus over that at the nominal one."""


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


def imaged_um(
    y_um: FloatArray, x_um: FloatArray, scale: float, distortion_per_mm2: float
) -> tuple[FloatArray, FloatArray]:
    """Where points of the tissue appear in the image plane: r' = scale r (1 + distortion r²).

    Everything that is bolted to the tissue goes through here, so that it moves together.
    """
    stretch = scale * (1 + distortion_per_mm2 * (y_um**2 + x_um**2) * 1e-6)
    return y_um * stretch, x_um * stretch


def tissue_um2(r2_um2: FloatArray, scale: float, distortion_per_mm2: float) -> FloatArray:
    """Squared distance from the axis of the tissue that is imaged at one: undoes `imaged_um`."""
    seen = np.sqrt(r2_um2) / scale
    r = seen.copy()
    for _ in range(8):  # Newton's steps towards r (1 + distortion r²) = seen
        bend = distortion_per_mm2 * 1e-6 * r**2
        r -= (r * (1 + bend) - seen) / np.maximum(1 + 3 * bend, 0.1)
    squared: FloatArray = r**2
    return squared


def lens_blur_um(r2_um2: FloatArray, on_axis_um: float, off_axis: OffAxis) -> FloatArray:
    """Sd of the lens's own blur at a squared distance from the axis.

    Blur on the axis, a part that grows with r and a part that grows with r², as independent blurs.
    """
    r2_mm2 = np.asarray(r2_um2) * 1e-6
    growth = off_axis.growth_um_per_mm**2 * r2_mm2 + (off_axis.growth_um_per_mm2 * r2_mm2) ** 2
    blur: FloatArray = np.sqrt(on_axis_um**2 + growth)
    return blur
