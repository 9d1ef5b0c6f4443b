"""The mean of a whole movie: made in portions that interleave, so that the first already looks like it."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

PORTION = 16
"""About so many frames are added at a time, spread over the whole movie."""

REMEMBERED = 32
"""Means of so many recordings are kept: all states of four switches on two sides."""


class Average:
    """The mean over all frames of a recording, as counts; any thread may work on it.

    Parameters
    ----------
    recording
        Whose frames are averaged.

    Attributes
    ----------
    count : int
        How many frames the recording has.
    """

    def __init__(self, recording: ms.Recording) -> None:
        self._frames = recording.frames
        self.count = len(self._frames)
        self._portions = max(1, round(self.count / PORTION))
        self._next = 0
        self._sum = np.zeros(self._frames.shape[1:], np.uint32)  # exact: 2**20 frames of 12 bits fit
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many frames the mean is made of so far."""
        return self._taken

    @property
    def whole(self) -> bool:
        """Whether it is made of all of them."""
        return self._next == self._portions

    def step(self) -> None:
        """Add a portion of the frames; nothing is lost if this is cancelled."""
        portion = self._next
        if portion == self._portions:
            return
        frames = self._frames[portion :: self._portions]
        more = frames.sum(axis=0, dtype=np.uint32)
        with self._lock:
            if self._next == portion:
                self._sum += more
                self._taken += len(frames)
                self._next += 1

    def counts(self) -> NDArray[np.unsignedinteger]:
        """Return the mean so far, rounded to counts, (H, W); at least of one portion."""
        if not self._taken:
            self.step()
        with self._lock:
            return np.rint(self._sum / self._taken).astype(self._frames.dtype)


@lru_cache(maxsize=REMEMBERED)
def average(experiment: ms.Experiment) -> Average:
    """Return the mean of an experiment's movie, as far as it has been made."""
    return Average(ms.simulate(experiment))
