"""Depth: where the light comes from, what arrives of it, and which cells it is enough to find."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

import minisim_core as ms

from .sight import Sight
from .spec import Spec, decades, percent, short, upto

BIN_UM = 10.0
"""Width of the bins of depth."""


def plot_light_by_depth(sight: Sight) -> Spec:
    """Show from which depth the light of this frame comes."""
    recording, truth = sight.right, sight.right.truth
    focus, near_um = recording.experiment.focus_um, recording.experiment.scope.near_focus_um
    everywhere = np.ones(recording.frames.shape[1:], dtype=bool)
    now = slice(sight.frame, sight.frame + 1)
    parts = {k: float(v[0]) for k, v in recording.explain(everywhere, now, cells=None).items()}
    total = sum(parts.values()) or 1.0
    cells = {int(name[5:]): light for name, light in parts.items() if name.startswith("cell:")}
    index, light = list(cells), np.array(list(cells.values()))
    bins = (np.asarray(truth.positions_um)[index, 0] / BIN_UM).astype(int)
    sharp = np.asarray(truth.near_focus)[index]
    share = [
        100 * np.bincount(bins[chosen], light[chosen], minlength=bins.max(initial=0) + 1) / total
        for chosen in (~sharp, sharp)
    ]
    centres = BIN_UM * (np.arange(share[0].size) + 0.5)
    names = (f"cells more than {near_um:g} µm out of focus", "cells in focus")
    elsewhere = {"distant_tissue": "tissue beyond the field", "neuropil": "neuropil"}
    others = {words: parts[name] / total for name, words in elsewhere.items() if parts.get(name)}
    shares = dict(zip(names, (float(y.sum()) / 100 for y in share), strict=True)) | others
    return {
        "kind": "bars",
        "title": "Where the light of this frame comes from",
        "x": {"label": "depth of the cells, µm", "limits": [0, max(300.0, BIN_UM * centres.size)]},
        "y": {
            "label": "share of all light, %",
            "limits": [0, max(5.0, 1.15 * float(np.sum(share, axis=0).max()))],
        },
        "width": BIN_UM,
        "series": [
            {"name": f"{name} {percent(shares[name])}", "ink": ink, "x": short(centres), "y": short(y)}
            for name, ink, y in zip(names, ("pale", "own"), share, strict=True)
        ],
        "notes": [f"{name} {percent(value)}" for name, value in others.items()],
        "marks": [{"x": focus, "label": "focus"}],
        "summary": (
            f"Bars: share of the frame's light by depth of the cells, focus at {focus:g} µm. "
            + ", ".join(f"{name} {percent(value)}" for name, value in shares.items())
            + "."
        ),
    }


def plot_light_against_defocus(sight: Sight) -> Spec:
    """Show how strongly a cell is lit, and what arrives from it, as it leaves the focus."""
    e = sight.right.experiment
    defocus = np.linspace(-100, 100, 81)
    coarse = defocus[::4]
    received = ms.optics.light_against_defocus(e, coarse)
    received = received / received[len(coarse) // 2]
    two_photon = ms.optics.two_photon_reference(
        defocus, e.scope.numerical_aperture, e.tissue.refractive_index
    )
    depth = e.focus_um + defocus
    inside = depth >= 0
    lit = ms.optics.excitation(e, depth[inside]) / ms.optics.excitation(e, e.focus_um)
    series = [
        ("Miniscope: light received, clear tissue", coarse, received),
        ("two-photon: excitation, and so light received", defocus, two_photon),
        ("Miniscope: excitation, this tissue", defocus[inside], lit),
    ]
    styles: tuple[tuple[str, Spec], ...]
    styles = ("cool", {}), ("own", {"dash": True}), ("soft", {"dot": True})
    return {
        "kind": "lines",
        "title": "A small cell, moved away from the focus",
        "x": {"label": "below focus, µm", "limits": [-100, 100]},
        "y": {"label": "relative to focus, %", "limits": [0, 130]},
        "series": [
            {"name": name, "ink": ink, "x": short(x), "y": short(100 * y)} | line
            for (name, x, y), (ink, line) in zip(series, styles, strict=True)
        ],
        "summary": (
            f"Lines: 100 µm from focus the Miniscope still receives "
            f"{percent(received[0])} of a small cell's light; a two-photon microscope excites it "
            f"{100 * two_photon[0]:.2g} % as strongly."
        ),
    }


DEPTH_UM = 20.0
"""Width of the bins of depth in which cells are counted."""


@lru_cache(maxsize=4)
def seen_cells(experiment: ms.Experiment) -> tuple[ms.measures.DepthBins, Any]:
    """Return how well cells are seen by depth, and the truth it is read from: asked by plots and overlays."""
    recording = ms.simulate(experiment)
    return ms.measures.detectability_by_depth(recording, DEPTH_UM), recording.truth


def saturated(sight: Sight) -> str:
    """Say how many of the detectable cells lie under saturated pixels in the frame shown; perhaps nothing."""
    lost = _saturated(sight.right.experiment, sight.frame)
    count = int((lost & sight.right.truth.detectable).sum()) if lost.any() else 0
    return f"{count} lie under saturated pixels, where no cell can be read" if count else ""


def found(experiment: ms.Experiment, frame: int) -> np.ndarray:
    """Say which cells can be found: the detectable ones, but for those under saturated pixels, (N,) bool."""
    some: np.ndarray = ms.simulate(experiment).truth.detectable & ~_saturated(experiment, frame)
    return some


@lru_cache(maxsize=4)
def _saturated(experiment: ms.Experiment, frame: int) -> np.ndarray:
    """Say which cells lie under saturated pixels: sentence, plots and rings ask about the same frame."""
    return ms.measures.saturated_cells(ms.simulate(experiment), frame)


def plot_detectable_by_depth(sight: Sight) -> Iterator[float | Spec]:
    """Show at which depths cells can be found."""
    yield 0.0
    recording = sight.right
    bins, _ = seen_cells(recording.experiment)
    missed = bins.cells - bins.detectable
    cut = saturated(sight)
    found, all_cells = int(bins.detectable.sum()), int(bins.cells.sum())
    with_some = bins.depth_um[bins.detectable > 0]
    deepest = f", the deepest near {with_some[-1]:.0f} µm" if found else ""
    yield {
        "kind": "bars",
        "title": "Cells in the field, by depth",
        "x": _depth_axis(bins),
        "y": {"label": "cells", "limits": [0, upto(bins.cells, 4)]},
        "width": DEPTH_UM,
        "series": [
            {
                "name": f"detectable {found}",
                "ink": "own",
                "x": short(bins.depth_um),
                "y": bins.detectable.tolist(),
            },
            {
                "name": f"lost {all_cells - found}",
                "ink": "pale",
                "x": short(bins.depth_um),
                "y": missed.tolist(),
            },
        ],
        "marks": [_focus(recording)],
        "notes": [cut] if cut else [],
        "summary": f"Bars: {found} of the {all_cells} cells in the field are detectable{deepest}; "
        f"focus at {recording.experiment.focus_um:g} µm." + (f" Of them {cut}." if cut else ""),
    }


def plot_snr_by_depth(sight: Sight) -> Iterator[float | Spec]:
    """Show how far each cell stands out of the noise, by depth, and how many do far enough."""
    yield 0.0
    recording = sight.right
    bins, truth = seen_cells(recording.experiment)
    depth, snr = np.asarray(truth.positions_um)[:, 0], np.asarray(truth.snr)
    found = np.asarray(truth.detectable)
    lost = np.asarray(truth.in_field) & ~found
    some = bins.cells > 0
    all_cells, near = int(bins.cells.sum()), recording.experiment.scope.near_focus_um
    cut = saturated(sight)
    limits = decades(0.1, upto(snr[found], 20))
    focus = recording.experiment.focus_um
    groups = [
        {
            "name": f"{name} {int(chosen.sum())}",
            "ink": ink,
            "hollow": hollow,
            "x": short(depth[chosen]),
            "y": short(np.maximum(snr[chosen], limits[0])),
            "cells": np.flatnonzero(chosen).tolist(),
        }
        for name, ink, hollow, chosen in (("lost", "soft", True, lost), ("detectable", "own", False, found))
    ]
    median = {
        "name": "median",
        "ink": "ink",
        "line": True,
        "x": short(bins.depth_um[some]),
        "y": short(np.maximum(bins.median_snr[some], limits[0])),
    }
    yield {
        "kind": "points",
        "title": "Which cells stand out of the noise",
        "x": _depth_axis(bins),
        "y": {"label": "SNR of one frame", "limits": limits, "log": True},
        "series": [*groups, median],
        "bands": [{"from": focus - near, "to": focus + near}],
        "marks": [_focus(recording)],
        "levels": [
            {"y": ms.measures.DETECTABLE_SNR, "label": f"detectable from {ms.measures.DETECTABLE_SNR:g}"}
        ],
        "notes": [cut] if cut else [],
        "summary": _say_snr(bins, int(found.sum()), all_cells, focus, near)
        + (f" Of them {cut}." if cut else ""),
    }


def _say_snr(bins: ms.measures.DepthBins, found: int, cells: int, focus: float, near: float) -> str:
    inside = (bins.depth_um >= focus - near - DEPTH_UM / 2) & (bins.depth_um <= focus + near + DEPTH_UM / 2)
    text = f"Points: {found} of the {cells} cells in the field stand out enough to be found"
    shares = [
        (name, bins.detectable[where].sum() / bins.cells[where].sum())
        for name, where in (("around the focus", inside), ("elsewhere", ~inside))
        if bins.cells[where].sum()
    ]
    return text + "".join(f", {percent(share)} of those {name}" for name, share in shares) + "."


def _depth_axis(bins: ms.measures.DepthBins) -> dict[str, Any]:
    return {"label": "depth, µm", "limits": [0, max(100.0, DEPTH_UM * bins.depth_um.size)]}


def _focus(recording: Any) -> dict[str, Any]:
    return {"x": float(recording.experiment.focus_um), "label": "focus"}


def say_focus_depth(sight: Sight) -> str:
    """Say at which depth the scope is in focus in the centre and in the corners."""
    surface = np.asarray(sight.right.truth.focal_surface_um, dtype=float)
    center = surface[surface.shape[0] // 2, surface.shape[1] // 2]
    corner = surface[:: surface.shape[0] - 1, :: surface.shape[1] - 1].mean()
    there = f"{corner:.0f} µm in the corners" if corner >= 0 else "above the tissue in the corners"
    return f"In focus here: {center:.0f} µm deep in the centre, {there}."


def say_depth(sight: Sight) -> str:
    """Say how many cells are near focus; with a mark, how blurred and dimmed its own cell is."""
    recording, truth = sight.right, sight.right.truth
    inside, near = np.asarray(truth.in_field), np.asarray(truth.near_focus)
    text = (
        f"{int((inside & near).sum())} of the {int(inside.sum())} cells in the field lie within "
        f"{recording.experiment.scope.near_focus_um:g} µm of the focus"
    )
    cell = ms.measures.strongest_owner(recording, sight.pixel) if sight.pixel else None
    if cell is None:
        return text + "."
    z = float(truth.positions_um[cell, 0])
    row, column = np.rint(truth.centroids_px[cell]).astype(int)
    height, width = recording.frames.shape[1:]
    surface = truth.focal_surface_um[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
    sharp, imaged = (f[cell][2] for f in (truth.footprints_sharp, truth.footprints))
    share = float(imaged.max() / sharp.max()) if sharp.size and imaged.size else 0.0
    away = z - float(surface)
    return (
        f"{text}. Of all cells, cell {cell} sends most light to the mark: it lies {z:.0f} µm deep, "
        f"{abs(away):.0f} µm {'below' if away > 0 else 'above'} the focus, and its peak is "
        f"{100 * share:.2g} % of what it would be sharp and just under the surface."
    )


def found_between(low_um: float, high_um: float, experiment: ms.Experiment, frame: int) -> float:
    """Count the cells of the field between two depths that can be recovered."""
    depth = np.asarray(ms.simulate(experiment).truth.positions_um)[:, 0]
    return float((found(experiment, frame) & (depth >= low_um) & (depth <= high_um)).sum())
