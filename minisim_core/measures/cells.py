"""Which cells can be found, and whose light a region shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..detectability import DETECTABLE_SNR

if TYPE_CHECKING:
    from ..recording import Recording

FloatArray = NDArray[np.floating]

OUTLINE_SHARE = 0.3
"""Share of its sharp footprint's peak at which a cell is outlined: its body, without thin dendrites."""

_SAMPLED_FRAMES = 8  # by which the owners of a region are ranked
_FAINT = 0.5, 0.9  # of the signal-to-noise ratio that is enough: the faint cell's
_ALONE_UM = 25.0  # sideways from every detectable cell, so that no light but its own is taken for its
_LOOKED_AT = 512  # frames in which the brightest cell is looked for


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
    chosen = np.flatnonzero(_inner(recording) & np.asarray(truth.near_focus))
    if not len(chosen):
        return None
    course = np.asarray(truth.fluorescence[chosen, : min(_LOOKED_AT, len(recording.frames))])
    everywhere = np.ones((height, width), dtype=bool)
    light = recording.explain(everywhere, slice(0, 1), cells=None)
    resting = np.array([light[f"cell:{i}"][0] for i in chosen]) / course[:, 0]
    return int(chosen[np.argmax(resting * (course.max(axis=1) - 1))])


def faint_cell(recording: Recording) -> int | None:
    """Return a cell that just drowns in the noise, near the focus.

    Of the cells with half to nine tenths of the signal-to-noise ratio that is enough, those are preferred
    that stand alone: no detectable cell lies within 25 µm sideways. It is the one of them nearest to the
    depth of focus; if none has such a ratio, the best of those that are not detectable.

    Parameters
    ----------
    recording : Recording
        Its cells that are not detectable are compared, off the rim of the field by a tenth of its width.

    Returns
    -------
    int or None
        None if every cell there is detectable, or there is none.
    """
    truth = recording.truth
    snr = np.asarray(truth.snr) / DETECTABLE_SNR
    missed = _inner(recording) & np.asarray(truth.in_field) & (snr < 1)
    if not missed.any():
        return None
    low, high = _FAINT
    faint = missed & (snr >= low) & (snr <= high)
    if not faint.any():
        return int(np.argmax(np.where(missed, snr, -1)))
    places_um = np.asarray(truth.positions_um)
    found = places_um[np.asarray(truth.detectable), 1:]
    crowd_um = np.hypot(*(places_um[:, None, 1:] - found).T).min(axis=0, initial=np.inf)
    alone = faint & (crowd_um > _ALONE_UM)
    off_focus_um = abs(places_um[:, 0] - recording.experiment.focus_um)
    return int(np.argmin(np.where(alone if alone.any() else faint, off_focus_um, np.inf)))


def saturated_cells(recording: Recording, frame: int) -> NDArray[np.bool_]:
    """Say which cells lie under saturated pixels: whatever they do, they cannot be read there.

    `truth.detectable` asks only for light: it knows nothing of the camera's upper end.

    Parameters
    ----------
    recording : Recording
        Whose cells are asked about.
    frame : int
        In which frame.

    Returns
    -------
    (N,) bool
        Where the middle of a cell's image is at full scale; False outside the field.
    """
    truth, frame = recording.truth, range(len(recording.frames))[frame]
    full = np.asarray(recording.frames[frame]) == recording.counts_to_e.full_scale
    if not full.any():
        return np.zeros(len(truth.positions_um), dtype=bool)
    places = np.asarray(truth.centroids_px)
    if "motion" not in recording.experiment.off:
        places = places + truth.motion_um[frame] / recording.pixel_um
    rows, columns = np.clip(np.rint(places).astype(int), 0, np.array(full.shape) - 1).T
    return np.asarray(truth.in_field) & full[rows, columns]


def _inner(recording: Recording) -> NDArray[np.bool_]:
    """Say which cells rest off the rim of the field, by a tenth of its width."""
    height, width = recording.frames.shape[1:]
    y, x = np.asarray(recording.truth.centroids_px).T
    return (abs(y - (height - 1) / 2) < 0.4 * height) & (abs(x - (width - 1) / 2) < 0.4 * width)


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
