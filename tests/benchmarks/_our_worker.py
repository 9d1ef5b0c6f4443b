"""Make one movie with minisim_core and print one JSON line: the twin of ``_peer_worker.py``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from time import perf_counter
from typing import Any

from _measure import FRAME_RATE_HZ, SLICE_FRAMES, arguments, report, timed_import


def recording(asked: Namespace) -> Any:
    """Return the lazy recording of a preset; nothing is computed yet."""
    import minisim_core as ms

    experiment = ms.presets.get(
        asked.scene, duration_s=asked.frames / FRAME_RATE_HZ, frame_rate_hz=FRAME_RATE_HZ, seed=0
    )
    cells: dict[str, Any] = {"density_per_mm3": asked.density * experiment.cells.density_per_mm3}
    if asked.bodies_only:
        cells["labelling"] = "soma"
    return ms.simulate(experiment.with_(cells=cells))


def figures(rec: Any, start: float, first: float, end: float) -> dict[str, object]:
    """Split a run at its first frame; the frame's own share of that time is rendering."""
    frame_s = (end - first) / (len(rec.frames) - 1)
    return {
        "total_s": end - start,
        "setup_s": first - start - frame_s,
        "frames_per_s": 1 / frame_s,
        "shape": rec.frames.shape,
        "cells": int(rec.truth.in_field.sum()),
        "drawn": len(rec.truth.in_field),
    }


def in_memory(asked: Namespace) -> dict[str, object]:
    """Parameters to a uint8 array, all of it in memory."""
    import numpy as np

    start = perf_counter()
    rec = recording(asked)
    movie = np.empty(rec.frames.shape, rec.frames.dtype)
    movie[:1] = rec.frames[:1]
    first = perf_counter()
    movie[1:] = rec.frames[1:]
    end = perf_counter()
    return figures(rec, start, first, end) | {"mean_count": float(movie.mean())}


def to_disk(asked: Namespace) -> dict[str, object]:
    """Parameters to a file of raw 8-bit frames, a slice at a time."""
    target = Path(asked.target)
    target.unlink(missing_ok=True)
    start = perf_counter()
    rec = recording(asked)
    with target.open("wb") as file:
        file.write(rec.frames[:1].data)
        first = perf_counter()
        for begin in range(1, asked.frames, SLICE_FRAMES):
            file.write(rec.frames[begin : begin + SLICE_FRAMES].data)
    end = perf_counter()
    return figures(rec, start, first, end) | {"bytes": target.stat().st_size}


def warm_up() -> None:
    """Load every compiled kernel and touch every stage once, untimed; then forget the results."""
    import minisim_core as ms

    ms.warm()
    small = ms.presets.get("guide", field_um=97.0, duration_s=3 / FRAME_RATE_HZ, seed=1)
    _ = ms.simulate(small).frames[:]
    ms.memory.clear()


def main() -> None:
    """Do what the command line asks and print one JSON line."""
    asked = arguments(__doc__)
    import_s = timed_import(lambda: __import__("minisim_core"))
    if asked.import_only:
        report(import_s=import_s)
        return
    if not asked.no_warm_up:
        warm_up()
    movie = in_memory(asked) if asked.route == "memory" else to_disk(asked)
    report(import_s=import_s, **movie)


if __name__ == "__main__":
    main()
