"""Draw the README's picture: the cells as they are, and as a Miniscope records them."""

from pathlib import Path

import matplotlib.image
import numpy as np

import minisim_core as ms

recording = ms.simulate(ms.presets.get("guide"))
frame = 144
truth = recording.only("out_of_focus").expected[frame]
raw = recording.frames[frame].astype(float)


def grey(picture: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale to 0..1."""
    return np.clip((picture - low) / (high - low), 0, 1)


panels = [
    grey(truth, 0, np.percentile(truth, 99.5)),
    grey(raw, 0, 255),
    grey(raw, *np.percentile(raw, (0.3, 99.8))),
]
gap = np.ones((raw.shape[0], 8))
strip = np.hstack([panels[0], gap, panels[1], gap, panels[2]])
matplotlib.image.imsave(Path(__file__).with_suffix(".png"), strip, cmap="gray", vmin=0, vmax=1)
