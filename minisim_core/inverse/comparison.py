"""Three ways to read a cell beside the truth: the mean of its region, that less its ring, and demixing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError
from . import demix, roi
from .movies import Progress, part
from .score import score_recording
from .solution import solution

if TYPE_CHECKING:
    from ..recording import Recording

__all__ = ["FOLLOWED_R", "Comparison", "Readings", "compare", "correlations", "readings", "regions", "told"]

FloatArray = NDArray[np.floating]
FOLLOWED_R = 0.8
"""Correlation with its true course from which a cell counts as followed."""

_TOGETHER = 32  # frames rendered between two reports of progress


@dataclass(frozen=True, eq=False)
class Readings:
    """What a region gives, and what is true.

    Parameters
    ----------
    cell : int
        Whose region it is meant to be.
    truth : (T,) float64
        Fluorescence of that cell, F/F0.
    region : (T,) float64
        Mean of the region, in counts.
    corrected : (T,) float64
        Less 0.7 of the ring around it; nan if other cells leave no room for a ring.
    demixed : (T,) float64 or None
        Course of the cell, solved together with those of all detectable cells, from their true
        footprints; None if the cell is not detectable.
    """

    cell: int
    truth: FloatArray
    region: FloatArray
    corrected: FloatArray
    demixed: FloatArray | None

    def r(self, name: str) -> float:
        """Return the correlation of a reading with the truth; nan if there is none."""
        values = getattr(self, name)
        if values is None or not np.isfinite(values).all():
            return float("nan")
        return float(correlations(values[None], self.truth[None])[0])


@dataclass(frozen=True, eq=False)
class Comparison:
    """How well the detectable cells of a recording are read, each as r with its true course.

    Parameters
    ----------
    cells : (N,) int
        The detectable cells.
    region, corrected : (N,) float64
        Means of their true regions, and those less 0.7 of the ring.
    told : (N,) float64
        Demixed with their true footprints.
    blind : (N,) float64
        Demixed from the movie alone; nan where it did not find the cell.
    estimates : int
        How many cells blind demixing said there were.
    """

    cells: NDArray[np.intp]
    region: FloatArray
    corrected: FloatArray
    told: FloatArray
    blind: FloatArray
    estimates: int

    def followed(self, name: str) -> float:
        """Return the share of the detectable cells that a reading follows; nan if there is none."""
        values = np.nan_to_num(getattr(self, name), nan=-1.0)
        return float(np.mean(values >= FOLLOWED_R)) if len(values) else float("nan")


def correlations(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return Pearson's r of each pair of rows, (N,); nan where a row is constant."""
    one, other = (np.asarray(rows, dtype=float) for rows in (one, other))
    one, other = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return found


def readings(recording: Recording, region: Any, cell: int, demixed: demix.Demixed | None = None) -> Readings:
    """Read a region in all ways.

    Parameters
    ----------
    recording : Recording
        Whose frames are read, all at once.
    region : (H, W) bool
        The region.
    cell : int
        Whose it is meant to be.
    demixed : Demixed, optional
        Of this recording, with the footprints of its detectable cells in ascending order
        (`demix.with_footprints`); made if missing.

    Returns
    -------
    Readings

    Raises
    ------
    ParameterError
        If the region does not fit or is empty.
    """
    from scipy import sparse

    shape = recording.shape[1:]
    mask = np.asarray(region, dtype=bool)
    if mask.shape != shape or not mask.any():
        raise ParameterError(f"region of shape {mask.shape} is refused: it must hold a pixel of {shape}")
    movie, known = recording.frames[:], recording.truth
    cells = np.flatnonzero(known.detectable)
    own = sparse.csc_array(mask.reshape(-1, 1).astype(np.float32))
    others = roi.regions(known.footprints.csc(cells[cells != cell]), shape).sum(axis=1) > 0
    both = sparse.hstack([own, sparse.csc_array(np.asarray(others, dtype=np.float32)[:, None])], format="csc")
    ring = roi.annulus(both, shape).pixels[:, [0]]
    mean, around = roi.traces(movie, own), roi.traces(movie, ring)
    course = None
    if cell in cells:
        demixed = told(recording, movie) if demixed is None else demixed
        course = np.asarray(demixed.C[int(np.searchsorted(cells, cell))], dtype=float)
    truth = np.asarray(known.fluorescence[[cell]], dtype=float)[0]
    return Readings(cell, truth, mean[0], roi.neuropil_subtracted(mean, around)[0], course)


