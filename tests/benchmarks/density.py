"""Demix ten seeds of two presets, and ever denser tissue; print Markdown and draw the curve.

``python -m tests.benchmarks.density [--seeds N] [--sweep-seeds N] [--plot PATH]``

Motion is off: demixing starts where registration ends. All settings are the defaults. `v4-ca1` is cut
to 400 µm of its 923. A matched cell is a detectable one whose footprint has a cosine of at least 0.5
with an estimate; r is that of its course with `truth.fluorescence`. The ROI is the pixels above half of
the footprint's peak, its annulus is subtracted by 0.7. Denser tissue is a piece of 150 µm of the guide,
the LED turned down as it gets brighter, so that the camera does not saturate.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms
from minisim_core.inverse import demix, roi
from minisim_core.inverse.score import score, truth_of
from minisim_core.inverse.solution import solution

HERE = Path(__file__).parent
PRESETS = {"guide": {}, "v4-ca1": {"field_um": 400}}
DENSITIES = (5e3, 1.5e4, 3e4, 6e4, 1.2e5)
WELL_R, HALF = 0.8, 0.5
Row = dict[str, Any]


def correlations(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson's r of each row."""
    one, other = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    return (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))


def demixed(rec: ms.Recording) -> Row:
    """Demix a recording blind and with the footprints of its detectable cells; score both and the ROIs."""
    known, movie = rec.truth, rec.frames[:]
    truth, detectable = truth_of(rec), np.flatnonzero(known.detectable)
    start = time.process_time()
    found = demix.blind(movie, pixel_um=rec.pixel_um, frame_rate_hz=rec.experiment.frame_rate_hz)
    seconds = time.process_time() - start
    estimate = solution(found.A, rec.shape[1:], C=found.C)
    report = score(estimate, truth, detectable=known.detectable, in_field=known.in_field, shift_px=None)
    mine, cell = report.pairs[report.pair_detectable].T
    raw = roi.traces(movie, found.A)
    around = roi.traces(movie, roi.annulus(found.A, rec.shape[1:]).pixels)
    corrected = roi.neuropil_subtracted(raw, np.where(np.isnan(around), 0, around))
    true = truth.traces
    blind_r, raw_r, corrected_r = (
        correlations(values[mine], true[cell]) for values in (found.C, raw, corrected)
    )
    told = demix.with_footprints(movie, known.footprints.csc(detectable))
    return {
        "detectable": len(detectable), "found": len(found),
        "recall": report.detectable.recall, "precision": report.detectable.precision,
        "recall_all": report.all_cells.recall, "precision_all": report.all_cells.precision,
        "by_chance": report.all_cells.by_chance,
        "well": (blind_r >= WELL_R).sum() / max(len(detectable), 1),
        "blind_r": np.median(blind_r), "roi_r": np.median(raw_r), "corrected_r": np.median(corrected_r),
        "beats": np.mean(blind_r > corrected_r), "known_r": np.median(correlations(told.C, true[detectable])),
        "condition": told.condition, "doubtful": len(told.doubtful) / max(len(detectable), 1),
        "seconds": seconds,
    }  # fmt: skip


def recording(name: str, seed: int, **changes: Any) -> ms.Recording:
    """A minute of a preset at rest."""
    return ms.simulate(ms.presets.get(name, duration_s=60, seed=seed, **changes)).without("motion")


def denser(density_per_mm3: float, seed: int) -> ms.Recording:
    """A piece of the guide with so many cells, under an LED that keeps the picture as bright."""
    guide = ms.presets.get("guide")
    led_mw = guide.illumination.led_mw * guide.cells.density_per_mm3 / density_per_mm3
    return recording(
        "guide",
        seed,
        field_um=150,
        cells={"density_per_mm3": density_per_mm3},
        illumination={"led_mw": led_mw},
    )


def mean(rows: list[Row]) -> Row:
    """Mean of each figure."""
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


