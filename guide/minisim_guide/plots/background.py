"""What lies behind the cells: its share of the light, how it moves, and its share of all that changes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

from .marks import MARKS
from .sight import Sight
from .spec import Spec, decades, empty, number, percent, shares, short
from .time import thinned

MINUTE_S = 60.0
"""The slow rhythms of the background take so long to show, however short the movie."""

PIECE = 8
"""Frames that are looked at between two reports of progress."""

LINES = 150
"""Stretches of a logarithmic axis of frequency, of each of which a browser is sent the highest line."""

CHANGES_HZ = 2.0
"""How often a minute is looked at to find who makes it change."""

POINTS = 600
"""Values of a course that a browser is sent, at most."""

PLACES = ("vessel", "haze", "cell")
"""The marks whose light is followed."""

PARTS = {
    "in_focus": ("cells in focus", "own"),
    "out_of_focus": ("cells out of focus", "pale"),
    "neuropil": ("neuropil", "violet"),
    "blood": ("blood", "cool"),
}
"""What the parts of the light are called, and drawn with."""

_KEPT: dict[Any, Courses] = {}
_KEEP = 8  # courses that are not computed again when a reader comes back to them


class Courses(NamedTuple):
    """The light of marked pixels over a minute, before the camera adds its grain."""

    times_s: NDArray[np.float64]  # (T,)
    light_e: Mapping[str, NDArray[np.float64]]  # (T,) by mark
    experiment: ms.Experiment


def a_minute(experiment: ms.Experiment) -> Any:
    """Return a recording of at least a minute that begins as this one does, without the camera's grain."""
    off = {*experiment.off, "noise"}
    return ms.simulate(experiment.with_(duration_s=max(MINUTE_S, experiment.duration_s), off=off))


def courses(sight: Sight) -> Generator[float, None, Courses]:
    """Follow the light at the marks; yields the share done, and returns the courses."""
    recording = a_minute(sight.right.experiment)
    places = {name: sight.marks[name] for name in PLACES if name in sight.marks}
    key = recording.experiment, tuple(places.values())
    if key not in _KEPT:
        rows, columns = np.array(list(places.values()), dtype=int).reshape(-1, 2).T
        count = len(recording.frames)
        light = np.empty((len(places), count))
        for first in range(0, count, PIECE):
            light[:, first : first + PIECE] = recording.expected[first : first + PIECE][:, rows, columns].T
            yield min(first + PIECE, count) / count
        while len(_KEPT) >= _KEEP:
            _KEPT.pop(next(iter(_KEPT)), None)
        times = np.asarray(recording.times_s, dtype=float)
        _KEPT[key] = Courses(times, dict(zip(places, light, strict=True)), recording.experiment)
    return _KEPT[key]


