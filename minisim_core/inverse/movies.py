"""Reading a movie a few frames at a time: its mean, its noise, and sums over footprints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import demix as kernels
from ..parameters import ParameterError
from .solution import solution

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]
Progress = Callable[[float], object]

_CHUNK = 120  # frames read at once
_LEVELS = 20  # of brightness, between which the photon transfer is a line


@dataclass(frozen=True)
class NoiseLine:
    """How the noise of a pixel grows with its light: variance = dark + counts_per_e · mean.

    The mean is in counts as saved; its black level is part of `dark`. The photon transfer curve of
    Janesick (2007, Photon Transfer, SPIE Press).

    Parameters
    ----------
    counts_per_e : float
        Counts of one photoelectron.
    dark : float
        Variance that the line has at a mean of 0, in counts².
    """

    counts_per_e: float
    dark: float

    def variance(self, mean: FloatArray) -> FloatArray:
        """Return the variance of one frame's noise, in counts², at these means; 1 if there is none."""
        line = self.dark + self.counts_per_e * mean
        # Below the light that was measured the line may cross 0.
        typical = float(np.median(line))
        return np.maximum(line, 0.1 * typical) if typical > 0 else np.ones_like(line)


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass through a movie tells.

    Attributes
    ----------
    shape_px : (H, W)
    frames : int
    mean : (P,) float32
        Of each pixel over time, in the movie's unit; pixels row by row.
    variance : (P,) float32
        Of one frame's noise.
    valid : (P,) bool
        Pixels that have a finite value in every frame.
    binned : (P, bins) array
        Sums over `frames_per_bin` frames; what is left over at the end is in none.
    frames_per_bin : int
    """

    shape_px: tuple[int, int]
    frames: int
    mean: Float32Array
    variance: Float32Array
    valid: NDArray[np.bool_]
    binned: NDArray[Any]
    frames_per_bin: int

    @property
    def precision(self) -> Float32Array:
        """One over the noise's variance, 0 where a pixel is not valid, (P,)."""
        return np.where(self.valid, 1 / self.variance, 0).astype(np.float32)


def part(progress: Progress | None, start: float, stop: float) -> Progress:
    """Let the shares of one part of the work count from `start` to `stop` of the whole."""
    if progress is None:
        return lambda share: None
    return lambda share: progress(start + (stop - start) * share)


def shape_of(movie: Any) -> tuple[int, int, int]:
    """Return frames, rows and columns; refuse what is no movie."""
    shape = tuple(np.shape(movie)) if not hasattr(movie, "shape") else tuple(movie.shape)
    if len(shape) != 3:
        raise ParameterError(f"movie of shape {shape} is refused: it must be (T, H, W)")
    if 0 in shape or shape[0] < 3:
        raise ParameterError(f"movie of shape {shape} is refused: it needs pixels, and at least 3 frames")
    return shape


