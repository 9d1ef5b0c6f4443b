"""Static fields of the scope: excitation profile, vignetting, stray light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas
from .memory import Result, stage
from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]


class Illumination(Parameters):
    """How evenly the tissue is lit, and how evenly the lens collects."""

    led_mw: float = quantity(
        0.4,
        "excitation power at the tissue",
        low=0,
        high=10,
        unit="mW",
        step=0.01,
        label="LED power",
    )
    excitation: Literal["one-photon", "two-photon"] = quantity(
        "one-photon",
        "an LED, at every depth; or a scanned laser, only in focus, "
        "with a detector that scattering does not mislead",
        label="Excitation",
        source="derived: 1 / (1 + (Δz/z_R)²) for a scanned Gaussian beam of 920 nm through this aperture",
    )
    spot_area_mm2: float = quantity(
        0.79, "area over which the power is spread", low=0.01, high=50, unit="mm²", label="Spot area"
    )
    wavelength_nm: float = quantity(470, "excitation wavelength", low=400, high=560, unit="nm")
    width_um: float = quantity(
        600,
        "sd of the excitation profile; larger is more even",
        low=150,
        high=20000,
        unit="µm",
        log=True,
        label="Width of the illumination",
    )
    offset_y_um: float = quantity(
        30, "where the excitation is centred, down", low=-500, high=500, unit="µm", label="Beam centre, down"
    )
    offset_x_um: float = quantity(
        -40,
        "where the excitation is centred, right",
        low=-500,
        high=500,
        unit="µm",
        label="Beam centre, right",
    )
    vignetting_per_mm2: float = quantity(
        0.385,
        "fall-off of collection: exp(-vignetting r²)",
        low=0,
        high=5,
        step=0.005,
        unit="/mm²",
        label="Vignetting",
        source="fit to the ray-traced V4 fall-off (0.87 at 0.6 mm), within 0.02",
    )
    stray_light_e_per_mw_s: float = quantity(
        1700,
        "stray excitation reaching the sensor's centre, per pixel, mW and second",
        low=0,
        high=1e5,
        unit="e⁻/(mW s)",
        log=True,
        label="Stray light",
    )
    stray_width_um: float = quantity(450, "sd of the stray glow", low=100, high=20000, unit="µm", log=True)


_PLANCK_J_S = 6.62607015e-34
_LIGHT_M_PER_S = 2.99792458e8
CROSS_SECTION_UM2 = 1.9e-8
"""Absorption cross-section of a bright GCaMP (extinction 5e4 per M and cm)."""
QUANTUM_YIELD = 0.6
"""Photons a bright GCaMP emits per photon absorbed."""


class Separable(NamedTuple):
    """A map that is the product of a profile down and one across, as every Gaussian is."""

    down: NDArray[np.float32]  # (H,)
    across: NDArray[np.float32]  # (W,)

    @classmethod
    def of(cls, down: FloatArray, across: FloatArray) -> Separable:
        """Return the map of two profiles, read-only."""
        profiles = down.astype(np.float32), across.astype(np.float32)
        for profile in profiles:
            profile.setflags(write=False)
        return cls(*profiles)

    @property
    def map(self) -> NDArray[np.float32]:
        """The whole map, (H, W), read-only."""
        whole = self.down[:, None] * self.across
        whole.setflags(write=False)
        return whole

    def times(self, other: Separable | float) -> Separable:
        """Return the product with another map or a number."""
        if isinstance(other, Separable):
            return Separable.of(self.down * other.down, self.across * other.across)
        return Separable.of(self.down * np.float32(other), self.across)


@dataclass(frozen=True, eq=False)
class StaticFields(Result):
    """What stays with the scope, on the field's pixels."""

    excitation: Separable  # 1 at its centre
    vignetting: Separable  # 1 on the axis
    glow: Separable  # e⁻ per mW and second


class Beam(NamedTuple):
    """Excitation profile: a Gaussian of sd `width_um`, 1 at its centre; infinite width is even."""

    width_um: float
    offset_y_um: float
    offset_x_um: float

    def at(self, y_um: FloatArray | float, x_um: FloatArray | float) -> FloatArray:
        """Relative excitation at some points."""
        r2 = (np.asarray(y_um) - self.offset_y_um) ** 2 + (np.asarray(x_um) - self.offset_x_um) ** 2
        return np.exp(-r2 / (2 * self.width_um**2))  # type: ignore[no-any-return]


def excitations_per_s(led_mw: float, spot_area_mm2: float, wavelength_nm: float) -> float:
    """Photons a bright molecule emits per second at the centre of a clear surface.

    Irradiance x cross-section x quantum yield. Derived.
    """
    photon_j = _PLANCK_J_S * _LIGHT_M_PER_S / (wavelength_nm * 1e-9)
    photons_per_um2_s = led_mw * 1e-3 / photon_j / (spot_area_mm2 * 1e6)
    return photons_per_um2_s * CROSS_SECTION_UM2 * QUANTUM_YIELD


@stage
def static_fields(
    canvas: Canvas,
    beam: Beam,
    vignetting_per_mm2: float,
    stray_light_e_per_mw_s: float,
    stray_width_um: float,
) -> StaticFields:
    """Excitation profile, vignetting exp(-v r²) and stray glow on the field's pixels."""
    m = canvas.margin_px
    y, x = canvas.nodes_um(0)
    y, x = y[m : m + canvas.height_px], x[m : m + canvas.width_px]
    vignetting, glow = vignetting_per_mm2 * 1e-6, 1 / (2 * stray_width_um**2)
    return StaticFields(
        Separable.of(beam.at(y, beam.offset_x_um), beam.at(beam.offset_y_um, x)),
        Separable.of(np.exp(-vignetting * y**2), np.exp(-vignetting * x**2)),
        Separable.of(stray_light_e_per_mw_s * np.exp(-glow * y**2), np.exp(-glow * x**2)),
    )


def lit_plane(
    y_um: FloatArray, x_um: FloatArray, sd_um: float, beam: Beam, half_width_um: float
) -> FloatArray:
    """Image of a square plane under the beam through a Gaussian blur, on a grid.

    The plane shines with the beam's profile inside ±`half_width_um` and not outside. Exact.
    """
    return np.outer(
        _lit_line(y_um, sd_um, beam.width_um, beam.offset_y_um, half_width_um),
        _lit_line(x_um, sd_um, beam.width_um, beam.offset_x_um, half_width_um),
    )


def _lit_line(s: FloatArray, sd: float, width: float, offset: float, half: float) -> FloatArray:
    from scipy.special import ndtr

    if math.isinf(width):
        return ndtr((half - s) / sd) - ndtr((-half - s) / sd)  # type: ignore[no-any-return]
    total = math.hypot(sd, width)
    center = (s * width**2 + offset * sd**2) / total**2
    narrow = sd * width / total
    inside = ndtr((half - center) / narrow) - ndtr((-half - center) / narrow)
    return width / total * np.exp(-((s - offset) ** 2) / (2 * total**2)) * inside  # type: ignore[no-any-return]
