"""Demixing, run on the page: what it makes of a region, of every cell, and where it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minisim_core as ms
from minisim_core.inverse import comparison, demix

from .owners import name_of
from .pieces import Remembered, or_why, share_of
from .sight import Sight, subject
from .spec import Spec, empty, number, short
from .time import POINTS, thinned, time_limits

DENSITIES_PER_MM3 = (5e3, 1.5e4, 3e4, 6e4, 1.2e5)
"""Densities of the curve."""

USUAL_PER_MM3 = 1.5e4
"""Above this density the curve's LED is turned down as the tissue gets brighter, or the camera saturates."""

PIECE_UM, PIECE_S = 150.0, 30.0
"""Field and length of what predictions are judged by."""

_FEWEST_S = 4.0  # of bins that blind demixing needs
_READINGS = {
    "truth": ("truth", "ink"),
    "demixed": ("demixed", "own"),
    "corrected": ("less ring", "green"),
    "region": ("region", "soft"),
}
_WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "blind": ("demixed from the movie alone", {"ink": "own"}),
    "told": ("demixed, footprints known", {"ink": "cool", "dash": True}),
    "corrected": ("region less 0.7 of its ring", {"ink": "green", "dot": True}),
    "region": ("region’s mean", {"ink": "soft"}),
}


def _tell(experiment: ms.Experiment, progress: Callable[[float], object]) -> demix.Demixed | None:
    recording = ms.simulate(experiment)
    if not np.asarray(recording.truth.detectable).any():
        return None
    return comparison.told(recording, progress=progress)


def _compare(experiment: ms.Experiment, progress: Callable[[float], object]) -> comparison.Comparison:
    return comparison.compare(ms.simulate(experiment), progress)


_told = Remembered(_tell, most=2)
_compared = Remembered(_compare, most=16)


