"""Record to disk from the command line."""

import errno
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import minisim_core as ms
from minisim_guide import scenes
from minisim_guide.errors import GuideError

_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def record(
    what: str,
    folder: Path,
    *,
    format: str = "tiff",
    duration_s: float | None = None,
    changes: Sequence[tuple[str, Any]] = (),
    replace: bool = False,
) -> None:
    """Write a recording, its truth and its experiment, and say how far it is.

    Parameters
    ----------
    what
        The name of a preset, or the JSON file of an experiment.
    folder
        Where to write; made if it is missing.
    format
        One of `minisim_core.export.FORMATS`.
    duration_s
        Another length than the experiment's.
    changes
        Parameters by dotted name, and their values.
    replace
        Whether files of that name may be replaced.
    """
    from minisim_guide.values import nested

    asked = dict(changes) | ({} if duration_s is None else {"duration_s": duration_s})
    try:
        scene = scenes.experiment(what)
        recording = ms.simulate(scene.with_(**nested(asked, scene)))
        count, height, width = recording.shape
        size = ms.export.megabytes(ms.export.nbytes(recording))
        print(f"{count} frames of {height} × {width} px and their truth: about {size}", file=sys.stderr)
        name = what if what in ms.presets.names() else Path(what).stem
        with _terminated(), _progress() as tell:
            files = ms.export.record(
                recording, folder, name=name, format=format, replace=replace, progress=tell
            )
    except (ms.ParameterError, ms.export.ExportError) as error:
        raise GuideError(scenes.sentence(error)) from None
    except OSError as error:
        raise GuideError(_about(error, folder)) from None
    print("\n".join(map(str, files)))


def _about(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk of {folder} is full; nothing was left there."
    return f"Cannot write to {folder}: {error.strerror or error}."


@contextmanager
def _terminated() -> Iterator[None]:
    """Let a polite request to end clean up as an interrupt from the keyboard does."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    heeded = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Show the share that is done: in a terminal on one line, elsewhere a line every tenth."""
    terminal, told = sys.stderr.isatty(), 0

    def tell(done: float) -> None:
        nonlocal told
        percent = int(100 * done)
        if terminal and percent > told:
            print(f"\rRecording … {percent} %", end="", file=sys.stderr, flush=True)
        elif percent // 10 > told // 10:
            print(f"Recording … {percent} %", file=sys.stderr, flush=True)
        told = percent

    try:
        yield tell
    finally:
        if terminal:
            print(file=sys.stderr)


def duration_s(text: str) -> float:
    """Read a length of time: ``10s``, ``2min``, ``500ms``, ``1h`` or plain seconds.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = re.fullmatch(r"([\d.]+(?:e[+-]?\d+)?)\s*(ms|s|min|h)?", text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no length of time: write 10s, 2min, 500ms or 1h")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def change(text: str) -> tuple[str, Any]:
    """Read ``motion.stride_um=4``: a parameter and its value, as JSON or as plain text.

    Raises
    ------
    ValueError
        If there is no ``=`` in it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{text!r} is no change: write a parameter, = and its value, as motion.stride_um=4")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value.strip()
