"""Measure minisim_core beside its nearest peer, minisim 1.0.3, on the same work; print Markdown.

``python -m tests.benchmarks.run [--peer-python PATH] [--quick]``

Every movie is made by a fresh process, peer and ours in turn, with the same number of threads; the
clock runs from the parameters to the last uint8 pixel, after an untimed warm-up in both. The peer
lives in an environment of its own, made from ``peer.txt`` when none is given.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PEER = "minisim 1.0.3"
OURS = "minisim_core"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MINISIM_THREADS",
)


@dataclass(frozen=True)
class Case:
    """One movie that both make."""

    title: str
    scene: str
    frames: int
    route: str
    pairs: int
    bodies_only: bool = False  # cells without dendrites, on both sides

    def arguments(self, folder: str) -> list[str]:
        """Return the worker's command line."""
        target = str(Path(folder) / "movie.avi")
        movie = ["--scene", self.scene, "--frames", str(self.frames)]
        plain = ["--bodies-only"] if self.bodies_only else []
        return [*movie, *plain, "--route", self.route, "--target", target]


FULL = (
    Case("608 × 608, 200 frames", "v4-ca1", 200, "memory", 3),
    Case("… cells without dendrites", "v4-ca1", 200, "memory", 3, bodies_only=True),
    Case("… to disk", "v4-ca1", 200, "disk", 3),
    Case("608 × 608, 2000 frames, to disk", "v4-ca1", 2000, "disk", 2),
    Case("`guide`, 200 frames", "guide", 200, "memory", 3),
    Case("… to disk", "guide", 200, "disk", 3),
)
QUICK = (replace(FULL[0], pairs=1), replace(FULL[4], pairs=1))
COLD = ["--no-warm-up", "--scene", "v4-ca1", "--frames", "200"]


@dataclass(frozen=True)
class Contender:
    """One of the two: an interpreter, a worker script and the environment it runs in."""

    name: str
    python: str
    worker: Path
    environment: dict[str, str]

    def run(self, arguments: list[str], **extra: str) -> dict[str, Any]:
        """Run the worker in a fresh process; its figures, and the wall time of the process."""
        start = perf_counter()
        done = subprocess.run(
            [self.python, str(self.worker), *arguments],
            env=self.environment | extra,
            capture_output=True,
            text=True,
        )
        wall_s = perf_counter() - start
        if done.returncode:
            raise SystemExit(f"{self.name} failed:\n{done.stderr[-3000:]}")
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return figures | {"wall_s": wall_s}


Pair = tuple[list[dict[str, Any]], list[dict[str, Any]]]


# -- running --------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Report progress where it does not disturb the table."""
    print(text, file=sys.stderr, flush=True)


def thread_count() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peer_python(given: str | None) -> str:
    """Return the peer's interpreter; its environment is made on first use and kept in the cache."""
    if given:
        return given
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    if not os.access(cache if cache.exists() else cache.parent, os.W_OK):
        cache = Path(tempfile.gettempdir())
    folder = cache / "minisim-guide" / "peer"
    python = folder / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import minisim"]).returncode:
        say(f"making the peer's environment ({PEER})")
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "peer.txt")]
        subprocess.run(install, check=True)
    return str(python)


def contenders(peer: str, threads: int) -> tuple[Contender, Contender]:
    """Return the peer and us, allowed the same number of threads."""
    base = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    base |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    ours = base | {"PYTHONPATH": str(REPOSITORY)}
    return (
        Contender(PEER, peer, HERE / "_peer_worker.py", base),
        Contender(OURS, sys.executable, HERE / "_our_worker.py", ours),
    )


def interleaved(both: tuple[Contender, Contender], arguments: list[str], n: int) -> Pair:
    """Run peer, ours, peer, ours …, ``n`` times each."""
    figures: Pair = ([], [])
    for _ in range(n):
        for contender, found in zip(both, figures, strict=True):
            found.append(contender.run(arguments))
    return figures


def cold_starts(both: tuple[Contender, Contender], n: int) -> Pair:
    """Time from process start, nothing warm and, for us, nothing compiled yet."""
    figures: Pair = ([], [])
    for _ in range(n):
        figures[0].append(both[0].run(COLD))
        with tempfile.TemporaryDirectory() as empty:
            figures[1].append(both[1].run(COLD, NUMBA_CACHE_DIR=empty))
    return figures


# -- reporting ------------------------------------------------------------------------------------


def middle(runs: list[dict[str, Any]], figure: str) -> float:
    """Median of one figure over the runs of a contender."""
    return float(statistics.median(run[figure] for run in runs))


def spread(runs: list[dict[str, Any]], figure: str) -> str:
    """Median of some seconds, with the range when there is one."""
    values = [run[figure] for run in runs]
    text = f"{statistics.median(values):.3g} s"
    return text if len(values) == 1 else f"{text} ({min(values):.3g}–{max(values):.3g})"


