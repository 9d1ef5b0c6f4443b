"""What a figure says about its picture: live sentences and small plots, drawn in the browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minisim_core as ms


@dataclass(frozen=True)
class Sight:
    """What the figure shows at one moment: both recordings, a frame, perhaps a marked pixel."""

    left: Any
    right: Any
    frame: int
    pixel: tuple[int, ...] = ()


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
    """Show from which depth the light of this frame comes, in bins centred on the focus."""
    experiment = sight.right.experiment
    focus, near = experiment.focus_um, experiment.scope.near_focus_um
    width = 2 * near / 3
    everywhere = np.ones(sight.right.frames.shape[1:], dtype=bool)
    now = slice(sight.frame, sight.frame + 1)
    parts = sight.right.explain(everywhere, frames=now, cells=None)
    cells = {int(name[5:]): float(v[0]) for name, v in parts.items() if name.startswith("cell:")}
    depth = np.asarray(sight.right.truth.positions_um)[list(cells), 0]
    lowest = int(np.floor((0 - focus) / width))
    bins = np.round((depth - focus) / width).astype(int) - lowest
    light = np.bincount(bins, weights=list(cells.values()), minlength=1)
    share = 100 * light / max(light.sum(), 1e-30)
    centres = focus + width * (np.arange(light.size) + lowest)
    in_focus = np.abs(centres - focus) < near
    top = max(12.0, float(share.max()) * 1.1) if share.size else 12.0
    return {
        "kind": "bars",
        "title": "Where this frame's light comes from",
        "x": {"label": "depth of the cells, µm", "limits": [0, 300]},
        "y": {"label": "share of their light, %", "limits": [0, top]},
        "keys": ["cells out of focus", f"cells within {near:g} µm of focus"],
        "series": [
            {
                "x": _short(centres),
                "y": _short(share),
                "width": width,
                "strong": [bool(flag) for flag in in_focus],
            }
        ],
        "marks": [{"x": focus, "label": "focus"}],
        "summary": (
            f"Bars: share of the cells' light by depth. Cells within {near:g} µm of the focus at "
            f"{focus:g} µm give {_percent(float(share[in_focus].sum()) / 100)}."
        ),
    }


def plot_light_against_defocus(sight: Sight) -> dict[str, Any]:
    """Show the light of one small source as it leaves the focus, and a two-photon's beside it."""
    experiment = sight.right.experiment
    defocus = np.linspace(-100, 100, 81)
    light = np.asarray(ms.optics.light_against_defocus(experiment, defocus))
    two_photon = np.asarray(
        ms.optics.two_photon_reference(
            defocus, experiment.scope.numerical_aperture, experiment.tissue.refractive_index
        )
    )
    collected = 100 * light / light[defocus.size // 2]
    x = _short(defocus)
    return {
        "kind": "lines",
        "title": "A small cell moved away from focus (clear tissue)",
        "x": {"label": "distance from focus, µm", "limits": [-100, 100]},
        "y": {"label": "light received, %", "limits": [0, 120]},
        "series": [
            {"name": "Miniscope", "x": x, "y": _short(collected)},
            {"name": "two-photon", "x": x, "y": _short(100 * two_photon), "dash": True},
        ],
        "summary": (
            f"Lines: 100 µm from focus the Miniscope still receives {collected[0]:.0f} % of a small "
            f"cell's light, a two-photon microscope {100 * two_photon[0]:.2g} %."
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
