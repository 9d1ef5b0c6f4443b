"""The real engine, except that one focus takes a minute: in one call that nothing can stop."""

import time
from typing import Any

import minisim_core as ms
from minisim_core.recording import simulate as real

STUCK_UM = 200.0
STUCK_S = 60.0


class StuckFrames:
    """Frames that take a minute, whichever is asked for."""

    def __init__(self, frames: Any) -> None:
        self._frames = frames
        self.shape, self.dtype = frames.shape, frames.dtype

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, key: Any) -> Any:
        time.sleep(STUCK_S)
        return self._frames[key]


def simulate(experiment: ms.Experiment) -> ms.Recording:
    """Stand in for `minisim_core.simulate`."""
    recording = real(experiment)
    if experiment.focus_um == STUCK_UM:
        recording.__dict__["frames"] = StuckFrames(recording.frames)
    return recording
