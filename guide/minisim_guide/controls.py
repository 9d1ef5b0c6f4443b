"""Sliders and switches, generated from the engine's parameter fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import minisim_core as ms

from .overlays import OVERLAYS


@dataclass(frozen=True)
class Slider:
    """A slider on one parameter.

    Label, unit, limits, step, scale and tooltip come from the parameter's own field; the slider's
    default is the value in the figure's experiment.

    Parameters
    ----------
    name
        The dotted name, as ``"motion.stride_um"`` or ``"focus_um"``. A parameter that is a pair of
        numbers gets two thumbs.
    low, high
        Narrower limits than the field's, where its far ends would teach nothing.
    step
        Another step than the field's.
    """

    name: str
    low: float | None = None
    high: float | None = None
    step: float | None = None

    def describe(self, experiment: ms.Experiment) -> dict[str, Any]:
        """Return what the browser needs to draw it.

        Parameters
        ----------
        experiment : Experiment
            Where the slider stands at first.

        Returns
        -------
        dict
            Name, label, unit, limits, step, scale, default and description.

        Raises
        ------
        ParameterError
            If there is no such parameter, or it has no limits and none are given.
        """
        about = ms.describe(self.name)
        low = about.low if self.low is None else self.low
        high = about.high if self.high is None else self.high
        if low is None or high is None:
            raise ms.ParameterError(f"{self.name} has no limits of its own: give Slider two")
        step = self.step or about.step or _round_step(high - low)
        return {
            "name": self.name,
            "label": about.label,
            "unit": about.unit,
            "low": low,
            "high": high,
            "step": step,
            "log": about.log and low > 0,
            "default": value_of(experiment, self.name),
            "description": about.description,
        }


def describe_sliders(sliders: Iterable[str | Slider], experiment: ms.Experiment) -> list[dict[str, Any]]:
    """Describe sliders for the browser; a plain name stands for the field's own limits."""
    made = [Slider(s) if isinstance(s, str) else s for s in sliders]
    return [slider.describe(experiment) for slider in made]


def describe_switches(names: Iterable[str]) -> list[dict[str, str]]:
    """Describe layer switches for the browser, in physical order."""
    return [
        {
            "name": name,
            "label": ms.layers.LABELS[name],
            "description": ms.layers.DESCRIPTIONS[name],
        }
        for name in ms.layers.check(names)
    ]


def describe_overlays(names: Iterable[str]) -> list[dict[str, str]]:
    """Describe overlays for the browser, in the order in which they are named."""
    return [
        {"name": name, "label": OVERLAYS[name].label, "description": OVERLAYS[name].description}
        for name in names
    ]


def value_of(experiment: ms.Experiment, name: str) -> Any:
    """Return an experiment's value by dotted name; pairs become lists, as JSON has them."""
    found: Any = experiment
    for part in name.split("."):
        found = getattr(found, part)
    return list(found) if isinstance(found, tuple) else found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn ``{"motion.stride_um": 4}`` into the changes that `Experiment.with_` takes."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        group, _, field = name.rpartition(".")
        if group:
            changes.setdefault(group, {})[field] = value
        else:
            changes[field] = value
    return changes


def _round_step(span: float) -> float:
    """Return about a hundredth of the span, as 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(span / 100))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= span / 100 * 0.999)
