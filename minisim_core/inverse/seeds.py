"""Where cells may be: pixels that stand out of their noise and flicker as their neighbours do.

The product of local correlation and peak-to-noise ratio on band-passed frames, as in CNMF-E (Zhou et
al. 2018, eLife 7:e28728).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Patch = tuple[int, int, Float32Array]

_CORE, _SURROUND = 0.22, 0.6  # sd of the two Gaussians, in soma diameters
_REACH = 3.0  # sd of the wider one, to which it is followed
PEAK_PERCENT = 99.0  # of frames lie below the peak: one bright frame makes no cell
_EVENT_SD = 2.0  # noise sd above which a pixel takes part in a correlation


@dataclass(frozen=True, eq=False)
class SeedImage:
    """How likely each pixel is the middle of a cell.

    Attributes
    ----------
    peak_to_noise, correlation : (H, W) float32
    """

    peak_to_noise: Float32Array
    correlation: Float32Array

    @property
    def product(self) -> Float32Array:
        """Both in one, (H, W)."""
        return self.peak_to_noise * self.correlation


def band_passed(images: Any, soma_px: float) -> Float32Array:
    """Keep what is about as large as a cell body: a difference of Gaussians.

    Parameters
    ----------
    images : (..., H, W) array
    soma_px : float
        Diameter of a cell body.

    Returns
    -------
    (..., H, W) float32
    """
    from scipy import fft

    images = np.asarray(images, dtype=np.float32)
    margin = int(np.ceil(_REACH * _SURROUND * soma_px))
    height, width = images.shape[-2:]
    shape = [fft.next_fast_len(length + 2 * margin, real=True) for length in (height, width)]
    fy = fft.fftfreq(shape[0])[:, None]
    fx = fft.rfftfreq(shape[1])[None, :]
    rate = -2 * (np.pi * soma_px) ** 2 * (fy**2 + fx**2)
    transfer = (np.exp(rate * _CORE**2) - np.exp(rate * _SURROUND**2)).astype(np.float32)
    beyond = [(margin, shape[0] - margin - height), (margin, shape[1] - margin - width)]
    out = np.empty_like(images)
    for index in np.ndindex(images.shape[:-2]):
        spectrum = fft.rfft2(np.pad(images[index], beyond, mode="symmetric"))
        whole = fft.irfft2(spectrum * transfer, shape)
        out[index] = whole[margin : margin + height, margin : margin + width]
    return out


def seed_image(movie: Float32Array, soma_px: float) -> SeedImage:
    """Measure peak-to-noise and local correlation of a band-passed movie.

    Parameters
    ----------
    movie : (T, H, W) float32
        As `band_passed` returns it.
    soma_px : float

    Returns
    -------
    SeedImage
    """
    frames, shape = len(movie), movie.shape[1:]
    courses = np.ascontiguousarray(movie.reshape(frames, -1).T)
    steps = np.abs(np.diff(courses, axis=1)).mean(axis=1)
    noise = (steps * np.sqrt(np.pi) / 2 + np.finfo(np.float32).tiny).reshape(shape)
    ranks = frames // 2, min(int(frames * PEAK_PERCENT / 100), frames - 1)
    courses.partition(ranks, axis=1)
    middle, peak = (courses[:, rank].reshape(shape) for rank in ranks)
    events = (movie - middle) / noise
    events[events < _EVENT_SD] = 0
    events -= events.mean(axis=0)
    events /= np.sqrt((events**2).sum(axis=0)) + np.finfo(np.float32).tiny
    away = max(1, round(soma_px / 4))
    total, pairs = np.zeros(movie.shape[1:], np.float32), np.zeros(movie.shape[1:], np.float32)
    for y, x in ((0, away), (away, 0), (away, away), (away, -away)):
        here, there = _overlap(y, x)
        alike = np.einsum("tyx,tyx->yx", events[:, *here], events[:, *there])
        for part in (here, there):
            total[part] += alike
            pairs[part] += 1
    correlation = (total / np.maximum(pairs, 1)).astype(np.float32)
    return SeedImage(((peak - middle) / noise).astype(np.float32), correlation)


def _overlap(y: int, x: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Pixels that have a neighbour at (y, x), and those neighbours; y is not negative."""
    rows = slice(0, -y or None), slice(y, None)
    columns = (slice(0, -x or None), slice(x, None)) if x >= 0 else (slice(-x, None), slice(0, x))
    return (rows[0], columns[0]), (rows[1], columns[1])


def places(
    image: SeedImage, soma_px: float, least_peak: float, least_correlation: float
) -> NDArray[np.int64]:
    """Pick the pixels that are higher in the seed image than all within half a soma, strongest first.

    Parameters
    ----------
    image : SeedImage
    soma_px : float
    least_peak, least_correlation : float
        Below either, a pixel is no seed.

    Returns
    -------
    (n, 2) int64
        (y, x).
    """
    from scipy import ndimage

    product = image.product
    reach = int(np.ceil(soma_px / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    highest = ndimage.maximum_filter(product, footprint=np.hypot(y, x) <= soma_px / 2)
    good = (image.peak_to_noise >= least_peak) & (image.correlation >= least_correlation)
    found = np.argwhere((product == highest) & good)
    return found[np.argsort(-product[*found.T], kind="stable")]


def first_shape(movie: Float32Array, seed: NDArray[np.int64], reach: int) -> tuple[Patch, Float32Array]:
    """Regress what is around a seed on the seed's own events.

    Parameters
    ----------
    movie : (T, H, W) float32
        Band-passed.
    seed : (2,) int
    reach : int
        Pixels to each side.

    Returns
    -------
    (y0, x0, patch), (T,) float32
        Shape, not negative, and course.
    """
    y, x = seed
    y0, x0 = max(y - reach, 0), max(x - reach, 0)
    around = movie[:, y0 : y + reach + 1, x0 : x + reach + 1]
    course = movie[:, y, x] - np.median(movie[:, y, x])
    event = np.maximum(course - 0.3 * course.max(), 0)
    event = event - event.mean()
    shape = np.tensordot(event, around, axes=(0, 0)) / max(float(event @ course), 1e-20)
    return (y0, x0, np.maximum(shape, 0).astype(np.float32)), course
