"""What a page may ask of the machine that serves it: everything larger is for the shell."""

from __future__ import annotations

import math

import minisim_core as ms

MOST_CELLS = 25_000
MOST_PIXELS = 1_300_000
"""Of one frame: the largest sensor among the presets has a few less."""

LONGEST_S = 120.0
LARGEST_BYTES = 300_000_000
"""Of a recording made by a page, with its truth."""

PREVIEW_S = 10.0
PREVIEW_BYTES = 160_000_000
"""Of the movie that a browser holds: both panels."""

_APRON_UM = 200.0  # cells beyond the field shine into it
_SHELL = "the command minisim-guide record has no such limit"


def cells(experiment: ms.Experiment) -> int:
    """Return about how many cells a scene holds, those around the field included."""
    groups = experiment.cells
    if groups.positions_um is not None:
        return len(groups.positions_um)
    height, width = (side * experiment.pixel_um + 2 * _APRON_UM for side in experiment.shape_px)
    shallow, deep = groups.depth_range_um
    return round(groups.density_per_mm3 * 1e-9 * height * width * (deep - shallow))


def check_scene(experiment: ms.Experiment) -> None:
    """Refuse a scene that is too large to be simulated for a page.

    Raises
    ------
    ParameterError
        Naming the parameter, what it comes to, and the limit.
    """
    count = cells(experiment)
    if count > MOST_CELLS:
        raise ms.ParameterError(
            f"cells.density_per_mm3 = {experiment.cells.density_per_mm3:g} means about {count} cells here; "
            f"a page simulates up to {MOST_CELLS}: fewer, or a smaller field ({_SHELL})"
        )
    height, width = experiment.shape_px
    if height * width > MOST_PIXELS:
        raise ms.ParameterError(
            f"a frame of {height} × {width} pixels is refused: a page simulates up to {MOST_PIXELS} pixels; "
            f"choose a smaller field or sensor ({_SHELL})"
        )


def preview(experiment: ms.Experiment) -> ms.Experiment:
    """Return the beginning of a recording that a page shows: up to 10 s, less if frames are large.

    Raises
    ------
    ParameterError
        If the scene is too large for a page.
    """
    check_scene(experiment)
    frame = 2 * math.prod(experiment.shape_px) * (1 if experiment.sensor.bit_depth == 8 else 2)
    most = max(PREVIEW_BYTES // frame, 1) / experiment.frame_rate_hz
    return experiment.with_(duration_s=min(experiment.duration_s, PREVIEW_S, most))


def check_recording(recording: ms.Recording) -> None:
    """Refuse a recording that is too large to be made by a page.

    Raises
    ------
    ParameterError
        Naming what is too large, and the limit.
    """
    experiment = recording.experiment
    check_scene(experiment)
    if experiment.duration_s > LONGEST_S:
        raise ms.ParameterError(
            f"duration_s = {experiment.duration_s:g} is refused: a page records up to {LONGEST_S:g} s "
            f"({_SHELL})"
        )
    size = ms.export.nbytes(recording)
    if size > LARGEST_BYTES:
        raise ms.ParameterError(
            f"this recording would take {ms.export.megabytes(size)}: a page makes up to "
            f"{ms.export.megabytes(LARGEST_BYTES)}; record less time, or a smaller field ({_SHELL})"
        )
