"""What one measures on a recording: spectra, profiles, photon transfer, and who owns the light.

Everything here is asked of finished recordings and their truth; nothing in a recording depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .detectability import DETECTABLE_SNR
from .parameters import ParameterError

if TYPE_CHECKING:
    from .recording import Recording

__all__ = [
    "DETECTABLE_SNR",
    "OUTLINE_SHARE",
    "DepthBins",
    "Histogram",
    "PhotonTransfer",
    "RadialProfile",
    "Spectrum",
    "body_mask",
    "brightest_cell",
    "detectability_by_depth",
    "histogram",
    "owner_traces",
    "photon_transfer",
    "radial_profile",
    "sampled_line",
    "spectrum",
    "strongest_owner",
]

FloatArray = NDArray[np.floating]

OUTLINE_SHARE = 0.3
"""Share of its sharp footprint's peak at which a cell is outlined: its body, without thin dendrites."""

_SAMPLED_FRAMES = 8  # by which the owners of a region are ranked
_LOOKED_AT = 512  # frames in which the brightest cell is looked for
_FEWEST_PIXELS = 200  # in a bin of a photon transfer that counts
_TRANSFER_BINS = 128


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


# -- the camera ------------------------------------------------------------------------------


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


# -- cells -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class DepthBins:
    """How well cells are seen, by depth.

    Parameters
    ----------
    depth_um : (K,) float64
        Centres of the bins.
    cells : (K,) int64
        Cells in the field.
    detectable : (K,) int64
        Those of them that are detectable.
    median_snr : (K,) float64
        Of the cells in the field; nan where there is none.
    """

    depth_um: FloatArray
    cells: NDArray[np.int64]
    detectable: NDArray[np.int64]
    median_snr: FloatArray

    @property
    def share(self) -> FloatArray:
        """Share of the cells that is detectable, (K,); nan where there is none."""
        with np.errstate(invalid="ignore"):
            return self.detectable / self.cells


def detectability_by_depth(recording: Recording, width_um: float = 20.0) -> DepthBins:
    """Count the cells in the field and those that are detectable, by depth.

    Parameters
    ----------
    recording : Recording
        With the truth that is asked.
    width_um : float
        Width of a bin, in µm.

    Returns
    -------
    DepthBins
        From the surface to the deepest cell.
    """
    truth = recording.truth
    inside = np.asarray(truth.in_field)
    depth, snr = np.asarray(truth.positions_um)[inside, 0], np.asarray(truth.snr)[inside]
    found = np.asarray(truth.detectable)[inside]
    bins = (depth / width_um).astype(int)
    count = bins.max(initial=-1) + 1
    median = [float(np.median(snr[bins == k])) if (bins == k).any() else np.nan for k in range(count)]
    return DepthBins(
        width_um * (np.arange(count) + 0.5),
        np.bincount(bins, minlength=count),
        np.bincount(bins[found], minlength=count),
        np.array(median),
    )


def body_mask(recording: Recording, cell: int) -> NDArray[np.bool_]:
    """Return the pixels of a cell's body at rest.

    Parameters
    ----------
    recording : Recording
        In whose field the cell lies.
    cell : int
        Its index in the truth.

    Returns
    -------
    (H, W) bool
        Where its sharp footprint has `OUTLINE_SHARE` of its peak; all False outside the field.
    """
    mask = np.zeros(recording.frames.shape[1:], dtype=bool)
    top, left, patch = recording.truth.footprints_sharp[cell]
    if patch.size:
        height, width = patch.shape
        mask[top : top + height, left : left + width] = patch >= OUTLINE_SHARE * patch.max()
    return mask


def brightest_cell(recording: Recording) -> int | None:
    """Return the cell in focus whose light rises most above rest, in the first 512 frames.

    Parameters
    ----------
    recording : Recording
        Its cells near focus are compared, off the rim of the field by a tenth of its width.

    Returns
    -------
    int or None
        None if no cell is near focus there.
    """
    truth = recording.truth
    height, width = recording.frames.shape[1:]
    y, x = np.asarray(truth.centroids_px).T
    inner = (abs(y - (height - 1) / 2) < 0.4 * height) & (abs(x - (width - 1) / 2) < 0.4 * width)
    chosen = np.flatnonzero(inner & np.asarray(truth.near_focus))
    if not len(chosen):
        return None
    course = np.asarray(truth.fluorescence[chosen, : min(_LOOKED_AT, len(recording.frames))])
    everywhere = np.ones((height, width), dtype=bool)
    light = recording.explain(everywhere, slice(0, 1), cells=None)
    resting = np.array([light[f"cell:{i}"][0] for i in chosen]) / course[:, 0]
    return int(chosen[np.argmax(resting * (course.max(axis=1) - 1))])


def strongest_owner(recording: Recording, roi: Any) -> int | None:
    """Return the cell that sends most light to a region, over frames spread over the recording.

    Parameters
    ----------
    recording : Recording
        Whose cells are compared.
    roi : (H, W) bool or float, or a (y, x) pixel
        As for `Recording.explain`.

    Returns
    -------
    int or None
        None if no cell sends any.
    """
    count = len(recording.frames)
    parts = recording.explain(roi, slice(0, None, max(1, count // _SAMPLED_FRAMES)), cells=1)
    return next((int(name[5:]) for name in parts if name.startswith("cell:")), None)


def owner_traces(
    recording: Recording, roi: Any, frames: slice = slice(None), own: int | None = None
) -> dict[str, FloatArray]:
    """Say whose light a region shows over time: its own cell, its neighbours, and the background.

    Parameters
    ----------
    recording : Recording
        Whose light is shared out.
    roi : (H, W) bool or float, or a (y, x) pixel
        As for `Recording.explain`.
    frames : slice
        Which frames.
    own : int, optional
        The region's own cell; by default `strongest_owner`.

    Returns
    -------
    dict of str to (T,) float64
        `own`, `neighbours` (other cells in focus), `out_of_focus` (cells beyond `scope.near_focus_um`),
        and those of `distant_tissue`, `neuropil` and `stray_light` that are on. They sum to the
        region's weighted sum of `expected`, in electrons.

    Raises
    ------
    ParameterError
        If the region does not fit the frame.
    """
    own = strongest_owner(recording, roi) if own is None else own
    parts = recording.explain(roi, frames, cells=None)
    near = np.asarray(recording.truth.near_focus)
    zero = np.zeros(len(range(len(recording.frames))[frames]))
    traces: dict[str, FloatArray] = {name: zero.copy() for name in ("own", "neighbours", "out_of_focus")}
    for name, light in parts.items():
        if name.startswith("cell:"):
            cell = int(name[5:])
            group = "own" if cell == own else "neighbours" if near[cell] else "out_of_focus"
            traces[group] += light
        else:
            traces[name] = light
    return traces
