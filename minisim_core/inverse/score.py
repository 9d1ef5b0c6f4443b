"""How good an analysis is: its cells, traces, spikes and shifts against the truth.

An estimated and a true cell are a pair if their footprints are alike enough; pairs are one to one and
alike most in sum, detectable cells choosing first. Then

- over *detectable* cells, recall is the share of detectable cells that are in a pair, and precision
  the share of estimates paired with a detectable cell;
- over *all* cells, recall is the share of cells in the field that are in a pair, and precision the
  share of estimates paired with any true cell. So an estimate of a true cell too faint to count as
  detectable is no false positive here, but is one above.

Where cells lie dense, footprints put anywhere hit some: `by_chance` says how many, by moving the
estimate elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..parameters import ParameterError
from . import matching
from .matching import Matching, Shift, Similarity
from .report import Motion, Report, Tally
from .solution import Courses, Solution, load, solution

if TYPE_CHECKING:
    from ..recording import Recording

__all__ = ["Report", "Solution", "load", "score", "score_recording", "solution", "truth_of"]

FloatArray = NDArray[np.floating]
Cells = NDArray[np.bool_]

_SPIKE_BIN_S = 0.1  # deconvolution seldom knows the frame of a spike
_ELSEWHERE = ((0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.25, 0.25), (0.75, 0.25))  # shares of the field


def score_recording(recording: Recording, estimate: Solution, **options: Any) -> Report:
    """Score an analysis of a recording.

    Parameters
    ----------
    recording : Recording
    estimate : Solution
    **options
        As for `score`; spikes are compared in bins of 0.1 s unless told.

    Returns
    -------
    Report

    Raises
    ------
    ParameterError
        If the estimate does not fit the recording.
    """
    bin_frames = max(1, round(_SPIKE_BIN_S * recording.experiment.frame_rate_hz))
    known = recording.truth
    return score(
        estimate,
        truth_of(recording),
        detectable=known.detectable,
        in_field=known.in_field,
        **({"bin_frames": bin_frames} | options),
    )


def truth_of(recording: Recording) -> Solution:
    """Return what a perfect analysis of a recording would find.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    Solution
        Every cell of `recording.truth`, those beyond the field included: their images as seen
        (`truth.footprints`), fluorescence and spikes (lazy), and the mean motion in pixels.
    """
    known = recording.truth
    return Solution(
        recording.shape[1:],
        known.footprints.csc(),
        known.fluorescence,
        known.spikes,
        known.motion_um / recording.pixel_um,
    )


def score(
    estimate: Solution,
    truth: Solution,
    *,
    detectable: Any = None,
    in_field: Any = None,
    similarity: Similarity = "cosine",
    threshold: float = 0.6,
    shift_px: Shift | Literal["auto"] | None = "auto",
    bin_frames: int = 1,
) -> Report:
    """Score estimated cells, traces, spikes and shifts against the truth.

    Parameters
    ----------
    estimate, truth : Solution
        Of one field; whatever both have is compared.
    detectable, in_field : (N,) bool, optional
        Which true cells could be found, and which are to be counted; all by default.
    similarity : {"cosine", "iou"}
        Of footprints (see `matching.similarities`).
    threshold : float
        Similarity from which two cells are a pair, above 0 and at most 1.
    shift_px : (y, x), "auto" or None
        By how many whole pixels the estimate's footprints are moved first. "auto": where the sums of
        all footprints correlate best, if more are alike there than where they are. None: not at all.
    bin_frames : int
        Spikes are summed over so many frames before they are compared.

    Returns
    -------
    Report

    Raises
    ------
    ParameterError
        If the two do not fit each other or an option is refused.
    """
    could = _mask("detectable", detectable, len(truth))
    counted = _mask("in_field", in_field, len(truth))
    could = could & counted
    _check(estimate, truth, threshold, bin_frames)
    found = _matched(estimate, truth, could, similarity, threshold, shift_px)
    i, j = found.pairs.T
    lucky = _by_chance(estimate, truth, could, similarity, threshold, found.shift_px)
    empty = int((np.diff(estimate.footprints.indptr) == 0).sum())
    motion, notes = None, _about(len(estimate), empty, int(could.sum()))
    if estimate.shifts_px is not None and truth.shifts_px is not None:
        motion = Motion(_rms_px(estimate.shifts_px - truth.shifts_px), _rms_px(truth.shifts_px))
        notes += _about_motion(estimate.shifts_px, truth.shifts_px)
    return Report(
        similarity=similarity,
        threshold=threshold,
        bin_frames=bin_frames,
        shift_px=found.shift_px,
        pairs=found.pairs,
        likeness=found.similarity,
        pair_detectable=could[j],
        detectable=Tally(int(could.sum()), int(could[j].sum()), len(estimate), int(could[j].sum()), lucky[0]),
        all_cells=Tally(int(counted.sum()), int(counted[j].sum()), len(estimate), len(j), lucky[1]),
        trace_r=_of_pairs(_correlations, estimate.traces, truth.traces, i, j),
        spike_r=_of_pairs(_correlations, estimate.spikes, truth.spikes, i, j, bin_frames),
        spike_similarity=_of_pairs(_cosines, estimate.spikes, truth.spikes, i, j, bin_frames),
        motion=motion,
        notes=tuple(notes),
    )


# -- cells --------------------------------------------------------------------------------------------


def _matched(
    estimate: Solution,
    truth: Solution,
    could: Cells,
    similarity: Similarity,
    threshold: float,
    shift_px: Shift | Literal["auto"] | None,
) -> Matching:
    candidates: list[Shift] = [(0, 0)]
    if isinstance(shift_px, str):
        if shift_px != "auto":
            raise ParameterError(f"shift_px = {shift_px!r} is refused: it must be (y, x), 'auto' or None")
        aim = truth.footprints[:, np.flatnonzero(could)] if could.any() else truth.footprints
        candidates.append(matching.global_shift(estimate.footprints, aim, truth.shape_px))
    elif shift_px is not None:
        candidates = [(round(shift_px[0]), round(shift_px[1]))]
    trials = []
    for shift in dict.fromkeys(candidates):
        columns = matching.moved(estimate.footprints, truth.shape_px, shift)
        likeness = matching.similarities(columns, truth.footprints, similarity)
        found = matching.match(likeness, threshold, could)
        trials.append(Matching(found.pairs, found.similarity, shift))
    return max(trials, key=lambda trial: float(trial.similarity.sum()))


def _by_chance(
    estimate: Solution,
    truth: Solution,
    could: Cells,
    similarity: Similarity,
    threshold: float,
    shift_px: Shift,
) -> tuple[float, float]:
    """Mean numbers of estimates paired with a detectable and with any cell, once put elsewhere."""
    counts = []
    for share in _ELSEWHERE:
        away = [
            round(part * side) + by for part, side, by in zip(share, truth.shape_px, shift_px, strict=True)
        ]
        columns = matching.moved(estimate.footprints, truth.shape_px, (away[0], away[1]), around=True)
        likeness = matching.similarities(columns, truth.footprints, similarity)
        cells = matching.match(likeness, threshold, could).pairs[:, 1]
        counts.append((could[cells].sum(), len(cells)))
    detectable, every = np.mean(counts, axis=0)
    return float(detectable), float(every)


# -- time courses -------------------------------------------------------------------------------------


def _of_pairs(
    compare: Any,
    estimate: Courses | None,
    truth: Courses | None,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    bin_frames: int = 1,
) -> FloatArray | None:
    if estimate is None or truth is None:
        return None
    chosen = (np.asarray(courses[cells], dtype=float) for courses, cells in ((estimate, i), (truth, j)))
    values: FloatArray = compare(*(_binned(courses, bin_frames) for courses in chosen))
    return values


def _binned(courses: FloatArray, frames: int) -> FloatArray:
    """Sum whole bins of frames; what is left over at the end is dropped."""
    bins = courses.shape[1] // frames
    summed: FloatArray = courses[:, : bins * frames].reshape(len(courses), bins, frames).sum(axis=2)
    return summed


def _correlations(estimate: FloatArray, truth: FloatArray) -> FloatArray:
    """Pearson's r of each row; 0 for a constant estimate, NaN for a constant truth."""
    return _cosines(_varying(estimate), _varying(truth))


