"""What movement does to a picture: its rhythms as filmed, the smear of a mean image, whose a pixel is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError
from .profiles import Spectrum, spectrum

FloatArray = NDArray[np.floating]


# -- the path --------------------------------------------------------------------------------


def path_spectrum(path: Any, rate_hz: float) -> Spectrum:
    """Return the amplitude spectrum of a path in the plane.

    Parameters
    ----------
    path : (T, 2) float
        Evenly sampled.
    rate_hz : float
        Samples per second.

    Returns
    -------
    Spectrum
        Both axes added as squares: a movement to and fro by A, along any line, gives a line of height A.

    Raises
    ------
    ParameterError
        If the path has fewer than 16 samples, or holds anything but finite numbers.
    """
    down, across = (spectrum(axis, rate_hz, segment_s=10.0) for axis in np.asarray(path, dtype=float).T)
    return Spectrum(down.frequency_hz, np.hypot(down.amplitude, across.amplitude))


def strongest_rhythm_hz(path: Any, rate_hz: float, above_hz: float = 1.5) -> float:
    """Return the frequency at which a path swings most, drift aside.

    Parameters
    ----------
    path : (T, 2) float
        Evenly sampled.
    rate_hz : float
        Samples per second, more than twice `above_hz`.
    above_hz : float
        Slower movement is drift.

    Returns
    -------
    float
        In Hz.

    Raises
    ------
    ParameterError
        If the path holds nothing above that frequency, or is refused by `path_spectrum`.
    """
    found = path_spectrum(path, rate_hz)
    fast = found.frequency_hz >= above_hz
    if not fast.any():
        raise ParameterError(f"rate_hz = {rate_hz:g} is refused: it must be above {2 * above_hz:g}")
    return float(found.frequency_hz[fast][np.argmax(found.amplitude[fast])])


# -- the mean image --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Spot:
    """A cell in an image, along the rows and columns through its middle.

    Parameters
    ----------
    offset_um : (K,) float64
        Distance from the middle.
    light : (K,) float64
        Mean of both profiles, less what lies around the cell.
    width_um : float
        Full width at half of the height; nan if the profile does not fall that far.
    """

    offset_um: FloatArray
    light: FloatArray
    width_um: float


def spot(image: Any, middle_px: tuple[float, float], pixel_um: float, reach_um: float = 24.0) -> Spot:
    """Measure a cell in an image.

    Parameters
    ----------
    image : (H, W) float
        Such as the mean of a movie.
    middle_px : (float, float)
        Row and column of the cell; the brightest place within a third of the reach is its middle.
    pixel_um : float
        Width of a pixel.
    reach_um : float
        How far to look; the darkest tenth of the profile counts as what lies around the cell.

    Returns
    -------
    Spot

    Raises
    ------
    ParameterError
        If the cell lies closer to the edge than half of the reach.
    """
    from scipy import ndimage

    values = np.asarray(image, dtype=float)
    steps = np.arange(-np.ceil(reach_um / pixel_um), np.ceil(reach_um / pixel_um) + 0.25, 0.25)
    inside = [reach_um / 2 / pixel_um <= at < n - reach_um / 2 / pixel_um
              for at, n in zip(middle_px, values.shape, strict=True)]  # fmt: skip
    if not all(inside):
        raise ParameterError(
            f"middle_px = ({middle_px[0]:g}, {middle_px[1]:g}) is refused: it must be at least "
            f"{reach_um / 2:g} µm inside the image"
        )
    smooth = ndimage.gaussian_filter(values, 1.0)
    near = steps[np.abs(steps) <= reach_um / 3 / pixel_um]
    places = np.stack(np.meshgrid(middle_px[0] + near, middle_px[1] + near, indexing="ij"))
    around = ndimage.map_coordinates(smooth, places, order=1, mode="nearest")
    row, column = places.reshape(2, -1)[:, np.argmax(around)]
    still = np.zeros_like(steps)
    profiles = [
        ndimage.map_coordinates(values, (row + down, column + across), order=1, mode="nearest")
        for down, across in ((steps, still), (still, steps))
    ]
    mean = np.mean(profiles, axis=0)
    light = mean - np.quantile(mean, 0.1)
    return Spot(steps * pixel_um, light, _half_width(light) * 0.25 * pixel_um)


def _half_width(light: FloatArray) -> float:
    """Return the full width at half maximum around the middle, in samples."""
    middle = len(light) // 2
    half = light[middle] / 2
    sides = []
    for side in (light[middle:], light[middle::-1]):
        below = np.flatnonzero(side < half)
        if not len(below):
            return float("nan")
        k = int(below[0])
        sides.append(k - (half - side[k]) / (side[k - 1] - side[k]))
    return float(sum(sides))


# -- a pixel ---------------------------------------------------------------------------------


def main_owners(parts: Mapping[str, FloatArray]) -> NDArray[np.intp]:
    """Say which cell sends most of the light that was split up.

    Parameters
    ----------
    parts : mapping of str to (T,) float
        As `Recording.explain` returns them with ``cells=None``, with at least one cell.

    Returns
    -------
    (T,) int
        Index of the cell in the truth.
    """
    cells = [name for name in parts if name.startswith("cell:")]
    strongest = np.argmax([parts[name] for name in cells], axis=0)
    return np.array([int(cells[k][5:]) for k in strongest], dtype=np.intp)
