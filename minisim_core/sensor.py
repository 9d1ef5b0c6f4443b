"""The camera: photons to electrons to counts, and what goes wrong on the way to the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from . import randomness
from .kernels import camera as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]

_LEAST_GAIN, _LARGEST_GAIN = 1.0, 16.0
_TYPICAL = "typical of such sensors"
_SEEN = "seen on the V4; how strongly differs between scopes"


class Sensor(Parameters):
    """The image sensor. Defaults: onsemi PYTHON480 as the V4 reads it (608 x 608, 8 bits).

    Full well, noise, dark current and patterns are typical of such sensors, not measured on one.
    The artefacts (stripes, flicker, warm-up) belong to the layer `noise` and are off at 0. Dropped
    frames never reach the computer, whatever is switched off.
    """

    width_px: int = quantity(608, "columns read out", low=8, high=4096, unit="px")
    height_px: int = quantity(608, "rows read out", low=8, high=4096, unit="px")
    pixel_pitch_um: float = quantity(
        4.8, "width of a pixel on the sensor", low=0.5, high=50, unit="µm", source="datasheet"
    )
    quantum_efficiency: float = quantity(
        0.55, "photoelectrons per photon", low=0.01, high=1, step=0.01, source=_TYPICAL
    )
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
        low=_LEAST_GAIN,
        high=_LARGEST_GAIN,
        step=0.5,
        label="Gain",
        source="1, 2 and 3.5 on the V4 (firmware)",
    )
    gain_steps: tuple[float, ...] = quantity(
        (1.0, 2.0, 3.5),
        "gains that the scope's software offers, ascending, none if unknown; any other can be simulated",
        source="V4 firmware: low, medium and high",
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
        source=_TYPICAL,
    )
    read_noise_e: float = quantity(
        10,
        "sd of the read noise",
        low=0,
        high=200,
        unit="e⁻",
        step=0.5,
        label="Read noise",
        source=_TYPICAL,
    )
    dark_current_e_per_s: float = quantity(
        30,
        "electrons per pixel and second in the dark",
        low=0,
        high=1e5,
        unit="e⁻/s",
        label="Dark current",
        log=True,
        source=_TYPICAL,
    )
    black_level: float = quantity(
        10,
        "counts of the 10-bit converter in the dark",
        low=0,
        high=200,
        step=1,
        label="Black level",
        source="V4 firmware: the value of its black-offset register",
    )
    gain_pattern: float = quantity(
        0.006,
        "fixed pixel-to-pixel spread of sensitivity (PRNU, rms)",
        low=0,
        high=0.2,
        step=0.001,
        source=_TYPICAL,
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
    stripe_counts: float = quantity(
        0,
        "horizontal stripes that scroll down the picture (10-bit counts, rms)",
        low=0,
        high=50,
        step=0.1,
        label="Stripes",
        source=_SEEN,
    )
    flicker_counts: float = quantity(
        0,
        "fast flicker of the whole picture (10-bit counts, rms)",
        low=0,
        high=50,
        step=0.1,
        label="Flicker",
        source=_SEEN,
    )
    warm_up_counts: float = quantity(
        0,
        "by how much the picture whitens after the start, as the scope warms up (10-bit counts)",
        low=0,
        high=500,
        step=1,
        label="Warm-up",
        source=_SEEN,
    )
    warm_up_s: float = quantity(
        600,
        "time in which 95 % of the warm-up happens",
        low=1,
        high=7200,
        unit="s",
        log=True,
        label="Warm-up time",
        source="about ten minutes on the V4",
    )
    dropped_fraction: float = quantity(
        0,
        "share of the exposures whose frame never arrives",
        low=0,
        high=0.9,
        step=0.005,
        label="Dropped frames",
        source=_SEEN,
    )

    @field_validator("gain_steps", mode="before")
    @classmethod
    def _ascending_gains(cls, value: Any) -> tuple[float, ...]:
        numbers = isinstance(value, (tuple, list)) and all(
            isinstance(v, Real) and not isinstance(v, bool) for v in value
        )
        if not numbers or list(value) != sorted({v for v in value if _LEAST_GAIN <= v <= _LARGEST_GAIN}):
            raise ValueError(
                f"sensor.gain_steps = {value!r} is refused: it must be ascending gains between "
                f"{_LEAST_GAIN:g} and {_LARGEST_GAIN:g}"
            )
        return tuple(value)

    @property
    def is_steady(self) -> bool:
        """Whether the black level stays the same from frame to frame."""
        return self.stripe_counts == self.flicker_counts == self.warm_up_counts == 0


class Converter(NamedTuple):
    """How electrons become counts."""

    counts_per_e: float  # of the converter
    black_counts: float
    largest: int
    dropped_bits: int

    @property
    def counts_per_10_bit(self) -> float:
        """Counts of the converter in one 10-bit count."""
        return (self.largest + 1) / 1024

    @property
    def e_per_count(self) -> float:
        """Electrons per saved count."""
        return 2**self.dropped_bits / self.counts_per_e

    def scale(self, dark_e: float) -> Scale:
        """Return how to read saved counts back, given the dark current of one exposure.

        The converter rounds, but dropping bits cuts off: a saved count is the middle of what it stands for.
        """
        saved = 2**self.dropped_bits
        dark = self.black_counts + dark_e * self.counts_per_e
        return Scale((dark - (saved - 1) / 2) / saved, self.e_per_count, self.largest >> self.dropped_bits)


class Scale(NamedTuple):
    """How saved counts read in photoelectrons: ``(counts - black) * e_per_count``, up to `full_scale`."""

    black: float  # mean count of a pixel that no light reaches
    e_per_count: float
    full_scale: int  # largest count


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


_STRIPES = 4
_STRIPE_CYCLES_PER_ROW = (0.10, 0.25)  # more than 20 cycles over any 200 rows
_STRIPE_ROWS_PER_S = 15.0
_FLICKER_HZ, _FLICKER_MEMORY_S = 6.0, 0.5  # a band of 6 ± 2 Hz


def stripes(seed: int, rows: FloatArray, time_s: float) -> FloatArray:
    """Return the scrolling stripes of sensor rows, of unit variance.

    A few waves, finer than a tenth of a cycle per row, that scroll down together: all their energy
    lies on the vertical axis of a frame's spectrum, beyond 20 cycles per frame.
    """
    key, ids = randomness.stream(seed, "sensor", "stripes"), np.arange(_STRIPES, dtype=np.uint64)
    low, high = _STRIPE_CYCLES_PER_ROW
    frequency = low + (high - low) * (ids + randomness.uniforms(key, ids)) / _STRIPES
    phase = randomness.uniforms(key, ids, 1)
    turns = np.multiply.outer(rows - _STRIPE_ROWS_PER_S * time_s, frequency) + phase
    return math.sqrt(2 / _STRIPES) * np.cos(2 * np.pi * turns).sum(axis=1)  # type: ignore[no-any-return]


def flicker(seed: int, times_s: FloatArray) -> FloatArray:
    """Return the whole picture's flicker, of unit variance and faster than 3 Hz."""
    turn = 2 * np.pi * _FLICKER_HZ * times_s
    keys = [randomness.stream(seed, "sensor", f"flicker {part}") for part in ("cos", "sin")]
    early, late = (randomness.smooth_noise(key, times_s, _FLICKER_MEMORY_S) for key in keys)
    return early * np.cos(turn) + late * np.sin(turn)


