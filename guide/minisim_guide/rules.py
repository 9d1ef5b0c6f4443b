"""Rules that a tick box applies to a scene, after everything else that the reader chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import minisim_core as ms

from .values import value_of


def _silent(_experiment: ms.Experiment, _scene: ms.Experiment) -> str:
    return ""


@dataclass(frozen=True)
class Rule:
    """What a tick box does.

    Parameters
    ----------
    label, description
        What stands beside the box, and its tooltip.
    sets
        The parameters that it decides: a slider of one of them shows what the rule makes of it.
    apply
        Takes the experiment as the other controls have it and the figure's own scene, and returns the
        changed experiment.
    note
        Takes the changed experiment and the scene, and returns a sentence where the rule could not do
        all it should, else nothing.
    """

    label: str
    description: str
    sets: tuple[str, ...]
    apply: Callable[[ms.Experiment, ms.Experiment], ms.Experiment]
    note: Callable[[ms.Experiment, ms.Experiment], str] = _silent


def focus_on_the_cell(experiment: ms.Experiment, _scene: ms.Experiment) -> ms.Experiment:
    """Focus at the depth of the first given cell."""
    return experiment.with_(focus_um=value_of(experiment, "cells.positions_um.0.0"))


def keep_dose(experiment: ms.Experiment, scene: ms.Experiment) -> ms.Experiment:
    """Scale the LED's power so that power times exposure time stays the scene's, as far as it goes."""
    wanted_mw = _dose_mj(scene) / experiment.exposure_s
    return experiment.with_(illumination={"led_mw": min(wanted_mw, _most_mw())})


def say_capped(experiment: ms.Experiment, scene: ms.Experiment) -> str:
    """Say so if the LED cannot make up for a shorter exposure."""
    share = _dose_mj(experiment) / _dose_mj(scene) if _dose_mj(scene) else 1.0
    if share > 0.999:
        return ""
    return f"The LED is at its limit of {_most_mw():g} mW: each frame gets {100 * share:.0f} % of the light."


def _dose_mj(experiment: ms.Experiment) -> float:
    return experiment.illumination.led_mw * experiment.exposure_s


def _most_mw() -> float:
    most = ms.describe("illumination.led_mw").high
    assert most is not None
    return most


RULES = {
    "focus_follows_cell": Rule(
        "Focus follows the cell",
        "The focus is kept at the depth of the cell that you move.",
        ("focus_um",),
        focus_on_the_cell,
    ),
    "hold_brightness": Rule(
        "Hold the brightness",
        "LED power is scaled so that power times exposure stays the same, up to the LED's limit.",
        ("illumination.led_mw",),
        keep_dose,
        say_capped,
    ),
}
