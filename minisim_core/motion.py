"""The brain's path under the scope: heart, breathing, stride and drift, in continuous time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from . import randomness
from .clock import Clock
from .memory import Result, stage
from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]


class Motion(Parameters):
    """Rigid motion in the plane. Amplitudes are zero-to-peak in their state."""

    heart_um: float = quantity(
        0.3, "amplitude of the heartbeat", low=0, high=5, step=0.05, unit="µm", label="Heartbeat"
    )
    heart_hz: float = quantity(
        10.5,
        "heart rate",
        low=1,
        high=15,
        step=0.1,
        unit="Hz",
        source="9.7-12.7 Hz awake, Sci Rep 2025 s41598-025-20221-4",
    )
    breathing_um: float = quantity(
        0.7, "amplitude of breathing", low=0, high=10, step=0.1, unit="µm", label="Breathing"
    )
    breathing_hz: float = quantity(3.0, "breathing rate", low=0.5, high=12, step=0.1, unit="Hz")
    stride_um: float = quantity(
        3.0,
        "amplitude of the stride while running",
        low=0,
        high=20,
        step=0.1,
        unit="µm",
        label="Stride",
    )
    stride_hz: float = quantity(7.0, "stride rate", low=1, high=15, step=0.1, unit="Hz")
    drift_um: float = quantity(
        3.0, "slow drift (sd over ten minutes)", low=0, high=20, step=0.1, unit="µm", label="Drift"
    )
    running_fraction: float = quantity(0.35, "share of the time spent running", low=0, high=1, step=0.05)
    bout_s: float = quantity(5.0, "typical length of a running bout", low=1, high=120, unit="s")
    looseness: float = quantity(
        1.0,
        "how loosely the headbar holds: scales all motion",
        low=0,
        high=3,
        step=0.05,
        label="Loose headbar",
    )


PATH_POINTS = 64
"""Points of the path that one exposure is averaged over."""

_DRIFT_KNOTS_S = (15.0, 60.0, 200.0)
_DRIFT_BOUND = 3.0  # sd at which drift saturates softly
_GATE_S = 0.4  # how quickly a running bout begins and ends


def bound_um(m: Motion) -> float:
    """Distance that the path never exceeds along either axis."""
    drift = 1.15 * _DRIFT_BOUND * _drift_scale() * m.drift_um
    return m.looseness * (m.heart_um + m.breathing_um + m.stride_um + drift)


@cache
def _drift_scale() -> float:
    """Factor that gives drift unit variance within ten minutes, on average. Derived."""
    window = np.linspace(0, 600, 601)
    correlation = np.mean([randomness.smooth_correlation(window / knots) for knots in _DRIFT_KNOTS_S], axis=0)
    mean_correlation = 2 * np.trapezoid((1 - window / 600) * correlation, window) / 600
    saturation = 0.945  # sd of 3 tanh(x/3) for a standard normal x
    return float(1 / (saturation * math.sqrt(1 - mean_correlation)))


def heart_phase(seed: int, heart_hz: float, times_s: FloatArray) -> FloatArray:
    """Phase of the heartbeat in radians: steady with a slow wander of half a radian."""
    key = randomness.stream(seed, "motion", "heart phase")
    return 2 * np.pi * heart_hz * times_s + 0.5 * randomness.smooth_noise(key, times_s, 2.0)


def running(seed: int, fraction: float, bout_s: float, times_s: FloatArray) -> FloatArray:
    """How much the animal runs, 0 to 1, at ascending instants."""
    if fraction in (0, 1):
        return np.full_like(times_s, fraction)
    noise = randomness.smooth_noise(randomness.stream(seed, "motion", "wheel"), times_s, 0.5 * bout_s)
    threshold = -randomness.normal_quantiles(np.array([fraction]))[0]
    steepness = 1.6 * bout_s / (2 * _GATE_S)
    return 0.5 + 0.5 * np.tanh(steepness * (noise - threshold))


def path(seed: int, m: Motion, times_s: FloatArray) -> FloatArray:
    """Where the brain is, (T, 2) in µm (y, x), at ascending instants.

    Each rhythm runs along an ellipse of its own, long half-axis as asked, four times as long as
    wide; its phase wanders slowly. Stride is there only while running. Drift is smooth noise on
    three time scales with the asked sd over ten minutes along each axis.
    """

    def phase(rhythm: str, rate_hz: float, wander_rad: float, wander_s: float) -> FloatArray:
        key = randomness.stream(seed, "motion", f"{rhythm} phase")
        wander = randomness.smooth_noise(key, times_s, wander_s)
        return 2 * np.pi * rate_hz * times_s + wander_rad * wander

    total = _ellipse(m.heart_um, heart_phase(seed, m.heart_hz, times_s), 0.9)
    total += _ellipse(m.breathing_um, phase("breathing", m.breathing_hz, 1.0, 1.5), 1.9)
    gate = running(seed, m.running_fraction, m.bout_s, times_s)
    total += _ellipse(m.stride_um, phase("stride", m.stride_hz, 0.6, 1.0), 0.35) * gate[:, None]
    if m.drift_um:
        total += m.drift_um * np.stack([_drift(seed, axis, times_s) for axis in "yx"], axis=1)
    return m.looseness * total


def _ellipse(amplitude_um: float, phase: FloatArray, direction_rad: float) -> FloatArray:
    along, across = amplitude_um * np.cos(phase), 0.25 * amplitude_um * np.sin(phase)
    c, s = math.cos(direction_rad), math.sin(direction_rad)
    return np.stack([along * c - across * s, along * s + across * c], axis=1)


def _drift(seed: int, axis: str, times_s: FloatArray) -> FloatArray:
    keys = (randomness.stream(seed, "motion", f"drift {k:g} {axis}") for k in _DRIFT_KNOTS_S)
    noise = sum(
        randomness.smooth_noise(key, times_s, knots) for key, knots in zip(keys, _DRIFT_KNOTS_S, strict=True)
    ) / math.sqrt(len(_DRIFT_KNOTS_S))
    return _drift_scale() * _DRIFT_BOUND * np.tanh(noise / _DRIFT_BOUND)


@dataclass(frozen=True, eq=False)
class ExposurePaths(Result):
    """The path within each exposure of one block of frames."""

    path_um: FloatArray  # (frames, PATH_POINTS, 2)


@stage
def exposure_paths(seed: int, m: Motion, clock: Clock) -> ExposurePaths:
    """Sample the path at `PATH_POINTS` midpoints of every exposure of a block."""
    points = path(seed, m, clock.inside_s(PATH_POINTS))
    return ExposurePaths(points.reshape(clock.frames, PATH_POINTS, 2))
