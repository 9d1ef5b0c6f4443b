"""What a figure shows, and everything that is computed for one wish of its reader."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minisim_core as ms

from . import plots as _plots
from .averages import Average, average
from .board import Board
from .overlays import OVERLAYS
from .values import nested
from .worker import beside

ALL_STATES = 4
"""Up to so many switches, the paused frame is sent in every combination of them."""

Off = tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """One side of a figure.

    Parameters
    ----------
    title
        What the reader sees above it.
    off
        Layers that are always off on this side, besides those the reader switches off.
    sets
        Parameters, by dotted name, that only this side has so, whatever the controls say.
    own_range
        Whether the screen shows this side between darkest and brightest counts of its own; by how much
        that brightens it stands beside the title.
    """

    title: str
    off: Off = ()
    sets: Mapping[str, Any] = field(default_factory=dict)
    own_range: bool = False

    def of(self, experiment: ms.Experiment) -> ms.Experiment:
        """Return what this side shows of what both sides share.

        Parameters
        ----------
        experiment
            What both sides share, with the reader's switches.

        Returns
        -------
        Experiment
            The same with this side's own parameters and without the layers that are off here.
        """
        return self.own(experiment).with_(off=ms.layers.check((*experiment.off, *self.off)))

    def own(self, experiment: ms.Experiment) -> ms.Experiment:
        """Return the same with this side's own parameters, but the shared switches.

        Parameters
        ----------
        experiment
            What both sides share, with the reader's switches.

        Returns
        -------
        Experiment
            The same where this side sets nothing.

        Raises
        ------
        ParameterError
            If one of this side's parameters does not exist or is refused beside the others.
        """
        return experiment.with_(**nested(self.sets, experiment))


def everything(experiment: ms.Experiment) -> ms.Experiment:
    """Return all of an experiment."""
    return experiment


@dataclass(frozen=True)
class Plan:
    """What a figure declares: it never changes."""

    board: Board
    left: Panel
    right: Panel
    switches: Off
    says: str
    plots: tuple[str, ...]
    marks: tuple[str, ...] = ()
    average: bool = False
    stack: bool = False
    preview: Callable[[ms.Experiment], ms.Experiment] = everything
    """What of an experiment is simulated; raises ParameterError where none of it is."""

    @property
    def panels(self) -> dict[str, Panel]:
        """Both sides, by name."""
        return {"left": self.left, "right": self.right}

    def key(self, side: str, off: Off) -> Off:
        """Return what a side's picture is known by when these layers are switched off.

        It is the layers that are off there; a side with parameters of its own adds its name.
        """
        panel = self.panels[side]
        return (*ms.layers.check((*off, *panel.off)), *([side] if panel.sets else []))


@dataclass(frozen=True)
class Wish:
    """What the reader asked for, at one moment.

    `version` counts every change of values, seed or switches; `scene` those of values and seed.
    """

    version: int
    scene: int
    values: Mapping[str, Any]
    seed: int
    off: Off
    frame: int
    pixel: tuple[int, ...] = ()
    roi: tuple[float, ...] = ()
    overlay: tuple[str, ...] = ()

    @property
    def state(self) -> dict[str, Any]:
        """What decides the movie, as the traits hold it."""
        return {"values": dict(self.values), "seed": self.seed, "off": list(self.off)}


@dataclass(frozen=True)
class Details:
    """What is said and drawn about a picture; `slow` are the plots that take longer, by their place.

    Of those, `plots` holds what can be shown at once, if anything.
    """

    says: str
    plots: list[dict[str, Any] | None]
    drawings: list[dict[str, Any]]
    marks: list[dict[str, Any]]
    slow: Mapping[int, Iterator[Any]]


class Shot:
    """Everything computed for one wish; each method takes its time, and may run in any thread.

    Parameters
    ----------
    plan
        What the figure declares.
    wish
        What the reader asked for.
    """

    def __init__(self, plan: Plan, wish: Wish) -> None:
        self.plan, self.wish = plan, wish
        # No cached_property: before Python 3.12 one that takes long holds up those of all other shots.
        self._recordings: tuple[Any, Any] | None = None
        self._sides: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def experiment(self) -> ms.Experiment:
        """What both sides share, with the reader's switches."""
        board = self.plan.board
        return board.applied(self.wish.values).with_(seed=self.wish.seed, off=self.wish.off)

    @property
    def recordings(self) -> tuple[Any, Any]:
        """The left and the right recording."""
        if self._recordings is None:
            experiment = self.plan.preview(self.experiment)
            left, right = (ms.simulate(panel.of(experiment)) for panel in self.plan.panels.values())
            _check_alike(left.experiment, right.experiment)
            self._recordings = left, right
        return self._recordings

    @property
    def count(self) -> int:
        """Number of pictures: the frames, or their mean alone."""
        return 1 if self.plan.average else len(self.recordings[1].frames)

    @property
    def frame(self) -> int:
        """The frame shown."""
        return min(max(self.wish.frame, 0), self.count - 1)

    @property
    def averages(self) -> tuple[Average, ...]:
        """The means of both sides, as far as they are made; none where frames are shown."""
        if not self.plan.average:
            return ()
        return tuple(average(recording.experiment) for recording in self.recordings)

    def averaged(self) -> list[int]:
        """Return of how many frames the picture is the mean so far, and of how many it will be."""
        return [sum(a.taken for a in self.averages), sum(a.count for a in self.averages)]

    def advance(self) -> float:
        """Add a portion to the mean that is behind, and return the share done."""
        min(self.averages, key=lambda a: a.taken).step()
        taken, count = self.averaged()
        return taken / count

    def whole(self) -> Shot:
        """Make the means to their end."""
        while any(not a.whole for a in self.averages):
            self.advance()
        return self

    def picture(self) -> dict[str, Any]:
        """Return the current frame of both sides, or what there is of their means, and how to read it."""
        recording = self.recordings[1]
        left, right = self._pair()
        return {
            "version": self.wish.version,
            "scene": self.wish.scene,
            "state": self.wish.state,
            "frame": self.frame,
            "count": self.count,
            "height": right.shape[0],
            "width": right.shape[1],
            "wide": right.itemsize == 2,
            "pixel_um": float(recording.pixel_um),
            "frame_rate_hz": float(recording.experiment.frame_rate_hz),
            "counts_to_e": recording.counts_to_e._asdict(),
            "readings": self.plan.board.readings(self.experiment, self.wish.values),
            "averaged": self.averaged(),
            "left": left,
            "right": right,
        }

    def _pair(self) -> tuple[np.ndarray, np.ndarray]:
        if self.plan.average:
            left, right = (a.counts() for a in self.averages)
            return left, right
        if self._sides is None:
            left, right = self.recordings
            first = beside(lambda: left.frames[self.frame])  # half the wait where two cores are free
            second = right.frames[self.frame]
            self._sides = first(), second
        return self._sides

    @property
    def sight(self) -> _plots.Sight:
        """What plots, sentences and overlays look at."""
        marks = _plots.places(self.plan.right.own(self.experiment), self.plan.marks)
        return _plots.Sight(*self.recordings, self.frame, self.wish.pixel, self.wish.roi, marks)

    def details(self, changed: bool = True) -> Details:
        """Return what is quickly said and drawn about the picture.

        Plots that take longer begin again, and say what they can at once, if what they show has changed.
        """
        sight = self.sight
        made = [_plots.PLOTS[name](sight) for name in self.plan.plots]
        slow = {place: plot for place, plot in enumerate(made) if isinstance(plot, Iterator)}
        first = [(next(plot) if changed else None) if isinstance(plot, Iterator) else plot for plot in made]
        says = [_plots.SENTENCES[self.plan.says](sight)] if self.plan.says else []
        rest: dict[str, list[Any]] = {"left": [], "right": []}
        still = {"shift_px": rest} if self.plan.average else {}
        notes = self.plan.board.notes(self.experiment, self.wish.values)
        return Details(
            " ".join([*says, *notes]),
            [plot if isinstance(plot, dict) else None for plot in first],
            [
                OVERLAYS[n](sight) | still | {"name": n, "version": self.wish.version}
                for n in self.wish.overlay
            ],
            _plots.describe_marks(sight.marks),
            slow,
        )

    def view(self, key: Off) -> np.ndarray:
        """Return the counts of the current frame, or of the mean, that a side's key stands for, (H, W)."""
        if self.plan.average:
            for step in self.portions(key):
                step()
            return average(self._viewed(key)).counts()
        frame: np.ndarray = ms.simulate(self._viewed(key)).frames[self.frame]
        return frame

    def portions(self, key: Off) -> Iterator[Callable[[], None]]:
        """Yield the steps that are left of the mean that a side's key stands for."""
        if self.plan.average:
            mean = average(self._viewed(key))
            while not mean.whole:
                yield mean.step

    def _viewed(self, key: Off) -> ms.Experiment:
        """Return the experiment that a side's key stands for."""
        own = [name for name in key if name in self.plan.panels]
        off = ms.layers.check(name for name in key if name not in own)
        experiment = self.plan.preview(self.experiment).with_(off=off)
        for side in own:
            experiment = self.plan.panels[side].own(experiment)
        return experiment

    def chunk(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Return frames of both sides."""
        left, right = (recording.frames[first:last] for recording in self.recordings)
        return left, right


def states(switches: Off, off: Off, stacked: bool = False) -> list[Off]:
    """Return which layers may be off when the reader uses the switches, the nearest states first.

    Parameters
    ----------
    switches
        Up to four: all their combinations. More: one layer after another, in physical order.
    off
        What is off now; what has no switch stays off.
    stacked
        Whether it is one layer after another, however few there are.

    Returns
    -------
    list of tuple of str
    """
    switches = ms.layers.check(switches)
    fixed = tuple(name for name in off if name not in switches)
    if len(switches) <= ALL_STATES and not stacked:
        sizes = range(len(switches) + 1)
        subsets = [set(s) for n in sizes for s in itertools.combinations(switches, n)]
    else:
        subsets = [set(switches[n:]) for n in range(len(switches) + 1)]
    now = set(off) & set(switches)
    subsets.sort(key=lambda subset: len(subset ^ now))
    return [ms.layers.check((*fixed, *subset)) for subset in subsets]


def views(plan: Plan, off: Off) -> list[Off]:
    """Return the key of every picture that either panel may show, each once, the nearest states first."""
    wanted = (
        plan.key(side, state) for state in states(plan.switches, off, plan.stack) for side in plan.panels
    )
    return list(dict.fromkeys(wanted))


def _check_alike(left: ms.Experiment, right: ms.Experiment) -> None:
    """Refuse sides that cannot be compared pixel by pixel and frame by frame."""
    sizes = [(*e.shape_px, e.frame_count, e.sensor.bit_depth) for e in (left, right)]
    if sizes[0] != sizes[1]:
        first, second = ("{} x {} pixels, {} frames of {} bits".format(*size) for size in sizes)
        raise ms.ParameterError(f"the two sides of a figure must be alike, but one has {first}, one {second}")


def missing(frame: int, count: int, have: set[int], most: int) -> tuple[int, int] | None:
    """Return the first run of up to `most` frames still missing, from the current one on and round again."""
    for start, stop in ((frame, count), (0, frame)):
        first = next((n for n in range(start, stop) if n not in have), None)
        if first is not None:
            end = min(first + most, stop)
            return first, next((n for n in range(first, end) if n in have), end)
    return None


def steps(slow: Mapping[int, Iterator[Any]]) -> Iterator[tuple[int, Callable[[], Any]]]:
    """Yield a plot's place and its next step, one plot after another, each until it ends with None."""
    for place, plot in slow.items():
        ended = False

        def step(plot: Iterator[Any] = plot) -> Any:
            nonlocal ended
            made = next(plot, None)
            ended = made is None
            return made

        while not ended:
            yield place, step
