"""The brain's path under the scope: heart, breathing, stride and drift, in continuous time."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    """How the brain shifts, turns and bends. Amplitudes of rhythms are zero-to-peak in their state."""

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
        label="Heart rate",
        source="9.7-12.7 Hz awake, Sci Rep 2025 s41598-025-20221-4",
    )
    breathing_um: float = quantity(
        0.7, "amplitude of breathing", low=0, high=10, step=0.1, unit="µm", label="Breathing"
    )
    breathing_hz: float = quantity(
        3.0, "breathing rate", low=0.5, high=12, step=0.1, unit="Hz", label="Breathing rate"
    )
    stride_um: float = quantity(
        3.0,
        "amplitude of the stride while running, at 7 strides per second",
        low=0,
        high=20,
        step=0.1,
        unit="µm",
        label="Stride",
    )
    stride_hz: float = quantity(7.0, "stride rate", low=1, high=15, step=0.1, unit="Hz", label="Stride rate")
    drift_um: float = quantity(
        3.0, "slow drift (sd over ten minutes)", low=0, high=20, step=0.1, unit="µm", label="Drift"
    )
    nonrigid_um: float = quantity(
        0.0,
        "how far points of the tissue stray from its shift as a whole (rms while running)",
        low=0,
        high=1,
        step=0.05,
        unit="µm",
        label="Bending tissue",
        source="residuals of at most 3 pixels, the limit of piecewise registration of one-photon movies in "
        "CaImAn: four and a half times the highest value here",
    )
    nonrigid_length_um: float = quantity(
        80.0,
        "distance at which the tissue's straying is correlated by 1/e",
        low=40,
        high=400,
        step=5,
        unit="µm",
    )
    rotation_deg: float = quantity(
        0.0,
        "turning about the axis (rms while running)",
        low=0,
        high=0.5,
        step=0.01,
        unit="°",
        label="Rotation",
    )
    axial_um: float = quantity(
        0.0,
        "motion along the axis, which moves the focus (rms while running)",
        low=0,
        high=1.5,
        step=0.05,
        unit="µm",
        label="Axial motion",
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


_PATH_POINTS = 64  # fewest points of the path that one exposure is averaged over
_PATH_HZ = 400.0  # at which the path is generated, and at least as often sampled
_SUBSTEP_PX = 0.5

_NATURAL_HZ = 6.0  # of the brain on its attachments [K]
_DAMPING = 0.5  # of that swing over critical damping [K]
_FORGOTTEN = 8.0  # it has forgotten a push when that has faded to e⁻⁸
_STRIDE_HZ = 7.0  # rate at which the stride has the amplitude asked

_SLOW, _MOVING = 0.6, 0.8  # shares of a course that is always there, and with running; squares add to 1
_INSTANTS = 8  # an exposure shows the mean of so many instants of a course
_KNOT = 1 / math.sqrt(151 / 315 / 3)  # of a course of unit rms: its knots are uniform in ± this. Derived.
COURSE_BOUND = (_SLOW + _MOVING) * _KNOT
"""What no course of unit rms exceeds."""

_DRIFT_KNOTS_S = (15.0, 60.0, 200.0)
_DRIFT_BOUND = 3.0  # sd at which drift saturates softly
_GATE_S = 0.4  # how quickly a running bout begins and ends


def bound_um(m: Motion) -> float:
    """Distance that the path never exceeds along either axis."""
    drift = 1.15 * _DRIFT_BOUND * _drift_scale() * m.drift_um
    stride = m.stride_um * float(np.abs(_swing()).sum())
    return m.looseness * (m.heart_um + m.breathing_um + stride + drift)


def points_per_exposure(m: Motion, exposure_s: float, pixel_um: float) -> int:
    """Return how many points of the path one exposure is averaged over.

    At least 400 per second, and one per half pixel of the fastest motion.
    """
    swung = abs(elastic_response(m.stride_hz) / elastic_response(_STRIDE_HZ))
    rhythms = m.heart_hz * m.heart_um + m.breathing_hz * m.breathing_um + m.stride_hz * m.stride_um * swung
    fastest_um_per_s = m.looseness * (1.2 * 2 * math.pi * rhythms + m.drift_um)
    steps = exposure_s * fastest_um_per_s / (_SUBSTEP_PX * pixel_um)
    return max(_PATH_POINTS, math.ceil(exposure_s * _PATH_HZ), math.ceil(steps))


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


def knots_around(phase: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """First of the four knots around each phase, and their cubic B-spline weights, (4, ...)."""
    base = np.floor(phase).astype(np.int64)
    f = phase - base
    weights = [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3]
    return base - 1, np.stack(weights) / 6


def courses(
    seed: int,
    what: str,
    names: NDArray[np.uint64],
    running_fraction: float,
    bout_s: float,
    clock: Clock,
) -> FloatArray:
    """Mean over each exposure of courses that are faster and larger while the animal runs.

    Each is a cubic B-spline in time through uniform knots, so it has a bound; one with knots every
    20 s is always there, one with knots every 0.4 s comes with running.

    Parameters
    ----------
    names : (N,) uint64
        One course for each, whatever the others.

    Returns
    -------
    (frames, N) float64
        Of unit rms while running, 0.6 at rest, and never beyond `COURSE_BOUND`.
    """
    times = clock.inside_s(_INSTANTS)
    gate = running(seed, running_fraction, bout_s, times)
    total = np.zeros((clock.frames, len(names)))
    for part, spacing_s, share in (
        ("slow", 20.0, np.full_like(gate, _SLOW)),
        ("moving", 0.4, _MOVING * gate),
    ):
        key = randomness.stream(seed, "motion", f"{what} {part}")
        base, weights = knots_around(times / spacing_s)
        first, count = int(base[0]), int(base[-1] - base[0]) + 4
        mixing = np.zeros((len(times), count))
        for k in range(4):
            mixing[np.arange(len(times)), base - first + k] = weights[k] * share
        mixing = mixing.reshape(clock.frames, _INSTANTS, count).mean(axis=1)
        knots = np.stack([2 * randomness.uniforms(key, names, first + k) - 1 for k in range(count)])
        total += mixing @ knots
    return _KNOT * total


def path(seed: int, m: Motion, times_s: FloatArray) -> FloatArray:
    """Where the brain is, (T, 2) in µm (y, x), at ascending instants.

    Each rhythm runs along an ellipse of its own, long half-axis as asked, four times as long as
    wide; its phase wanders slowly. Strides push only while running, and the brain answers them
    like a damped spring. Drift is smooth noise on three time scales with the asked sd over ten
    minutes along each axis.
    """

    def phase(
        rhythm: str, rate_hz: float, wander_rad: float, wander_s: float, at_s: FloatArray
    ) -> FloatArray:
        key = randomness.stream(seed, "motion", f"{rhythm} phase")
        wander = randomness.smooth_noise(key, at_s, wander_s)
        return 2 * np.pi * rate_hz * at_s + wander_rad * wander

    def strides(at_s: FloatArray) -> FloatArray:
        gate = running(seed, m.running_fraction, m.bout_s, at_s)
        return _ellipse(m.stride_um, phase("stride", m.stride_hz, 0.6, 1.0, at_s), 0.35) * gate[:, None]

    total = _ellipse(m.heart_um, heart_phase(seed, m.heart_hz, times_s), 0.9)
    total += _ellipse(m.breathing_um, phase("breathing", m.breathing_hz, 1.0, 1.5, times_s), 1.9)
    if m.stride_um and m.running_fraction:
        total += swung(strides, times_s)
    if m.drift_um:
        total += m.drift_um * np.stack([_drift(seed, axis, times_s) for axis in "yx"], axis=1)
    return m.looseness * total


def _ellipse(amplitude_um: float, phase: FloatArray, direction_rad: float) -> FloatArray:
    along, across = amplitude_um * np.cos(phase), 0.25 * amplitude_um * np.sin(phase)
    c, s = math.cos(direction_rad), math.sin(direction_rad)
    return np.stack([along * c - across * s, along * s + across * c], axis=1)


def elastic_response(rate_hz: float) -> complex:
    """Swing of a damped spring per unit of a push that repeats at `rate_hz`; 1 for a steady push."""
    r = rate_hz / _NATURAL_HZ
    return 1 / complex(1 - r**2, 2 * _DAMPING * r)


@cache
def _swing() -> FloatArray:
    """Answer to one push, every 1/400 s until it is forgotten; of size 1 to strides at 7 Hz."""
    natural = 2 * math.pi * _NATURAL_HZ
    damped = natural * math.sqrt(1 - _DAMPING**2)
    times = np.arange(math.ceil(_FORGOTTEN / (_DAMPING * natural) * _PATH_HZ)) / _PATH_HZ
    answer = natural**2 / damped * np.exp(-_DAMPING * natural * times) * np.sin(damped * times) / _PATH_HZ
    fixed: FloatArray = answer / abs(elastic_response(_STRIDE_HZ))
    fixed.setflags(write=False)
    return fixed


def swung(drive: Callable[[FloatArray], FloatArray], times_s: FloatArray) -> FloatArray:
    """How the brain answers a push that is a function of time, (T, 2), at ascending instants.

    The push is sampled on a fixed grid of time, 400 per second, and convolved with the spring's
    answer as far back as it remembers, so any stretch of time is had without the ones before it.
    Between the grid's instants the swing is read by cubic convolution.
    """
    phase = np.asarray(times_s) * _PATH_HZ
    base = np.floor(phase).astype(np.int64)
    first, last = int(base.min()) - 1, int(base.max()) + 2
    answer = _swing()
    pushes = drive(np.arange(first - len(answer) + 1, last + 1) / _PATH_HZ)
    swing = np.stack([np.convolve(axis, answer, mode="valid") for axis in pushes.T], axis=1)
    f = (phase - base)[:, None]
    weights = (
        ((-0.5 * f + 1) * f - 0.5) * f,
        (1.5 * f - 2.5) * f**2 + 1,
        ((-1.5 * f + 2) * f + 0.5) * f,
        (0.5 * f - 0.5) * f**2,
    )
    at = base - 1 - first
    return sum(w * swing[at + k] for k, w in enumerate(weights))  # type: ignore[return-value]


def _drift(seed: int, axis: str, times_s: FloatArray) -> FloatArray:
    keys = (randomness.stream(seed, "motion", f"drift {k:g} {axis}") for k in _DRIFT_KNOTS_S)
    noise = sum(
        randomness.smooth_noise(key, times_s, knots) for key, knots in zip(keys, _DRIFT_KNOTS_S, strict=True)
    ) / math.sqrt(len(_DRIFT_KNOTS_S))
    return _drift_scale() * _DRIFT_BOUND * np.tanh(noise / _DRIFT_BOUND)


def rigid(m: Motion) -> Motion:
    """Return the motion without what the path does not know of, so that it is drawn once."""
    others = ("nonrigid_um", "nonrigid_length_um", "rotation_deg", "axial_um")
    return m.model_copy(update={name: Motion.model_fields[name].default for name in others})


@dataclass(frozen=True, eq=False)
class ExposurePaths(Result):
    """The path within each exposure of one block of frames."""

    path_um: FloatArray  # (frames, points, 2)


@stage
def exposure_paths(seed: int, m: Motion, clock: Clock, points: int) -> ExposurePaths:
    """Sample the path at the midpoints of equal parts of every exposure of a block."""
    path_um = path(seed, m, clock.inside_s(points))
    return ExposurePaths(path_um.reshape(clock.frames, points, 2))
