"""What one measures on a recording: spectra, profiles, photon transfer, who owns the light and the noise.

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
    faint_cell,
    owner_traces,
    saturated_cells,
    strongest_owner,
)
from .motion import Spot, main_owners, path_spectrum, spot, strongest_rhythm_hz
from .profiles import RadialProfile, Spectrum, radial_profile, sampled_line, spectrum
from .variance import VarianceShares, noise_budget, variance_shares

__all__ = [
    "DETECTABLE_SNR",
    "OUTLINE_SHARE",
    "DepthBins",
    "Histogram",
    "PhotonTransfer",
    "RadialProfile",
    "Spectrum",
    "Spot",
    "VarianceShares",
    "body_mask",
    "brightest_cell",
    "detectability_by_depth",
    "faint_cell",
    "histogram",
    "main_owners",
    "noise_budget",
    "owner_traces",
    "path_spectrum",
    "photon_transfer",
    "radial_profile",
    "sampled_line",
    "saturated_cells",
    "spectrum",
    "spot",
    "strongest_owner",
    "strongest_rhythm_hz",
    "variance_shares",
]
