"""The tissue as an optical medium: how it scatters and absorbs."""

from __future__ import annotations

import math
from typing import NamedTuple

from .parameters import Parameters, quantity


class Tissue(Parameters):
    """Optical properties at 470 nm in and 525 nm out, one set for both passes."""

    scattering_per_mm: float = quantity(
        15,
        "scattering events per mm; 10 in vivo cortex, 21 in a bloodless slice, 0 is clear",
        low=0,
        high=40,
        step=0.5,
        unit="/mm",
        source="between Johansson 2010 (as used by Waters 2020) and Yona et al. 2016",
    )
    anisotropy: float = quantity(
        0.88,
        "mean cosine of the scattering angle; 1 is straight on",
        low=0,
        high=0.99,
        step=0.01,
        source="Yona et al. 2016; Waters 2020",
    )
    absorption_per_mm: float = quantity(
        0.30,
        "absorption per mm, mostly by blood",
        low=0,
        high=2,
        step=0.01,
        unit="/mm",
        source="Johansson 2010 as used by Waters 2020",
    )
    refractive_index: float = quantity(
        1.36,
        "refractive index of brain tissue",
        low=1.0,
        high=1.6,
        step=0.01,
    )


class Transport(NamedTuple):
    """Coefficients derived from the tissue, all per mm."""

    reduced_scattering: float
    attenuation: float
    absorption: float
    effective: float


def transport(
    scattering_per_mm: float, anisotropy: float, absorption_per_mm: float
) -> Transport:
    """Reduced scattering, total attenuation and the effective (diffusion) coefficient."""
    reduced = scattering_per_mm * (1 - anisotropy)
    return Transport(
        reduced_scattering=reduced,
        attenuation=scattering_per_mm + absorption_per_mm,
        absorption=absorption_per_mm,
        effective=math.sqrt(3 * absorption_per_mm * (absorption_per_mm + reduced)),
    )
