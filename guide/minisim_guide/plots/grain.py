"""Grain: what a pixel's noise is made of, and which cells drown in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

import minisim_core as ms

from .marks import MARKS, faint
from .sight import Sight
from .spec import Spec, empty, number, percent, shares, short

PIECE = 8
"""Frames that are looked at between two reports of progress."""

LONGEST = 600
"""From so many frames the two cells are shown, at most: the first of the recording."""

CLIPPED = 0.05
"""A cell that is saturated in so many of the frames is lost: it is judged by as many, its brightest."""

_ENOUGH = ms.measures.DETECTABLE_SNR

CELLS = {"bright": ms.measures.brightest_cell, "faint": faint}
"""The marks that stand on cells, and how these are found."""

PARTS = {
    "in_focus": ("light of cells in focus", "own"),
    "out_of_focus": ("cells out of focus", "pale"),
    "neuropil": ("neuropil", "violet"),
    "stray_light": ("stray light", "green"),
    "read": ("reading", "ink"),
    "rounding": ("rounding", "soft"),
}
"""What the sources of noise are called, and drawn with."""


def plot_noise_budget(sight: Sight) -> Spec:
    """Show where the noise comes from, in the picture or at what is marked, and what stray light costs."""
    roi = sight.mask()
    budget = ms.measures.noise_budget(sight.right, sight.frame, roi)
    total = sum(budget.values()) or 1.0
    noise_e, without_e = total**0.5, (total - budget["stray_light"]) ** 0.5
    where = "of an average pixel" if roi is None else "at the mark"
    parts = [(*PARTS[name], variance / total) for name, variance in budget.items() if variance]
    return shares(
        f"What the grain {where} is made of",
        parts,
        "of the variance, %",
        f"Grain {where}: {number(noise_e)} e⁻ (sd): "
        + ", ".join(f"{name} {percent(share)}" for name, _, share in parts)
        + f". Without stray light it would be {number(without_e)} e⁻.",
    ) | {"notes": [f"sd {number(noise_e)} e⁻; without stray light {number(without_e)} e⁻"]}


def plot_two_cells(sight: Sight) -> Iterator[float | Spec]:
    """Show a bright and a faint cell over time, in their brightest pixel: true, and with the grain on it."""
    title = "A bright and a faint cell, in their brightest pixel"
    yield 0.0
    recording = sight.right
    scene = recording.experiment.with_(off=())
    found = {name: _cell(name, scene) for name in CELLS if name in sight.marks}
    if not found:
        yield empty(title, "No bright or faint cell is marked.")
        return
    count = min(len(recording.frames), LONGEST)
    black, e_per_count, full_scale = recording.counts_to_e
    rows, columns = np.array([sight.marks[name] for name in found]).T
    grain = np.empty((len(found), count))
    clipped = np.zeros(len(found))
    truth = _judged(recording.experiment)
    detectable = np.asarray(truth.detectable)
    middles = np.rint(np.asarray(truth.centroids_px)[detectable]).astype(int)
    full_frames = np.zeros(len(middles), dtype=int)
    for first in range(0, count, PIECE):
        some = slice(first, min(first + PIECE, count))
        frames = recording.frames[some]
        counts = frames[:, rows, columns]
        seen = (counts - black) * e_per_count
        grain[:, some] = (seen - recording.expected[some][:, rows, columns]).T
        clipped += (counts == full_scale).sum(axis=0) / count
        full_frames += (frames[:, *middles.T] == full_scale).sum(axis=0)
        yield min(first + PIECE, count) / count
    times = short(np.asarray(recording.times_s)[:count])
    lanes, told, floor = [], [], 0.0
    own = {name: _own_light(recording, cell, sight.marks[name], count) for name, cell in found.items()}
    span = max(float(np.ptp(own[name] + noise)) for name, noise in zip(found, grain, strict=True)) or 1.0
    for name, noise, cut in reversed(list(zip(found, grain, clipped.tolist(), strict=True))):
        snr, ink, light = float(truth.snr[found[name]]), MARKS[name].ink, own[name]
        both, mean = light + noise, float(light.mean())
        low, high = float(np.minimum(both, light).min()), float(np.maximum(both, light).max())
        at = floor + mean - low
        floor = at - mean + high + 0.12 * span
        place = {"x": times, "mean": mean, "at": at}
        lanes += [
            {"name": f"{name}, true", "ink": ink, "y": short(light)} | place,
            {"name": "with grain", "ink": "pale", "y": short(both)} | place,
        ]
        stands = "stands out" if snr >= _ENOUGH else "drowns"
        saturated = f", but saturated in {percent(cut)} of the frames" if cut else ""
        told.append(f"{name} cell: SNR {number(snr, 2)}, {stands}{saturated}")
    told.reverse()
    yielded = f"{int(detectable.sum())} of {int(truth.in_field.sum())} cells stand out (SNR {_ENOUGH:g})"
    if lost := int((full_frames >= CLIPPED * count).sum()):
        yielded += f", but {lost} of them are saturated in {percent(CLIPPED)} of the frames or more"
    yield {
        "kind": "traces",
        "title": title,
        "x": {"label": "time, s", "limits": _span(recording, count), "kind": "time", "every": 1},
        "y": {"label": "e⁻", "limits": [-0.12 * span, floor]},
        "series": lanes[::-1],
        "notes": [*told, yielded],
        "summary": f"Traces of {'; '.join(told)}. {yielded}.",
    }


def _own_light(recording: ms.Recording, cell: int, pixel: tuple[int, int], count: int) -> np.ndarray:
    """Return what a cell at rest in space sends to a pixel, in e⁻, (count,)."""
    course = np.asarray(recording.truth.fluorescence[cell, :count], dtype=float)
    still = recording.without("motion")
    first = still.explain(pixel, slice(0, 1), cells=None).get(f"cell:{cell}", np.zeros(1))
    light: np.ndarray = float(first[0]) * course / course[0]
    return light


@lru_cache(maxsize=16)
def _cell(name: str, scene: ms.Experiment) -> int:
    cell = CELLS[name](ms.simulate(scene))
    assert cell is not None  # a mark stands on it
    return cell


@lru_cache(maxsize=4)
def _judged(experiment: ms.Experiment) -> Any:
    truth = ms.simulate(experiment).truth
    _ = truth.snr  # asked for here, so that it is computed once
    return truth


def _span(recording: ms.Recording, count: int) -> list[float]:
    first, last = (float(t) for t in np.asarray(recording.times_s)[[0, count - 1]])
    return [first, max(last, first + 1 / recording.experiment.frame_rate_hz)]


def say_photons(sight: Sight) -> str:
    """Say how many electrons a pixel holds, how far they scatter, and what a count is."""
    recording = sight.right
    pixel = sight.pixel or None
    light = np.asarray(recording.expected[sight.frame], dtype=float)
    mean = float(light[sight.pixel] if pixel else light.mean())
    budget = ms.measures.noise_budget(recording, sight.frame, pixel)
    _, e_per_count, full_scale = recording.counts_to_e
    clipped = float((recording.frames[sight.frame] == full_scale).mean())
    where = "at the marked pixel" if pixel else "in an average pixel"
    text = f"{number(mean)} photoelectrons {where}"
    if "noise" in recording.experiment.off:
        text += "; the grain is switched off"
    else:
        text += f", give or take {number(sum(budget.values()) ** 0.5, 2)}"
    text += f"; one count is {number(e_per_count)} of them"
    if clipped < 0.005:
        return f"{text}."
    return (
        f"{text}. {percent(clipped)} of the pixels are saturated: they say {full_scale}, however much light "
        "falls on them, and no cell under them can be read."
    )
