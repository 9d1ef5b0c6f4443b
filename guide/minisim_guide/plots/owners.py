"""Cross-talk: whose light a pixel or a region holds, now and over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .sight import Sight, Subject, subject
from .spec import Spec, number, percent, short, upto
from .time import LONGEST, PIECE, POINTS, thinned, time_limits

NAMED = 2
"""Neighbours that are named, besides the own cell."""

_INKS = ("own", "cool", "green")
_OTHERS = {
    "in_focus": ("other cells in focus", "pale"),
    "out_of_focus": ("cells out of focus", "soft"),
    "neuropil": ("neuropil", "violet"),
    "stray_light": ("stray light", "ink"),
}
_SAMPLED = 8  # frames by which neighbours are ranked
_WORTH_NAMING = 0.005  # share of the light
_WORTH_SHOWING = 0.001


def name_of(recording: Any, cell: int) -> str:
    """Return what a cell is called: a letter if the scene says where its cells are, else its number."""
    given = recording.experiment.cells.positions_um
    return f"cell {chr(ord('A') + cell)}" if given and len(given) <= 26 else f"cell {cell}"


def owners_of(recording: Any, roi: Any, own: int | None, frames: slice | None = None) -> list[int]:
    """Return the own cell and those that send a region most light besides it, strongest first."""
    if frames is None:
        frames = slice(0, None, max(1, len(recording.frames) // _SAMPLED))
    parts = recording.explain(roi, frames, cells=NAMED + 1)
    found = [int(name[5:]) for name in parts if name.startswith("cell:")]
    own = found[0] if own is None and found else own
    others = [cell for cell in found if cell != own][:NAMED]
    return others if own is None else [own, *others]


def shares(recording: Any, roi: Any, named: list[int], frames: slice) -> dict[str, Any]:
    """Split a region's light over time into that of named cells and of groups of all others."""
    parts = recording.explain(roi, frames, cells=None)
    near = np.asarray(recording.truth.near_focus)
    lump = "in_focus" if "out_of_focus" in recording.experiment.off else "out_of_focus"
    zero = np.zeros(len(range(len(recording.frames))[frames]))
    found: dict[str, Any] = {f"cell:{cell}": zero.copy() for cell in named}
    found |= {name: zero.copy() for name in _OTHERS}
    for name, light in parts.items():
        if name not in found:
            # The tissue beyond the field is made of cells as well, blurred past telling.
            cell = int(name[5:]) if name.startswith("cell:") else None
            name = lump if cell is None else "in_focus" if near[cell] else "out_of_focus"
        found[name] = found[name] + light
    return found


def plot_owners(sight: Sight) -> Spec:
    """Stack the light of everyone who contributes to the mark in this frame."""
    whom = subject(sight)
    named = owners_of(sight.right, whom.weights, whom.own)
    frame = slice(sight.frame, sight.frame + 1)
    parts = {name: float(v[0]) for name, v in shares(sight.right, whom.weights, named, frame).items()}
    total = sum(parts.values())
    shown = {name: light for name, light in parts.items() if light > _WORTH_SHOWING * total}
    words = {name: _words(sight.right, name)[0] for name in shown}
    told = ", ".join(f"{words[n]} {percent(v / (total or 1))}" for n, v in shown.items())
    return {
        "kind": "bars",
        "title": f"Who contributes to {whom.words} in this frame",
        "x": {"label": "", "limits": [-0.6, max(len(shown), 1) - 0.4]},
        "y": {"label": "e⁻ per pixel", "limits": [0, upto([total])]},
        "width": 0.8,
        "series": [
            {"name": f"{words[name]} {percent(light / (total or 1))}", "x": [place], "y": short([light])}
            | {"ink": _words(sight.right, name)[1](named)}
            for place, (name, light) in enumerate(shown.items())
        ],
        "levels": [{"y": total, "label": f"all of it: {number(total)} e⁻"}],
        "summary": f"Light of {whom.words} in this frame, {number(total)} electrons a pixel: "
        f"{told or 'none arrives'}.",
    }


def plot_owner_courses(sight: Sight) -> Iterator[float | Spec]:
    """Stack, over time, the light of everyone who contributes to the mark."""
    yield 0.0
    recording, whom = sight.right, subject(sight)
    named = owners_of(recording, whom.weights, whom.own)
    count = min(len(recording.frames), LONGEST)
    pieces: list[dict[str, Any]] = []
    for first in range(0, count, PIECE):
        frames = slice(first, min(first + PIECE, count))
        pieces.append(shares(recording, whom.weights, named, frames))
        yield frames.stop / count
    parts = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    whole = np.sum(list(parts.values()), axis=0)
    every = -(-count // POINTS)
    times = short(thinned(np.asarray(recording.times_s)[:count], every))
    series = []
    for name, light in reversed(parts.items()):  # the own cell on top of everyone else
        if light.mean() <= 0:
            continue
        words, ink = _words(recording, name)
        series.append({"name": words, "ink": ink(named), "x": times, "y": short(thinned(light, every))})
    yield {
        "kind": "stack",
        "title": f"Who contributes to {whom.words}, over time",
        "x": {"label": "time, s", "limits": time_limits(recording, count), "kind": "time", "every": every},
        "y": {"label": "e⁻ per pixel", "limits": [0, upto(thinned(whole, every))]},
        "series": series,
        "summary": _say(recording, whom, parts, whole),
    }


def say_crosstalk(sight: Sight) -> str:
    """Say who sends the light of the mark in this frame."""
    if sight.mask() is None:
        return "Click a pixel, or draw a region, to see whose light it holds."
    spec = plot_owners(sight)
    sent = [s["name"] for s in spec["series"]]
    where = "region" if sight.roi else "pixel"
    told = [words for words in sent if not words.endswith(" 0 %")]
    return (
        f"In this frame the light of the marked {where} comes from {_listed(told)}." if told else "No light."
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _words(recording: Any, name: str) -> tuple[str, Any]:
    """Return what an owner is called, and which ink it is drawn with, given who is named."""
    if name in _OTHERS:
        words, ink = _OTHERS[name]
        return words, lambda named: ink
    cell = int(name[5:])
    return name_of(recording, cell), lambda named: _INKS[named.index(cell)]


def _say(recording: Any, whom: Subject, parts: dict[str, Any], whole: Any) -> str:
    total, change = float(whole.sum()) or 1.0, whole - whole.mean()
    varying = float(change @ change) or 1.0
    told = [
        f"{_words(recording, name)[0]} {percent(light.sum() / total)}"
        for name, light in parts.items()
        if light.sum() / total >= _WORTH_NAMING
    ]
    own = parts.get(f"cell:{whom.own}")
    mine = 0.0 if own is None else float((own - own.mean()) @ change) / varying
    return (
        f"Stacked over time, the light of {whom.words}: {', '.join(told) or 'none arrives'}. "
        f"Of what varies in it, {percent(mine)} is its own cell's."
    )