def times(factor: float) -> str:
    """Write a ratio that is better when larger."""
    return f"**{factor:.3g}×**"


def seconds_row(title: str, found: Pair, figure: str) -> str:
    """One table row for a figure in seconds."""
    peer, ours = found
    ratio = middle(peer, figure) / middle(ours, figure)
    return f"| {title} | {spread(peer, figure)} | {spread(ours, figure)} | {times(ratio)} |"


def heading(*more: str) -> str:
    """Head a table that compares the two; ``more`` columns hold peer / ours."""
    titles = ["", PEER, OURS, "ratio", *(f"{title} (peer / ours)" for title in more)]
    return f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}"


def both_of(found: Pair, figure: str, digits: str) -> str:
    """Write the peer's median and ours."""
    return " / ".join(format(middle(runs, figure), digits) for runs in found)


def case_row(case: Case, found: Pair) -> str:
    """Write one movie as one table row."""
    peer, ours = (runs[0] for runs in found)
    title = [case.title]
    if "cells" in peer:
        title.append(f"{peer['cells']} / {ours['cells']} cells")
    if peer["shape"] != ours["shape"]:
        title.append(f"{peer['shape'][1]} / {ours['shape'][1]} pixels wide")
    return (
        f"{seconds_row(', '.join(title), found, 'total_s')} {both_of(found, 'setup_s', '.3g')} "
        f"| {both_of(found, 'frames_per_s', '.0f')} | {both_of(found, 'peak_mb', '.0f')} |"
    )


def budget_rows(first: Pair, imports: Pair) -> Iterator[str]:
    """Our own bounds on 200 frames of 608 × 608, from the first case."""
    peer, ours = first
    ratio = middle(peer, "total_s") / middle(ours, "total_s")
    bounds: list[tuple[str, float, Callable[[float], bool], str]] = [
        ("faster than the peer, 200 frames", ratio, lambda v: v >= 20, "≥ 20 ×"),
        ("set-up, s", middle(ours, "setup_s"), lambda v: v <= 0.1, "≤ 0.1"),
        ("frames/s", middle(ours, "frames_per_s"), lambda v: v >= 400, "≥ 400"),
        ("peak memory, MB", middle(ours, "peak_mb"), lambda v: v <= 500, "≤ 500"),
        ("import, s", middle(imports[1], "import_s"), lambda v: v <= 0.8, "≤ 0.8"),
    ]
    for title, value, kept, budget in bounds:
        yield f"| {title} | {value:.3g} | {budget} | {'ok' if kept(value) else 'missed'} |"


def machine(threads: int) -> str:
    """Name the machine's class and the day, nothing that identifies the machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    python = platform.python_version()
    load = f", load before the start {os.getloadavg()[0]:.2f}"
    return (
        f"Measured {datetime.date.today():%Y-%m-%d} on {model}, {threads} threads, "
        f"{platform.system()}, Python {python}{load}. Medians (range)."
    )


def sliders(ours: Contender) -> str:
    """Run ``sliders.py`` in a fresh process; its table."""
    script = Contender("sliders", ours.python, HERE / "sliders.py", ours.environment)
    done = subprocess.run(
        [script.python, str(script.worker)], env=script.environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"sliders failed:\n{done.stderr[-3000:]}")
    return "\n".join(line for line in done.stdout.splitlines() if line.startswith("|"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="interpreter of an environment with the peer")
    parser.add_argument("--quick", action="store_true", help="one pair, no long movie: a look")
    asked = parser.parse_args()

    threads = thread_count()
    header = machine(threads)
    both = contenders(peer_python(asked.peer_python), threads)
    say("warming up: our kernels compile once")
    both[1].run(["--scene", "guide", "--frames", "3"])

    print(f"{header}\n\n{heading('set-up, s', 'frames/s', 'peak memory, MB')}")
    cases: list[Pair] = []
    with tempfile.TemporaryDirectory() as folder:
        for case in QUICK if asked.quick else FULL:
            say(f"{case.title}: {case.pairs} pair(s)")
            found = interleaved(both, case.arguments(folder), case.pairs)
            print(case_row(case, found), flush=True)
            cases.append(found)
    say("import, cold start, sliders")
    print(f"\n{heading()}")
    imports = interleaved(both, ["--import-only"], 2 if asked.quick else 7)
    print(seconds_row("import, fresh process, compiled cache present", imports, "import_s"))
    fresh = interleaved(both, COLD, 1)
    print(seconds_row("process start → 200 frames of 608 × 608", fresh, "wall_s"))
    once = "… the same, our kernels not yet compiled (once per install)"
    print(seconds_row(once, cold_starts(both, 1), "wall_s"))

    print("\n| bounds on 608 × 608, 200 frames | measured | budget | |\n|---|---|---|---|")
    print("\n".join(budget_rows(cases[0], imports)))
    print(f"\n{sliders(both[1])}\n\n{(HERE / 'notes.md').read_text(encoding='utf-8')}", end="")


if __name__ == "__main__":
    main()
