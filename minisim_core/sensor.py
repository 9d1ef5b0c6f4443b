"""The camera: photons to electrons to counts."""

from __future__ import annotations

from typing import Literal

from .parameters import Parameters, quantity


class Sensor(Parameters):
    """The image sensor. Defaults: onsemi PYTHON480 as the V4 reads it (608 x 608, 8 bits)."""

    width_px: int = quantity(608, "columns read out", low=8, high=4096, unit="px")
    height_px: int = quantity(608, "rows read out", low=8, high=4096, unit="px")
    pixel_pitch_um: float = quantity(
        4.8, "width of a pixel on the sensor", low=0.5, high=50, unit="µm", source="datasheet"
    )
    quantum_efficiency: float = quantity(
        0.55, "photoelectrons per photon", low=0.01, high=1, step=0.01
    )
    exposure_fraction: float = quantity(
        1.0, "share of the frame period that is exposed", low=0.01, high=1, step=0.01,
        label="Exposure", source="V4 firmware: the exposure fills the frame period",
    )
    gain: float = quantity(
        2.0, "analogue gain", low=1, high=16, step=0.5, label="Gain",
        source="1, 2 and 3.5 on the V4 (firmware)",
    )
    bit_depth: Literal[8, 10, 12] = quantity(8, "bits of a saved pixel", label="Bits")
    full_well_e: float = quantity(
        10000, "electrons a pixel holds, spread over the converter's range at gain 1",
        low=100, high=1e6, unit="e⁻", log=True, label="Full well",
    )
    read_noise_e: float = quantity(
        10, "sd of the read noise", low=0, high=200, unit="e⁻", step=0.5, label="Read noise"
    )
    dark_current_e_per_s: float = quantity(
        30, "electrons per pixel and second in the dark", low=0, high=1e5, unit="e⁻/s", log=True
    )
    black_level: float = quantity(
        10, "counts of the 10-bit converter in the dark", low=0, high=200, step=1,
        label="Black level",
    )
    gain_pattern: float = quantity(
        0.006, "fixed pixel-to-pixel spread of sensitivity (PRNU, rms)", low=0, high=0.2, step=0.001
    )
    offset_pattern: float = quantity(
        0.35, "fixed pixel-to-pixel spread of the black level (10-bit counts, rms)",
        low=0, high=20, step=0.05,
    )
    column_pattern: float = quantity(
        0.12, "fixed column-to-column spread of the black level (10-bit counts, rms)",
        low=0, high=20, step=0.05,
    )
