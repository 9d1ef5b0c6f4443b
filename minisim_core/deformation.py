"""How the brain turns and bends under the scope, beyond its shift as a whole.

Both are a flow in the plane that neither gathers nor thins tissue: at the place x of the picture,
tissue has come by v(x) = (∂ψ/∂x, -∂ψ/∂y), as (y, x), of a stream function ψ. A cell then keeps its
light and an even haze stays even. ψ is a cubic B-spline on square knots that lie still in the
scope's plane; each knot's course is a B-spline in time. Rows and columns that many knots from the
axis are drawn by name, so another field or length shows the same draw. A turn by the angle θ is
ψ = θ r²/2, which such a spline holds exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import motion, randomness
from .clock import Clock
from .memory import Result, stage

FloatArray = NDArray[np.floating]

_SLOW_S, _MOVING_S = 20.0, 0.4  # knots in time of what is always there, and of what running adds
_SLOW, _MOVING = 0.6, 0.8  # their shares while running; the squares add up to 1
_INSTANTS = 8  # an exposure shows the mean flow of so many instants
_SPLINE = 151 / 315  # mean sum of squared weights of a cubic B-spline
_SLOPE = 2 / 3  # the same for its derivative
_KNOT = math.sqrt(1 / 3)  # rms of a knot, which is uniform in (-1, 1)
_TURN_PER_RMS = 1 / (_KNOT * math.sqrt(_SPLINE))
_KNOT_PER_RMS = 1 / (_KNOT * _SPLINE * math.sqrt(2 * _SLOPE))
_STEEPEST = 1.5  # largest sum of a derivative's weights without sign
_SPACING_PER_LENGTH = 1.252  # knots' spacing over the length at which ⟨v·v⟩ falls to 1/e. Derived.


class Grid(NamedTuple):
    """Knots of the stream function: square, one on the axis."""

    spacing_um: float
    reach_y: int
    reach_x: int

    def phase(self, seen_um: FloatArray) -> FloatArray:
        """Position of points (..., 2) in knots, counted from the first."""
        return seen_um / self.spacing_um + np.array([self.reach_y, self.reach_x])


@dataclass(frozen=True, eq=False)
class Flows(Result):
    """The mean stream function of each exposure of one block of frames, by its knots."""

    knots_um: FloatArray  # (frames, rows, columns), per knot's spacing


def is_on(m: motion.Motion) -> bool:
    """Whether anything turns or bends."""
    return bool(m.looseness and (m.nonrigid_um or m.rotation_deg))


def bound_um(m: motion.Motion, half_um: float) -> float:
    """Distance along either axis that no tissue seen within `half_um` of the axis exceeds."""
    bend = m.nonrigid_um * _KNOT_PER_RMS * _STEEPEST
    turn = math.radians(m.rotation_deg) * _TURN_PER_RMS * half_um
    return m.looseness * (_SLOW + _MOVING) * (bend + turn)


def grid(length_um: float, half_y_um: float, half_x_um: float) -> Grid:
    """Return the knots that a picture of the given half sides needs."""
    spacing = _SPACING_PER_LENGTH * length_um
    return Grid(spacing, math.ceil(half_y_um / spacing) + 2, math.ceil(half_x_um / spacing) + 2)


@stage
def flows(
    seed: int,
    nonrigid_um: float,
    rotation_deg: float,
    running_fraction: float,
    bout_s: float,
    knots: Grid,
    clock: Clock,
) -> Flows:
    """Draw the flow of every exposure of a block: the bending tissue and the turn.

    Parameters
    ----------
    nonrigid_um, rotation_deg : float
        Root mean square distance, and angle, while running; at rest 0.6 of it is left.
    """
    rows = np.arange(-knots.reach_y, knots.reach_y + 1)[:, None]
    columns = np.arange(-knots.reach_x, knots.reach_x + 1)[None, :]
    gate = motion.running(seed, running_fraction, bout_s, clock.inside_s(_INSTANTS))
    names = ((rows & 0xFFFFFFFF) << 32 | (columns & 0xFFFFFFFF)).astype(np.int64).view(np.uint64)
    bend = _courses(seed, "bend", names.ravel(), gate, clock).reshape(-1, rows.size, columns.size)
    turn = _courses(seed, "turn", np.zeros(1, dtype=np.uint64), gate, clock)[:, :, None]
    turn = np.radians(rotation_deg) * _TURN_PER_RMS * turn
    return Flows(
        nonrigid_um * _KNOT_PER_RMS * bend + turn * knots.spacing_um * (rows**2 + columns**2) / 2,
    )


def _courses(seed: int, what: str, names: NDArray[np.uint64], gate: FloatArray, clock: Clock) -> FloatArray:
    """Mean of each named course over each exposure, (frames, names)."""
    times = clock.inside_s(_INSTANTS)
    total = np.zeros((clock.frames, len(names)))
    for part, spacing_s, weight in (
        ("slow", _SLOW_S, np.full_like(gate, _SLOW)),
        ("moving", _MOVING_S, _MOVING * gate),
    ):
        key = randomness.stream(seed, "motion", f"{what} {part}")
        base, weights = _spline(times / spacing_s)
        first, count = int(base[0]), int(base[-1] - base[0]) + 4
        mixing = np.zeros((len(times), count))
        for k in range(4):
            mixing[np.arange(len(times)), base - first + k] = weights[k] * weight
        mixing = mixing.reshape(clock.frames, _INSTANTS, count).mean(axis=1)
        knots = np.stack([2 * randomness.uniforms(key, names, first + k) - 1 for k in range(count)])
        total += mixing @ knots
    return total


def _spline(phase: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """First of the four knots around each phase, and their cubic B-spline weights, (4, ...)."""
    base = np.floor(phase).astype(np.int64)
    f = phase - base
    weights = [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3]
    return base - 1, np.stack(weights) / 6


def _slopes(phase: FloatArray) -> FloatArray:
    """Return the derivatives of those weights, (4, ...)."""
    f = phase - np.floor(phase)
    return np.stack([-((1 - f) ** 2), 3 * f**2 - 4 * f, -3 * f**2 + 2 * f + 1, f**2]) / 2


def seen_at_um(knots: Grid, knots_um: FloatArray, seen_um: FloatArray) -> FloatArray:
    """How far the tissue that is seen at given places has come, (T, P, 2) µm (y, x).

    Parameters
    ----------
    knots : Grid
    knots_um : (T, rows, columns) float64
        The stream function of T frames.
    seen_um : (T, P, 2) float64
        Places (y, x) in the image plane.
    """
    phase = knots.phase(seen_um)
    limits = np.array(knots_um.shape[1:]) - 2 - 1e-9
    phase = np.clip(phase, 1, limits)  # far outside the picture nothing is drawn
    (row, column), weights = _spline(phase)[0].transpose(2, 0, 1), _spline(phase)[1]
    slopes = _slopes(phase)
    frame = np.arange(len(knots_um))[:, None]
    out = np.zeros_like(seen_um)
    for i in range(4):
        for j in range(4):
            psi = knots_um[frame, row + i, column + j]
            out[..., 0] += weights[i, ..., 0] * slopes[j, ..., 1] * psi
            out[..., 1] -= slopes[i, ..., 0] * weights[j, ..., 1] * psi
    return out


def of_tissue_um(knots: Grid, knots_um: FloatArray, rest_um: FloatArray) -> FloatArray:
    """How far points of the tissue have come, (T, P, 2) µm (y, x), from where they rest, (P, 2).

    The flow is given where tissue is seen, so this solves u(p) = v(p + u(p)); v is so smooth that
    a few steps do.
    """
    come = np.zeros((len(knots_um), *np.shape(rest_um)))
    for _ in range(25):
        come = seen_at_um(knots, knots_um, rest_um + come)
    return come


def mean_um(knots: Grid, knots_um: FloatArray, y_um: FloatArray, x_um: FloatArray) -> FloatArray:
    """Mean of the flow over a picture's rows and columns, (T, 2) µm (y, x)."""
    value_y, slope_y = (_mean_weights(knots, knots_um.shape[1], 0, y_um, kind) for kind in (0, 1))
    value_x, slope_x = (_mean_weights(knots, knots_um.shape[2], 1, x_um, kind) for kind in (0, 1))
    down = np.einsum("i,tij,j->t", value_y, knots_um, slope_x)
    across = -np.einsum("i,tij,j->t", slope_y, knots_um, value_x)
    return np.stack([down, across], axis=1)


def _mean_weights(knots: Grid, count: int, axis: int, at_um: FloatArray, derivative: int) -> FloatArray:
    phase = at_um / knots.spacing_um + (knots.reach_y, knots.reach_x)[axis]
    base, weights = _spline(phase)
    if derivative:
        weights = _slopes(phase)
    total = np.zeros(count)
    for k in range(4):
        np.add.at(total, base + k, weights[k])
    return total / len(at_um)
