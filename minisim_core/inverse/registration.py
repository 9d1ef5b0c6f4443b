"""Rigid registration: how far each frame of a movie is displaced, found from the movie alone.

Every frame is correlated with a template by scikit-image's upsampled cross-correlation
(Guizar-Sicairos et al. 2008, Opt. Lett. 33:156). One-photon frames must be band-passed first: the
vignette, the glow and the beam do not move with the brain, and they outshine what does. What is left
between the scales of noise and of haze, cells and vessels, tells the shift.

Only the middle of the field is compared, faded out towards its edge: first where it stands, which
finds the shift to a pixel, then displaced by that, so that the same tissue is compared with the same
tissue and the fading pulls no estimate towards zero. The template grows from the most typical frame
outwards, each frame added where it was found, and then once more against the whole: no single frame
decides it.

It is a teaching instrument: rigid, in memory, one frame after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError

__all__ = ["BANDPASS_PX", "Registration", "register", "residual"]

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]

BANDPASS_PX = (1.5, 6.0)
"""Sd of the two Gaussians between which structure is kept: finer is noise and the sensor's fixed
pattern, coarser is haze, beam and vignette. Somata and vessels, at one to three µm a pixel, lie between."""

_FEWEST_FRAMES = 8  # in a template of fewer, a frame mostly meets itself
_FEWEST_PX = 24
_SAMPLE = 64  # frames that the template is made of
_TOGETHER = 8  # frames added to the running template at once
_ALIKE = 0.5  # share of the usual match below which a frame is another picture
_MADE = 0.3  # share of the work done once the template is made
_CHANCE = 0.99  # share of matches with a template that cannot match that are worse than `chance`


@dataclass(frozen=True, eq=False)
class Registration:
    """Where a movie's frames were found.

    Parameters
    ----------
    shifts_px : (T, 2) float64
        How far the tissue has come along y (down) and x (right), from where the template shows it.
        A shift of (2, -1) says that what the template shows at (10, 10) is at (12, 9). This is the
        sign of `truth.motion_um`; what moves a frame back, as scikit-image gives it, is its negative.
        NaN where a frame holds nothing to correlate.
    template : (H, W) float32
        Mean of up to 64 band-passed frames, of one contrast and moved back.
    match : (T,) float64
        Correlation of each frame with the middle of the template where it was found, 0 to 1.
    chance : float
        Match that frames reach with a template turned by half a turn, which has the same texture and
        fits nowhere: its 99th percentile over the frames that the template is made of.
    reliable : (T,) bool
        Whether a frame matches better than chance and half as well as the median frame, within
        the largest shift looked for.
    largest_px : float
        Largest shift looked for along either axis.
    pixel_um : float or None
        Width of a pixel.
    """

    shifts_px: FloatArray
    template: Float32Array
    match: FloatArray
    chance: float
    reliable: NDArray[np.bool_]
    largest_px: float
    pixel_um: float | None

    @property
    def shifts_um(self) -> FloatArray:
        """The shifts in µm, (T, 2); a ParameterError if the width of a pixel was not given."""
        if self.pixel_um is None:
            raise ParameterError("shifts_um is refused: register was not told pixel_um")
        return self.shifts_px * self.pixel_um

    @property
    def path_px(self) -> FloatArray:
        """The shifts that frames are moved back by, (T, 2).

        Those that are not reliable are interpolated in time between those that are; a
        ParameterError if none is.
        """
        good = np.flatnonzero(self.reliable)
        if not len(good):
            raise ParameterError(
                "the movie cannot be moved back: none of its frames matches the template better than "
                "by chance"
            )
        everywhere = np.arange(len(self.reliable))
        return np.stack([np.interp(everywhere, good, axis[good]) for axis in self.shifts_px.T], axis=1)

    @property
    def seen(self) -> tuple[slice, slice]:
        """Rows and columns that every frame shows once it is moved back."""
        path = self.path_px
        before = np.maximum(np.ceil(-path.min(axis=0)), 0).astype(int)
        after = np.maximum(np.ceil(path.max(axis=0)), 0).astype(int)
        rows, columns = (
            slice(int(b), int(n - a)) for b, a, n in zip(before, after, self.template.shape, strict=True)
        )
        return rows, columns

    def apply(self, movie: Any, frames: slice = slice(None)) -> Float32Array:
        """Move frames back to where the template shows the tissue.

        Between pixels they are read by cubic convolution (Keys 1981, IEEE Trans. Acoust. 29:1153).
        Beyond the edge of a frame its edge is repeated; `seen` is what every frame shows.

        Parameters
        ----------
        movie : (n, H, W) array
            The movie that was registered, or another of the same frames.
        frames : slice
            Which of the registered frames `movie` holds.

        Returns
        -------
        (n, H, W) float32
            In the movie's units.

        Raises
        ------
        ParameterError
            If the movie does not fit, or no frame is reliable.
        """
        path = self.path_px[frames]
        wanted = (len(path), *self.template.shape)
        if tuple(movie.shape) != wanted:
            raise ParameterError(f"movie of shape {tuple(movie.shape)} is refused: it must be {wanted}")
        out = np.empty(wanted, dtype=np.float32)
        for i, shift in enumerate(path):
            out[i] = _moved_back(np.asarray(movie[i], dtype=np.float32), shift)
        return out


def register(
    movie: Any,
    *,
    pixel_um: float | None = None,
    bandpass_px: tuple[float, float] | None = BANDPASS_PX,
    largest_px: float | None = None,
    upsampling: int = 20,
    progress: Callable[[float], object] | None = None,
) -> Registration:
    """Find how far each frame of a movie is displaced.

    Parameters
    ----------
    movie : (T, H, W) array
        Anything that gives frames when sliced; it is read a frame at a time, some frames twice.
    pixel_um : float, optional
        Width of a pixel; without it there are no shifts in µm.
    bandpass_px : (float, float) or None
        Sd of the Gaussians whose difference filters the frames; None for no filter, which shows why
        there is one.
    largest_px : float, optional
        Largest shift along either axis; a tenth of the field's shorter side by default. What lies
        nearer to the edge is not compared.
    upsampling : int
        Shifts are found to one part in so many of a pixel.
    progress : callable, optional
        Told the share that is done, 0 to 1; what it raises stops the work.

    Returns
    -------
    Registration
        Upsampling multiplies small matrices: on a busy machine that is several times faster with
        `OPENBLAS_NUM_THREADS=1`.

    Raises
    ------
    ParameterError
        If the movie is too short or too small, holds NaN or infinity, or shows the same in every
        pixel of every frame; or another argument is out of its limits.
    """
    shape, largest = _checked(movie, bandpass_px, largest_px, upsampling, pixel_um)
    tell = progress or (lambda share: None)
    look = _Filter(shape, bandpass_px)
    count = movie.shape[0]
    sample = np.unique(np.linspace(0, count - 1, min(count, _SAMPLE)).astype(int))
    template = _template(np.stack([look(movie, int(i)) for i in sample]), largest, upsampling, tell)
    straight, turned = _Match(template, largest), _Match(template[::-1, ::-1], largest)
    shifts, match, chance = np.empty((count, 2)), np.empty(count), np.full(count, np.nan)
    for i in range(count):
        frame = look(movie, i)
        shifts[i], match[i] = straight(frame, upsampling)
        if i in sample:
            chance[i] = turned(frame, 1)[1]
        tell(_MADE + (1 - _MADE) * (i + 1) / count)
    by_chance = float(np.nanquantile(chance, _CHANCE))
    usual = max(by_chance, _ALIKE * float(np.nanmedian(match)))
    reliable = (match > usual) & (np.abs(shifts) <= largest).all(axis=1)
    return Registration(shifts, template, match, by_chance, reliable, largest, pixel_um)


def residual(found: FloatArray, truth: FloatArray) -> FloatArray:
    """Say how far found shifts are from the true ones, whatever the origin of either.

    No registration knows where the tissue rests, so the mean difference is taken off.

    Parameters
    ----------
    found, truth : (T, 2) float
        In the same unit; rows with NaN in `found` are left out of the mean.

    Returns
    -------
    (T, 2) float64
        NaN where `found` is.

    Raises
    ------
    ParameterError
        If the shapes differ or nothing was found.
    """
    if np.shape(found) != np.shape(truth) or np.isnan(found).all():
        raise ParameterError(
            f"found of shape {np.shape(found)} is refused: it must hold shifts, as truth does, of shape "
            f"{np.shape(truth)}"
        )
    difference = np.asarray(found, dtype=float) - truth
    return difference - np.nanmean(difference, axis=0)


class _Filter:
    """Reads one frame: its structure between two scales, as if the field were mirrored at its edges."""

    def __init__(self, shape: tuple[int, int], bandpass_px: tuple[float, float] | None) -> None:
        self._gain: Float32Array | None = None
        if bandpass_px is not None:
            fine, coarse = (
                np.outer(*(np.exp(-((np.pi * sd * np.arange(n) / n) ** 2) / 2) for n in shape))
                for sd in bandpass_px
            )
            self._gain = (fine - coarse).astype(np.float32)

    def __call__(self, movie: Any, index: int) -> Float32Array:
        from scipy import fft

        frame = np.asarray(movie[index], dtype=np.float32)
        if not np.isfinite(frame).all():
            raise ParameterError(f"movie is refused: frame {index} holds NaN or infinity")
        frame = frame - frame.mean(dtype=float).astype(np.float32)
        if self._gain is None:
            return frame
        passed: Float32Array = fft.idctn(fft.dctn(frame) * self._gain)
        return passed


class _Match:
    """Finds the middle of a template in frames."""

    def __init__(self, template: FloatArray, largest_px: float) -> None:
        self._margin = int(np.ceil(largest_px))
        self._shape = template.shape
        sides = (n - 2 * self._margin for n in template.shape)
        fades = (np.minimum((np.arange(n) + 0.5) / self._margin, 1) for n in sides)
        down, across = (np.sin(np.pi / 2 * np.minimum(fade, fade[::-1])) ** 2 for fade in fades)
        self._fade = np.outer(down, across).astype(np.float32)
        self._wanted = self._spectrum(template, 0, 0)

    def __call__(self, frame: Float32Array, upsampling: int) -> tuple[FloatArray, float]:
        """Return how far the frame has come, (2,) in pixels, and how well it matches, 0 to 1."""
        coarse, match = self._compare(frame, (0, 0), 1)
        if not (np.abs(coarse) <= self._margin).all():  # or there is nothing to see in it
            return coarse, match
        return self._compare(frame, (int(coarse[0]), int(coarse[1])), upsampling)

    def middle(self, frames: Float32Array) -> Float32Array:
        """Fade what is compared of frames where they stand, (..., h, w)."""
        return frames[..., *self._inside(0, 0)] * self._fade

    def _compare(self, frame: Float32Array, at: tuple[int, int], upsampling: int) -> tuple[FloatArray, float]:
        from skimage.registration import phase_cross_correlation

        seen = self._spectrum(frame, *at)
        if not seen.any():
            return np.full(2, np.nan), 0.0
        # Normalised by phase, the noise beyond the band would weigh as much as the picture within it.
        back, error, _ = phase_cross_correlation(
            self._wanted, seen, space="fourier", upsample_factor=upsampling, normalization=None
        )
        return np.array(at) - back, float(np.sqrt(max(0.0, 1 - error**2)))

    def _spectrum(self, frame: FloatArray, down: int, across: int) -> NDArray[np.complex64]:
        from scipy import fft

        return fft.fft2(frame[self._inside(down, across)] * self._fade)  # type: ignore[no-any-return]

    def _inside(self, down: int, across: int) -> tuple[slice, slice]:
        rows, columns = (
            slice(self._margin + at, n - self._margin + at)
            for at, n in zip((down, across), self._shape, strict=True)
        )
        return rows, columns


def _template(
    frames: Float32Array, largest_px: float, upsampling: int, tell: Callable[[float], object]
) -> Float32Array:
    """Mean of filtered frames, each moved back to where the most typical of them is."""
    size = np.linalg.norm(frames, axis=(1, 2))
    if not size.any():
        raise ParameterError("movie is refused: there is nothing to see in any frame, all pixels are alike")
    frames = (frames / np.where(size > 0, size, 1)[:, None, None]).astype(np.float32)
    inside = _Match(frames[0], largest_px).middle(frames).reshape(len(frames), -1)
    alike = inside @ inside.T
    typical = int(np.argmax(np.median(alike, axis=1)))
    order = np.argsort(-alike[typical], kind="stable")
    total = np.zeros_like(frames[0])
    running: Float32Array = frames[typical]
    for start in range(0, len(order), _TOGETHER):
        find = _Match(running, largest_px)
        for i in order[start : start + _TOGETHER].tolist():
            shift, match = find(frames[i], 1)
            total += match * _moved_back(frames[i], shift) if match else 0
        running = total
        tell(0.5 * _MADE * (start + 1) / len(order))
    find = _Match(running, largest_px)
    found = [find(frame, upsampling) for frame in frames]
    usual = float(np.median([match for _, match in found]))
    moved = [
        _moved_back(frame, shift)
        for frame, (shift, match) in zip(frames, found, strict=True)
        if match >= _ALIKE * usual and match > 0
    ]
    tell(_MADE)
    return np.mean(moved, axis=0, dtype=np.float32)  # type: ignore[no-any-return]


def _moved_back(frame: Float32Array, shift: FloatArray) -> Float32Array:
    down = _read_along_rows(frame, float(shift[0]))
    return _read_along_rows(down.T, float(shift[1])).T


def _read_along_rows(frame: Float32Array, offset: float) -> Float32Array:
    """Read a frame `offset` rows further down."""
    whole = int(np.floor(offset))
    f = offset - whole
    weights = (
        ((-0.5 * f + 1) * f - 0.5) * f,
        (1.5 * f - 2.5) * f**2 + 1,
        ((-1.5 * f + 2) * f + 0.5) * f,
        (0.5 * f - 0.5) * f**2,
    )
    rows = np.arange(len(frame)) + whole - 1
    out = np.zeros_like(frame)
    for k, weight in enumerate(weights):
        out += np.float32(weight) * frame[np.clip(rows + k, 0, len(frame) - 1)]
    return out


def _checked(
    movie: Any,
    bandpass_px: tuple[float, float] | None,
    largest_px: float | None,
    upsampling: int,
    pixel_um: float | None,
) -> tuple[tuple[int, int], float]:
    """Return the field's shape and the largest shift."""
    if len(movie.shape) != 3:
        raise ParameterError(f"movie of shape {tuple(movie.shape)} is refused: it must be (T, H, W)")
    count, height, width = movie.shape
    if count < _FEWEST_FRAMES or min(height, width) < _FEWEST_PX:
        raise ParameterError(
            f"movie of shape {tuple(movie.shape)} is refused: it needs at least {_FEWEST_FRAMES} frames of "
            f"{_FEWEST_PX} x {_FEWEST_PX} pixels"
        )
    if bandpass_px is not None and not 0 <= bandpass_px[0] < bandpass_px[1] < np.inf:
        raise ParameterError(
            f"bandpass_px = {bandpass_px} is refused: give two ascending sd, from 0 on, or None"
        )
    largest = min(height, width) / 10 if largest_px is None else float(largest_px)
    if not 1 <= largest <= min(height, width) / 4:
        raise ParameterError(
            f"largest_px = {largest:g} is refused: it must be from 1 to a quarter of the field's shorter "
            f"side, {min(height, width) / 4:g}"
        )
    if not (upsampling == int(upsampling) and 1 <= upsampling <= 1000):
        raise ParameterError(
            f"upsampling = {upsampling} is refused: it must be a whole number from 1 to 1000"
        )
    if pixel_um is not None and not 0 < pixel_um < np.inf:
        raise ParameterError(f"pixel_um = {pixel_um} is refused: it must be above 0")
    return (height, width), largest
