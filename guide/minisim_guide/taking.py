"""A recording that a page makes: in a folder of the server's own, handed to the browser in pieces.

The pieces travel on the figure's own line, each after the one before it was acknowledged: so it works
wherever the figure does, the reader names no path, and no address has to be guarded.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minisim_core as ms

from . import limits
from .worker import Job, Worker

KEPT_S = 900.0
"""How long a recording waits to be fetched; the rest of the disk is not for ever either."""

TOLD_S = 0.2
"""How often progress is told."""

LEAST_PIECE, MOST_PIECE = 2**16, 2**20
PIECE_S = 0.1
"""Pieces are as large as travels in about this time: a picture never waits long behind one."""

ABANDONED_S = 3 * 3600.0
_PREFIX = "minisim-recording-"

CANCELLED = "Cancelled: nothing was kept."
GONE = "The recording was removed from the server after a quarter of an hour: please record it again."


class Taking:
    """Make one recording at a time, off the kernel's main thread, and hand over its files.

    Parameters
    ----------
    tell
        Receives what is to be shown: ``state`` (``"idle"``, ``"recording"``, ``"ready"``), ``done``
        (0 to 1), ``files`` (name and bytes of each) and ``says``, a sentence.
    send
        Sends a message with one buffer to the browser.
    """

    def __init__(
        self, tell: Callable[[dict[str, Any]], None], send: Callable[[dict[str, Any], bytes], None]
    ) -> None:
        self._tell, self._send = tell, send
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._job: Job | None = None
        self._measuring: Job | None = None
        self._worker: Worker | None = None
        self._files: dict[str, Path] = {}
        self._removal: asyncio.TimerHandle | None = None
        self._piece = LEAST_PIECE

    # -- making ----------------------------------------------------------------------------

    def record(self, experiment: ms.Experiment, name: str, format: str) -> None:
        """Begin a recording; one that is under way or waits to be fetched is dropped.

        Parameters
        ----------
        experiment
            What is recorded.
        name
            What the files are called.
        format
            One of `minisim_core.export.FORMATS`.
        """
        loop = asyncio.get_running_loop()
        self.drop()
        self._tell({"state": "recording", "done": 0.0})
        place = os.environ.get("MINISIM_GUIDE_SCRATCH") or tempfile.gettempdir()
        _sweep(Path(place))
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place, ignore_cleanup_errors=True)
        folder, told_s = Path(self._folder.name), 0.0
        job: Job

        def progress(done: float) -> None:
            nonlocal told_s
            if time.monotonic() > told_s + TOLD_S and not loop.is_closed():
                told_s = time.monotonic()
                loop.call_soon_threadsafe(self._progressed, job, done)

        def make() -> list[Path]:
            recording = ms.simulate(experiment)
            limits.check_recording(recording)
            files = list(ms.export.record(recording, folder, name=name, format=format, progress=progress))
            return [_zipped(path) if path.is_dir() else path for path in files]

        job = self._job = Job(make, loop)
        job.result.add_done_callback(lambda _: self._made(job))
        self._worker = self._worker or Worker()
        self._worker.do(job)

    def measure(self, experiment: ms.Experiment) -> None:
        """Tell how large a recording would be, or why this page does not make it; not while one is there."""
        if self._folder is not None:
            return
        loop = asyncio.get_running_loop()
        if self._measuring is not None:
            self._measuring.stop()

        def make() -> dict[str, Any]:
            recording = ms.simulate(experiment)
            limits.check_recording(recording)
            count, height, width = recording.shape
            return {
                "frames": count, "height": height, "width": width, "seconds": experiment.duration_s,
                "bytes": ms.export.nbytes(recording),
            }  # fmt: skip

        job = self._measuring = Job(make, loop)

        def made(result: asyncio.Future[Any]) -> None:
            error = result.exception()
            if self._folder is not None or job is not self._measuring:
                return
            if error is None:
                self._tell({"state": "idle", "size": result.result()})
            elif not isinstance(error, ms.Cancelled):
                self._tell({"state": "idle", "says": _sentence(error)})

        job.result.add_done_callback(made)
        self._worker = self._worker or Worker()
        self._worker.do(job)

    def cancel(self) -> None:
        """Stop recording, or throw the recording away."""
        under_way = self._job is not None
        self.drop()
        self._tell({"state": "idle", "says": CANCELLED if under_way else ""})

    def drop(self) -> None:
        """Forget everything, on the disk too."""
        folder, self._folder, self._files = self._folder, None, {}
        if self._removal is not None:
            self._removal.cancel()
            self._removal = None
        if self._job is not None and folder is not None:
            job, self._job = self._job, None
            job.stop()
            job.result.add_done_callback(lambda _: folder.cleanup())  # what still writes there must end first
        elif folder is not None:
            folder.cleanup()

    def _progressed(self, job: Job, done: float) -> None:
        if job is self._job:
            self._tell({"state": "recording", "done": done})

    def _made(self, job: Job) -> None:
        error = job.result.exception()
        if job is not self._job:
            return
        self._job = None
        if error is not None:
            self.drop()
            self._tell({"state": "idle", "says": _sentence(error)})
            return
        self._files = {path.name: path for path in job.result.result()}
        self._removal = asyncio.get_running_loop().call_later(KEPT_S, self._expire)
        held = [{"name": name, "bytes": path.stat().st_size} for name, path in self._files.items()]
        self._tell({"state": "ready", "files": held})

    def _expire(self) -> None:
        self.drop()
        self._tell({"state": "idle", "says": GONE})

    # -- handing over ----------------------------------------------------------------------

    def give(self, name: str, start: int, seconds: float = 0.0) -> None:
        """Send one piece of a file.

        Parameters
        ----------
        name
            Which of the files.
        start
            The first byte that the browser lacks.
        seconds
            How long the piece before it took from being asked for to being there.
        """
        path = self._files.get(name)
        if path is None:
            self._tell({"state": "idle", "says": GONE})
            return
        if start == 0:
            self._piece = LEAST_PIECE
        elif seconds > 0:
            fits = int(self._piece * min(PIECE_S / seconds, 2.0))
            self._piece = min(max(fits, LEAST_PIECE), MOST_PIECE)
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(self._piece)
        self._send({"kind": "piece", "name": name, "start": start, "bytes": path.stat().st_size}, data)


def _zipped(folder: Path) -> Path:
    """Pack a folder into one file, unpacked as it is, which zarr opens as it stands."""
    import zipfile

    target = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    shutil.rmtree(folder)
    return target


def _sweep(place: Path) -> None:
    """Remove what kernels left that were killed."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _sentence(error: BaseException) -> str:
    if isinstance(error, ms.Cancelled):
        return CANCELLED
    if isinstance(error, ms.ParameterError | ms.export.ExportError):
        return f"This cannot be recorded: {error}."
    if isinstance(error, OSError):
        return f"The server could not write the recording: {error.strerror or error}."
    return f"This could not be recorded ({type(error).__name__}: {error})."
