"""Named experiments: a scope, a brain region and a scene that belong together."""

from __future__ import annotations

from typing import Any

from .experiment import Experiment
from .parameters import ParameterError

_V4_CA1: dict[str, Any] = {
    "field_um": None,
    "focus_um": 135,
    "cells": {
        "density_per_mm3": 2.2e4,
        "depth_range_um": (110.0, 160.0),
        "radius_um": 5.5,
    },
    "neuropil": {"ratio": 28},
    "illumination": {"stray_light_e_per_mw_s": 900},
    "vessels": {"count": 2},
    "sensor": {"gain": 3.5},
}

_GUIDE: dict[str, Any] = {
    "field_um": 401,
    "motion": {"stride_um": 4.5, "drift_um": 3.0, "breathing_um": 1.0},
}

_PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "guide": ("400 µm of cortex-like tissue, cells at every depth: the guide's own scene", _GUIDE),
    "v4-ca1": ("Miniscope V4 over the pyramidal layer of CA1, whole sensor", _V4_CA1),
}


def names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(_PRESETS)


def describe(name: str) -> str:
    """Return one line on a preset."""
    return _preset(name)[0]


def get(name: str, **changes: Any) -> Experiment:
    """Return a preset, changed as by `Experiment.with_`.

    Parameters
    ----------
    name : str
        One of `names()`.
    **changes
        As for `Experiment.with_`.

    Raises
    ------
    ParameterError
        If there is no such preset, or a change is refused.
    """
    return Experiment(**_preset(name)[1]).with_(**changes)


def _preset(name: str) -> tuple[str, dict[str, Any]]:
    if name not in _PRESETS:
        raise ParameterError(f"there is no preset {name!r}; presets are {', '.join(_PRESETS)}")
    return _PRESETS[name]
