"""The camera: photons to electrons to counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import randomness
from .kernels import camera as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity


class Sensor(Parameters):
    """The image sensor. Defaults: onsemi PYTHON480 as the V4 reads it (608 x 608, 8 bits)."""

    width_px: int = quantity(608, "columns read out", low=8, high=4096, unit="px")
    height_px: int = quantity(608, "rows read out", low=8, high=4096, unit="px")
    pixel_pitch_um: float = quantity(
        4.8, "width of a pixel on the sensor", low=0.5, high=50, unit="µm", source="datasheet"
    )
    quantum_efficiency: float = quantity(0.55, "photoelectrons per photon", low=0.01, high=1, step=0.01)
    exposure_fraction: float = quantity(
        1.0,
        "share of the frame period that is exposed",
        low=0.01,
        high=1,
        step=0.01,
        label="Exposure",
        source="V4 firmware: the exposure fills the frame period",
    )
    gain: float = quantity(
        2.0,
        "analogue gain",
        low=1,
        high=16,
        step=0.5,
        label="Gain",
        source="1, 2 and 3.5 on the V4 (firmware)",
    )
    bit_depth: Literal[8, 10, 12] = quantity(8, "bits of a saved pixel", label="Bits")
    full_well_e: float = quantity(
        10000,
        "electrons a pixel holds, spread over the converter's range at gain 1",
        low=100,
        high=1e6,
        unit="e⁻",
        log=True,
        label="Full well",
    )
    read_noise_e: float = quantity(
        10, "sd of the read noise", low=0, high=200, unit="e⁻", step=0.5, label="Read noise"
    )
    dark_current_e_per_s: float = quantity(
        30, "electrons per pixel and second in the dark", low=0, high=1e5, unit="e⁻/s", log=True
    )
    black_level: float = quantity(
        10,
        "counts of the 10-bit converter in the dark",
        low=0,
        high=200,
        step=1,
        label="Black level",
    )
    gain_pattern: float = quantity(
        0.006, "fixed pixel-to-pixel spread of sensitivity (PRNU, rms)", low=0, high=0.2, step=0.001
    )
    offset_pattern: float = quantity(
        0.35,
        "fixed pixel-to-pixel spread of the black level (10-bit counts, rms)",
        low=0,
        high=20,
        step=0.05,
    )
    column_pattern: float = quantity(
        0.12,
        "fixed column-to-column spread of the black level (10-bit counts, rms)",
        low=0,
        high=20,
        step=0.05,
    )


class Converter(NamedTuple):
    """How electrons become counts."""

    counts_per_e: float  # of the converter
    black_counts: float
    largest: int
    dropped_bits: int

    @property
    def e_per_count(self) -> float:
        """Electrons per saved count."""
        return 2**self.dropped_bits / self.counts_per_e


@dataclass(frozen=True, eq=False)
class Pattern(Result):
    """The fixed pattern of a sensor's pixels, for the field that is read out."""

    gain: NDArray[np.float32]  # relative sensitivity
    offset: NDArray[np.float32]  # black level in counts of the converter


def converter(gain: float, bit_depth: int, full_well_e: float, black_level: float) -> Converter:
    """Return the converter's figures.

    It digitises the full well, divided by the gain, to at least 10 bits; 8-bit recordings drop the
    last two. The black level is given in 10-bit counts.
    """
    bits = max(bit_depth, 10)
    return Converter(
        counts_per_e=2**bits * gain / full_well_e,
        black_counts=black_level * 2 ** (bits - 10),
        largest=2**bits - 1,
        dropped_bits=bits - bit_depth,
    )


@stage
def pattern(
    seed: int,
    first_row: int,
    first_column: int,
    shape: tuple[int, int],
    gain_pattern: float,
    offset_pattern: float,
    column_pattern: float,
    black_counts: float,
    counts_per_10_bit: float,
) -> Pattern:
    """Draw the fixed pattern, known by absolute sensor pixel."""

    def pixels(quantity: str, first_row: int, rows: int) -> NDArray[np.float32]:
        out = np.empty((rows, shape[1]), dtype=np.float32)
        key = randomness.stream(seed, "sensor", quantity)
        kernels.fill_normal_pixels(out, key, first_row, first_column)
        return out

    offset = offset_pattern * pixels("offset", first_row, shape[0])
    offset += column_pattern * pixels("columns", 0, 1)
    return Pattern(
        (1 + gain_pattern * pixels("gain", first_row, shape[0])).astype(np.float32),
        (black_counts + counts_per_10_bit * offset).astype(np.float32),
    )


def expose(
    out: NDArray[np.unsignedinteger],
    expected_e: NDArray[np.float32],
    pixels: Pattern,
    origin: tuple[int, int],
    seed: int,
    frame: int,
    dark_e: float,
    read_noise_e: float,
    full_well_e: float,
    convert: Converter,
) -> None:
    """Turn expected photoelectrons into one noisy frame of counts, written to `out`."""
    kernels.expose(
        out, expected_e, pixels.gain, pixels.offset, origin[0], origin[1],
        randomness.stream(seed, "sensor", "noise"), frame, dark_e, read_noise_e, full_well_e,
        convert.counts_per_e, convert.largest, convert.dropped_bits,
    )  # fmt: skip


def expose_mean(
    out: NDArray[np.unsignedinteger],
    expected_e: NDArray[np.float32],
    dark_e: float,
    full_well_e: float,
    convert: Converter,
) -> None:
    """Turn expected photoelectrons into counts without any randomness, written to `out`."""
    kernels.expose_mean(
        out, expected_e, dark_e, full_well_e, convert.counts_per_e, convert.black_counts,
        convert.largest, convert.dropped_bits,
    )  # fmt: skip
