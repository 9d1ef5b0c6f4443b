"""Two-photon excitation, for contrast: what is not in the focal plane is never lit.

Two photons must be absorbed together, so excitation goes with the squared intensity of a focused
beam. Scanned over the plane, a Gaussian beam lights the depth z by 1 / (1 + ((z - focus) / z_R)²) with
its Rayleigh range z_R (`optics.two_photon_reference`). A cell or a layer gets the mean of that over its
own depth. The detector knows where the laser is and needs no image, so light counts however it was
scattered: tissue acts as if it were clear. Lens and camera stay as they are. A cell keeps its share when
the brain moves through the focus, and bleaches as under an LED. Derived.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .tissue import Transport, fluence

FloatArray = NDArray[np.floating]


class Laser(NamedTuple):
    """A focused beam that lights only what is close to its focus."""

    focus_um: float
    rayleigh_um: float

    def lights_layers(self, middles_um: FloatArray, thickness_um: float) -> FloatArray:
        """Return the mean excitation of layers, over that in the focal plane."""
        z, half = (middles_um - self.focus_um) / self.rayleigh_um, thickness_um / 2 / self.rayleigh_um
        return (np.arctan(z + half) - np.arctan(z - half)) / (2 * half)

    def lights_balls(self, defocus_um: FloatArray, radius_um: FloatArray) -> FloatArray:
        """Return the mean excitation of balls at these distances from the focal surface."""
        far, r = np.abs(defocus_um) / self.rayleigh_um, radius_um / self.rayleigh_um

        def below(z: FloatArray) -> FloatArray:
            """Integral of (r² - (z - far)²) / (1 + z²), the discs of a ball as they are lit."""
            return (r**2 - far**2 + 1) * np.arctan(z) + far * np.log1p(z**2) - z

        return (below(far + r) - below(far - r)) / (4 / 3 * r**3)


def layers_lit(
    middles_um: FloatArray, thickness_um: float, coefficients: Transport, laser: Laser | None
) -> FloatArray:
    """Return how brightly layers are lit: by an LED over the surface, by a laser over its focus."""
    led = fluence(middles_um, coefficients)
    return led if laser is None else led * laser.lights_layers(middles_um, thickness_um)


def rayleigh_um(numerical_aperture: float, refractive_index: float, wavelength_nm: float = 920) -> float:
    """Rayleigh range n λ / (π NA²) of the Gaussian beam that fills this aperture."""
    return refractive_index * wavelength_nm * 1e-3 / (math.pi * numerical_aperture**2)
