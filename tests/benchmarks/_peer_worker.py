"""Make one movie with the peer, minisim 1.0.3, in its own environment, and print one JSON line.

Only its documented interface is used. The in-memory route is ``simulate`` and the cast of its float
movie to uint8; the disk route is ``simulate_video``, which streams an uncompressed 8-bit AVI.
"""

from __future__ import annotations

import tempfile
import warnings
from argparse import Namespace
from pathlib import Path
from time import perf_counter
from typing import Any

from _measure import FRAME_RATE_HZ, arguments, report, timed_import

# Spans of the peer's own stopwatch that come before its first frame is composed. The in-memory
# route has only the first four: its other set-up is inside its rendering steps.
SETUP_SPANS = (
    "place_neurons",
    "cell_activity",
    "bleaching",
    "optics",
    "neuropil_setup",
    "vasculature_setup",
    "motion_setup",
    "footprint_build",
)


def v4_ca1_spec(frames: int, bodies_only: bool) -> Any:
    """Its own V4 × CA1 preset (608 × 608), with bleaching and with motion of our preset's size."""
    import minisim
    from minisim import presets

    region = presets.ca1()
    if bodies_only:
        cells = region.population.model_copy(update={"morphology": "soma"})
        region = region.model_copy(update={"population": cells})
    motion = minisim.BrainMotion(motion_amplitude_um=5.0, max_shift_um=8.0)
    return spec(presets.miniscope_v4(), region, motion, frames)


def guide_spec(frames: int, pixels: int = 264) -> Any:
    """Its nearest equal of our ``guide``: same field, pixels, cells, depths, focus and motion."""
    import minisim
    from minisim import presets

    scope = presets.miniscope_v4()
    magnification = 264 * scope.image_sensor.pixel_pitch_um / 400.0
    size = {"n_px_height": pixels, "n_px_width": pixels}
    scope = scope.model_copy(
        update={
            "optics": scope.optics.model_copy(update={"magnification": magnification}),
            "image_sensor": scope.image_sensor.model_copy(update=size),
            "focal_depth_in_tissue_um": 90.0,
        },
    )
    cells = minisim.NeuronPopulation(
        density_per_mm3=15_000, soma_radius_um=6.0, morphology="soma", depth_range_um=(20.0, 250.0)
    )
    region = presets.ca1().model_copy(update={"population": cells})
    return spec(scope, region, minisim.BrainMotion(), frames)  # its default: 99 % within 10 µm


def spec(scope: Any, region: Any, motion: Any, frames: int) -> Any:
    """Compose the halves with every layer the peer has."""
    import minisim

    return minisim.build_spec(
        scope,
        region,
        duration_s=frames / FRAME_RATE_HZ,
        fps=FRAME_RATE_HZ,
        seed=0,
        extra_steps=[motion, minisim.Bleaching()],
    )


def scene_spec(asked: Namespace) -> Any:
    """Return the scene of the command line, as the peer describes it."""
    if asked.scene == "guide":
        return guide_spec(asked.frames)
    return v4_ca1_spec(asked.frames, asked.bodies_only)


def cells_in_field(recording: Any) -> int:
    """How many of its cells rest inside the field."""
    acquisition = recording.spec.acquisition
    sensor = acquisition.image_sensor
    half_h = sensor.n_px_height * acquisition.pixel_size_um / 2
    half_w = sensor.n_px_width * acquisition.pixel_size_um / 2
    yx = recording.ground_truth.centers_um[:, 1:]
    return int(((abs(yx[:, 0]) <= half_h) & (abs(yx[:, 1]) <= half_w)).sum())


def split(stopwatch: Any, total_s: float, frames: int) -> dict[str, object]:
    """Divide a run into set-up, by the peer's own stopwatch, and rendering."""
    spans = stopwatch.spans
    setup_s = sum(spans[name].seconds for name in SETUP_SPANS if name in spans)
    return {
        "total_s": total_s,
        "setup_s": setup_s,
        "frames_per_s": frames / (total_s - setup_s),
    }


def in_memory(asked: Namespace) -> dict[str, object]:
    """Parameters to a uint8 array, all of it in memory."""
    import minisim
    import numpy as np

    stopwatch = minisim.PerfTracker()
    start = perf_counter()
    recording = minisim.simulate(scene_spec(asked), perf=stopwatch)
    movie = np.asarray(recording.observed).astype(np.uint8)
    total_s = perf_counter() - start
    return split(stopwatch, total_s, asked.frames) | {
        "shape": movie.shape,
        "mean_count": float(movie.mean()),
        "cells": cells_in_field(recording),
    }


def to_disk(asked: Namespace) -> dict[str, object]:
    """Parameters to an uncompressed 8-bit file, streamed; set-up by its own stopwatch."""
    import minisim

    target = Path(asked.target)
    target.unlink(missing_ok=True)
    stopwatch = minisim.PerfTracker()
    start = perf_counter()
    scene = scene_spec(asked)
    minisim.simulate_video(scene, target, progress=False, perf=stopwatch)
    total_s = perf_counter() - start
    sensor = scene.acquisition.image_sensor
    return split(stopwatch, total_s, asked.frames) | {
        "shape": (asked.frames, sensor.n_px_height, sensor.n_px_width),
        "bytes": target.stat().st_size,
    }


def warm_up(route: str) -> None:
    """Touch every step once on a small scene, untimed."""
    import minisim

    small = guide_spec(frames=3, pixels=64)
    if route == "memory":
        minisim.simulate(small)
        return
    with tempfile.TemporaryDirectory() as folder:
        minisim.simulate_video(small, Path(folder) / "small.avi", progress=False)


def main() -> None:
    """Do what the command line asks and print one JSON line."""
    asked = arguments(__doc__)
    warnings.simplefilter("ignore")  # it warns about the sizes its own preset leads to
    import_s = timed_import(lambda: __import__("minisim"))
    if asked.import_only:
        report(import_s=import_s)
        return
    if not asked.no_warm_up:
        warm_up(asked.route)
    figures = in_memory(asked) if asked.route == "memory" else to_disk(asked)
    report(import_s=import_s, **figures)


if __name__ == "__main__":
    main()
