"""Have pipelines that are not ours analyse our movies, and score what they find; print Markdown.

``python -m tests.benchmarks.realworld --folder FOLDER [--tools …] [--scenes …]``

Each tool lives in an environment of its own below the folder (gigabytes), made on first use from the
requirement files beside this one, and is run as a process by its `run_<tool>.py`, which gets a movie as an
array and writes what `minisim-guide score` reads. A tool that fails is reported as failed.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import minisim_core as ms
from minisim_core.inverse import score

HERE = Path(__file__).resolve().parent
TOOLS = ("suite2p", "minian", "jnormcorre")
SCENES = ("guide", "v4-ca1", "v4-cortex")
FIELD_UM, SECONDS = 401.0, 60.0
LONGEST_S = 3600


@dataclass(frozen=True)
class Tool:
    """A pipeline in its own environment."""

    name: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.folder / self.name / "bin" / "python"

    def prepare(self) -> None:
        """Make the environment if it is not there."""
        if (self.folder / self.name / "complete").exists():
            return
        say(f"making the environment of {self.name}")
        venv.create(self.folder / self.name, with_pip=True)
        pip = [str(self.python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-r", str(HERE / f"{self.name}.txt")], check=True)
        alone = (
            HERE / f"{self.name}-alone.txt"
        )  # whose own requirements would bring gigabytes it does not use
        if alone.exists():
            subprocess.run([*pip, "--no-deps", "-r", str(alone)], check=True)
        (self.folder / self.name / "complete").touch()

    def version(self) -> str:
        """Return the version that is installed."""
        code = f"from importlib.metadata import version; print(version({self.name!r}))"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True).stdout.strip()

    def run(self, recording: ms.Recording, movie: Path, log: Path) -> tuple[Path, float]:
        """Analyse a movie; return the estimate's file and the processor time, or raise RuntimeError."""
        estimate = movie.parent / f"{self.name}.npz"
        estimate.unlink(missing_ok=True)
        pixel_um, rate = str(recording.pixel_um), str(recording.experiment.frame_rate_hz)
        command = [
            str(self.python),
            str(HERE / f"run_{self.name}.py"),
            str(movie),
            str(estimate),
            pixel_um,
            rate,
        ]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        start = children_s()
        with log.open("w") as stream:
            done = subprocess.run(
                command, env=environment, stdout=stream, stderr=subprocess.STDOUT, timeout=LONGEST_S
            )
        if done.returncode or not estimate.exists():
            said = log.read_text(errors="replace").strip().splitlines()
            raise RuntimeError(said[-1] if said else f"it ended with code {done.returncode}")
        return estimate, children_s() - start


def children_s() -> float:
    """Processor time of all processes that were run and have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def say(text: str) -> None:
    """Report progress where it does not disturb the table."""
    print(text, file=sys.stderr, flush=True)


def row(tool: Tool, scene: str, recording: ms.Recording, movie: Path) -> str:
    """Run one tool on one movie and write one table row."""
    head = f"| {tool.name} {tool.version()} | `{scene}` |"
    try:
        estimate, cpu_s = tool.run(recording, movie, movie.parent / f"{tool.name}.log")
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return f"{head} failed: {str(error)[:200]} |||||||||"
    found = score.load(estimate, recording.shape[1:])
    report = score.score_recording(recording, found)
    (movie.parent / f"{tool.name}.txt").write_text(report.text() + "\n")
    cells, every = report.detectable, report.all_cells
    shares = [f"{cells.cells_found} of {cells.cells} ({cells.recall:.2f})"]
    shares += [f"{tally.precision:.2f} ({tally.by_chance:.2f})" for tally in (cells, every)]
    if not len(found):
        shares = ["finds no cells", "", ""]
    courses = [middle(values, report.pair_detectable) for values in (report.trace_r, report.spike_r)]
    motion = f"{report.motion.rmse_px:.2f} of {report.motion.uncorrected_px:.2f}" if report.motion else ""
    return f"{head} {' | '.join([str(len(found)), *shares, *courses, motion])} | {cpu_s:.0f} |"


def middle(values: score.FloatArray | None, kept: score.Cells) -> str:
    """Median over detectable pairs, or nothing."""
    import numpy as np

    return f"{np.nanmedian(values[kept]):.2f}" if values is not None and kept.any() else ""


def main() -> None:
    """Simulate, analyse, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where environments and movies are kept")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--scenes", nargs="+", choices=ms.presets.names(), default=list(SCENES))
    asked = parser.parse_args()

    print(f"Measured {datetime.date.today():%Y-%m-%d} with minisim_core {ms.__version__}.\n")
    print(
        "| tool | scene | estimated cells | detectable cells found | precision, detectable (by chance) "
        "| precision, all (by chance) | trace r | spike r | motion, px RMS per axis | processor time, s |"
    )
    print("|---" * 10 + "|")
    for name in asked.tools:
        tool = Tool(name, asked.folder / "envs")
        try:
            tool.prepare()
        except subprocess.CalledProcessError:
            print(f"| {name} | could not be installed |||||||||", flush=True)
            continue
        for scene in asked.scenes:
            say(f"{name} on {scene}")
            recording = ms.simulate(ms.presets.get(scene, field_um=FIELD_UM, duration_s=SECONDS))
            movie = asked.folder / scene / "movie.npy"
            movie.parent.mkdir(parents=True, exist_ok=True)
            recording.save(movie)
            print(row(tool, scene, recording, movie), flush=True)


if __name__ == "__main__":
    main()
