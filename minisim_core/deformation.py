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

from . import motion
from .clock import Clock
from .memory import Result, stage

FloatArray = NDArray[np.floating]

_KNOT = 1 / math.sqrt(2 * 151 / 315 * 2 / 3)  # rms of the knots of a flow of unit rms. Derived.
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
    bend = m.nonrigid_um * _KNOT * _STEEPEST
    turn = math.radians(m.rotation_deg) * half_um
    return m.looseness * motion.COURSE_BOUND * (bend + turn)


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
    names = ((rows & 0xFFFFFFFF) << 32 | (columns & 0xFFFFFFFF)).astype(np.int64).view(np.uint64)
    when = (running_fraction, bout_s, clock)
    bend = motion.courses(seed, "bend", names.ravel(), *when).reshape(-1, rows.size, columns.size)
    turn = motion.courses(seed, "turn", np.zeros(1, dtype=np.uint64), *when)[:, :, None]
    round_axis = knots.spacing_um * (rows**2 + columns**2) / 2
    return Flows(nonrigid_um * _KNOT * bend + math.radians(rotation_deg) * turn * round_axis)


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
    base, weights = motion.knots_around(phase)
    row, column = base[..., 0], base[..., 1]
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
    base, weights = motion.knots_around(phase)
    if derivative:
        weights = _slopes(phase)
    total = np.zeros(count)
    for k in range(4):
        np.add.at(total, base + k, weights[k])
    return total / len(at_um)
