"""Time: who contributes to a pixel while the movie runs, and which rhythms it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

from .sight import Sight, Subject, subject
from .spec import Spec, decades, empty, number, percent, short

PIECE = 8
"""Frames that are looked at between two reports of progress."""

LONGEST = 4096
"""From so many frames a plot over time is made, at most: the first of the recording."""

POINTS = 600
"""Values of a trace that a browser is sent, at most."""

OWNERS = {
    "own": ("its own cell", "own"),
    "neighbours": ("other cells in focus", "green"),
    "out_of_focus": ("cells out of focus", "pale"),
    "neuropil": ("neuropil", "violet"),
    "distant_tissue": ("tissue beyond", "cool"),
    "stray_light": ("stray light", "soft"),
}
"""What the owners of light are called, and drawn with."""

_FEWEST = 16  # frames that make a spectrum
_STILL = 0.01  # of the whole trace's range: what varies less is a note, not a lane


def plot_traces(sight: Sight) -> Iterator[float | Spec]:
    """Show whose light the marked pixel or region reads, over time."""
    yield 0.0
    recording, whom = sight.right, subject(sight)
    count = min(len(recording.frames), LONGEST)
    parts: list[dict[str, Any]] = []
    for first in range(0, count, PIECE):
        frames = slice(first, min(first + PIECE, count))
        parts.append(ms.measures.owner_traces(recording, whom.weights, frames, whom.own))
        yield min(first + PIECE, count) / count
    owners = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    whole = np.sum(list(owners.values()), axis=0)
    every = -(-count // POINTS)
    times = short(thinned(np.asarray(recording.times_s)[:count], every))
    lanes = {"everything": ("everything", "ink", whole)}
    lanes |= {name: (*OWNERS[name], values) for name, values in owners.items()}
    span = float(np.ptp(thinned(whole, every))) or 1.0
    own_share, own_change = _own(owners, whole)
    notes = [f"its own cell: {percent(own_share)} of the light, {percent(own_change)} of what varies"]
    series, floor = [], 0.0
    for name, (words, ink, values) in reversed(lanes.items()):
        trace = thinned(values, every)
        mean = float(values.mean())
        if name == "own" and whom.own is not None:
            words = f"cell {whom.own}"
        if name != "everything" and np.ptp(trace) < _STILL * span:
            if mean > 0:
                notes.append(f"{words} {number(mean)} e⁻, steady")
            continue
        at = floor + mean - float(trace.min())
        floor = at - mean + float(trace.max()) + 0.12 * span
        series.append(
            {"name": words, "ink": ink, "x": times, "y": short(trace), "mean": mean, "at": at}
            | ({"cell": whom.own} if name == "own" else {})
        )
    series.reverse()
    yield {
        "kind": "traces",
        "title": f"Whose light reads {whom.words}",
        "x": {"label": "time, s", "limits": time_limits(recording, count), "kind": "time", "every": every},
        "y": {"label": "e⁻ per pixel", "limits": [-0.12 * span, floor]},
        "series": series,
        "notes": notes,
        "summary": _say_owners(whom, owners, whole),
    }


def _own(owners: dict[str, Any], whole: Any) -> tuple[float, float]:
    """Return the own cell's share of the light, and of what varies in it."""
    own, change = owners["own"] - owners["own"].mean(), whole - whole.mean()
    light, varying = float(whole.sum()), float(change @ change)
    return float(owners["own"].sum()) / (light or 1.0), float(own @ change) / (varying or 1.0)


def _say_owners(whom: Subject, owners: dict[str, Any], whole: Any) -> str:
    total = float(whole.mean()) or 1.0
    shares = {name: float(values.mean()) / total for name, values in owners.items()}
    told = [f"{OWNERS[name][0]} {percent(share)}" for name, share in shares.items() if share >= 0.005]
    return (
        f"Traces of {whom.words}: of its light, {', '.join(told) or 'nothing arrives'}; "
        f"of what varies, {percent(_own(owners, whole)[1])} is its own cell's."
    )


