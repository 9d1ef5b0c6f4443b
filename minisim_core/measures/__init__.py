"""What one measures on a recording: spectra, profiles, photon transfer, and who owns the light.

Everything here is asked of finished recordings and their truth; nothing in a recording depends on it.
"""

from ..detectability import DETECTABLE_SNR
from .camera import Histogram, PhotonTransfer, histogram, photon_transfer
from .cells import (
    OUTLINE_SHARE,
    DepthBins,
    body_mask,
    brightest_cell,
    detectability_by_depth,
    owner_traces,
    strongest_owner,
)
from .profiles import RadialProfile, Spectrum, radial_profile, sampled_line, spectrum

__all__ = [
    "DETECTABLE_SNR",
    "OUTLINE_SHARE",
    "DepthBins",
    "Histogram",
    "PhotonTransfer",
    "RadialProfile",
    "Spectrum",
    "body_mask",
    "brightest_cell",
    "detectability_by_depth",
    "histogram",
    "owner_traces",
    "photon_transfer",
    "radial_profile",
    "sampled_line",
    "spectrum",
    "strongest_owner",
]
