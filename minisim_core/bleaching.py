"""Photobleaching: what a molecule emits wears it out, and it is replaced slowly.

Of a cell's molecules the share B(t) can still shine. It begins at 1 when the recording does, and

    dB/dt = -loss · F/F_rest(t) · B + (1 - B) / recovery,

where `loss` is what a resting cell loses per second in the light at its place: molecules lost per
photon x photons per second of a bright molecule x share of bright molecules at rest. Bright and dark
molecules change places much faster than they bleach. F/F_rest is averaged over steps of 1 s, on a
grid that belongs to the recording's time, so B knows neither frame rate nor request. Derived.

A block of frames starts from the state at the start of its chapter of 32 s. A far seek walks through
all chapters before, once: the states are remembered, eight bytes a cell. Neuropil and the surround
fade as one each, in the mean light of their place; that they bleach faster where the beam is
brighter is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .activity import Firing, draw_spikes, event_blocks, fluorescence, memory_s, response
from .cells import Places
from .clock import Clock
from .illumination import Beam
from .kernels import firing as kernels
from .memory import Result, stage
from .tissue import CLEAR, Medium, fluence

FloatArray = NDArray[np.floating]

STEP_S = 1.0
"""Over which the light of a cell counts as steady."""

CHAPTER_STEPS = 32
"""Steps between two states that are remembered."""

AROUND_UM = 200.0
"""Width of the frame of tissue from which most of the surround's light comes."""

_STRIDE = 64  # chapters walked at a time, so that a far seek does not recurse far


class Fading(NamedTuple):
    """What the light does to molecules."""

    loss_per_s: float
    """Share that a resting cell loses per second, at the beam's centre just under the surface."""
    recovery_s: float
    medium: Medium
    beam: Beam


NO_FADING = Fading(0.0, math.inf, CLEAR, Beam(math.inf, 0.0, 0.0))


@dataclass(frozen=True, eq=False)
class Emission(Result):
    """Mean F/F_rest of each cell in the steps of one chapter."""

    values: NDArray[np.float32]  # (N, CHAPTER_STEPS)


@dataclass(frozen=True, eq=False)
class Left(Result):
    """Share of each cell's molecules that is not bleached, at one instant."""

    share: FloatArray  # (N,)


@dataclass(frozen=True, eq=False)
class Shares(Result):
    """Share of each cell's molecules that is not bleached, over one block of frames."""

    values: NDArray[np.float32]  # (N, frames)


@stage
def emission(seed: int, places: Places, indicator: str, firing: Firing, chapter: int) -> Emission:
    """Average each cell's light over the steps of a chapter, one sample per width of a spike's response.

    The emission of one event is off by about a fifth, but as events fall at any phase their sum is not.
    """
    duration = CHAPTER_STEPS * STEP_S
    start = chapter * duration
    blocks = event_blocks(firing, start - memory_s(indicator), start + duration)
    felt = draw_spikes(seed, places, firing, *blocks)
    out = np.empty((len(places), CHAPTER_STEPS), dtype=np.float32)
    rates, weights, *_ = felt_as = response(indicator)
    samples = math.ceil(STEP_S / (weights / rates).sum())
    kernels.mean_light(out, felt.first, felt.time_s, start, STEP_S, samples, *felt_as)
    return Emission(out)


@stage
def unbleached(
    seed: int, places: Places, indicator: str, firing: Firing, fading: Fading, chapter: int
) -> Left:
    """Share of molecules left at the start of a chapter, from that at the start of the one before."""
    if chapter == 0:
        return Left(np.ones(len(places)))
    return Left(_course(seed, places, indicator, firing, fading, chapter - 1)[:, -1].copy())


@stage
def shares(seed: int, places: Places, indicator: str, firing: Firing, fading: Fading, clock: Clock) -> Shares:
    """Share of each cell's molecules left at the middle of each exposure of one block of frames."""
    at = clock.middles_s / STEP_S
    first, last = (int(step) // CHAPTER_STEPS for step in (at[0], at[-1]))
    for earlier in range(_STRIDE, first, _STRIDE):
        unbleached(seed, places, indicator, firing, fading, earlier)
    courses = [
        _course(seed, places, indicator, firing, fading, chapter) for chapter in range(first, last + 1)
    ]
    course = np.concatenate([*(c[:, :-1] for c in courses), courses[-1][:, -1:]], axis=1)
    at = at - first * CHAPTER_STEPS
    step = at.astype(int)
    now, after = course[:, step], course[:, step + 1]
    return Shares((now + (at - step) * (after - now)).astype(np.float32))


def bleached(
    seed: int, places: Places, indicator: str, firing: Firing, fading: Fading, clock: Clock
) -> NDArray[np.float32]:
    """F/F_rest of every cell with bleaching over one block of frames, (N, frames)."""
    light = fluorescence(seed, places, indicator, firing, clock).fluorescence
    if fading.loss_per_s == 0:
        return light
    return light * shares(seed, places, indicator, firing, fading, clock).values


def _course(
    seed: int, places: Places, indicator: str, firing: Firing, fading: Fading, chapter: int
) -> FloatArray:
    """Share of each cell's molecules left at the edges of a chapter's steps, (N, CHAPTER_STEPS + 1)."""
    start = unbleached(seed, places, indicator, firing, fading, chapter).share
    shone = emission(seed, places, indicator, firing, chapter).values
    z, y, x = places.positions_um.T
    loss_per_s = fading.loss_per_s * fading.beam.at(y, x) * fluence(z, fading.medium.transport())
    out = np.empty((len(places), CHAPTER_STEPS + 1))
    kernels.fade(out, start, shone, loss_per_s, 1 / fading.recovery_s, STEP_S)
    return out


def mean_share(
    fading: Fading,
    light: float,
    depth_range_um: tuple[float, float],
    half_width_range_um: tuple[float, float],
    clock: Clock,
) -> FloatArray:
    """Mean share left of the molecules that fill a square frame of tissue evenly, (frames,).

    They shine with the same F/F_rest `light` at any time, in the mean excitation of the frame. Where
    there is more light, more is emitted, and it counts more.
    """
    if fading.loss_per_s == 0:
        return np.ones(clock.frames)
    inner, outer = half_width_range_um
    deep = fluence(np.linspace(*depth_range_um, 41), fading.medium.transport())
    y, x = np.meshgrid(np.linspace(-outer, outer, 81), np.linspace(-outer, outer, 81), indexing="ij")
    wide = fading.beam.at(y, x) * (np.maximum(abs(y), abs(x)) >= inner)
    excitation = float((deep**2).sum() / deep.sum() * (wide**2).sum() / wide.sum())
    return steady_share(fading.loss_per_s * excitation * light, fading.recovery_s, clock.middles_s)


def steady_share(loss_per_s: float, recovery_s: float, times_s: FloatArray) -> FloatArray:
    """Share of molecules left at some instants under steady light."""
    change = loss_per_s + 1 / recovery_s
    end = 1 / recovery_s / change
    return end + (1 - end) * np.exp(-change * times_s)  # type: ignore[no-any-return]