def plot_spectrum(sight: Sight) -> Iterator[float | Spec]:
    """Show which rhythms the marked pixel or region carries, on either side."""
    title = "Rhythms"
    count = min(len(sight.right.frames), LONGEST)
    if count < _FEWEST:
        yield empty(title, f"A spectrum takes at least {_FEWEST} frames; this recording has {count}.")
        return
    yield 0.0
    whom = subject(sight)
    rate_hz = sight.right.experiment.frame_rate_hz
    sides = {"right": sight.right}
    if sight.left.experiment != sight.right.experiment:
        sides["left"] = sight.left
    found, done = {}, 0.0
    for side, recording in sides.items():
        black, e_per_count, _ = recording.counts_to_e
        trace = np.empty(count)
        for first in range(0, count, PIECE):
            frames = recording.frames[first : min(first + PIECE, count)]
            light = np.einsum("tyx,yx->t", frames, whom.weights, dtype=float)
            trace[first : first + PIECE] = (light - black) * e_per_count
            done += PIECE / count / len(sides)
            yield min(done, 1.0)
        found[side] = ms.measures.spectrum(100 * trace / (trace.mean() or 1.0), rate_hz)
    rhythms = lines(sight.right.experiment)
    top = max(float(s.amplitude.max()) for s in found.values())
    bottom = min(float(np.percentile(s.amplitude, 5)) for s in found.values())
    limits = decades(max(bottom, top / 1e4) / 1.5, 2.5 * top)
    styles: dict[str, dict[str, Any]] = {"right": {"ink": "own"}, "left": {"ink": "soft", "dash": True}}
    yield {
        "kind": "lines",
        "title": f"{title} in {whom.words}",
        "x": {"label": "frequency, Hz", "limits": [0, rate_hz / 2]},
        "y": {"label": "amplitude, % of its light", "limits": limits, "log": True},
        "series": [
            {"name": side, "x": short(s.frequency_hz), "y": short(np.maximum(s.amplitude, limits[0]))}
            | styles[side]
            for side, s in found.items()
        ],
        "marks": [{"x": at, "label": label} for at, label, _ in rhythms],
        "summary": f"Lines: amplitude of each rhythm in {whom.words}, up to {rate_hz / 2:g} Hz; "
        + (", ".join(_line_words(line, found["right"]) for line in rhythms) or "the brain stands still")
        + ".",
    }


def _line_words(line: tuple[float, str, str], spectrum: ms.measures.Spectrum) -> str:
    at, _, words = line
    return f"{words}: {number(float(np.interp(at, spectrum.frequency_hz, spectrum.amplitude)), 2)} %"


def lines(e: ms.Experiment) -> list[tuple[float, str, str]]:
    """Return where the brain's rhythms show at this frame rate: position, label, words."""
    if "motion" in e.off or not e.motion.looseness:
        return []
    m = e.motion
    rhythms = [
        ("heart", m.heart_hz, m.heart_um),
        ("breathing", m.breathing_hz, m.breathing_um),
        ("stride", m.stride_hz, m.stride_um * m.running_fraction),
    ]
    found = []
    for name, rate_hz, amplitude in rhythms:
        if not amplitude:
            continue
        seen, _ = ms.measures.sampled_line(rate_hz, e.frame_rate_hz, e.exposure_s)
        alias = abs(seen - rate_hz) > 1e-9
        label = f"{name} {rate_hz:g}→{seen:.3g}" if alias else name
        words = f"{name} at {rate_hz:g} Hz" + (f", seen at {seen:.3g} Hz" if alias else "")
        found.append((seen, label, words))
    return found


def time_limits(recording: Any, count: int) -> list[float]:
    """Return the limits of a time axis for so many frames, in s."""
    times = np.asarray(recording.times_s)
    last = float(times[count - 1])
    return [float(times[0]), max(last, float(times[0]) + 1 / recording.experiment.frame_rate_hz)]


def thinned(values: Any, every: int) -> NDArray[np.float64]:
    """Average so many values into one: what is sent must fit the plot."""
    flat = np.asarray(values, dtype=float)
    starts = np.arange(0, len(flat), every)
    means: NDArray[np.float64] = np.add.reduceat(flat, starts) / np.diff([*starts, len(flat)])
    return means
