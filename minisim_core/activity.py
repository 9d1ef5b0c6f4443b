"""Spikes, calcium and fluorescence of every cell, in continuous time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import randomness
from .cells import Places
from .clock import Clock
from .kernels import firing as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]

IndicatorName = Literal["GCaMP6f", "GCaMP6s", "jGCaMP7f", "jGCaMP8f", "jGCaMP8m", "jGCaMP8s"]


class Firing(NamedTuple):
    """What decides when cells fire; the indicator has no part in it."""

    rate_hz: float
    rate_spread: float
    burst_spikes: float
    burst_interval_s: float
    drive_sd: float
    drive_time_s: float


class Activity(Parameters):
    """How the cells fire and what their indicator makes of it."""

    indicator: IndicatorName = quantity("GCaMP6f", "the calcium indicator", label="Indicator")
    rate_hz: float = quantity(
        0.3,
        "median rate of events (bursts) across cells; their mean rate is higher, by the spread",
        low=0,
        high=20,
        log=True,
        unit="Hz",
        label="Event rate",
    )
    rate_spread: float = quantity(
        0.5,
        "spread of rates across cells (sd of log10); 0.5 makes the mean 1.9 times the median",
        low=0,
        high=1,
        step=0.05,
        source="firing rates are log-normal, Mizuseki & Buzsáki 2013",
    )
    burst_spikes: float = quantity(
        3.0, "mean number of spikes in an event", low=1, high=20, step=0.5, label="Spikes per event"
    )
    burst_interval_s: float = quantity(
        0.006, "mean interval between the spikes of an event", low=0.002, high=0.2, unit="s"
    )
    drive_sd: float = quantity(
        0.5,
        "strength of the slow drive all cells share (sd of the log rate)",
        low=0,
        high=1.5,
        step=0.05,
        label="Shared drive",
    )
    drive_time_s: float = quantity(
        3.0, "correlation time of the shared drive", low=0.2, high=60, step=0.1, unit="s"
    )
    bleaching_per_million_photons: float = quantity(
        0.0,
        "molecules that bleach per million photons they emit; 0 is never",
        low=0,
        high=1000,
        step=1,
        label="Photobleaching",
    )
    bleaching_recovery_s: float = quantity(
        1800,
        "time in which bleached molecules are replaced",
        low=10,
        high=1e6,
        unit="s",
        log=True,
        label="Recovery from bleaching",
    )

    @property
    def firing(self) -> Firing:
        """The part that decides when cells fire."""
        return Firing(*(getattr(self, name) for name in Firing._fields))


class Indicator(NamedTuple):
    """A calcium indicator as fitted to simultaneous recordings of spikes and light.

    The drive after a spike is (1 - exp(-t/rise)) (exp(-t/decay) + ratio exp(-t/slow)); light is a
    sigmoid of the summed drive.
    """

    rise_s: float
    decay_s: float
    slow_s: float
    slow_ratio: float
    peak: float
    midpoint: float
    slope: float


# Parameter fits published with Zhang et al. 2023 (jGCaMP8), mouse V1. F/F_rest is a sigmoid that is
# 1 at rest, so the fits' constant F0 drops out.
INDICATORS: dict[str, Indicator] = {
    "GCaMP6f": Indicator(0.00998, 0.683, 1.0, 0.0, 1.91, 3.20, 1.41),
    "GCaMP6s": Indicator(0.0508, 1.702, 1.0, 0.0, 3.33, 3.14, 1.33),
    "jGCaMP7f": Indicator(0.0162, 0.0953, 0.3982, 0.24, 6.84, 5.56, 0.423),
    "jGCaMP8f": Indicator(0.00185, 0.0341, 0.2637, 0.48, 6.10, 4.17, 0.391),
    "jGCaMP8m": Indicator(0.00246, 0.0416, 0.2458, 0.28, 7.45, 2.69, 0.360),
    "jGCaMP8s": Indicator(0.00565, 0.0863, 0.4655, 0.19, 7.46, 1.28, 0.344),
}

_EVENT_BLOCK_S = 8.0
_DRIVE_STEP_S = 0.125  # divides the event block exactly
_HORIZON = 10.0  # decay times after which a spike is forgotten (5e-5)
_LONGEST_BURST_S = 3 * kernels.LONGEST_BURST  # in mean intervals; one in 10^13 is longer
_LARGEST_DRIVE, _LIGHT_PER_UNIT = 64, 128  # of the tabulated light: saturated within 1e-9, error < 5e-6


@dataclass(frozen=True, eq=False)
class Drive(Result):
    """The slow drive that all cells share: factor on every rate, mean 1."""

    factor: FloatArray
    first_step: int


@dataclass(frozen=True, eq=False)
class Spikes(Result):
    """Spikes of all cells, sorted by cell, then time."""

    time_s: FloatArray
    first: NDArray[np.int64]  # (N + 1,) where each cell's spikes begin

    @property
    def cell(self) -> NDArray[np.int64]:
        """Which cell fired each spike."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