SEED_COLUMNS = {
    "detectable": ".0f", "found": ".0f", "recall": ".2f", "precision": ".2f", "recall_all": ".2f",
    "precision_all": ".2f", "blind_r": ".3f", "corrected_r": ".3f", "roi_r": ".3f", "known_r": ".3f",
    "beats": ".0%", "seconds": ".1f",
}  # fmt: skip
SWEEP_COLUMNS = {
    "detectable": ".0f", "recall": ".2f", "well": ".2f", "precision_all": ".2f", "by_chance": ".2f",
    "blind_r": ".3f", "corrected_r": ".3f", "roi_r": ".3f", "known_r": ".3f", "condition": ".2g",
    "doubtful": ".0%",
}  # fmt: skip


def line(first: str, row: Row, columns: dict[str, str]) -> str:
    """One line of a Markdown table."""
    return f"| {first} | " + " | ".join(format(row[key], form) for key, form in columns.items()) + " |"


def head(first: str, columns: dict[str, str]) -> str:
    """The head of a Markdown table."""
    return f"| {first} | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1)


def limit(sweep: dict[float, Row], key: str, least: float) -> str:
    """Say between which densities a figure falls below a limit."""
    last = None
    for density, row in sweep.items():
        if row[key] < least:
            return f"below {density:g}" if last is None else f"between {last:g} and {density:g}"
        last = density
    return f"above {last:g}"


def draw(path: Path, sweep: dict[float, Row]) -> None:
    """Plot what is recovered against density."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.8), layout="constrained")
    x = list(sweep)
    for key, label, color in (
        ("known_r", "demixed, footprints known", "#1b6e53"), ("blind_r", "demixed blind", "#3a9d7a"),
        ("corrected_r", "ROI − 0.7 annulus", "#c77d2e"), ("roi_r", "ROI", "#8d8d8d"),
    ):  # fmt: skip
        left.semilogx(x, [row[key] for row in sweep.values()], "o-", color=color, markersize=4, label=label)
    for key, label, color in (
        ("recall", "of detectable cells, found", "#3a9d7a"),
        ("well", f"of detectable cells, found with r ≥ {WELL_R}", "#1b6e53"),
        ("by_chance", "of estimates, right by chance", "#8d8d8d"),
    ):  # fmt: skip
        right.semilogx(x, [row[key] for row in sweep.values()], "o-", color=color, markersize=4, label=label)
    left.set(ylabel="median r with the truth")
    right.set(ylabel="share")
    for axis in (left, right):
        axis.set(xlabel="cells per mm³", ylim=(0, 1))
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    figure.savefig(path, dpi=80)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sweep-seeds", type=int, default=3)
    parser.add_argument("--plot", type=Path, default=HERE / "density.png")
    asked = parser.parse_args()
    for name, changes in PRESETS.items() if asked.seeds else ():
        print(f"\n### {name}\n\n{head('seed', SEED_COLUMNS)}", flush=True)
        rows = []
        for seed in range(asked.seeds):
            rows.append(demixed(recording(name, seed, **changes)))
            print(line(str(seed), rows[-1], SEED_COLUMNS), flush=True)
        print(line("mean", mean(rows), SEED_COLUMNS), flush=True)
    if not asked.sweep_seeds:
        return
    print(f"\n### Density\n\n{head('cells per mm³', SWEEP_COLUMNS)}", flush=True)
    sweep = {}
    for density in DENSITIES:
        some = [demixed(denser(density, seed)) for seed in range(asked.sweep_seeds)]
        sweep[density] = mean(some)
        print(line(f"{density:g}", sweep[density], SWEEP_COLUMNS), flush=True)
    print(
        f"\nFewer than half of the detectable cells are found {limit(sweep, 'recall', HALF)} cells per mm³;"
    )
    print(f"fewer than half are found with r ≥ {WELL_R} {limit(sweep, 'well', HALF)}.")
    draw(asked.plot, sweep)


if __name__ == "__main__":
    sys.exit(main())
