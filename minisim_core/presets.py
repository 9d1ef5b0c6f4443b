"""Named experiments: a scope looking at a region of the brain.

A scope fills the groups `scope`, `illumination` and `sensor`, a region fills `tissue`, `cells`,
`neuropil` and `vessels`. A preset joins the two and says what belongs to the pair: the LED and the
gain that bring the picture to 40-120 counts. Whatever a table does not name keeps its default, which
is the Miniscope V4's over cortex-like tissue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .experiment import Experiment
from .parameters import ParameterError

__all__ = ["PRESETS", "REGIONS", "SCOPES", "describe", "get", "names", "pair"]


class Part(NamedTuple):
    """One half of a preset: what it is, what of it is unknown, and its parameters."""

    title: str
    unknown: str
    values: Mapping[str, Any]


class Preset(NamedTuple):
    """A scope over a region, and what belongs to the pair."""

    title: str
    scope: str
    region: str
    values: Mapping[str, Any]


_RIGID = {"magnification_per_mm": 0.0, "ewl_um_per_step": 0.0}
"""A scope of whose electronic lens, if it has one, nothing is known: focusing scales nothing."""

SCOPES: Mapping[str, Part] = {
    "v4": Part(
        "UCLA Miniscope V4, traced from its published lens file",
        "the sensor's full well, read noise and quantum efficiency are those of its family; the excitation "
        "profile is a typical one",
        {},
    ),
    "v3": Part(
        "UCLA Miniscope V3: GRIN objective, 752 x 480 pixels, 700 x 450 µm",
        "its lens is taken to be the NINscope's, of NA 0.55; that lens's field curvature, aberrations, "
        "distortion and vignetting, and the sensor's full well, noise and quantum efficiency are unknown: "
        "they stand at the V4's values",
        {
            "frame_rate_hz": 30,
            "scope": {
                "model_name": "UCLA Miniscope V3",
                "numerical_aperture": 0.55,
                "magnification": 6.45,
                **_RIGID,
            },
            "sensor": {
                "width_px": 752,
                "height_px": 480,
                "pixel_pitch_um": 6.0,
                "gain_steps": (1, 2, 4),
            },
        },
    ),
    "ninscope": Part(
        "NINscope: GRIN objective of NA 0.55, the V4's sensor read at 752 x 480, 786 x 502 µm",
        "of its GRIN lens, field curvature, aberrations, distortion and vignetting are unknown: they stand "
        "at the V4's values; the lit area is taken as the field's",
        {
            "scope": {
                "model_name": "NINscope",
                "numerical_aperture": 0.55,
                "magnification": 4.593,
                **_RIGID,
            },
            "illumination": {"led_mw": 0.14, "spot_area_mm2": 0.4},
            "sensor": {"width_px": 752, "height_px": 480, "gain_steps": ()},
        },
    ),
    "minilfov": Part(
        "MiniLFOV: 3.6 x 2.7 mm, 1296 x 972 pixels binned 2 x 2 to 4.4 µm",
        "its aperture is taken as NA 0.25; field curvature, aberrations, distortion, vignetting and "
        "excitation profile are unknown and taken as even as so wide a field needs; full well, noise and "
        "quantum efficiency stand at the V4's values; its rolling shutter is not modelled",
        {
            "scope": {
                "model_name": "MiniLFOV",
                "numerical_aperture": 0.25,
                "magnification": 1.584,
                "field_curvature_um": 20000,
                "aberration_um": 1.5,
                "aberration_growth_um_per_mm": 0.0,
                "aberration_growth_um_per_mm2": 1.0,
                "distortion_per_mm2": 0.0,
                **_RIGID,
            },
            "illumination": {
                "led_mw": 3.0,
                "spot_area_mm2": 10,
                "width_um": 2200,
                "vignetting_per_mm2": 0.06,
                "stray_width_um": 1700,
            },
            "sensor": {
                "width_px": 1296,
                "height_px": 972,
                "pixel_pitch_um": 4.4,
                "gain_steps": (1, 4, 8),
            },
        },
    ),
    "inscopix": Part(
        "Inscopix nVista-like: 1 mm GRIN lens, 1280 x 800 pixels, 1050 x 650 µm, 30 frames/s",
        "its optics and its sensor are not published: NA 0.5, 12 bits and pixels of 0.82 µm in the tissue "
        "are general knowledge; field curvature, aberrations, distortion, vignetting, full well, noise and "
        "quantum efficiency stand at the V4's values",
        {
            "frame_rate_hz": 30,
            "scope": {
                "model_name": "Inscopix nVista-like",
                "numerical_aperture": 0.5,
                "magnification": 5.854,
                **_RIGID,
            },
            "illumination": {"led_mw": 0.2},
            "sensor": {"width_px": 1280, "height_px": 800, "bit_depth": 12, "gain_steps": ()},
        },
    ),
}

REGIONS: Mapping[str, Part] = {
    "guide": Part(
        "cortex-like tissue with cells at every depth",
        "made for teaching: no layer of a brain is like it",
        {"motion": {"stride_um": 4.5, "drift_um": 3.0, "breathing_um": 1.0}},
    ),
    "cortex": Part(
        "layer 2/3 of cortex through a window, no cell bodies in layer 1",
        "density stands for sparse labelling; it differs between preparations",
        {
            "focus_um": 150,
            "tissue": {"scattering_per_mm": 10, "anisotropy": 0.89, "absorption_per_mm": 0.26},
            "cells": {"density_per_mm3": 8e3, "depth_range_um": (110.0, 300.0)},
            "neuropil": {"ratio": 20, "depth_um": 500},
        },
    ),
    "ca1": Part(
        "the pyramidal layer of CA1, 50 µm thick, below the alveus",
        "the alveus scatters more than the tissue that stands for it here",
        {
            "focus_um": 135,
            "cells": {
                "density_per_mm3": 2.2e4,
                "depth_range_um": (110.0, 160.0),
                "radius_um": 5.5,
            },
            "neuropil": {"ratio": 28},
            "vessels": {"count": 2},
        },
    ),
    "striatum": Part(
        "dorsal striatum below an implanted GRIN lens",
        "scattering and absorption of striatum are unknown: they are the guide's; depth counts from the "
        "face of the lens",
        {
            "focus_um": 110,
            "cells": {
                "density_per_mm3": 1.4e4,
                "depth_range_um": (20.0, 260.0),
                "concentration_micromolar": 40,
            },
            "vessels": {"count": 3, "radius_um": 7, "depth_um": 40},
        },
    ),
}

PRESETS: Mapping[str, Preset] = {
    "guide": Preset("400 µm of the guide's own scene", "v4", "guide", {"field_um": 401}),
    "guide-wide": Preset("The guide's own scene on the whole sensor", "v4", "guide", {}),
    "v4-cortex": Preset(
        "Miniscope V4 over layer 2/3 of cortex",
        "v4",
        "cortex",
        {
            "scope": {"nominal_focus_um": 150},
            "illumination": {"stray_light_e_per_mw_s": 800},
            "sensor": {"gain": 3.5},
        },
    ),
    "v4-ca1": Preset(
        "Miniscope V4 over the pyramidal layer of CA1",
        "v4",
        "ca1",
        {
            "scope": {"nominal_focus_um": 135},
            "illumination": {"stray_light_e_per_mw_s": 900},
            "sensor": {"gain": 3.5},
        },
    ),
    "v3-ca1": Preset(
        "Miniscope V3 over the pyramidal layer of CA1",
        "v3",
        "ca1",
        {"illumination": {"stray_light_e_per_mw_s": 1100}, "sensor": {"gain": 4}},
    ),
    "ninscope-cortex": Preset(
        "NINscope over layer 2/3 of cortex", "ninscope", "cortex", {"sensor": {"gain": 3.5}}
    ),
    "minilfov-cortex": Preset(
        "MiniLFOV over sparsely labelled layer 2/3 of cortex",
        "minilfov",
        "cortex",
        {
            "cells": {"density_per_mm3": 4e3},
            "neuropil": {"ratio": 30},
            "vessels": {"count": 6},
            "illumination": {"stray_light_e_per_mw_s": 110},
            "sensor": {"gain": 4},
        },
    ),
    "inscopix-striatum": Preset(
        "nVista-like scope in striatum through a GRIN lens",
        "inscopix",
        "striatum",
        {"sensor": {"gain": 5}},
    ),
}


def names() -> tuple[str, ...]:
    """Return the names of all presets.

    Returns
    -------
    tuple of str
        In the order of the table `PRESETS`.
    """
    return tuple(PRESETS)


def describe(name: str) -> str:
    """Say what a preset shows, and what about its scope and its region is unknown.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    str
        A few sentences.

    Raises
    ------
    ParameterError
        If there is no such preset.
    """
    preset = _preset(name)
    scope, region = SCOPES[preset.scope], REGIONS[preset.region]
    return f"{preset.title}. {scope.title}; {scope.unknown}. Region: {region.title}; {region.unknown}."


def get(name: str, **changes: Any) -> Experiment:
    """Return a preset, changed as by `Experiment.with_`.

    Parameters
    ----------
    name : str
        One of `names()`.
    **changes
        As for `Experiment.with_`.

    Returns
    -------
    Experiment

    Raises
    ------
    ParameterError
        If there is no such preset, or a change is refused.
    """
    preset = _preset(name)
    parts = SCOPES[preset.scope].values, REGIONS[preset.region].values
    whole = Experiment(**_joined({"field_um": None}, *parts))
    return whole.with_(**preset.values).with_(**changes)


def pair(scope: str, region: str) -> Experiment:
    """Return a scope over a region: the preset of that pair, or one that nobody has tuned.

    Parameters
    ----------
    scope, region : str
        Keys of `SCOPES` and `REGIONS`.

    Returns
    -------
    Experiment
        Without a preset, LED and gain stand as the scope has them: the picture may be dim or bright.

    Raises
    ------
    ParameterError
        If there is no such scope or region.
    """
    for kind, name, known in (("scope", scope, SCOPES), ("region", region, REGIONS)):
        if name not in known:
            raise ParameterError(f"there is no {kind} {name!r}; known are {', '.join(known)}")
    tuned = (name for name, preset in PRESETS.items() if (preset.scope, preset.region) == (scope, region))
    if name := next(tuned, ""):
        return get(name)
    return Experiment(**_joined({"field_um": None}, SCOPES[scope].values, REGIONS[region].values))


def _joined(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Join parts that fill different groups; a group that two of them fill is an error of the table."""
    joined: dict[str, Any] = {}
    for part in parts:
        assert not joined.keys() & part.keys(), f"filled twice: {joined.keys() & part.keys()}"
        joined |= part
    return joined


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise ParameterError(f"there is no preset {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