@dataclass(frozen=True, eq=False)
class Fluorescence(Result):
    """Means over the exposures of one block of frames."""

    fluorescence: NDArray[np.float32]  # (N, FRAMES_PER_BLOCK) F/F_rest
    calcium: NDArray[np.float32]


def exponentials(indicator: str) -> tuple[FloatArray, FloatArray]:
    """Rates (1/s) and weights of the exponentials that an indicator's drive is made of."""
    i = INDICATORS[indicator]
    rates = [1 / i.decay_s, 1 / i.decay_s + 1 / i.rise_s]
    weights = [1.0, -1.0]
    if i.slow_ratio:
        rates += [1 / i.slow_s, 1 / i.slow_s + 1 / i.rise_s]
        weights += [i.slow_ratio, -i.slow_ratio]
    return np.array(rates), np.array(weights)


def memory_s(indicator: str) -> float:
    """How long a spike is felt."""
    i = INDICATORS[indicator]
    return _HORIZON * (max(i.decay_s, i.slow_s) if i.slow_ratio else i.decay_s)


def saturate(indicator: str, drive: FloatArray) -> FloatArray:
    """ΔF/F at a summed drive."""
    i = INDICATORS[indicator]
    rest = 1 / (1 + math.exp(i.slope * i.midpoint))
    return i.peak * (1 / (1 + np.exp(-i.slope * (drive - i.midpoint))) - rest)  # type: ignore[no-any-return]


@cache
def response(indicator: str) -> tuple[FloatArray, FloatArray, FloatArray, float, float]:
    """Return an indicator as the kernels take it.

    Rates and weights of its exponentials, its light at equally spaced drives, how many of those
    there are per unit of drive, and how long a spike is felt.
    """
    drives = np.arange(_LARGEST_DRIVE * _LIGHT_PER_UNIT + 1) / _LIGHT_PER_UNIT
    light = 1 + saturate(indicator, drives)
    return *exponentials(indicator), light, float(_LIGHT_PER_UNIT), memory_s(indicator)


@stage
def drive(seed: int, drive_sd: float, drive_time_s: float, start_s: float, stop_s: float) -> Drive:
    """Draw the shared drive over a stretch of time: exp of slow noise, mean 1."""
    first = math.floor(start_s / _DRIVE_STEP_S) - 1
    count = math.ceil(stop_s / _DRIVE_STEP_S) - first + 3
    key = randomness.stream(seed, "activity", "drive")
    noise = randomness.slow_noise(key, first, count, _DRIVE_STEP_S, drive_time_s)
    return Drive(np.exp(drive_sd * noise - drive_sd**2 / 2), first)


@stage
def spikes(seed: int, places: Places, firing: Firing, block: int) -> Spikes:
    """Draw the spikes of all events that begin in one block of 8 s."""
    return draw_spikes(seed, places, firing, block, 1)


