"""The tissue as an optical medium: how it scatters and absorbs."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]


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

    @property
    def medium(self) -> Medium:
        """The coefficients that light meets."""
        return Medium(self.scattering_per_mm, self.anisotropy, self.absorption_per_mm)


class Transport(NamedTuple):
    """Coefficients derived from the tissue, all per mm."""

    reduced_scattering: float
    attenuation: float
    absorption: float
    effective: float


class Medium(NamedTuple):
    """The tissue's coefficients as given."""

    scattering_per_mm: float
    anisotropy: float
    absorption_per_mm: float

    def transport(self) -> Transport:
        """Reduced scattering, total attenuation and the effective (diffusion) coefficient."""
        scattering, absorption = self.scattering_per_mm, self.absorption_per_mm
        reduced = scattering * (1 - self.anisotropy)
        return Transport(
            reduced_scattering=reduced,
            attenuation=scattering + absorption,
            absorption=absorption,
            effective=math.sqrt(3 * absorption * (absorption + reduced)),
        )


CLEAR = Medium(0.0, 0.0, 0.0)
"""A medium that neither scatters nor absorbs."""


class Fate(NamedTuple):
    """What becomes of the light a source at some depth sends to the lens.

    The shares are in units of the geometric cone, so they may exceed 1: tissue turns light into
    the cone that had not started towards it.
    """

    ballistic: FloatArray
    narrow: FloatArray
    wide: FloatArray
    narrow_radius_um: FloatArray
    wide_radius_um: FloatArray


NARROW_EXPONENT = 1.05
WIDE_EXPONENT = 1.24


def fate(depth_um: FloatArray, medium: Transport) -> Fate:
    """Shares of ballistic, narrowly and widely scattered light, and the radii that hold half of it.

    Fitted to a photon Monte Carlo (NA 0.33 and 0.50; scattering 10-21, absorption 0.06-0.30 /mm,
    depths to 400 µm), within 0.07 of the cone.

    Parameters
    ----------
    depth_um : (N,) float64
        Depth of the sources.
    medium : Transport
        Coefficients of the tissue.
    """
    z = np.asarray(depth_um, dtype=float) / 1000
    mus, mua, mue = medium.reduced_scattering, medium.absorption, medium.effective
    ballistic = np.exp(-1.015 * medium.attenuation * z)
    nothing = np.zeros_like(z)
    if mus == 0:
        return Fate(ballistic, nothing, nothing, nothing, nothing)
    narrow = np.exp(-(mua + 0.06 * mus) * z) - ballistic
    wide = 6.2 * math.exp(-3.62 * math.sqrt(mua / (mua + mus))) * np.exp(-((mue * z / 1.09) ** 2))
    narrow_radius = 0.322 * z * np.sqrt(mus * z) * (1 + 1.41 * mus * z)
    diffuse = 1.04 / math.sqrt(max(mue * (mus + mua), 1e-2))
    return Fate(
        ballistic,
        np.maximum(narrow, 0),
        wide,
        1000 * narrow_radius,
        1000 * np.hypot(diffuse, 1.52 * z),
    )


_FLUENCE_DEPTH_MM = np.array([0.01, 0.09, 0.21, 0.41, 0.61, 1.01])
_FLUENCE_WEAK = np.array([1.32, 1.36, 1.31, 1.09, 0.81, 0.35])  # effective 1.03 /mm
_FLUENCE_STRONG = np.array([2.06, 2.15, 1.78, 1.14, 0.66, 0.19])  # effective 1.71 /mm


def surface_fluence(medium: Transport) -> float:
    """Excitation just under the surface over the incident irradiance: backscatter adds to it.

    Interpolated, in the logarithm, between two photon Monte Carlo runs (1 mm disc); 1 when clear.
    """
    if medium.reduced_scattering == 0:
        return 1.0
    share = _strength(medium)
    return float(np.exp((1 - share) * math.log(1.32) + share * math.log(2.06)))


