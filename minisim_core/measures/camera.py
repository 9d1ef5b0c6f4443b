"""What the camera makes of light: a histogram of counts, and noise against light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError

if TYPE_CHECKING:
    from ..recording import Recording

FloatArray = NDArray[np.floating]

_FEWEST_PIXELS = 200  # in a bin of a photon transfer that counts
_TRANSFER_BINS = 128


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many pixels have which count.

    Parameters
    ----------
    counts : (K,) float64
        Centres of the bins.
    width : int
        Counts in a bin.
    pixels : (K,) int64
        Pixels in a bin.
    full_scale : int
        The largest count there is; a saturated pixel is exactly this.
    saturated : float
        Share of the pixels at full scale.
    """

    counts: FloatArray
    width: int
    pixels: NDArray[np.int64]
    full_scale: int
    saturated: float


def histogram(frames: Any, bit_depth: int, bins: int = 256) -> Histogram:
    """Count the counts of one or several frames.

    Parameters
    ----------
    frames : array of unsigned int
        Of any shape.
    bit_depth : int
        Bits of a count.
    bins : int
        At most so many bins, of equal width, a power of two.

    Returns
    -------
    Histogram
        Over the whole scale.
    """
    counts = np.asarray(frames).ravel()
    scale = 2**bit_depth
    width = max(1, scale // bins)
    each = np.bincount(counts, minlength=scale)
    pixels = each.reshape(-1, width).sum(axis=1)
    centres = width * np.arange(len(pixels)) + (width - 1) / 2
    return Histogram(centres, width, pixels, scale - 1, float(each[-1] / max(counts.size, 1)))


@dataclass(frozen=True, eq=False)
class PhotonTransfer:
    """Noise against light, in bins of light; parts of a recording add up with ``+``.

    Parameters
    ----------
    pixels : (K,) int64
        Pairs of pixels in each bin.
    clipped : (K,) int64
        Those of them with a count at zero or at full scale: their variance means nothing.
    sums, squares : (K,) float64
        Sum of the counts, and of the squared noise, over the pairs.
    """

    pixels: NDArray[np.int64]
    clipped: NDArray[np.int64]
    sums: FloatArray
    squares: FloatArray

    def __add__(self, other: PhotonTransfer) -> PhotonTransfer:
        return PhotonTransfer(
            self.pixels + other.pixels,
            self.clipped + other.clipped,
            self.sums + other.sums,
            self.squares + other.squares,
        )

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Which bins hold enough pixels to say something, (K,)."""
        return self.pixels >= _FEWEST_PIXELS

    @property
    def linear(self) -> NDArray[np.bool_]:
        """Which of those hold no clipped pixel, (K,): on these the line is fitted."""
        return self.filled & (self.clipped == 0)

    @property
    def mean(self) -> FloatArray:
        """Mean count in each bin, (K,); nan where it is empty."""
        with np.errstate(invalid="ignore"):
            return self.sums / self.pixels

    @property
    def variance(self) -> FloatArray:
        """Variance of one pixel's counts in time, (K,) counts²; nan where the bin is empty."""
        with np.errstate(invalid="ignore"):
            return self.squares / self.pixels

    @property
    def line(self) -> tuple[float, float]:
        """Slope and intercept of variance against mean, weighted; nan where light does not vary.

        The slope is counts per electron (EMVA 1288): each electron brings one unit of variance.
        """
        use = self.linear
        if use.sum() < 2:
            return float("nan"), float("nan")
        x, y = self.mean[use], self.variance[use]
        weight = np.sqrt(self.pixels[use]) / np.maximum(y, 1 / 12)  # sd of a variance is itself over √n
        slope, intercept = np.polyfit(x, y, 1, w=weight)
        return float(slope), float(intercept)


def photon_transfer(recording: Recording, frames: slice = slice(None)) -> PhotonTransfer:
    """Measure the noise of a recording against its light, from pairs of consecutive frames.

    Half the variance of the difference of two frames of the same light is that of one, and fixed
    pattern drops out (EMVA 1288, section 6). Where light differs between the two, the change of
    the expected light, known exactly, is taken off.

    Parameters
    ----------
    recording : Recording
        Steady light or not.
    frames : slice
        Which frames: the first with the second, the third with the fourth, and so on.

    Returns
    -------
    PhotonTransfer
        In 128 bins of expected light over the camera's scale.

    Raises
    ------
    ParameterError
        If these are fewer than two frames.
    """
    chosen = range(len(recording.frames))[frames]
    if len(chosen) < 2:
        raise ParameterError("frames is refused: photon transfer takes at least two frames")
    black, e_per_count, full_scale = recording.counts_to_e
    total = PhotonTransfer(*(np.zeros(_TRANSFER_BINS, kind) for kind in (int, int, float, float)))
    for first, second in zip(chosen[::2], chosen[1::2], strict=False):
        counts = [np.asarray(recording.frames[t]) for t in (first, second)]
        light = [np.asarray(recording.expected[t], dtype=float) / e_per_count for t in (first, second)]
        noise = counts[1].astype(float) - counts[0] - (light[1] - light[0])
        middle = black + (light[0] + light[1]) / 2
        bins = np.clip(middle * _TRANSFER_BINS / (full_scale + 1), 0, _TRANSFER_BINS - 1).astype(int).ravel()
        clipped = np.logical_or.reduce([(c == 0) | (c == full_scale) for c in counts]).ravel()

        def in_bins(weights: FloatArray, bins: NDArray[np.int_] = bins) -> FloatArray:
            return np.bincount(bins, weights, _TRANSFER_BINS).astype(float)

        total += PhotonTransfer(
            np.bincount(bins, minlength=_TRANSFER_BINS),
            np.bincount(bins[clipped], minlength=_TRANSFER_BINS),
            in_bins((counts[0].astype(float) + counts[1]).ravel() / 2),
            in_bins(noise.ravel() ** 2 / 2),
        )
    return total