def draw_spikes(seed: int, places: Places, firing: Firing, first_block: int, blocks: int) -> Spikes:
    """Draw the spikes of all events that begin in some blocks of 8 s."""
    start, stop = first_block * _EVENT_BLOCK_S, (first_block + blocks) * _EVENT_BLOCK_S
    shared = drive(seed, firing.drive_sd, firing.drive_time_s, start, stop)
    rate_key = randomness.stream(seed, "activity", "rate")
    rate = firing.rate_hz * 10 ** (firing.rate_spread * randomness.normals(rate_key, places.ids))
    keys = np.array([randomness.stream(seed, "activity", q) for q in ("events", "bursts")])
    expected = firing.burst_spikes * rate.sum() * shared.factor.mean() * (stop - start)
    room = int(1.5 * expected) + 1024
    while True:
        first, time = np.empty(len(places) + 1, dtype=np.int64), np.empty(room)
        count = kernels.fill_spikes(
            first, time, keys, places.ids, rate, first_block, blocks, _EVENT_BLOCK_S,
            shared.factor, shared.first_step, _DRIVE_STEP_S, _last_spike_chance(firing.burst_spikes),
            firing.burst_interval_s,
        )  # fmt: skip
        if count <= room:
            break
        room = count
    return Spikes(time[:count].copy(), first)


@cache
def _last_spike_chance(mean_spikes: float) -> float:
    """Chance that a spike ends its burst, for a mean number although no burst is endless."""
    low, high = 0.0, 1.0
    for _ in range(60):
        chance = (low + high) / 2
        if (1 - (1 - chance) ** kernels.LONGEST_BURST) / chance > mean_spikes:
            low = chance
        else:
            high = chance
    return high


def event_blocks(firing: Firing, start_s: float, stop_s: float) -> tuple[int, int]:
    """First block and number of blocks whose events reach into a stretch of time."""
    first = math.floor((start_s - _LONGEST_BURST_S * firing.burst_interval_s) / _EVENT_BLOCK_S)
    return first, max(math.ceil(stop_s / _EVENT_BLOCK_S) - first, 1)


def spikes_between(seed: int, places: Places, firing: Firing, start_s: float, stop_s: float) -> Spikes:
    """Return all spikes of a stretch of time, and some around it: whole blocks of events.

    Bursts that begin before the stretch and reach into it are among them.
    """
    first, count = event_blocks(firing, start_s, stop_s)
    blocks = [spikes(seed, places, firing, first + k) for k in range(count)]
    times = np.concatenate([block.time_s for block in blocks])
    skipped = np.cumsum([0] + [len(block.time_s) for block in blocks[:-1]])
    first_by_block = np.stack([block.first for block in blocks]) + skipped[:, None]
    joined, starts = np.empty(len(times)), np.empty(len(places) + 1, dtype=np.int64)
    kernels.join_spikes(joined, starts, times, first_by_block)
    return Spikes(joined, starts)


@stage
def fluorescence(seed: int, places: Places, indicator: str, firing: Firing, clock: Clock) -> Fluorescence:
    """Light of every cell over its light at rest, for one block of frames.

    Nothing is carried over from other blocks: a block begins with the spikes that are still felt.
    """
    start = clock.first_frame / clock.frame_rate_hz
    stop = start + clock.frames / clock.frame_rate_hz
    felt = spikes_between(seed, places, firing, start - memory_s(indicator), stop)
    out = np.empty((2, len(places), clock.frames), dtype=np.float32)
    kernels.fluorescence(
        out, felt.first, felt.time_s, start, 1 / clock.frame_rate_hz, clock.exposure_s, *response(indicator)
    )
    return Fluorescence(out[0], out[1])