@or_why("Four readings of one cell")
def plot_four_readings(sight: Sight) -> Iterator[float | Spec]:
    """Show four readings of the mark: the truth, demixed, less its ring, and its mean."""
    title, recording = "Four readings of one cell", sight.right
    yield 0.0  # nothing long before the hand rests
    whom = subject(sight)
    if whom.own is None:
        yield empty(title, "No cell sends light here.")
        return
    demixed = yield from _told(recording.experiment)
    mask = whom.weights > 0
    if mask.sum() < 2:  # a pixel stands for the cell that it lies on
        mask = mask | ms.measures.body_mask(recording, whom.own)
    found = comparison.readings(recording, mask, whom.own, demixed)
    count = len(found.truth)
    every = -(-count // POINTS)
    times = short(thinned(np.asarray(recording.times_s), every))
    series: list[dict[str, Any]] = []
    rs = {name: found.r(name) for name in _READINGS if name != "truth"}
    floor = 0.0
    for name, (words, ink) in reversed(_READINGS.items()):
        values = getattr(found, name)
        if values is None or not np.isfinite(values).all() or not np.ptp(values):
            continue
        trace = thinned((values - values.mean()) / values.std(), every)
        at = floor - float(trace.min())
        floor = at + float(trace.max()) + 0.6
        label = words if name == "truth" else f"{words}, r {number(rs[name], 2)}"
        series.append({"name": label, "ink": ink, "x": times, "y": short(trace), "mean": 0.0, "at": at})
    series.reverse()
    who = name_of(recording, whom.own)
    notes = [f"{who}; r: correlation with the truth"]
    if found.demixed is None:
        notes.append(f"{who} is too faint to be found, so demixing was not told of it")
    yield {
        "kind": "traces",
        "title": f"{title}: {who}",
        "x": {"label": "time, s", "limits": time_limits(recording, count), "kind": "time", "every": every},
        "y": {"label": "each in its own sd", "unit": "sd", "limits": [-0.3, max(floor, 1.0)]},
        "series": series,
        "notes": notes,
        "summary": f"Readings of {who} and their correlation with its true activity: "
        + ", ".join(f"{_READINGS[name][0]} {_r(r)}" for name, r in rs.items())
        + ".",
    }


@or_why("Every detectable cell, read two ways")
def plot_demixed_cells(sight: Sight) -> Iterator[float | Spec]:
    """Show every detectable cell by how well its region's mean and demixing follow it."""
    title = "Every detectable cell, read two ways"
    yield 0.0
    experiment = sight.right.experiment
    if experiment.duration_s < _FEWEST_S:
        yield empty(title, f"Demixing takes at least {_FEWEST_S:g} s of movie.")
        return
    found = yield from _compared(experiment)
    if not len(found.cells):
        yield empty(title, "No cell of this scene is detectable.")
        return
    seen = np.isfinite(found.blind)
    low = min(0.0, float(np.nanmin([found.region, np.where(seen, found.blind, 0), found.told])))
    limits = [float(np.floor(10 * low) / 10), 1.0]
    groups = [
        ("found from the movie alone", "own", False, found.blind, seen),
        ("not found; footprint known", "cool", True, found.told, ~seen),
    ]
    series: list[dict[str, Any]] = [
        {
            "name": f"{words}: {int(chosen.sum())}", "ink": ink, "hollow": hollow,
            "x": short(found.region[chosen]), "y": short(values[chosen]),
            "cells": found.cells[chosen].tolist(),
        }
        for words, ink, hollow, values, chosen in groups
    ]  # fmt: skip
    series.append({"name": "no gain", "ink": "soft", "line": True, "dash": True, "x": limits, "y": limits})
    yield {
        "kind": "points",
        "title": title,
        "x": {"label": "r of the region’s mean", "limits": limits},
        "y": {"label": "r demixed", "limits": limits},
        "series": series,
        "levels": [{"y": comparison.FOLLOWED_R, "label": "followed"}],
        "notes": [f"median r: {_median(found, 'region')} region, {_median(found, 'blind')} demixed"],
        "summary": f"Of {len(found.cells)} detectable cells, demixing found {int(seen.sum())} from the movie "
        f"alone; median r {_median(found, 'blind')}, of their regions’ means {_median(found, 'region')}.",
    }


@or_why("Cells followed, by density")
def plot_demixing_by_density(sight: Sight) -> Iterator[float | Spec]:
    """Show the share of detectable cells that each way follows, here and at other densities."""
    title = "Cells followed, by density"
    yield 0.0
    here = sight.right.experiment
    if here.duration_s < _FEWEST_S:
        yield empty(title, f"Demixing takes at least {_FEWEST_S:g} s of movie.")
        return
    if here.cells.positions_um is not None:
        yield empty(title, "The cells of this scene are placed by hand.")
        return
    density = here.cells.density_per_mm3
    wanted = [density, *(d for d in DENSITIES_PER_MM3 if d != density)]
    found: dict[float, comparison.Comparison] = {}
    for at, value in enumerate(wanted):
        made = _compared(at_density(here, value))
        found[value] = yield from share_of(made, at / len(wanted), (at + 1) / len(wanted))
        yield _by_density(title, found, density)


def region_follows(experiment: ms.Experiment) -> float:
    """Return the median r of the detectable cells' regions with their cells, in a piece of the scene."""
    piece = experiment.with_(field_um=PIECE_UM, duration_s=PIECE_S)
    found = comparison.regions(ms.simulate(piece))
    return float(np.median(found)) if len(found) else 0.0


def at_density(experiment: ms.Experiment, per_mm3: float) -> ms.Experiment:
    """Return a scene with another density of cells, lit so that the camera does not saturate."""
    here = min(1.0, USUAL_PER_MM3 / experiment.cells.density_per_mm3)
    there = min(1.0, USUAL_PER_MM3 / per_mm3)
    return experiment.with_(
        cells={"density_per_mm3": per_mm3},
        illumination={"led_mw": experiment.illumination.led_mw * there / here},
    )


def _by_density(title: str, found: dict[float, comparison.Comparison], density: float) -> Spec:
    densities = sorted(d for d, c in found.items() if len(c.cells))
    limits = [0.8 * min(*densities, DENSITIES_PER_MM3[0]), 1.25 * max(*densities, DENSITIES_PER_MM3[-1])]
    ways = {way: [found[d].followed(way) for d in densities] for way in _WAYS}
    present = found[density]
    return {
        "kind": "lines",
        "title": title,
        "x": {"label": "cells per mm³", "limits": limits, "log": True},
        "y": {"label": f"share with r ≥ {comparison.FOLLOWED_R:g}", "limits": [0, 1.05]},
        "series": [
            {"name": words, "x": densities, "y": short(ways[way]), "dotted": True} | style
            for way, (words, style) in _WAYS.items()
        ],
        "marks": [{"x": density, "label": "here"}],
        "notes": [f"here {len(present.cells)} cells are detectable"],
        "summary": f"At {number(density, 2)} cells per mm³, of {len(present.cells)} detectable cells: "
        + ", ".join(f"{words} follows {_share(present.followed(way))}" for way, (words, _) in _WAYS.items())
        + ".",
    }


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if np.isfinite(value) else "none"


def _r(value: float) -> str:
    return number(value, 2) if np.isfinite(value) else "not to be had"


def _median(found: comparison.Comparison, way: str) -> str:
    values = getattr(found, way)
    values = values[np.isfinite(values)]
    return number(float(np.median(values)), 2) if len(values) else "none"
