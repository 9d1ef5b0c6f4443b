"""Blood vessels: trees of round tubes before the cells, absorbing light on its way in and out."""

from __future__ import annotations

from .parameters import Parameters, quantity


class Vessels(Parameters):
    """Pial vessels near the tissue surface."""

    count: int = quantity(
        1, "number of vessel trees; the first crosses the middle of the field", low=0, high=8
    )
    radius_um: float = quantity(
        13, "radius of a trunk", low=2, high=40, step=0.5, unit="µm", label="Vessel radius"
    )
    depth_um: float = quantity(
        10, "depth of the vessels' axis below the surface", low=0, high=400, unit="µm"
    )
    haemoglobin_g_per_l: float = quantity(
        120,
        "haemoglobin in the blood",
        low=0,
        high=200,
        step=5,
        unit="g/L",
    )
    oxygenation: float = quantity(
        0.80, "share of haemoglobin that carries oxygen", low=0, high=1, step=0.01
    )
    vasomotion: float = quantity(
        0.06,
        "slow swelling and shrinking (rms over mean radius)",
        low=0,
        high=0.2,
        step=0.005,
        label="Vasomotion",
    )
    vasomotion_hz: float = quantity(
        0.1,
        "rhythm of the vasomotion",
        low=0.02,
        high=0.5,
        unit="Hz",
        source="awake arteriole spectrum, Sci Rep 2025 s41598-025-20221-4",
    )
    heart: float = quantity(
        0.008, "pulse of the heart (amplitude over mean radius)", low=0, high=0.05, step=0.001
    )