def spike_response(indicator: str, spike_times_s: FloatArray, times_s: FloatArray) -> FloatArray:
    """ΔF/F of one cell at some instants after the given spikes.

    Parameters
    ----------
    indicator : str
        One of `INDICATORS`.
    spike_times_s : (S,) float64
    times_s : (T,) float64
    """
    rates, weights = exponentials(indicator)
    age = np.asarray(times_s)[:, None, None] - np.asarray(spike_times_s)[None, :, None]
    decay = np.exp(-np.maximum(age, 0) * rates)
    return saturate(indicator, np.where(age >= 0, weights * decay, 0).sum(axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Population(Result):
    """How the mean cell's light follows the shared drive."""

    response: FloatArray  # share of the drive's effect per drive step, from the event on
    factors: FloatArray  # of the drive, ascending
    mean_light: FloatArray  # ΔF/F of the population at each factor
    mean: float  # of the population's ΔF/F, over all drives
    sd: float


@stage
def population(indicator: str, firing: Firing) -> Population:
    """Derive the population's mean ΔF/F from parameters alone, never from realised cells.

    At a steady rate the drive of a cell is shot noise, whose distribution follows from its
    characteristic function (Campbell); its mean light is averaged over the spread of rates. The
    shared drive acts through the mean response to an event. Derived.
    """
    length = math.ceil(memory_s(indicator) / _DRIVE_STEP_S)
    times: FloatArray = (np.arange(length) + 0.5) * _DRIVE_STEP_S
    burst: FloatArray = np.arange(max(round(firing.burst_spikes), 1)) * firing.burst_interval_s
    response = np.maximum(spike_response(indicator, burst, times), 0)
    response /= max(response.sum(), 1e-12)
    factors = np.geomspace(0.02, 50, 60)
    rates = np.geomspace(1e-3, 200, 48)
    light = _light_at_rate(indicator, rates, firing.burst_spikes)
    quantiles = randomness.normal_quantiles((np.arange(32) + 0.5) / 32)
    spread = firing.rate_hz * 10 ** (firing.rate_spread * quantiles)
    mean_light = np.interp(np.outer(factors, spread), rates, light, left=0.0).mean(axis=1)
    # what the response leaves of the log-normal drive's variance
    lag = np.abs(times[:, None] - times[None, :])
    variance = response @ np.expm1(firing.drive_sd**2 * np.exp(-lag / firing.drive_time_s)) @ response
    log_sd = math.sqrt(math.log1p(max(float(variance), 0.0)))
    seen = np.interp(np.exp(log_sd * quantiles - log_sd**2 / 2), factors, mean_light)
    return Population(response, factors, mean_light, float(seen.mean()), float(seen.std()))


def _light_at_rate(indicator: str, rates_hz: FloatArray, burst_spikes: float) -> FloatArray:
    """Mean ΔF/F of a cell that has bursts at a steady rate."""
    rates, weights = exponentials(indicator)
    times = np.concatenate([[0], np.geomspace(1e-3, memory_s(indicator), 100)])
    kernel = np.exp(-times[:, None] * rates) @ weights
    reach, points = 64.0, 512
    u = 2 * np.pi * np.arange(points // 2 + 1) / reach
    one = np.exp(-1j * np.outer(u, kernel))
    stop = 1 / burst_spikes
    event = stop * one / (1 - (1 - stop) * one)
    exponent = np.trapezoid(event - 1, times, axis=1)
    drive = np.arange(points) * reach / points
    drive = np.where(drive < 0.75 * reach, drive, drive - reach)  # the transform's ripple wraps round
    light = saturate(indicator, drive)
    mean_drive = rates_hz * burst_spikes * np.trapezoid(kernel, times)
    density = np.fft.irfft(np.exp(np.outer(rates_hz, exponent)), n=points, axis=1)
    return np.where(mean_drive < reach / 3, density @ light, light.max())


def population_course(
    seed: int, about: Population, drive_sd: float, drive_time_s: float, times_s: FloatArray
) -> FloatArray:
    """Mean ΔF/F of the population at ascending instants, given the seed's shared drive."""
    memory = len(about.response) * _DRIVE_STEP_S
    start = math.floor((times_s[0] - memory) / _EVENT_BLOCK_S) * _EVENT_BLOCK_S
    stop = math.ceil((times_s[-1] + _DRIVE_STEP_S) / _EVENT_BLOCK_S) * _EVENT_BLOCK_S
    shared = drive(seed, drive_sd, drive_time_s, start, stop)
    felt = np.convolve(shared.factor, about.response, mode="valid")
    grid = (shared.first_step + len(about.response) - 1 + np.arange(len(felt))) * _DRIVE_STEP_S
    return np.interp(np.interp(times_s, grid, felt), about.factors, about.mean_light)


@dataclass(frozen=True, eq=False)
class PopulationLight(Result):
    """Mean F/F_rest of the population over one block of frames."""

    values: FloatArray  # (frames,)


@stage
def population_light(
    seed: int, about: Population, drive_sd: float, drive_time_s: float, clock: Clock
) -> PopulationLight:
    """Follow the mean cell's light over a block, at mid-exposure."""
    course = population_course(seed, about, drive_sd, drive_time_s, clock.middles_s)
    return PopulationLight(1 + course)
