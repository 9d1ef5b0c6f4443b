"""OME-BigTIFF: a page and a strip a frame, with pixel size and frame rate.

What suite2p, CaImAn and scikit-image read with tifffile, and Fiji with Bio-Formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._version import __version__

if TYPE_CHECKING:
    from ..recording import Recording

FRAMES = 32
"""How many frames are rendered and held at a time."""

_CM_UM = 1e4


def write(recording: Recording, path: Path, progress: Callable[[float], None]) -> None:
    """Write the frames.

    Parameters
    ----------
    recording : Recording
    path : Path
    progress : callable
        Told the share that is written, after every few frames.
    """
    import tifffile

    per_cm = _CM_UM / recording.pixel_um
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as file:
        file.write(
            _frames(recording, progress),
            shape=recording.shape,
            dtype=recording.frames.dtype,
            photometric="minisblack",
            rowsperstrip=recording.shape[1],
            resolution=(per_cm, per_cm),
            resolutionunit="CENTIMETER",
            software=f"minisim-guide {__version__}",
            metadata=_about(recording),
        )


def _frames(recording: Recording, progress: Callable[[float], None]) -> Iterator[NDArray[np.integer]]:
    count = recording.shape[0]
    for start in range(0, count, FRAMES):
        yield from recording.frames[start : start + FRAMES]
        progress(min(start + FRAMES, count) / count)


def _about(recording: Recording) -> dict[str, Any]:
    """Return what OME-XML says of the movie; its interval knows nothing of dropped frames."""
    return {
        "axes": "TYX",
        "SignificantBits": recording.experiment.sensor.bit_depth,
        "PhysicalSizeX": recording.pixel_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": recording.pixel_um,
        "PhysicalSizeYUnit": "µm",
        "TimeIncrement": 1 / recording.experiment.frame_rate_hz,
        "TimeIncrementUnit": "s",
    }
