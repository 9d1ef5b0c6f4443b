"""The brain nears the scope and leaves it: focus moves through the tissue.

A cell's image changes smoothly with its distance from the focus, so each frame shows the parabola
through three exact images: at rest and half a step of focus to either side. For focus within 5 µm
of rest that is true to 0.3 % of the image's peak. Only the cells' own light follows the focus: what
is scattered widely, the neuropil and the vessels' shadows are smooth on a far longer scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from . import motion
from .clock import Clock
from .images import CellImages
from .memory import Result, stage

FloatArray = NDArray[np.floating]

_STEP_UM = 5.5  # the images lie in such steps, so that a slider draws them once


def bound_um(m: motion.Motion) -> float:
    """Distance that focus never exceeds from where it rests."""
    return m.looseness * m.axial_um * motion.COURSE_BOUND


def distance_um(m: motion.Motion) -> float:
    """Distance of the two other images from the focus at rest; 0 when nothing moves."""
    return _STEP_UM * math.ceil(bound_um(m) / _STEP_UM)


@dataclass(frozen=True, eq=False)
class Axial(Result):
    """Mean axial displacement over each exposure of one block of frames."""

    values_um: FloatArray  # (frames,) positive when the brain is farther from the scope


@stage
def axial(seed: int, axial_um: float, running_fraction: float, bout_s: float, clock: Clock) -> Axial:
    """Draw how far the brain has gone from the scope; `axial_um` is its rms while running."""
    course = motion.courses(seed, "axial", np.zeros(1, dtype=np.uint64), running_fraction, bout_s, clock)
    return Axial(axial_um * course[:, 0])


def weights(focus_shift_um: FloatArray, distance: float) -> FloatArray:
    """Weights of the images with the focus at rest, deeper and shallower, (frames, 3).

    Without the other two the image at rest is all there is, (frames, 1).
    """
    if not distance:
        return np.ones((len(focus_shift_um), 1))
    s = focus_shift_um / distance
    return np.stack([1 - s**2, s * (s + 1) / 2, s * (s - 1) / 2], axis=1)


@stage
def joined(rest: CellImages, deeper: CellImages, shallower: CellImages) -> CellImages:
    """Put three sets of images one after the other, as if they were of three times as many cells."""
    sets = (rest, deeper, shallower)
    parts = {f.name: np.concatenate([getattr(s, f.name) for s in sets]) for f in fields(CellImages)}
    begins = np.cumsum([0, len(rest.values), len(deeper.values)])
    parts["first"] = np.concatenate([s.first + begin for s, begin in zip(sets, begins, strict=True)])
    return CellImages(**parts)
