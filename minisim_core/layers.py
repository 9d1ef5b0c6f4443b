"""The ordered layers of a recording and what each switch removes."""

from __future__ import annotations

from collections.abc import Iterable

from .parameters import ParameterError

LAYERS: tuple[str, ...] = (
    "cells",
    "out_of_focus",
    "blur",
    "dimming",
    "neuropil",
    "vessels",
    "motion",
    "illumination",
    "vignetting",
    "stray_light",
    "noise",
)
"""Every layer, in physical order. `cells` is always on."""

LABELS: dict[str, str] = {
    "cells": "Cells",
    "out_of_focus": "Cells out of focus",
    "blur": "Blur of the lens",
    "dimming": "Scattering tissue",
    "neuropil": "Neuropil",
    "vessels": "Blood vessels",
    "motion": "Brain motion",
    "illumination": "Uneven illumination",
    "vignetting": "Vignetting",
    "stray_light": "Stray light",
    "noise": "Camera noise",
}

DESCRIPTIONS: dict[str, str] = {
    "cells": "the cells near the focal surface",
    "out_of_focus": "the cells above and below the focal surface",
    "blur": "defocus and the lens's own blur; off, the lens is perfect",
    "dimming": "scattering and absorption on the way in and out; off, the tissue is clear for cells",
    "neuropil": "the glow of dendrites and axons, from here and from beyond the field",
    "vessels": "the shadows of the blood vessels",
    "motion": "heartbeat, breathing, stride and drift",
    "illumination": "excitation is brightest in the middle; off, it is even",
    "vignetting": "the lens collects less from the corners; off, it collects evenly",
    "stray_light": "excitation light that leaks to the sensor",
    "noise": "photon, read and pattern noise; off, the camera gives its mean answer",
}


def check(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` in physical order, without repeats.

    Parameters
    ----------
    names : str or iterable of str
        Names of layers.

    Returns
    -------
    tuple of str

    Raises
    ------
    ParameterError
        If a name is no layer, or is `cells`, which cannot be switched off.
    """
    if not isinstance(names, Iterable):
        raise ParameterError(f"off = {names!r} is refused: give names of layers")
    wanted = (names,) if isinstance(names, str) else tuple(names)
    for name in wanted:
        if name not in LAYERS:
            raise ParameterError(f"off = {name!r}: there is no such layer; layers are {', '.join(LAYERS)}")
    if "cells" in wanted:
        raise ParameterError("off = 'cells': the cells are always on")
    return tuple(name for name in LAYERS if name in wanted)


def only(names: Iterable[str]) -> tuple[str, ...]:
    """Return the layers to switch off so that just `names` and the cells stay on.

    Parameters
    ----------
    names : iterable of str
        Names of layers; `cells` may be among them.

    Returns
    -------
    tuple of str
        In physical order.

    Raises
    ------
    ParameterError
        If a name is no layer.
    """
    kept = {*check(name for name in names if name != "cells"), "cells"}
    return tuple(name for name in LAYERS if name not in kept)
