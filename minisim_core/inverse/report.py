"""What a score says, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Tally:
    """Cells and estimates counted over one set of true cells.

    Parameters
    ----------
    cells, cells_found : int
        True cells of the set, and those of them in a pair.
    estimates, estimates_right : int
        Estimates, and those of them that count as right.
    right_by_chance : float
        Estimates that would count as right had they been put elsewhere.
    """

    cells: int
    cells_found: int
    estimates: int
    estimates_right: int
    right_by_chance: float

    @property
    def recall(self) -> float:
        """Share of the cells that are found; 0 if there are none."""
        return self.cells_found / self.cells if self.cells else 0.0

    @property
    def precision(self) -> float:
        """Share of the estimates that are right; 0 if there are none."""
        return self.estimates_right / self.estimates if self.estimates else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        total = self.recall + self.precision
        return 2 * self.recall * self.precision / total if total else 0.0

    @property
    def by_chance(self) -> float:
        """Precision that the same footprints would have elsewhere."""
        return self.right_by_chance / self.estimates if self.estimates else 0.0

    def as_dict(self) -> dict[str, float]:
        """Return counts and shares.

        Returns
        -------
        dict of str to number
        """
        shares = {name: getattr(self, name) for name in ("recall", "precision", "f1", "by_chance")}
        counts = ("cells", "cells_found", "estimates", "estimates_right")
        return {name: getattr(self, name) for name in counts} | shares


@dataclass(frozen=True)
class Motion:
    """How well shifts were found, root mean square over frames and both axes, origin free.

    Parameters
    ----------
    rmse_px : float
        Of estimated less true shifts.
    uncorrected_px : float
        Of the true shifts: what an estimate of no motion would leave.
    """

    rmse_px: float
    uncorrected_px: float


@dataclass(frozen=True, eq=False)
class Report:
    """A score (`minisim_core.inverse.score` defines its terms).

    Parameters
    ----------
    similarity : str
        How footprints were compared.
    threshold : float
        From which similarity on two cells are a pair.
    bin_frames : int
        Over how many frames spikes were summed.
    shift_px : (y, x)
        By which the estimate's footprints were moved first.
    pairs : (M, 2) int64
        Estimated and true cell of each pair.
    likeness : (M,) float64
        Similarity of each pair's footprints.
    pair_detectable : (M,) bool
        Whether the true cell is detectable.
    detectable, all_cells : Tally
    trace_r : (M,) float64 or None
        Pearson's r of each pair's traces: 0 for a constant estimate, NaN for a constant truth.
    spike_r, spike_similarity : (M,) float64 or None
        Pearson's r and cosine of each pair's binned spikes; neither depends on the estimate's scale.
    motion : Motion or None
    notes : tuple of str
        What to know before believing the numbers.
    """

    similarity: str
    threshold: float
    bin_frames: int
    shift_px: tuple[int, int]
    pairs: NDArray[np.int64]
    likeness: FloatArray
    pair_detectable: NDArray[np.bool_]
    detectable: Tally
    all_cells: Tally
    trace_r: FloatArray | None
    spike_r: FloatArray | None
    spike_similarity: FloatArray | None
    motion: Motion | None
    notes: tuple[str, ...]

    def text(self) -> str:
        """Return the report as a person reads it.

        Returns
        -------
        str
            Several lines.
        """
        estimates = self.detectable.estimates
        moved = "not moved" if self.shift_px == (0, 0) else "moved by ({}, {}) px".format(*self.shift_px)
        lines = [
            f"{estimates} estimated cells; {self.all_cells.cells} true ones in the field, "
            f"{self.detectable.cells} of them detectable.",
            f"A pair: {self.similarity} of footprints at least {self.threshold:g}; the estimate was {moved}.",
            "",
            "                 recall  precision     F1  precision by chance",
            _row("detectable", self.detectable),
            _row("all cells", self.all_cells),
            "",
            f"Detectable: {self.detectable.cells_found} of {self.detectable.cells} found; "
            f"{estimates - self.detectable.estimates_right} of {estimates} estimates are none of them.",
            f"All: {self.all_cells.cells_found} of {self.all_cells.cells} found; "
            f"{estimates - self.all_cells.estimates_right} of {estimates} estimates are no true cell.",
        ]
        lines += self._courses()
        if self.motion:
            lines += [
                f"Motion: {self.motion.rmse_px:.3g} px RMS error per axis, origin free; "
                f"{self.motion.uncorrected_px:.3g} px if nothing were corrected."
            ]
        return "\n".join(lines + [f"Note: {note}" for note in self.notes])

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it: numbers, texts, lists; null for what is undefined.

        Returns
        -------
        dict of str to object
        """
        return {
            "similarity": self.similarity,
            "threshold": self.threshold,
            "bin_frames": self.bin_frames,
            "shift_px": list(self.shift_px),
            "detectable": self.detectable.as_dict(),
            "all_cells": self.all_cells.as_dict(),
            "pairs": self.pairs.tolist(),
            "likeness": _plain(self.likeness),
            "pair_detectable": self.pair_detectable.tolist(),
            "trace_r": _plain(self.trace_r),
            "spike_r": _plain(self.spike_r),
            "spike_similarity": _plain(self.spike_similarity),
            "motion": vars(self.motion) if self.motion else None,
            "notes": list(self.notes),
        }

    def _courses(self) -> list[str]:
        frames = f"in bins of {self.bin_frames} frames" if self.bin_frames > 1 else "frame by frame"
        named = {
            "Traces: r": self.trace_r,
            f"Spikes {frames}: r": self.spike_r,
            f"Spikes {frames}: cosine": self.spike_similarity,
        }
        lines = []
        for name, values in named.items():
            if values is not None:
                kept = _quartiles(values[self.pair_detectable])
                lines.append(f"{name} {kept} over detectable pairs, {_quartiles(values)} over all.")
        return lines


def _row(name: str, tally: Tally) -> str:
    shares = (tally.recall, tally.precision, tally.f1, tally.by_chance)
    return f"{name:<15}{shares[0]:8.3f}{shares[1]:11.3f}{shares[2]:7.3f}{shares[3]:21.3f}"


def _quartiles(values: FloatArray) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "undefined"
    low, middle, high = np.percentile(known, [25, 50, 75])
    silent = len(values) - len(known)
    beside = f" and {silent} whose truth is constant" if silent else ""
    return f"{middle:.2f} ({low:.2f}–{high:.2f}; {len(known)} cells{beside})"


def _plain(values: FloatArray | None) -> list[float | None] | None:
    if values is None:
        return None
    return [None if np.isnan(value) else float(value) for value in values]
