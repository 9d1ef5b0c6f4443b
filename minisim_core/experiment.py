"""One recording's parameters, all of them: frozen, validated, JSON in and out."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from . import layers
from ._version import __version__
from .activity import Activity
from .background import Neuropil
from .cells import Cells
from .illumination import Illumination
from .motion import Motion
from .parameters import (
    Description,
    ModelRangeWarning,
    ParameterError,
    Parameters,
    build,
    describe_field,
    quantity,
)
from .scope import Scope, pixel_um
from .sensor import Sensor
from .tissue import Tissue
from .vessels import Vessels

FORMAT_VERSION = 1
WIDEST_FIELD_UM = 5000.0
"""A field is at most this wide."""
GROUPS: dict[str, type[Parameters]] = {
    "scope": Scope,
    "tissue": Tissue,
    "cells": Cells,
    "activity": Activity,
    "neuropil": Neuropil,
    "vessels": Vessels,
    "motion": Motion,
    "illumination": Illumination,
    "sensor": Sensor,
}


class _Fields(Parameters):
    """The fields of an Experiment, each valid by itself."""

    scope: Scope = Scope()
    tissue: Tissue = Tissue()
    cells: Cells = Cells()
    activity: Activity = Activity()
    neuropil: Neuropil = Neuropil()
    vessels: Vessels = Vessels()
    motion: Motion = Motion()
    illumination: Illumination = Illumination()
    sensor: Sensor = Sensor()
    field_um: float | None = quantity(
        400,
        "width of the square field; null for the whole sensor",
        low=10,
        high=WIDEST_FIELD_UM,
        unit="µm",
        label="Field of view",
    )
    focus_um: float = quantity(
        90, "depth of best focus on the axis", low=0, high=400, step=1, unit="µm", label="Focus"
    )
    duration_s: float = quantity(10, "length of the recording", low=0.001, high=86400, unit="s", log=True)
    frame_rate_hz: float = quantity(
        20, "frames per second", low=0.5, high=500, step=1, unit="Hz", label="Frame rate"
    )
    seed: int = quantity(0, "which scene and which noise are drawn", low=0, high=2**63 - 1)
    off: tuple[str, ...] = quantity((), "layers that are switched off")

    @field_validator("off", mode="before")
    @classmethod
    def _known_layers(cls, value: Any) -> tuple[str, ...]:
        return layers.check(value)


class Experiment(_Fields):
    """Every parameter of one recording.

    Change it with `with_`, save it with `to_json`, render it with `minisim_core.simulate`.

    Parameters
    ----------
    **values
        Top-level fields, and groups as mappings or models; the rest keeps its default.

    Raises
    ------
    ParameterError
        Naming the parameter, its value and its limits.
    """

    def __init__(self, /, **values: Any) -> None:
        super().__init__(**_valid(_Fields(), values))

    # -- changing -------------------------------------------------------------------------

    def with_(self, **changes: Any) -> Experiment:
        """Return a changed copy.

        Parameters
        ----------
        **changes
            A top-level field with its new value, or a group with a mapping that is merged
            into it or a model that replaces it.

        Returns
        -------
        Experiment
            Only what changed is validated again.

        Raises
        ------
        ParameterError
            Naming the parameter, its value and its limits.
        """
        return Experiment.model_construct(**_valid(self, changes))

    # -- JSON -----------------------------------------------------------------------------

    def to_json(self) -> str:
        """Return the experiment as JSON text, with the versions that wrote it.

        Returns
        -------
        str
            `format_version`, `engine_version` and every parameter.
        """
        head = {"format_version": FORMAT_VERSION, "engine_version": __version__}
        return json.dumps(head | self.model_dump(mode="json"), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Experiment:
        """Read an experiment back.

        Parameters
        ----------
        text : str or bytes
            What `to_json` returned.

        Returns
        -------
        Experiment

        Raises
        ------
        ParameterError
            If the text is no experiment, or its format is newer than this engine's.

        Warns
        -----
        UserWarning
            If another engine version wrote it: frames may differ.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ParameterError(f"this is not the JSON of an experiment: {error}") from None
        if not isinstance(values, dict):
            raise ParameterError("this is not the JSON of an experiment: not an object")
        _check_versions(values)
        return cls(**values)

    # -- derived sizes --------------------------------------------------------------------

    @property
    def pixel_um(self) -> float:
        """Width of a pixel in the tissue at nominal focus, in µm."""
        return pixel_um(self.sensor.pixel_pitch_um, self.scope.magnification)

    @property
    def shape_px(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        if self.field_um is None:
            return self.sensor.height_px, self.sensor.width_px
        side = round(self.field_um / self.pixel_um)
        return side, side

    @property
    def frame_count(self) -> int:
        """Number of exposures: of frames, unless `sensor.dropped_fraction` loses some."""
        return max(1, round(self.duration_s * self.frame_rate_hz))

    @property
    def exposure_s(self) -> float:
        """Length of one exposure, in s."""
        return self.sensor.exposure_fraction / self.frame_rate_hz


def describe(name: str) -> Description:
    """Describe a parameter by its dotted name, as `motion.stride_um` or `focus_um`.

    Parameters
    ----------
    name : str
        ``group.field`` or a top-level field of an Experiment.

    Returns
    -------
    Description
        Label, unit, limits, step, default, description and source.

    Raises
    ------
    ParameterError
        If no such parameter exists.
    """
    group, _, field_name = name.rpartition(".")
    model: type[Parameters] | None = GROUPS.get(group) if group else Experiment
    if model is None or field_name not in model.model_fields or name in GROUPS:
        raise ParameterError(f"there is no parameter named {name!r}")
    return describe_field(model, field_name, name)


def _valid(old: _Fields, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Apply changes to an experiment's fields; only what changed is validated again."""
    fields = dict(old)
    for name in changes.keys() & GROUPS.keys():
        fields[name] = _merged(name, fields[name], changes[name])
    top = {name: value for name, value in changes.items() if name not in GROUPS}
    valid = build(_Fields, top)
    fields |= {name: getattr(valid, name) for name in top}
    _crosscheck(Experiment.model_construct(**fields))
    return fields


def _merged(name: str, old: Parameters, change: Any) -> Parameters:
    model = GROUPS[name]
    if isinstance(change, model):
        return build(model, dict(change), name)
    if not isinstance(change, Mapping):
        raise ParameterError(
            f"{name} = {change!r} is refused: give a mapping of its parameters or a {model.__name__}"
        )
    return build(model, dict(old) | dict(change), name)


def _check_versions(values: dict[str, Any]) -> None:
    version = values.pop("format_version", None)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ParameterError(f"format_version = {version!r}: this is not the JSON of an experiment")
    if version > FORMAT_VERSION:
        raise ParameterError(
            f"format_version = {version}: this file was written by a newer minisim-guide; "
            f"this one ({__version__}) reads up to format {FORMAT_VERSION}. Please update."
        )
    engine = values.pop("engine_version", None)
    if engine != __version__:
        warnings.warn(
            f"this experiment was written by engine {engine}, and is read by {__version__}: "
            "its frames may differ",
            stacklevel=4,
        )


def _crosscheck(e: Experiment) -> None:
    """Refuse what no single field can see."""
    sensor_um = min(e.sensor.height_px, e.sensor.width_px) * e.pixel_um
    if e.field_um is not None and round(e.field_um / e.pixel_um) > min(e.sensor.height_px, e.sensor.width_px):
        raise ParameterError(
            f"field_um = {e.field_um:g} is larger than the sensor sees: at most {sensor_um:.4g} µm "
            "with this sensor and magnification, or null for the whole sensor"
        )
    if max(e.shape_px) * e.pixel_um > WIDEST_FIELD_UM + e.pixel_um:
        raise ParameterError(
            f"field_um = None is refused: the whole sensor sees {max(e.shape_px) * e.pixel_um:.4g} µm with "
            f"scope.magnification = {e.scope.magnification:g}; at most {WIDEST_FIELD_UM:g} µm"
        )
    if min(e.shape_px) < 8:
        raise ParameterError(
            f"field_um = {e.field_um:g} is too small: at least {8 * e.pixel_um:.4g} µm (8 pixels)"
        )
    _check_cells(e.cells)
    _warn_outside_the_fits(e.tissue)


def _check_cells(cells: Cells) -> None:
    low, high = cells.depth_range_um
    if not 0 <= low <= high <= 600:
        raise ParameterError(
            f"cells.depth_range_um = {cells.depth_range_um}: give two depths, "
            "0 <= shallowest <= deepest <= 600 µm"
        )
    packed = cells.density_per_mm3 * 1e-9 * (4 / 3) * math.pi * cells.minimum_distance_um**3
    if cells.positions_um is None and packed > 0.95:
        most = cells.density_per_mm3 * 0.95 / packed
        raise ParameterError(
            f"cells.density_per_mm3 = {cells.density_per_mm3:g} leaves no room at "
            f"cells.minimum_distance_um = {cells.minimum_distance_um:g}: at most {most:.3g}"
        )
    for z, y, x in cells.positions_um or ():
        if not (0 <= z <= 600 and abs(y) <= 5000 and abs(x) <= 5000):
            raise ParameterError(
                f"cells.positions_um holds {(z, y, x)}: z must be in 0..600 and y, x in -5000..5000 µm"
            )


def _warn_outside_the_fits(tissue: Tissue) -> None:
    clear = tissue.scattering_per_mm == 0
    if not clear and not (8 <= tissue.scattering_per_mm <= 22 and 0.05 <= tissue.absorption_per_mm <= 0.4):
        warnings.warn(
            f"tissue.scattering_per_mm = {tissue.scattering_per_mm:g} with absorption_per_mm = "
            f"{tissue.absorption_per_mm:g} lies outside the photon Monte Carlo that the haze was "
            "fitted to (10-21 and 0.06-0.30 /mm): its haze is an extrapolation",
            ModelRangeWarning,
            stacklevel=4,
        )
