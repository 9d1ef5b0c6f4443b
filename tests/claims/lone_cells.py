"""Cells alone under the guide's scope: scenes in which one law of optics shows by itself."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

FloatArray = NDArray[np.floating]

BEYOND_CELLS = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")
CLEAR = {"scattering_per_mm": 0, "absorption_per_mm": 0}
SOMA = {
    "labelling": "soma", "radius_um": 6, "radius_sd_um": 0, "elongation": 0, "brightness_sd": 0,
}  # fmt: skip
TINY = SOMA | {"radius_um": 2, "nucleus_fraction": 0}
"""A ball of 4 µm: wide enough for pixels of 1.5 µm, and a third of a cell body."""


def lone_cells(*places_um: tuple[float, float, float], like: dict[str, Any] = SOMA, **changes: Any):
    """The guide's scope over resting cells that are all alike, at (z, y, x), and nothing else."""
    experiment = ms.presets.get("guide", duration_s=0.05, activity={"rate_hz": 0}, off=BEYOND_CELLS)
    places = tuple(tuple(map(float, place)) for place in places_um)
    return experiment.with_(cells={"positions_um": places} | like).with_(**changes)


def image_of(experiment: ms.Experiment) -> FloatArray:
    """The expected light of an experiment's first frame, (H, W)."""
    return ms.simulate(experiment).expected[0].astype(float)


def spread_um2(image: FloatArray, pixel_um: float) -> FloatArray:
    """Second moments of an image along y and x, (2,) µm²."""
    found = []
    for profile in (image.sum(axis=1), image.sum(axis=0)):
        at = np.arange(len(profile)) * pixel_um
        center = (profile * at).sum() / profile.sum()
        found.append((profile * (at - center) ** 2).sum() / profile.sum())
    return np.array(found)


def light_within(experiment: ms.Experiment, radius_um: float) -> float:
    """Light of the first frame within some distance of the first cell's image."""
    recording = ms.simulate(experiment)
    image = recording.expected[0].astype(float)
    y, x = np.indices(image.shape)
    row, column = recording.truth.centroids_px[0]
    return float(image[np.hypot(y - row, x - column) * recording.pixel_um <= radius_um].sum())


def width_um(image: FloatArray, pixel_um: float) -> float:
    """Diameter of a disc as large as what is brighter than half the peak."""
    return 2 * math.sqrt((image > image.max() / 2).sum() / math.pi) * pixel_um
