"""Make one movie with minisim_core and print one JSON line: the twin of ``_peer_worker.py``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from _measure import FRAME_RATE_HZ, SLICE_FRAMES, arguments, report, timed_import


def recording(scene: str, frames: int) -> Any:
    """Return the lazy recording of a preset; nothing is computed yet."""
    import minisim_core as ms

    experiment = ms.presets.get(scene, duration_s=frames / FRAME_RATE_HZ, frame_rate_hz=FRAME_RATE_HZ, seed=0)
    return ms.simulate(experiment)


def figures(rec: Any, start: float, first: float, end: float) -> dict[str, object]:
    """Split a run at its first frame; the frame's own share of that time is rendering."""
    frame_s = (end - first) / (len(rec.frames) - 1)
    return {
        "total_s": end - start,
        "setup_s": first - start - frame_s,
        "frames_per_s": 1 / frame_s,
        "shape": rec.frames.shape,
        "cells": int(rec.truth.in_field.sum()),
    }


def in_memory(scene: str, frames: int) -> dict[str, object]:
    """Parameters to a uint8 array, all of it in memory."""
    import numpy as np

    start = perf_counter()
    rec = recording(scene, frames)
    movie = np.empty(rec.frames.shape, rec.frames.dtype)
    movie[:1] = rec.frames[:1]
    first = perf_counter()
    movie[1:] = rec.frames[1:]
    end = perf_counter()
    return figures(rec, start, first, end) | {"mean_count": float(movie.mean())}


def to_disk(scene: str, frames: int, target: str) -> dict[str, object]:
    """Parameters to a file of raw 8-bit frames, a slice at a time."""
    Path(target).unlink(missing_ok=True)
    start = perf_counter()
    rec = recording(scene, frames)
    with open(target, "wb") as file:
        file.write(rec.frames[:1].data)
        first = perf_counter()
        for begin in range(1, frames, SLICE_FRAMES):
            file.write(rec.frames[begin : begin + SLICE_FRAMES].data)
    end = perf_counter()
    return figures(rec, start, first, end) | {"bytes": Path(target).stat().st_size}


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
    if asked.route == "memory":
        movie = in_memory(asked.scene, asked.frames)
    else:
        movie = to_disk(asked.scene, asked.frames, asked.target)
    report(import_s=import_s, **movie)


if __name__ == "__main__":
    main()
