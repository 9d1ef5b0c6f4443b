"""Write a recording: whole or not at all, in little memory, and only where there is room for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..memory import check_cancelled
from ..parameters import ParameterError
from . import tiff, truth_file, zarr_store

if TYPE_CHECKING:
    from ..recording import Recording

Progress = Callable[[float], None]

SPARE = 1.02
"""Free room asked for, over the size that is expected."""


class ExportError(Exception):
    """A recording that cannot be written where it was asked for; the message is a sentence."""


class Format(NamedTuple):
    """One way to write a movie: its suffix, and what writes it to a path and tells the share written."""

    suffix: str
    write: Callable[[Recording, Path, Progress], None]


FORMATS: dict[str, Format] = {
    "tiff": Format(".tif", tiff.write),
    "zarr": Format(".zarr", zarr_store.write),
}
"""Formats by name."""


class Files(NamedTuple):
    """What `record` writes.

    Attributes
    ----------
    movie, truth, experiment : Path
        The frames; what is exactly known about them (`minisim_core.export.truth_file`); the JSON that
        makes them again.
    """

    movie: Path
    truth: Path
    experiment: Path


def nbytes(recording: Recording) -> int:
    """Return about how much room a recording and its truth take on disk.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    int
        Bytes of the frames, which zarr packs to about half, and of the truth; rather too many than too few.
    """
    return int(recording.frames.nbytes) + truth_file.nbytes(recording)


def record(
    recording: Recording,
    folder: str | os.PathLike[str],
    *,
    name: str = "recording",
    format: str = "tiff",
    replace: bool = False,
    progress: Progress | None = None,
) -> Files:
    """Write a recording's frames, its truth and its experiment.

    Nothing stands under its final name until all of it is written; a run that fails, is cancelled
    (`minisim_core.memory.cancellable`) or interrupted leaves nothing behind.

    Parameters
    ----------
    recording : Recording
    folder : path
        Where to write; made if it is missing.
    name : str
        What the files are called: ``name.tif`` (or ``name.zarr``), ``name.truth.npz``, ``name.json``.
    format : str
        One of `FORMATS`: ``"tiff"``, an OME-BigTIFF of one page and one strip a frame; or ``"zarr"``,
        version 2 of that format, which every reader of zarr knows.
    replace : bool
        Whether files of that name may be replaced.
    progress : callable, optional
        Told the share that is written, 0 to 1.

    Returns
    -------
    Files

    Raises
    ------
    ParameterError
        If there is no such format or the name is none for a file.
    ExportError
        If a file is there already, or the disk has too little room.
    OSError
        If the disk refuses.
    """
    if format not in FORMATS:
        raise ParameterError(f"format = {format!r} is refused: it must be one of {', '.join(FORMATS)}")
    if not name or Path(name).name != name or name.startswith("."):
        raise ParameterError(f"name = {name!r} is refused: give the name of a file, without a folder")
    place = Path(folder)
    files = Files(
        place / f"{name}{FORMATS[format].suffix}", place / f"{name}.truth.npz", place / f"{name}.json"
    )
    _check_free_names(files, replace)
    made = _missing(place)
    place.mkdir(parents=True, exist_ok=True)
    try:
        _check_room(recording, place)
        with _whole_or_nothing(files) as parts:
            _write(recording, parts, FORMATS[format].write, progress or (lambda done: None))
    except BaseException:
        for empty in made:
            if not any(empty.iterdir()):
                empty.rmdir()
        raise
    return files


def _write(recording: Recording, parts: Files, write: Any, progress: Progress) -> None:
    movie, truth = int(recording.frames.nbytes), truth_file.nbytes(recording)

    def told(share_of_truth: float, share_of_movie: float) -> None:
        progress((truth * share_of_truth + movie * share_of_movie) / (truth + movie))
        check_cancelled()

    told(0.0, 0.0)
    parts.experiment.write_text(recording.experiment.to_json(), "utf-8")
    truth_file.write(recording, parts.truth, lambda share: told(share, 0.0))
    write(recording, parts.movie, lambda share: told(1.0, share))


@contextmanager
def _whole_or_nothing(files: Files) -> Iterator[Files]:
    """Give names to write under; in the end the files get their own, or are gone."""
    parts = Files(*(path.with_name(path.name + ".part") for path in files))
    for part in parts:  # of a run that was killed
        _remove(part)
    try:
        yield parts
        for part, path in reversed(
            list(zip(parts, files, strict=True))
        ):  # the movie last: it crowns the rest
            if path.is_dir():
                _remove(path)
            os.replace(part, path)
    finally:
        for part in parts:
            _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _missing(folder: Path) -> list[Path]:
    """Return the folders that have to be made, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _check_free_names(files: Files, replace: bool) -> None:
    there = [path.name for path in files if path.exists()]
    if there and not replace:
        raise ExportError(
            f"there is already {' and '.join(there)} in {files.movie.parent}: choose another folder, or ask "
            "to replace what is there"
        )


def _check_room(recording: Recording, folder: Path) -> None:
    needed, free = nbytes(recording) * SPARE, shutil.disk_usage(folder).free
    if needed > free:
        raise ExportError(
            f"the recording takes about {megabytes(needed)} and {folder} has {megabytes(free)} free: "
            "choose another folder or record less"
        )


def megabytes(count: float) -> str:
    """Write a number of bytes for a reader.

    Parameters
    ----------
    count : float
        Bytes.

    Returns
    -------
    str
        In kB, MB or GB.
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.{0 if count >= 100 * size else 1}f} {unit}"
    return f"{max(count, 1000) / 1e3:.0f} kB"
