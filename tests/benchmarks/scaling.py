"""Measure how time and memory grow with frames and with cells; print Markdown and draw a plot.

``python -m tests.benchmarks.scaling [--plot PATH]``

The scene is ``v4-ca1`` at 608 × 608, every movie in a fresh process and streamed to disk. A line is
fitted through the seconds; its worst miss is printed beside it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .run import HERE, Contender, contenders, machine, say, thread_count

FRAMES = (200, 500, 1000, 2000, 4000)
DENSITIES = (0.5, 1.0, 2.0, 4.0, 6.0)
FRAMES_OF_DENSITIES = 400


def movie(ours: Contender, folder: str, frames: int, density: float) -> dict[str, Any]:
    """Make one movie on disk and throw it away; its figures."""
    say(f"{frames} frames, density × {density:g}")
    target = Path(folder) / "movie.raw"
    found = ours.run([
        "--frames", str(frames), "--density", str(density), "--route", "disk", "--target", str(target),
    ])  # fmt: skip
    target.unlink()
    return found


def line(x: list[float], seconds: list[float]) -> tuple[float, float, float]:
    """Slope, intercept and the worst relative miss of a straight line, each point weighed alike."""
    slope, intercept = np.polyfit(x, seconds, 1, w=1 / np.array(seconds))
    miss = np.abs(np.polyval([slope, intercept], x) / np.array(seconds) - 1).max()
    return float(slope), float(intercept), float(miss)


def draw(path: Path, by_frames: list[dict[str, Any]], by_cells: list[dict[str, Any]]) -> None:
    """Plot seconds and memory against frames and against cells."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(7, 4.6), sharex="col", layout="constrained")
    for column, (key, label, runs) in enumerate((
        ("frames", "frames", by_frames), ("drawn", "cells drawn", by_cells),
    )):  # fmt: skip
        x = [run[key] for run in runs]
        for row, (figure_name, unit) in enumerate((("total_s", "time (s)"), ("peak_mb", "memory (MB)"))):
            axis = axes[row, column]
            axis.plot(x, [run[figure_name] for run in runs], "o-", color="#1b6e53", markersize=4)
            axis.set(ylim=(0, None), xlim=(0, None), ylabel=unit)
            axis.spines[["top", "right"]].set_visible(False)
        axes[1, column].set_xlabel(label)
    figure.savefig(path, dpi=80)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--plot", type=Path, default=HERE / "scaling.png")
    asked = parser.parse_args()
    threads = thread_count()
    _, ours = contenders(sys.executable, threads)
    header = machine(threads)
    ours.run(["--frames", "3"])
    with tempfile.TemporaryDirectory() as folder:
        by_frames = [movie(ours, folder, n, 1.0) | {"frames": n} for n in FRAMES]
        by_cells = [movie(ours, folder, FRAMES_OF_DENSITIES, d) for d in DENSITIES]
    print(f"{header}\n\n| | time, s | peak memory, MB |\n|---|---|---|")
    for run in by_frames:
        print(
            f"| {run['frames']} frames, {run['drawn']} cells | {run['total_s']:.2f} | {run['peak_mb']:.0f} |"
        )
    for run in by_cells:
        cells = f"{FRAMES_OF_DENSITIES} frames, {run['drawn']} cells"
        print(f"| {cells} | {run['total_s']:.2f} | {run['peak_mb']:.0f} |")
    for key, what, runs in (("frames", "frame", by_frames), ("drawn", "cell", by_cells)):
        slope, intercept, miss = line([run[key] for run in runs], [run["total_s"] for run in runs])
        print(f"\n{intercept:.2f} s + {1000 * slope:.3g} ms per {what}: a straight line within {miss:.0%}.")
    draw(asked.plot, by_frames, by_cells)


if __name__ == "__main__":
    main()