def fluence(depth_um: FloatArray, medium: Transport) -> FloatArray:
    """Excitation at depth over that at the surface, in the middle of the lit disc.

    Interpolated between two photon Monte Carlo runs (1 mm disc); pure absorption when clear.
    """
    z = np.asarray(depth_um, dtype=float) / 1000
    if medium.reduced_scattering == 0:
        return np.exp(-medium.absorption * z)  # type: ignore[no-any-return]
    weak = np.interp(z, _FLUENCE_DEPTH_MM, np.log(_FLUENCE_WEAK / _FLUENCE_WEAK[0]))
    strong = np.interp(z, _FLUENCE_DEPTH_MM, np.log(_FLUENCE_STRONG / _FLUENCE_STRONG[0]))
    share = _strength(medium)
    return np.minimum(np.exp((1 - share) * weak + share * strong), 1.05)


def _strength(medium: Transport) -> float:
    """Place of the effective coefficient between the two tabulated tissues, 0 to 1 and beyond."""
    return min(max((medium.effective - 1.03) / (1.71 - 1.03), -1.0), 1.5)


@cache
def _mixture(exponent: float) -> tuple[FloatArray, FloatArray]:
    """Return the mixture of Gaussians that a spreading law 1 - 2^-(r/ρ)^a is.

    Such a law is a scale mixture of two-dimensional Gaussians: 1/s² follows a positive stable
    distribution of index a/2 (Zolotarev's integral gives its distribution function).

    Returns
    -------
    log2 of s/ρ, and the share of the light in Gaussians narrower than that.
    """
    alpha = exponent / 2
    theta = (np.arange(400) + 0.5) * math.pi / 400
    shape = (
        np.sin((1 - alpha) * theta)
        * np.sin(alpha * theta) ** (alpha / (1 - alpha))
        / np.sin(theta) ** (1 / (1 - alpha))
    )
    log_s = np.arange(-12, 12.01, 0.125)
    y = 4.0**-log_s / (2 * math.log(2) ** (1 / alpha))
    below = np.exp(-shape * y[:, None] ** (-alpha / (1 - alpha))).mean(axis=1)
    return log_s, 1 - below


def narrower_share(sd_um: FloatArray, radius_um: FloatArray, exponent: float) -> FloatArray:
    """Share of scattered light in Gaussians narrower than `sd_um` (see `near_shares` in images).

    Parameters
    ----------
    sd_um : float64, any shape
    radius_um : float64, broadcast against it
        The radius that holds half the light; 0 means all light stays in place.
    exponent : float
        Exponent of the spreading law.
    """
    log_s, share = _mixture(exponent)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.log2(np.asarray(sd_um) / np.asarray(radius_um))
    at = np.where(np.isnan(at), np.inf, at)
    return np.where(at > log_s[-1], 1.0, np.interp(at, log_s, share, left=0.0))


@cache
def _spectrum(exponent: float) -> tuple[FloatArray, FloatArray]:
    """Logarithm of frequency times half-light radius, and the transform of a spreading law there."""
    log_s, share = _mixture(exponent)
    sd = 2.0 ** ((log_s[1:] + log_s[:-1]) / 2)
    log_k = np.linspace(-12, 12, 1201)
    transform = np.exp(-0.5 * (np.exp(log_k)[:, None] * sd) ** 2) @ np.diff(share) + share[0]
    return log_k, transform


def spread_spectrum(k_per_um: FloatArray, radius_um: float, exponent: float) -> FloatArray:
    """Fourier transform of a spreading law at angular spatial frequencies `k_per_um`."""
    with np.errstate(divide="ignore"):
        return np.interp(np.log(k_per_um * radius_um), *_spectrum(exponent))


def spread_within(radius_um: FloatArray, half_radius_um: float, exponent: float) -> FloatArray:
    """Share of scattered light within a radius: 1 - 2^-(r/ρ)^a."""
    if half_radius_um == 0:
        return np.ones_like(np.asarray(radius_um, dtype=float))
    return 1 - 2.0 ** -((np.asarray(radius_um, dtype=float) / half_radius_um) ** exponent)
