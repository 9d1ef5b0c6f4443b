"""A stand-in for the renderer: the real parameters, pictures that are cheap and easy to recognise."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from minisim_core.sensor import Scale

SIZE = 24
COUNT = 30


class Frames:
    """Frames that take their time, and note for how many settings some are being rendered at once."""

    def __init__(self, log: "Log", experiment, scale: float) -> None:
        self.log, self.experiment, self.scale = log, experiment, scale
        self.shape = (COUNT, SIZE, SIZE)
        self.full_scale = 2**experiment.sensor.bit_depth - 1
        self.dtype = np.dtype(np.uint8 if self.full_scale < 256 else np.uint16)

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index):
        with self.log.rendering(self.experiment.focus_um):
            if isinstance(index, slice):
                return np.stack([self.frame(i) for i in range(COUNT)[index]])
            return self.frame(index)

    def frame(self, index: int) -> np.ndarray:
        if self.log.broken:
            raise RuntimeError("the lamp broke")
        rows, columns = np.mgrid[:SIZE, :SIZE]
        picture = (rows * 3 + columns * 2 + index) * 0.4 + self.experiment.focus_um % 100
        bright = 1 if self.full_scale < 256 else 8  # of 10 bits, enough to reach full scale
        return np.minimum(np.rint(picture * self.scale * bright), self.full_scale).astype(self.dtype)


class Log:
    """What the fake engine was asked to do."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.broken = False
        self.calls = self.most = 0
        self._now: list[float] = []
        self._lock = threading.Lock()

    @contextmanager
    def rendering(self, focus_um: float):
        """Render for a while; the two sides of a picture, rendered side by side, are one picture."""
        with self._lock:
            self.calls += 1
            self._now.append(focus_um)
            self.most = max(self.most, len(set(self._now)))
        try:
            time.sleep(self.delay_s)
            yield
        finally:
            with self._lock:
                self._now.remove(focus_um)

    def simulate(self, experiment) -> SimpleNamespace:
        scale = 0.5 if "out_of_focus" in experiment.off else 1.0
        frames = Frames(self, experiment, scale)
        expected = [frames.frame(i).astype(np.float32) for i in range(COUNT)]
        return SimpleNamespace(
            frames=frames,
            expected=expected,
            experiment=experiment,
            pixel_um=1.5,
            counts_to_e=Scale(black=10.0, e_per_count=2.0, full_scale=frames.full_scale),
        )
