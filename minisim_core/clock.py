"""When the exposures of a stretch of frames happen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

FRAMES_PER_BLOCK = 64
"""Frames whose time courses are computed, and remembered, together."""


class Clock(NamedTuple):
    """Frames `first_frame` to `first_frame + frames`, exposed from the start of their period."""

    frame_rate_hz: float
    exposure_s: float
    first_frame: int
    frames: int = FRAMES_PER_BLOCK

    @property
    def begins_s(self) -> FloatArray:
        """When each exposure begins, (frames,)."""
        return (self.first_frame + np.arange(self.frames)) / self.frame_rate_hz

    @property
    def middles_s(self) -> FloatArray:
        """The middle of each exposure, (frames,)."""
        return self.begins_s + self.exposure_s / 2

    def inside_s(self, points: int) -> FloatArray:
        """Equally spaced midpoints within each exposure, (frames * points,), ascending."""
        inside = (np.arange(points) + 0.5) / points * self.exposure_s
        return (self.begins_s[:, None] + inside).ravel()  # type: ignore[no-any-return]
