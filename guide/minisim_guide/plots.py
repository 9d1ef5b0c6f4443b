"""What a figure says about its picture: live sentences and small plots, drawn in the browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minisim_core as ms

BIN_UM = 10.0
"""Width of the bins of depth."""


@dataclass(frozen=True)
class Sight:
    """What the figure shows at one moment: both recordings, a frame, perhaps a pixel or a region.

    Parameters
    ----------
    left, right
        The recordings.
    frame
        The frame shown.
    pixel
        The marked (row, column), or nothing.
    roi
        The box (top, left, bottom, right) around an ellipse, in pixels from the picture's corner, or nothing.
    """

    left: Any
    right: Any
    frame: int
    pixel: tuple[int, ...] = ()
    roi: tuple[float, ...] = ()

    def mask(self) -> np.ndarray | None:
        """Return what the reader chose: the region, else the pixel, else None.

        Returns
        -------
        (H, W) bool, or None
            A region holds at least the pixel at its centre.
        """
        if not self.roi and not self.pixel:
            return None
        height, width = self.right.frames.shape[1:]
        chosen = np.zeros((height, width), dtype=bool)
        row, column = self.pixel or (0, 0)
        if self.roi:
            top, left, bottom, right = self.roi
            y, x = (top + bottom) / 2, (left + right) / 2
            tall, wide = max(bottom - top, 1e-9) / 2, max(right - left, 1e-9) / 2
            rows, columns = (at + 0.5 for at in np.ogrid[:height, :width])
            chosen = ((rows - y) / tall) ** 2 + ((columns - x) / wide) ** 2 <= 1
            row, column = int(y), int(x)
        chosen[min(max(row, 0), height - 1), min(max(column, 0), width - 1)] = True
        return chosen


def out_of_focus_share(sight: Sight) -> float:
    """Return the share of the frame's light that only the right panel has."""
    left, right = (float(np.sum(r.expected[sight.frame], dtype=float)) for r in _pair(sight))
    return 1 - left / right if right else 0.0


def say_out_of_focus(sight: Sight) -> str:
    """Say how much of the light comes from cells out of focus, in the frame and at the mark."""
    if "out_of_focus" in sight.right.experiment.off:
        return "Cells out of focus are switched off: both panels show the same cells."
    near = sight.right.experiment.scope.near_focus_um
    text = (
        f"Cells more than {near:g} µm out of focus send {_percent(out_of_focus_share(sight))} "
        "of the light in this frame"
    )
    if not sight.pixel:
        return text + "."
    row, column = sight.pixel
    left, right = (float(r.expected[sight.frame][row, column]) for r in _pair(sight))
    share = 1 - left / right if right else 0.0
    return f"{text}, and {_percent(share)} of it at the marked pixel."


def plot_light_by_depth(sight: Sight) -> dict[str, Any]:
    """Show from which depth the light of this frame comes."""
    recording, truth = sight.right, sight.right.truth
    focus, near_um = recording.experiment.focus_um, recording.experiment.scope.near_focus_um
    everywhere = np.ones(recording.frames.shape[1:], dtype=bool)
    now = slice(sight.frame, sight.frame + 1)
    parts = {k: float(v[0]) for k, v in recording.explain(everywhere, now, cells=None).items()}
    total = sum(parts.values())
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
        "x": {"label": "depth of the cells, µm", "limits": [0, 300]},
        "y": {
            "label": "share of all light, %",
            "limits": [0, max(5.0, 1.15 * float(np.sum(share, axis=0).max()))],
        },
        "width": BIN_UM,
        "series": [
            {"name": f"{name} {_percent(shares[name])}", "x": _short(centres), "y": _short(y)}
            for name, y in zip(names, share, strict=True)
        ],
        "notes": [f"{name} {_percent(value)}" for name, value in others.items()],
        "marks": [{"x": focus, "label": "focus"}],
        "summary": (
            f"Bars: share of the frame's light by depth of the cells, focus at {focus:g} µm. "
            + ", ".join(f"{name} {_percent(value)}" for name, value in shares.items())
            + "."
        ),
    }


def plot_light_against_defocus(sight: Sight) -> dict[str, Any]:
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
    return {
        "kind": "lines",
        "title": "A small cell, moved away from the focus",
        "x": {"label": "below focus, µm", "limits": [-100, 100]},
        "y": {"label": "relative to focus, %", "limits": [0, 130]},
        "series": [
            {"name": name, "x": _short(x), "y": _short(100 * y), "dash": index > 0}
            for index, (name, x, y) in enumerate(series)
        ],
        "summary": (
            f"Lines: 100 µm from focus the Miniscope still receives "
            f"{_percent(received[0])} of a small cell's light; a two-photon microscope excites it "
            f"{100 * two_photon[0]:.2g} % as strongly."
        ),
    }


def _pair(sight: Sight) -> tuple[Any, Any]:
    return sight.left, sight.right


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _short(values: np.ndarray) -> list[float]:
    """Round for the wire: four digits are more than a plot shows."""
    return [float(f"{value:.4g}") for value in values]


@dataclass(frozen=True)
class Measure:
    """One number of one frame of an experiment, and how to show it."""

    what: str
    of: Callable[[ms.Experiment, int], float]
    show: Callable[[float], str]


def _measure_out_of_focus(experiment: ms.Experiment, frame: int) -> float:
    everything = ms.simulate(experiment)
    return out_of_focus_share(Sight(everything.without("out_of_focus"), everything, frame))


MEASURES = {
    "out_of_focus_share": Measure(
        "Share of the light that comes from cells out of focus", _measure_out_of_focus, _percent
    ),
}
SENTENCES: dict[str, Callable[[Sight], str]] = {"out_of_focus": say_out_of_focus}
PLOTS: dict[str, Callable[[Sight], dict[str, Any]]] = {
    "light_by_depth": plot_light_by_depth,
    "light_against_defocus": plot_light_against_defocus,
}