def _varying(courses: FloatArray) -> FloatArray:
    """Rows less their means; exactly 0 where only rounding is left."""
    mean = courses.mean(axis=1, keepdims=True)
    about = courses - mean
    return np.where(np.abs(about).max(axis=1, keepdims=True, initial=0) > 1e-12 * np.abs(mean), about, 0)


def _cosines(estimate: FloatArray, truth: FloatArray) -> FloatArray:
    """Cosine of each pair of rows; 0 for an estimate of zeros, NaN for a truth of zeros."""
    lengths = [np.sqrt((rows**2).sum(axis=1)) for rows in (estimate, truth)]
    there = lengths[1] > 0
    product = (estimate * truth).sum(axis=1)
    cosines = np.divide(
        product, lengths[0] * lengths[1], out=np.zeros(len(product)), where=there & (lengths[0] > 0)
    )
    return np.where(there, cosines, np.nan)


# -- motion -------------------------------------------------------------------------------------------


def _rms_px(shifts: FloatArray) -> float:
    """Root mean square over frames and axes, the mean of each axis taken off."""
    return float(np.sqrt(((shifts - shifts.mean(axis=0)) ** 2).mean()))


# -- what to say --------------------------------------------------------------------------------------


def _about(estimates: int, empty: int, detectable: int) -> list[str]:
    notes = []
    if not estimates:
        notes.append("The estimate holds no cells: nothing is found, and precision is given as 0.")
    if empty:
        notes.append(f"{empty} of {estimates} estimated footprints are empty and match nothing.")
    if not detectable:
        notes.append("No cell of this recording is detectable: recall over them is given as 0.")
    return notes


