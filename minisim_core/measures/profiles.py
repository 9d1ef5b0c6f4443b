"""How a trace moves in time, and how an image falls off over the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError

FloatArray = NDArray[np.floating]


# -- in time ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Spectrum:
    """How much of a trace moves at each frequency.

    Parameters
    ----------
    frequency_hz : (K,) float64
        Without zero.
    amplitude : (K,) float64
        In the trace's unit: a steady sine of amplitude A gives a line of height A.
    """

    frequency_hz: FloatArray
    amplitude: FloatArray


def spectrum(trace: Any, frame_rate_hz: float, segment_s: float = 60.0) -> Spectrum:
    """Return the amplitude spectrum of a trace.

    Welch's method with a flat-top window (scipy.signal), which gives lines their true height wherever
    they lie between two frequencies, at the price of lines five frequencies wide.

    Parameters
    ----------
    trace : (T,) float
        Evenly sampled.
    frame_rate_hz : float
        Samples per second.
    segment_s : float
        Longest stretch that is transformed at once, in s; longer traces are averaged over stretches.

    Returns
    -------
    Spectrum
        Of the trace less its linear trend, in each stretch.

    Raises
    ------
    ParameterError
        If the trace has fewer than 16 samples, or holds anything but finite numbers.
    """
    from scipy import signal

    values = np.asarray(trace, dtype=float)
    if values.ndim != 1 or len(values) < 16 or not np.isfinite(values).all():
        raise ParameterError(f"trace of shape {values.shape} is refused: give at least 16 finite numbers")
    length = min(len(values), max(16, round(segment_s * frame_rate_hz)))
    frequency, power = signal.welch(
        values, frame_rate_hz, "flattop", nperseg=length, detrend="linear", scaling="spectrum"
    )
    return Spectrum(frequency[1:], np.sqrt(2 * power[1:]))


def sampled_line(rate_hz: float, frame_rate_hz: float, exposure_s: float) -> tuple[float, float]:
    """Return where a rhythm shows in a recording, and how much of its amplitude is left.

    Frames see a rhythm f at abs(f − k fs), folded below half the frame rate fs (sampling theorem); an
    exposure averages it to abs(sinc(f t)) of its amplitude.

    Parameters
    ----------
    rate_hz : float
        Of the rhythm.
    frame_rate_hz : float
        Frames per second.
    exposure_s : float
        Length of one exposure, in s.

    Returns
    -------
    seen_at_hz : float
        At most half the frame rate.
    share : float
        Of the amplitude, 0 to 1.

    Examples
    --------
    >>> frequency_hz, share = sampled_line(7, frame_rate_hz=10, exposure_s=0.1)
    >>> print(f"{frequency_hz:.0f} Hz, {share:.2f}")
    3 Hz, 0.37
    """
    seen = abs(rate_hz - frame_rate_hz * round(rate_hz / frame_rate_hz))
    return seen, float(abs(np.sinc(rate_hz * exposure_s)))


# -- over the field --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RadialProfile:
    """Means of an image in rings about the optical axis.

    Parameters
    ----------
    radius_um : (K,) float64
        Mean distance of a ring's pixels from the axis.
    mean : (K,) float64
        Mean of the image in the ring.
    """

    radius_um: FloatArray
    mean: FloatArray


def radial_profile(image: Any, pixel_um: float, width_um: float = 10.0) -> RadialProfile:
    """Average an image in rings about the optical axis, the centre of the frame.

    Parameters
    ----------
    image : (H, W) float
        Anything that is known for every pixel.
    pixel_um : float
        Width of a pixel, in µm.
    width_um : float
        Width of a ring, in µm; at least one pixel.

    Returns
    -------
    RadialProfile
        Rings that hold a pixel, outwards.

    Raises
    ------
    ParameterError
        If the image is not two-dimensional.
    """
    values = np.asarray(image, dtype=float)
    if values.ndim != 2:
        raise ParameterError(f"image of shape {values.shape} is refused: it must be (H, W)")
    y, x = ((np.arange(n) - (n - 1) / 2) * pixel_um for n in values.shape)
    radius = np.hypot(y[:, None], x).ravel()
    ring = (radius / max(width_um, pixel_um)).astype(int)
    pixels = np.bincount(ring)
    some = pixels > 0
    mean_radius, mean = (np.bincount(ring, v)[some] / pixels[some] for v in (radius, values.ravel()))
    return RadialProfile(mean_radius, mean)