def plot_courses(sight: Sight) -> Iterator[float | Spec]:
    """Show how the light changes over a minute on a vessel, on haze and on a cell."""
    title = "A minute at the marks"
    yield 0.0
    if not sight.marks:
        yield empty(title, "Nothing is marked in this picture.")
        return
    found = yield from courses(sight)
    every = -(-len(found.times_s) // POINTS)
    relative = {n: 100 * thinned(y, every) / (y.mean() or 1.0) for n, y in found.light_e.items()}
    span = max(float(np.ptp(y)) for y in relative.values()) or 1.0
    series, floor = [], 0.0
    for name, values in reversed(relative.items()):
        at = floor + 100 - float(values.min())
        floor = at - 100 + float(values.max()) + 0.12 * span
        series.append(
            {"name": MARKS[name].label, "ink": MARKS[name].ink, "x": short(thinned(found.times_s, every))}
            | {"y": short(values), "mean": 100.0, "at": at}
        )
    series.reverse()
    movie_s = sight.right.experiment.duration_s
    seconds = [float(found.times_s[0]), float(found.times_s[-1])]
    told = [
        f"{MARKS[name].label} {percent(float(y.std() / (y.mean() or 1.0)))}"
        for name, y in found.light_e.items()
    ]
    yield {
        "kind": "traces",
        "title": title,
        "x": {"label": "time, s", "limits": seconds, "kind": "time", "every": every},
        "y": {"label": "% of its mean light", "unit": "%", "limits": [-0.12 * span, floor]},
        "series": series,
        "bands": [{"from": 0, "to": movie_s}] if movie_s < 0.9 * seconds[1] else [],
        "summary": f"Traces of a minute before the camera's grain; light varies (sd): {', '.join(told)}.",
    }


def plot_rhythms(sight: Sight) -> Iterator[float | Spec]:
    """Show which rhythms the light has on a vessel, on haze and on a cell."""
    title = "Rhythms at the marks"
    yield 0.0
    if not sight.marks:
        yield empty(title, "Nothing is marked in this picture.")
        return
    found = yield from courses(sight)
    e = found.experiment
    light: dict[str, Any] = dict(found.light_e)
    names = {name: MARKS[name].label for name in light}
    inks: dict[str, dict[str, Any]] = {name: {"ink": MARKS[name].ink} for name in light}
    if {"vessel", "haze"} <= light.keys() and light["haze"].all():
        light["ratio"] = light["vessel"] / light["haze"]
        names["ratio"], inks["ratio"] = "vessel ÷ haze", {"ink": "ink", "dash": True}
    spectra = {
        n: ms.measures.spectrum(100 * y / (y.mean() or 1.0), e.frame_rate_hz) for n, y in light.items()
    }
    top = max(float(s.amplitude.max()) for s in spectra.values())
    limits = decades(top / 2e3, 2 * top)
    low = float(next(iter(spectra.values())).frequency_hz[0])
    yield {
        "kind": "lines",
        "title": title,
        "x": {"label": "frequency, Hz", "limits": [low, e.frame_rate_hz / 2], "log": True},
        "y": {"label": "amplitude, % of its light", "limits": limits, "log": True},
        "series": [
            {"name": names[n], "x": short(x), "y": short(np.maximum(y, limits[0]))} | inks[n]
            for n, (x, y) in ((n, _outlined(s)) for n, s in spectra.items())
        ],
        "marks": [{"x": at, "label": label} for label, at in _pulses(e).items()],
        "summary": f"Lines: amplitude of each rhythm up to {e.frame_rate_hz / 2:g} Hz. "
        + _say(spectra, names, e),
    }


def _outlined(spectrum: ms.measures.Spectrum) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Thin a spectrum for a logarithmic axis: in each stretch of it the highest line stays, where it is."""
    where = np.log(spectrum.frequency_hz)
    stretch = ((where - where[0]) * (LINES / max(float(np.ptp(where)), 1e-9))).astype(int)
    order = np.lexsort((spectrum.amplitude, stretch))
    tops = np.sort(order[np.append(np.diff(stretch[order]) > 0, True)])
    return spectrum.frequency_hz[tops], spectrum.amplitude[tops]


def _pulses(e: ms.Experiment) -> dict[str, float]:
    """Return where the rhythms of the blood show at this frame rate."""
    found: dict[str, float] = {}
    if "vessels" in e.off or not e.vessels.count:
        return found
    if e.vessels.vasomotion:
        found[f"vessels {e.vessels.vasomotion_hz:g} Hz"] = e.vessels.vasomotion_hz
    if e.vessels.heart:
        found["heart"] = ms.measures.sampled_line(e.motion.heart_hz, e.frame_rate_hz, e.exposure_s)[0]
    return found


def _say(spectra: Mapping[str, ms.measures.Spectrum], names: Mapping[str, str], e: ms.Experiment) -> str:
    told = []
    for label, at in _pulses(e).items():
        heights = {n: float(np.interp(at, s.frequency_hz, s.amplitude)) for n, s in spectra.items()}
        told.append(f"{label}: " + ", ".join(f"{names[n]} {number(y, 2)} %" for n, y in heights.items()))
    return "; ".join(told) + "." if told else "No vessel pulses here."


def plot_variance_share(sight: Sight) -> Iterator[float | Spec]:
    """Show who makes the movie change, over all pixels."""
    yield 0.0
    found = yield from _changes(sight.right.experiment)
    title = "Who makes the movie change"
    parts = {name: share for name, share in found.shares.items() if np.isfinite(share)}
    if not parts:
        yield empty(title, "Nothing changes in this movie.")
        return
    yield shares(
        title,
        [(PARTS[name][0], PARTS[name][1], share) for name, share in parts.items()],
        "of all pixels’ variance, before the grain, %",
        f"Of all that changes in a minute of this movie, {percent(found.background)} is background: "
        + ", ".join(f"{PARTS[name][0]} {percent(share)}" for name, share in parts.items())
        + ".",
    )


def _changes(experiment: ms.Experiment) -> Generator[float, None, ms.measures.VarianceShares]:
    """Find who makes a minute change; yields the share done, and returns the finding."""
    recording = a_minute(experiment)
    count = len(recording.frames)
    every = max(1, round(experiment.frame_rate_hz / CHANGES_HZ))
    found = ms.measures.variance_shares(recording, slice(0, every * PIECE, every))
    for first in range(every * PIECE, count, every * PIECE):
        yield first / count
        found += ms.measures.variance_shares(recording, slice(first, first + every * PIECE, every))
    return found


def focus_share_of_variance(experiment: ms.Experiment) -> float:
    """Return the share of all that changes in a minute that the cells in focus make."""
    made = _changes(experiment)
    while True:
        try:
            next(made)
        except StopIteration as end:
            return float(end.value.shares["in_focus"])


def say_background(sight: Sight) -> str:
    """Say how much of the light is neuropil and how dark the vessels are, in the frame and at the mark."""
    recording, e = sight.right, sight.right.experiment
    seen = _frame(recording, sight.frame)
    if "neuropil" in e.off:
        text = "Neuropil is switched off"
    else:
        glow = seen - _frame(recording.without("neuropil"), sight.frame)
        text = f"Neuropil gives {percent(float(glow.sum() / (seen.sum() or 1.0)))} of the light in this frame"
        if sight.pixel:
            share = float(glow[sight.pixel] / (seen[sight.pixel] or 1.0))
            text += f" and {percent(share)} at the marked pixel"
    if "vessels" in e.off or not e.vessels.count:
        return f"{text}; no vessel is in the way."
    bare = _frame(recording.without("vessels"), sight.frame)
    missing = 1 - seen / np.where(bare > 0, bare, 1.0)
    text += f"; the darkest vessel takes {percent(float(missing.max()))}"
    return (
        f"{text}, at the marked pixel {percent(float(missing[sight.pixel]))}." if sight.pixel else f"{text}."
    )


def _frame(recording: Any, frame: int) -> NDArray[np.float64]:
    return np.asarray(recording.expected[frame], dtype=float)