def survey(
    movie: Any,
    *,
    frames_per_bin: int = 0,
    noise: NoiseLine | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Read a movie once: means, noise, and sums over bins of frames.

    Parameters
    ----------
    movie : (T, H, W) array
        Anything that gives frames when sliced.
    frames_per_bin : int
        0: no bins are made.
    noise : NoiseLine, optional
        How the noise grows with light; measured on differences of successive frames by default.
    progress : callable
        Told the share that is read; what it raises ends the reading.

    Returns
    -------
    Survey

    Raises
    ------
    ParameterError
        If the movie is no movie, or holds nothing that could be demixed.
    """
    frames, height, width = shape_of(movie)
    told = part(progress, 0, 1)
    pixels = height * width
    bins = frames // frames_per_bin if frames_per_bin else 0
    total, squared_steps = np.zeros(pixels), np.zeros(pixels)
    low, high = np.full(pixels, np.inf), np.full(pixels, -np.inf)
    binned = np.zeros((pixels, bins), dtype=np.float32)
    chunk_frames = _CHUNK - _CHUNK % frames_per_bin if 0 < frames_per_bin < _CHUNK else _CHUNK
    for first, chunk in _chunks(movie, chunk_frames):
        courses = chunk.astype(np.float32)
        total += courses.sum(axis=1)
        squared_steps += (np.diff(courses, axis=1) ** 2).sum(axis=1)
        np.fmin(low, courses.min(axis=1), out=low)
        np.fmax(high, courses.max(axis=1), out=high)
        if bins:
            whole = min(courses.shape[1] // frames_per_bin, bins - first // frames_per_bin)
            sums = courses[:, : whole * frames_per_bin].reshape(pixels, whole, frames_per_bin).sum(axis=2)
            binned[:, first // frames_per_bin : first // frames_per_bin + whole] = sums
        told((first + courses.shape[1]) / frames)
    mean = total / frames
    valid = np.isfinite(mean)
    if not valid.any():
        raise ParameterError("movie is refused: no pixel is finite in every frame")
    if not (high > low)[valid].any():
        raise ParameterError("movie is refused: it is constant, so there is nothing to demix")
    mean[~valid], binned[~valid] = 0, 0
    steps = frames - 1 - (frames - 1) // chunk_frames
    variance = squared_steps / (2 * steps)
    transfer = noise or _photon_transfer(mean[valid], variance[valid])
    return Survey(
        (height, width), frames, mean.astype(np.float32), transfer.variance(mean).astype(np.float32), valid,
        binned, frames_per_bin,
    )  # fmt: skip


def project(columns: sparse.csc_array, movie: Any, progress: Progress | None = None) -> Float32Array:
    """Sum a movie over weighted footprints.

    Parameters
    ----------
    columns : (H * W, K) csc_array
    movie : (T, H, W) array
        Values that are not finite count as 0.
    progress : callable

    Returns
    -------
    (K, T) float32
    """
    frames, told = movie.shape[0], part(progress, 0, 1)
    out = np.empty((columns.shape[1], frames), dtype=np.float32)
    for first, chunk in _chunks(movie, _CHUNK):
        sums = np.empty((columns.shape[1], chunk.shape[1]), dtype=np.float32)
        if chunk.dtype.kind == "f":
            chunk = np.nan_to_num(chunk.astype(np.float32), posinf=0, neginf=0)
        kernels.project(sums, columns.indptr, columns.indices, columns.data, chunk)
        out[:, first : first + chunk.shape[1]] = sums
        told((first + chunk.shape[1]) / frames)
    return out


def columns_of(A: Any, survey: Survey) -> sparse.csc_array:
    """Return footprints of any kind as sparse columns, without the pixels that are not valid.

    Parameters
    ----------
    A : (K, H, W) array, (H * W, K) sparse array, or sequence of (y0, x0, patch)
        Negative values count as 0.
    survey : Survey
        Of the movie.

    Returns
    -------
    (H * W, K) csc_array of float32

    Raises
    ------
    ParameterError
        If they do not fit the field, are not finite, or a cell has no valid pixel.
    """
    from scipy import sparse

    columns = solution(A, survey.shape_px).footprints
    if not columns.shape[1]:
        raise ParameterError("A is refused: it holds no footprint")
    kept = np.where(survey.valid[columns.indices], columns.data, 0).astype(np.float32)
    columns = sparse.csc_array((kept, columns.indices.copy(), columns.indptr.copy()), shape=columns.shape)
    columns.eliminate_zeros()
    empty = np.flatnonzero(np.diff(columns.indptr) == 0)
    if len(empty):
        raise ParameterError(
            f"A is refused: {cells_named(empty)} {'has' if len(empty) == 1 else 'have'} no weight on any "
            "pixel that is finite in every frame"
        )
    return columns


def cells_named(cells: Any) -> str:
    """Name up to eight cells by their numbers."""
    names = ", ".join(str(cell) for cell in cells[:8]) + (", …" if len(cells) > 8 else "")
    return f"cell {names}" if len(cells) == 1 else f"cells {names}"


def _chunks(movie: Any, frames: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the first frame and the courses (P, n) of a few frames, one pixel's course a row."""
    for first in range(0, movie.shape[0], frames):
        some = np.asarray(movie[first : first + frames])
        yield first, np.ascontiguousarray(some.reshape(len(some), -1).T)


def _photon_transfer(mean: FloatArray, variance: FloatArray) -> NoiseLine:
    """Fit the line through pixels of like brightness; a flat one if brightness explains nothing."""
    order = np.argsort(mean)
    groups = np.array_split(order, min(_LEVELS, len(order)))
    x = np.array([mean[group].mean() for group in groups])
    y = np.array([np.median(variance[group]) for group in groups])
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / spread if spread > 1e-6 * (x**2).sum() else 0.0
    if slope <= 0:
        return NoiseLine(0.0, float(max(y.mean(), variance.mean())))
    return NoiseLine(float(slope), float(y.mean() - slope * x.mean()))
