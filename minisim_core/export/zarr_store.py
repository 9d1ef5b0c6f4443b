"""Zarr: a group that xarray opens too, in version 2 of the format, which zarr 2 and zarr 3 both read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..recording import Recording

CHUNK_BYTES = 8_000_000
"""A chunk holds whole frames up to this size."""


def write(recording: Recording, path: Path, progress: Callable[[float], None]) -> None:
    """Write ``frames`` (frame, height, width) and ``times_s`` (frame) with their attributes.

    Parameters
    ----------
    recording : Recording
    path : Path
        The folder of the store.
    progress : callable
        Told the share that is written, after every chunk.
    """
    import zarr
    from numcodecs import Blosc

    count, height, width = recording.shape
    frames = recording.frames
    per_chunk = int(np.clip(CHUNK_BYTES // (height * width * frames.dtype.itemsize), 1, count))
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    movie = group.create_array(
        "frames",
        shape=recording.shape,
        dtype=frames.dtype,
        chunks=(per_chunk, height, width),
        compressors=Blosc(cname="zstd", clevel=1, shuffle=Blosc.BITSHUFFLE),
    )
    times = group.create_array("times_s", data=recording.times_s)
    movie.attrs.update(
        {
            "_ARRAY_DIMENSIONS": ["frame", "height", "width"],
            "pixel_um": recording.pixel_um,
            "frame_rate_hz": recording.experiment.frame_rate_hz,
            "bit_depth": recording.experiment.sensor.bit_depth,
        }
    )
    times.attrs.update({"_ARRAY_DIMENSIONS": ["frame"], "units": "s"})
    for start in range(0, count, per_chunk):
        stop = min(start + per_chunk, count)
        movie[start:stop] = frames[start:stop]
        progress(stop / count)
    zarr.consolidate_metadata(str(path), zarr_format=2)
