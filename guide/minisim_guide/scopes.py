"""The scopes of the presets, as the options of a drop-down: how each lights, collects and sees."""

from __future__ import annotations

from typing import Any

import minisim_core as ms

_FIELD = ("width_px", "height_px", "pixel_pitch_um")  # of a sensor, what decides the field


def options() -> dict[str, dict[str, Any]]:
    """Return each scope's lens, light and field, by what it is called.

    Bits, gain and noise stay the figure's own, so that its pictures keep their scale. What is not known of a
    scope stands at the V4's value (`unknown`).

    Returns
    -------
    dict
        The changes that `Choice` takes.
    """
    found: dict[str, dict[str, Any]] = {}
    for part in ms.presets.SCOPES.values():
        sensor = part.values.get("sensor", {})
        found[part.title.split(":")[0].split(",")[0]] = {
            "scope": dict(part.values.get("scope", {})),
            "illumination": dict(part.values.get("illumination", {})),
            "sensor": {name: sensor[name] for name in _FIELD if name in sensor},
        }
    return found
