"""Every parameter of an experiment as the studio shows it: by module, generated from the engine's fields."""

from __future__ import annotations

from typing import Any

import minisim_core as ms

from .values import value_of

TITLES = {
    "scope": "Scope",
    "tissue": "Tissue",
    "cells": "Cells",
    "activity": "Activity",
    "neuropil": "Neuropil",
    "vessels": "Vessels",
    "motion": "Motion",
    "illumination": "Illumination",
    "sensor": "Sensor",
    "": "The recording",
}
"""The groups in the order in which light travels; the empty name stands for what belongs to none."""

KNOBS = ("focus_um", "cells.depth_range_um", "illumination.led_mw", "frame_rate_hz", "motion.looseness")
"""The five knobs of the rig: focus, expression depth, light power, frame rate, headbar stability."""

_ELSEWHERE = ("seed", "off")
_LIMITS = {"cells.depth_range_um": (0.0, 400.0)}
_DECADES = 4


def groups(experiment: ms.Experiment) -> list[dict[str, Any]]:
    """Describe all parameters but the knobs, for the browser.

    Parameters
    ----------
    experiment : Experiment
        Where the controls stand at first.

    Returns
    -------
    list of dict
        Each group's title and its parameters (`describe`).
    """
    return [
        {"title": title, "parameters": [describe(name, experiment) for name in names(group)]}
        for group, title in TITLES.items()
    ]


def names(group: str) -> list[str]:
    """List a group's parameters by dotted name, without the knobs and what has controls of its own."""
    model = ms.experiment.GROUPS[group] if group else ms.Experiment
    fields = [f"{group}.{field}" if group else field for field in model.model_fields]
    groups = ms.experiment.GROUPS
    return [name for name in fields if name not in (*KNOBS, *_ELSEWHERE) and name not in groups]


def describe(name: str, experiment: ms.Experiment) -> dict[str, Any]:
    """Describe one parameter for the browser.

    Parameters
    ----------
    name : str
        Dotted name.
    experiment : Experiment
        Where its control stands at first.

    Returns
    -------
    dict
        ``kind`` is ``"number"`` (with limits; ``whole`` for whole numbers, ``optional`` where nothing
        is a value too), ``"choice"`` (with ``choices``) or ``"text"`` (JSON, or plain words).
    """
    about = ms.describe(name)
    default = value_of(experiment, name)
    shown = {
        "name": name,
        "label": about.label,
        "unit": about.unit,
        "default": default,
        "description": about.description,
        "source": about.source,
    }
    if about.choices:
        return shown | {"kind": "choice", "choices": list(about.choices)}
    if about.low is None or about.high is None:
        return shown | {"kind": "text", "words": isinstance(about.default, str)}
    whole = isinstance(about.default, int) and not isinstance(about.default, bool)
    low = about.low
    if about.log and low <= 0:  # a slider of decades cannot reach 0; its number can
        low = about.high / 10**_DECADES
    return shown | {
        "kind": "number",
        "low": low,
        "high": about.high,
        "least": about.low,
        "step": about.step or (1 if whole else _step(about.high - about.low)),
        "log": about.log and low > 0,
        "whole": whole,
        "optional": default is None or name == "field_um",
    }


def _step(span: float) -> float:
    """Return about a hundredth of the span, a power of ten."""
    return float(f"1e{int(f'{span / 100:e}'.partition('e')[2])}")