def _about_motion(estimate: FloatArray, truth: FloatArray) -> list[str]:
    plain = _rms_px(estimate - truth)
    others = {
        "with the opposite sign (ours says where the tissue went, not how to undo it)": -estimate,
        "with y and x exchanged (ours are y, x)": estimate[:, ::-1],
        "with the opposite sign and y and x exchanged": -estimate[:, ::-1],
    }
    errors = {how: _rms_px(shifts - truth) for how, shifts in others.items()}
    best = min(errors, key=errors.__getitem__)
    if errors[best] < 0.5 * plain:
        return [f"The shifts would fit far better {best}: {errors[best]:.2g} px instead of {plain:.2g} px."]
    return []


def _mask(name: str, values: Any, cells: int) -> Cells:
    if values is None:
        return np.ones(cells, dtype=bool)
    mask = np.asarray(values)
    if mask.shape != (cells,) or mask.dtype != bool:
        raise ParameterError(
            f"{name} of shape {mask.shape} and type {mask.dtype} is refused: it must be ({cells},) bool"
        )
    return mask


def _check(estimate: Solution, truth: Solution, threshold: float, bin_frames: int) -> None:
    if not 0 < threshold <= 1:
        raise ParameterError(f"threshold = {threshold!r} is refused: it must be above 0 and at most 1")
    if bin_frames != int(bin_frames) or bin_frames < 1:
        raise ParameterError(f"bin_frames = {bin_frames!r} is refused: it must be a whole number, at least 1")
    if estimate.shape_px != truth.shape_px:
        raise ParameterError(
            f"the estimate's field of {_by(estimate.shape_px)} is not the recording's, {_by(truth.shape_px)}"
        )
    compared = (
        ("C", estimate.traces, truth.traces, 1),
        ("spikes", estimate.spikes, truth.spikes, 1),
        ("shifts_px", estimate.shifts_px, truth.shifts_px, 0),
    )
    for name, ours, theirs, axis in compared:
        if ours is not None and theirs is not None and ours.shape[axis] != theirs.shape[axis]:
            raise ParameterError(
                f"{name} has {ours.shape[axis]} frames and the recording {theirs.shape[axis]}: score the "
                "recording that was analysed, at its own frame rate"
            )


def _by(shape: Sequence[int]) -> str:
    return f"{shape[0]} × {shape[1]} px"
