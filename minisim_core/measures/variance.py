"""What makes a recording change: whose doing the variance of its light is, and that of its grain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..layers import check
from ..parameters import ParameterError

if TYPE_CHECKING:
    from ..recording import Recording

FloatArray = NDArray[np.floating]

PARTS = ("in_focus", "out_of_focus", "neuropil", "blood")
"""What the light that changes is divided into."""


@dataclass(frozen=True, eq=False)
class VarianceShares:
    """How much of all pixels' variance each part of the light makes; stretches of frames add up with ``+``.

    A part's share is Σ cov(part, total) / Σ var(total), summed over the pixels. A part that moves
    against the total has a negative share.

    Parameters
    ----------
    frames : int
        How many were looked at.
    sums : mapping of str to (H, W) float64
        Sum over the frames of each of `PARTS`, and of the total.
    products : mapping of str to float
        Sum over pixels and frames of each of them times the total.
    """

    frames: int
    sums: Mapping[str, FloatArray]
    products: Mapping[str, float]

    def __add__(self, other: VarianceShares) -> VarianceShares:
        return VarianceShares(
            self.frames + other.frames,
            {name: self.sums[name] + other.sums[name] for name in self.sums},
            {name: self.products[name] + other.products[name] for name in self.products},
        )

    @property
    def shares(self) -> dict[str, float]:
        """Share of each of `PARTS`; together 1. All nan where nothing changes."""
        total = self._covariance("total")
        return {name: self._covariance(name) / total if total > 0 else float("nan") for name in PARTS}

    @property
    def background(self) -> float:
        """Share of all but the cells in focus."""
        return 1 - self.shares["in_focus"]

    def _covariance(self, name: str) -> float:
        return self.products[name] - float(np.vdot(self.sums[name], self.sums["total"])) / self.frames


def variance_shares(recording: Recording, frames: slice = slice(None)) -> VarianceShares:
    """Say who makes the light of a recording change, before the camera adds its grain.

    Parameters
    ----------
    recording : Recording
        With whatever layers are on.
    frames : slice
        Which frames.

    Returns
    -------
    VarianceShares
        Of the cells in focus, as seen through the vessels; of the cells out of focus and the tissue
        beyond, and of the neuropil, as they would be seen without vessels; and of what the blood takes
        from these two.

    Raises
    ------
    ParameterError
        If these are no frames.
    """
    count = len(range(len(recording.frames))[frames])
    if not count:
        raise ParameterError("frames is refused: the variance of light takes at least one frame")
    made: dict[tuple[str, ...], FloatArray] = {}

    def light(*off: str) -> FloatArray:
        layers = check((*recording.experiment.off, *off))
        if layers not in made:
            made[layers] = np.asarray(recording.without(*off).expected[frames], dtype=float)
        return made[layers]

    total, focus = light(), ("out_of_focus", "neuropil", "stray_light")
    cells = light("vessels", "neuropil", "stray_light")
    focused, clear = light("vessels", *focus), light("vessels")
    parts = {
        "in_focus": light(*focus),
        "out_of_focus": cells - focused,
        "neuropil": clear - light("vessels", "neuropil"),
        "blood": (total - light(*focus)) - (clear - focused),
        "total": total,
    }
    return VarianceShares(
        count,
        {name: part.sum(axis=0) for name, part in parts.items()},
        {name: float(np.vdot(part, total)) for name, part in parts.items()},
    )


def noise_budget(recording: Recording, frame: int, roi: Any = None) -> dict[str, float]:
    """Say where the noise of a pixel comes from, in one frame.

    Every electron of light brings one unit of variance (shot noise), whoever sent it; the camera adds
    its own.

    Parameters
    ----------
    recording : Recording
        Whether its noise is switched on or not.
    frame : int
        Which frame.
    roi : (H, W) bool or float, or a (y, x) pixel, optional
        As for `Recording.explain`; by default the whole picture. The mean over it is taken.

    Returns
    -------
    dict of str to float
        Variance in e² from `in_focus` (cells), `out_of_focus` (cells, and tissue beyond the field),
        `neuropil`, `stray_light`, `read` (with the dark current) and `rounding`.

    Raises
    ------
    ParameterError
        If the region does not fit the frame.
    """
    whole = np.ones(recording.frames.shape[1:], dtype=bool) if roi is None else roi
    size = 1.0 if np.ndim(whole) == 1 else float(np.sum(whole))
    near, e = np.asarray(recording.truth.near_focus), recording.experiment
    budget = dict.fromkeys(("in_focus", "out_of_focus", "neuropil", "stray_light"), 0.0)
    for name, light in recording.explain(whole, slice(frame, frame + 1), cells=None).items():
        if name.startswith("cell:"):
            owner = "in_focus" if near[int(name[5:])] else "out_of_focus"
        else:
            owner = "out_of_focus" if name == "distant_tissue" else name
        budget[owner] += float(light[0]) / size
    dark_e = e.sensor.dark_current_e_per_s * e.exposure_s
    return budget | {
        "read": e.sensor.read_noise_e**2 + dark_e,
        "rounding": recording.counts_to_e.e_per_count**2 / 12,
    }