def warmth(times_s: FloatArray, warm_up_s: float) -> FloatArray:
    """Return how far the scope has warmed up: 0 at the start, 0.95 at `warm_up_s`, then 1."""
    return 1 - np.exp(math.log(0.05) * times_s / warm_up_s)  # type: ignore[no-any-return]


def disturbed(
    pixels: Pattern, s: Sensor, seed: int, first_row: int, time_s: float, counts_per_10_bit: float
) -> Pattern:
    """Return the pattern as it is when a frame is read out at `time_s`.

    The supply of the pixels shifts their level after the light was collected, so the artefacts move
    the black level: they carry no photons, and no photon noise.
    """
    if s.is_steady:
        return pixels
    now = np.array([time_s])
    whole = s.flicker_counts * flicker(seed, now) + s.warm_up_counts * warmth(now, s.warm_up_s)
    rows = first_row + np.arange(len(pixels.offset), dtype=float)
    level = counts_per_10_bit * (whole + s.stripe_counts * stripes(seed, rows, time_s))
    offset = pixels.offset + level.astype(np.float32)[:, None]
    offset.setflags(write=False)  # as the undisturbed one: kernels know arrays by that, too
    return Pattern(pixels.gain, offset)


class Arrivals:
    """Which exposures arrive at the computer, in order: these are the frames of a recording.

    Parameters
    ----------
    seed : int
    exposures : int
        How many were made.
    dropped_fraction : float
        Share that is lost, each by itself; the first always arrives, as a recording begins with it.
    """

    def __init__(self, seed: int, exposures: int, dropped_fraction: float) -> None:
        self._count, self._kept = exposures, None
        if dropped_fraction > 0:
            key = randomness.stream(seed, "sensor", "dropped")
            luck = randomness.uniforms(key, np.arange(exposures, dtype=np.uint64))
            luck[0] = 1
            self._kept = np.flatnonzero(luck >= dropped_fraction)
            self._count = len(self._kept)

    def __len__(self) -> int:
        return self._count

    def exposures(self, frames: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return which exposure each of these frames is."""
        return frames if self._kept is None else self._kept[frames]


def noise_key(seed: int) -> np.uint64:
    """Key of a recording's noise."""
    return randomness.stream(seed, "sensor", "noise")


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
        noise_key(seed), frame, dark_e, read_noise_e, full_well_e,
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
