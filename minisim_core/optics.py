"""What the optics do to light, asked directly: no scene, no frames."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas
from .cells import grow, place_explicitly
from .images import cell_images, picture
from .scope import Lens
from .tissue import CLEAR

if TYPE_CHECKING:
    from .experiment import Experiment

FloatArray = NDArray[np.floating]


def two_photon_reference(
    defocus_um: FloatArray,
    numerical_aperture: float,
    refractive_index: float = 1.33,
    wavelength_nm: float = 920,
) -> FloatArray:
    """Scan-summed two-photon signal of a small source, 1 in focus.

    Excitation goes with the squared intensity of the focused beam; summed over a scan that leaves
    1 / (1 + (Δz/z_R)²), with the Rayleigh range z_R = n λ / (π NA²) of a Gaussian beam. Derived.

    Parameters
    ----------
    defocus_um : float64, any shape
        Distance of the source from the focal plane.
    numerical_aperture, refractive_index : float
    wavelength_nm : float

    Returns
    -------
    float64, of the same shape
    """
    rayleigh_um = refractive_index * wavelength_nm * 1e-3 / (math.pi * numerical_aperture**2)
    return 1 / (1 + (np.asarray(defocus_um, dtype=float) / rayleigh_um) ** 2)


def light_against_defocus(experiment: Experiment, defocus_um: FloatArray) -> FloatArray:
    """Light that a small cell sends to the whole picture, at each distance from the focus.

    The scope of `experiment` in clear tissue, evenly lit: whatever is lost, the lens lost it.

    Parameters
    ----------
    experiment : Experiment
    defocus_um : (K,) float64
        Distances from the focal plane; the blurred cell must fit the field.

    Returns
    -------
    (K,) float64
        Summed image over the light sent into the cone; 1 means nothing is lost.
    """
    scope, tissue = experiment.scope, experiment.tissue
    canvas = Canvas(*experiment.shape_px, 0, experiment.pixel_um)
    lens = Lens(scope.numerical_aperture, tissue.refractive_index, 0.0, scope.aberration_um)
    total = np.empty(len(defocus_um))
    for k, distance in enumerate(defocus_um):
        places = place_explicitly(((float(distance), 0.0, 0.0),))
        body = grow(0, places, 2.0, 0.0, 0.0)
        images = cell_images(
            canvas, places, body, 0.0, 1.0, lens, CLEAR, scope.field_curvature_um,
            scope.aberration_growth_um_per_mm2, 0.0, True, True,
        )  # fmt: skip
        total[k] = picture(canvas, images, np.ones(1), np.zeros(1)).sum(dtype=float)
    return total
