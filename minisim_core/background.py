"""The glow behind the cells: neuropil, and the tissue beyond the canvas."""

from __future__ import annotations

from .parameters import Parameters, quantity


class Neuropil(Parameters):
    """Dendrites and axons too fine to resolve: a shifting haze that fills the tissue."""

    ratio: float = quantity(
        6.0,
        "light emitted by the neuropil over that of all resting cell bodies, per area",
        low=0,
        high=40,
        step=0.1,
        label="Neuropil light",
    )
    depth_um: float = quantity(
        400, "the neuropil fills the tissue from the surface to here", low=20, high=600, unit="µm"
    )
    texture: float = quantity(
        0.35,
        "unevenness of the neuropil itself (rms over mean, in a 20 µm layer)",
        low=0,
        high=1,
        step=0.01,
        label="Unevenness",
    )
    texture_size_um: float = quantity(
        20, "size of the uneven patches (sd)", low=8, high=200, step=1, unit="µm"
    )
    fluctuation: float = quantity(
        0.06,
        "how strongly the haze shifts over time (sd over mean)",
        low=0,
        high=0.5,
        step=0.005,
        label="Shifting of the haze",
    )
    coupling: float = quantity(
        0.75,
        "correlation of the haze with the activity of the population",
        low=0,
        high=1,
        step=0.05,
    )
    patch_um: float = quantity(
        260, "distance over which the haze shifts together", low=100, high=2000, unit="µm", log=True
    )
    patch_time_s: float = quantity(
        2.0, "correlation time of the local part of the haze", low=0.2, high=60, unit="s"
    )
