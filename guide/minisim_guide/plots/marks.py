"""Places that a figure marks by name, found in the scene itself: a vessel, a cell, the haze between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

Place = tuple[int, int]
"""A pixel, as (row, column)."""

RIM = 0.1
"""Share of the picture's width along its rim where nothing is marked: motion would carry it away."""

CLEAR_UM = 90.0
"""Cells up to this far from the focal surface may stand out: haze is marked away from them."""

_CAMERA = ("exposure_fraction", "gain", "bit_depth", "full_well_e", "read_noise_e", "dark_current_e_per_s")
_SMOOTH_UM = 5.0  # a vessel is dark where it is thick, not in one pixel


@dataclass(frozen=True)
class Mark:
    """A place that is marked by name.

    Parameters
    ----------
    letter
        What is written beside it in the pictures, and what plots call it.
    label
        What it is, for the legend.
    ink
        Its colour, one of `minisim_guide.plots.INKS`.
    find
        Returns the pixel in a recording with every layer on; None if there is no such place.
    """

    letter: str
    label: str
    ink: str
    find: Callable[[Any], Place | None]

    def __call__(self, recording: Any) -> Place | None:
        """Return the pixel in a recording with every layer on; None if there is no such place."""
        return self.find(recording)


def darkest_vessel(recording: Any) -> Place | None:
    """Return the pixel at which the vessels let least light through, off the rim.

    Parameters
    ----------
    recording : Recording
        Its vessels at rest are looked at, on both of the light's ways.

    Returns
    -------
    (row, column) or None
        None if no vessel is there.
    """
    from scipy.ndimage import gaussian_filter

    truth = recording.truth
    through = np.asarray(truth.vessel_transmission_ex) * np.asarray(truth.vessel_transmission_em)
    through = gaussian_filter(through, _SMOOTH_UM / recording.pixel_um)
    inside = np.asarray(truth.vessel_mask) & _inner(through.shape)
    return _place(np.where(inside, -through, -np.inf)) if inside.any() else None


def emptiest_haze(recording: Any) -> Place | None:
    """Return the pixel farthest from vessels and from every cell that may stand out, off the rim.

    Parameters
    ----------
    recording : Recording
        Its cells within `CLEAR_UM` of the focal surface are avoided, whether they are bright or not,
        so that neither the light nor the camera moves the place.

    Returns
    -------
    (row, column)
    """
    from scipy.ndimage import distance_transform_edt

    truth = recording.truth
    shape = recording.frames.shape[1:]
    field = np.asarray(truth.in_field)
    limit = np.array(shape) - 1
    places = np.clip(np.rint(np.asarray(truth.centroids_px)[field]).astype(int), 0, limit)
    surface_um = np.asarray(truth.focal_surface_um)[tuple(places.T)]
    shallow = abs(np.asarray(truth.positions_um)[field, 0] - surface_um) < CLEAR_UM
    cells = np.zeros(shape, dtype=bool)
    cells[tuple(places[shallow].T)] = True
    radius = recording.experiment.cells.radius_um / recording.pixel_um
    far = np.full(shape, np.inf)
    if cells.any():
        far = distance_transform_edt(~cells) - radius
    vessels = np.asarray(truth.vessel_mask)
    if vessels.any():
        far = np.minimum(far, distance_transform_edt(~vessels))
    return _place(np.where(_inner(shape), far, -np.inf))


def brightest_cell(recording: Any) -> Place | None:
    """Return the brightest pixel of the cell in focus whose light rises most above rest.

    Parameters
    ----------
    recording : Recording
        As for `minisim_core.measures.brightest_cell`.

    Returns
    -------
    (row, column) or None
        None if no cell is in focus.
    """
    return _brightest_pixel(recording, ms.measures.brightest_cell(recording))


def carried_cell(recording: Any) -> Place | None:
    """Return where the first given cell is imaged.

    Parameters
    ----------
    recording : Recording
        In whose scene cells were given places of their own.

    Returns
    -------
    (row, column) or None
        None if none was, or if it lies outside the field.
    """
    if not recording.experiment.cells.positions_um or not recording.truth.in_field[0]:
        return None
    row, column = np.rint(recording.truth.centroids_px[0]).astype(int).tolist()
    return row, column


def faint_cell(recording: Any) -> Place | None:
    """Return the brightest pixel of a cell that just drowns in the noise.

    Parameters
    ----------
    recording : Recording
        As for `minisim_core.measures.faint_cell`.

    Returns
    -------
    (row, column) or None
        None if no cell is faint.
    """
    return _brightest_pixel(recording, faint(recording))


def faint(recording: Any) -> int | None:
    """Return the cell that just drowns with the usual light and camera, so that these move no mark."""
    usual = ms.Experiment()
    camera = {name: getattr(usual.sensor, name) for name in _CAMERA}
    usually = recording.experiment.with_(
        off=(), sensor=camera, illumination={"led_mw": usual.illumination.led_mw}
    )
    return ms.measures.faint_cell(ms.simulate(usually))


def _brightest_pixel(recording: Any, cell: int | None) -> Place | None:
    if cell is None:
        return None
    top, left, patch = recording.truth.footprints[cell]
    row, column = _place(patch)
    return int(top) + row, int(left) + column


MARKS: dict[str, Mark] = {
    "vessel": Mark("V", "a vessel", "cool", darkest_vessel),
    "haze": Mark("H", "haze, no cell near", "violet", emptiest_haze),
    "cell": Mark("C", "a cell in focus", "own", brightest_cell),
    "bright": Mark("B", "a bright cell", "own", brightest_cell),
    "carried": Mark("Y", "your cell", "own", carried_cell),
    "faint": Mark("F", "a faint cell", "green", faint_cell),
}
"""The places that a figure can mark, by name."""


def places(experiment: ms.Experiment, names: Iterable[str]) -> dict[str, Place]:
    """Return where a scene's marks are; those that it has no place for are left out.

    Parameters
    ----------
    experiment : Experiment
        The scene. Its switches do not matter, so that they move no mark.
    names : iterable of str
        Names of `MARKS`.

    Returns
    -------
    dict of str to (row, column)
    """
    lit = experiment.with_(off=())
    found = {name: _found(name, lit) for name in names}
    return {name: place for name, place in found.items() if place is not None}


def describe_marks(found: Mapping[str, Place]) -> list[dict[str, Any]]:
    """Describe marks for the browser: name, letter, label, ink, row, column."""
    return [
        {
            "name": name,
            "letter": MARKS[name].letter,
            "label": MARKS[name].label,
            "ink": MARKS[name].ink,
            "row": row,
            "column": column,
        }
        for name, (row, column) in found.items()
    ]


@lru_cache(maxsize=64)
def _found(name: str, experiment: ms.Experiment) -> Place | None:
    return MARKS[name](ms.simulate(experiment))


def _inner(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where the picture is not its rim."""
    inside = np.zeros(shape, dtype=bool)
    rows, columns = (slice(round(RIM * length), length - round(RIM * length)) for length in shape)
    inside[rows, columns] = True
    return inside


def _place(values: NDArray[Any]) -> Place:
    """Return where the largest value is."""
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)