def told(recording: Recording, movie: Any = None, progress: Progress | None = None) -> demix.Demixed:
    """Demix a recording with the true footprints of its detectable cells, ascending.

    Parameters
    ----------
    recording : Recording
        With at least one detectable cell.
    movie : (T, H, W) array, optional
        Its frames, if they are at hand.
    progress : callable, optional
        Told the share that is done, 0 to 1; what it raises ends the work.

    Returns
    -------
    Demixed
    """
    cells = np.flatnonzero(recording.truth.detectable)
    frames = _movie(recording, None) if movie is None else movie
    return demix.with_footprints(frames, recording.truth.footprints.csc(cells), progress=progress)


def regions(recording: Recording) -> FloatArray:
    """Return r of each detectable cell's true course with the mean of its true region, (N,).

    Parameters
    ----------
    recording : Recording
        Whose frames are read, all at once.
    """
    known = recording.truth
    cells = np.flatnonzero(known.detectable)
    if not len(cells):
        return np.zeros(0)
    read = roi.traces(_movie(recording, None), known.footprints.csc(cells))
    return correlations(read, np.asarray(known.fluorescence[cells], dtype=float))


def compare(recording: Recording, progress: Progress | None = None) -> Comparison:
    """Read every detectable cell in all ways.

    Parameters
    ----------
    recording : Recording
        Best without motion: demixing starts where registration ends.
    progress : callable, optional
        Told the share that is done, 0 to 1; what it raises ends the work.

    Returns
    -------
    Comparison
    """
    known = recording.truth
    cells = np.flatnonzero(known.detectable)
    movie = _movie(recording, part(progress, 0, 0.2))
    found = demix.blind(
        movie, pixel_um=recording.pixel_um, frame_rate_hz=recording.experiment.frame_rate_hz,
        progress=part(progress, 0.2, 0.9),
    )  # fmt: skip
    if not len(cells):
        none = np.zeros(0)
        return Comparison(cells, none, none, none, none, len(found))
    true = np.asarray(known.fluorescence[cells], dtype=float)
    footprints = known.footprints.csc(cells)
    region = roi.traces(movie, footprints)
    ring = roi.traces(movie, roi.annulus(footprints, movie.shape[1:]).pixels)
    solved = demix.with_footprints(movie, footprints, progress=part(progress, 0.9, 1.0))
    report = score_recording(recording, solution(found.A, recording.shape[1:], C=found.C), shift_px=None)
    blind = np.full(len(cells), np.nan)
    for estimate, cell in report.pairs:
        place = np.flatnonzero(cells == cell)
        blind[place] = correlations(found.C[[estimate]], true[place]) if len(place) else np.nan
    return Comparison(
        cells,
        correlations(region, true),
        correlations(roi.neuropil_subtracted(region, np.nan_to_num(ring)), true),
        correlations(solved.C, true),
        blind,
        len(found),
    )


def _movie(recording: Recording, progress: Progress | None) -> NDArray[Any]:
    frames = recording.frames
    movie, say = np.empty(frames.shape, dtype=frames.dtype), part(progress, 0, 1)
    for first in range(0, len(movie), _TOGETHER):
        movie[first : first + _TOGETHER] = frames[first : first + _TOGETHER]
        say(min(first + _TOGETHER, len(movie)) / len(movie))
    return movie
