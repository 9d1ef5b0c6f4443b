"""What a reader takes away from a figure: a Python snippet or JSON that makes the same recordings."""

from __future__ import annotations

from typing import Any

import minisim_core as ms

from .shot import Panel, Shot


def json_text(shot: Shot) -> str:
    """Return the experiment that both sides share, as its JSON text."""
    return shot.experiment.to_json()


def snippet(shot: Shot) -> str:
    """Return Python that makes both recordings of a figure.

    Parameters
    ----------
    shot
        What the figure shows.

    Returns
    -------
    str
        Lines that import the engine and bind `exp`, which both sides share, `left` and `right`.
    """
    preset, changes = nearest_preset(shot.experiment)
    given = "".join(f"    {name}={value!r},\n" for name, value in changes.items())
    call = f"\n    {preset!r},\n{given}" if given else repr(preset)
    lines = ["import minisim_core as ms", "", f"exp = ms.presets.get({call})"]
    for side in ("left", "right"):
        panel: Panel = getattr(shot.plan, side)
        without = f".without({', '.join(map(repr, panel.off))})" if panel.off else ""
        sets = differences(shot.experiment, panel.own(shot.experiment))
        own = f".with_({', '.join(f'{n}={v!r}' for n, v in sets.items())})" if sets else ""
        lines.append(f"{side} = ms.simulate(exp{own}){without}  # {panel.title}")
    shown = ":].mean(axis=0)" if shot.plan.average else f"{shot.frame}]"
    lines.append(f"counts = right.frames[{shown}")
    return "\n".join(lines) + "\n"


def nearest_preset(experiment: ms.Experiment) -> tuple[str, dict[str, Any]]:
    """Return the preset that differs least from an experiment, and what to change in it."""
    found = {name: differences(ms.presets.get(name), experiment) for name in ms.presets.names()}

    def size(name: str) -> int:
        return sum(len(v) if isinstance(v, dict) else 1 for v in found[name].values())

    best = min(found, key=size)
    return best, found[best]


def differences(base: ms.Experiment, experiment: ms.Experiment) -> dict[str, Any]:
    """Return the changes that `Experiment.with_` takes to turn one experiment into another."""
    old, new = base.model_dump(), experiment.model_dump()
    changes: dict[str, Any] = {}
    for name, value in new.items():
        if name in ms.experiment.GROUPS:
            inner = {k: v for k, v in value.items() if v != old[name][k]}
            if inner:
                changes[name] = inner
        elif value != old[name]:
            changes[name] = value
    return changes
