"""One cell, carried through the tissue: what depth, focus and the field make of its light."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms

from .sight import Sight
from .spec import Spec, decades, empty, number, percent, short, upto

FloatArray = NDArray[np.floating]

AROUND_UM = 30.0
"""Light so close to a cell's image counts as the cell's."""

_ALIKE = {"brightness_sd": 0, "radius_sd_um": 0, "elongation": 0, "labelling": "soma"}
_BEYOND_CELLS = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")
_FIELD_UM = 240.0  # enough for the image of one cell
_DEPTHS_UM = tuple(float(z) for z in range(20, 255, 10))
_PLACES = 13  # along a line across the field
_INSIDE = 0.88  # of the way to the edge: beyond, part of the cell's light misses the sensor


class Image(NamedTuple):
    """What is seen of a cell: its peak, over the peak it has when sharp and just under the surface."""

    peak: float
    width_um: float


@lru_cache(maxsize=64)
def images(experiment: ms.Experiment, depths_um: tuple[float, ...]) -> tuple[Image, ...]:
    """Return what is seen of one resting cell body on the axis, at each depth."""
    found = []
    truth = ms.simulate(_alone(experiment, tuple((z, 0.0, 0.0) for z in depths_um))).truth
    for sharp, imaged in zip(truth.footprints_sharp, truth.footprints, strict=True):
        patch = np.asarray(imaged[2], dtype=float)
        area = (patch > patch.max() / 2).sum() * experiment.pixel_um**2
        found.append(Image(float(patch.max() / sharp[2].max()), 2 * math.sqrt(area / math.pi)))
    return tuple(found)


def _alone(experiment: ms.Experiment, places_um: tuple[tuple[float, float, float], ...]) -> ms.Experiment:
    """Keep nothing but cells that are all alike and at rest, and what the lens and the tissue do to them."""
    off = tuple(name for name in experiment.off if name in ("blur", "dimming"))
    return experiment.with_(
        off=ms.layers.check((*_BEYOND_CELLS, *off)),
        field_um=_FIELD_UM,
        duration_s=0.05,
        frame_rate_hz=20,
        activity={"rate_hz": 0},
        cells=_ALIKE | {"positions_um": places_um},
    )


def _at_depths(experiment: ms.Experiment) -> dict[str, tuple[Image, ...]]:
    """Return the images of a cell at each depth, with the focus where it is and with the focus on it."""
    plain = _alone(experiment, ((0.0, 0.0, 0.0),)).with_(illumination={"led_mw": 0.4}, seed=0)
    follows = tuple(images(plain.with_(focus_um=z), (z,))[0] for z in _DEPTHS_UM)
    return {
        f"focus stays at {experiment.focus_um:g} µm": images(plain, _DEPTHS_UM),
        "focus follows the cell": follows,
    }


def _given(experiment: ms.Experiment) -> tuple[float, float, float] | None:
    """Return the (z, y, x) of the first given cell."""
    places = experiment.cells.positions_um
    return places[0] if places else None


_STYLES: tuple[dict[str, Any], ...] = ({"ink": "own"}, {"ink": "cool", "dash": True})


def plot_one_cell_by_depth(sight: Sight) -> Spec:
    """Show how bright a cell is at each depth, with the focus fixed and on the cell."""
    e = sight.right.experiment
    peaks = {name: [i.peak for i in seen] for name, seen in _at_depths(e).items()}
    depths = np.array(_DEPTHS_UM)
    everything = ms.optics.collected(e, depths) / ms.optics.collected(e, depths[0])
    lowest = min(min(values) for values in peaks.values())
    fixed, follows = (values[-1] / max(values) for values in peaks.values())
    return {
        "kind": "lines",
        "title": "Brightness of the cell",
        "x": {"label": "depth of the cell, µm", "limits": [0, _DEPTHS_UM[-1]]},
        "y": {"label": "peak, % of sharp at the surface", "limits": decades(70 * lowest, 130), "log": True},
        "series": [
            {"name": f"peak, {name}", "x": short(depths), "y": short(100 * np.array(values))} | style
            for (name, values), style in zip(peaks.items(), _STYLES, strict=True)
        ]
        + [
            {"name": "all its light that the lens collects", "ink": "soft", "dot": True}
            | {"x": short(depths), "y": short(100 * everything)}
        ],
        "marks": _marks(e),
        "summary": f"Lines: from its brightest to {_DEPTHS_UM[-1]:g} µm deep the peak falls to "
        f"{number(100 * fixed, 2)} % where the focus stays, to {number(100 * follows, 2)} % where it follows "
        f"the cell; of all its light the lens still collects {percent(everything[-1])}.",
    }


def plot_cell_width_by_depth(sight: Sight) -> Spec:
    """Show how wide the image of a cell is at each depth."""
    e = sight.right.experiment
    widths = {name: [i.width_um for i in seen] for name, seen in _at_depths(e).items()}
    return {
        "kind": "lines",
        "title": "Width of the cell",
        "x": {"label": "depth of the cell, µm", "limits": [0, _DEPTHS_UM[-1]]},
        "y": {"label": "width at half the peak, µm", "limits": [0, upto(list(widths.values()), 30)]},
        "series": [
            {"name": name, "x": short(_DEPTHS_UM), "y": short(values)} | style
            for (name, values), style in zip(widths.items(), _STYLES, strict=True)
        ],
        "marks": _marks(e),
        "summary": "Lines: "
        + ", ".join(
            f"{number(min(values), 2)} to {number(max(values), 2)} µm wide where the {name}"
            for name, values in widths.items()
        )
        + ".",
    }


def _marks(e: ms.Experiment) -> list[dict[str, Any]]:
    place = _given(e)
    cell = [{"x": place[0], "label": "the cell"}] if place else []
    return [{"x": float(e.focus_um), "label": "focus"}, *cell]


def say_one_cell(sight: Sight) -> str:
    """Say how wide and how bright the given cell is, next to the same cell in focus."""
    e = sight.right.experiment
    place = _given(e)
    if place is None:
        return "No cell was given a place of its own."
    z, focus = place[0], float(e.focus_um)
    plain = _alone(e, ((0.0, 0.0, 0.0),)).with_(illumination={"led_mw": 0.4}, seed=0)
    seen, [in_focus] = images(plain, (z, focus))[0], images(plain, (focus,))
    away = abs(z - focus)
    where = "In focus" if away < 0.5 else f"{away:.3g} µm {'below' if z > focus else 'above'} the focus"
    return (
        f"{where} and {z:.3g} µm deep: {number(seen.width_um, 2)} µm wide, its peak "
        f"{number(100 * seen.peak, 2)} % of what it would be sharp and just under the surface, "
        f"{number(100 * seen.peak / in_focus.peak, 2)} % of what it is in the plane in focus."
    )


# -- across the field ------------------------------------------------------------------------


@lru_cache(maxsize=16)
def light_at(experiment: ms.Experiment, places_um: tuple[tuple[float, float, float], ...]) -> FloatArray:
    """Return the light that a resting cell shows within 30 µm of its image, at each place, in electrons."""
    off = ("neuropil", "vessels", "motion", "stray_light", "noise", *experiment.off)
    recording = ms.simulate(
        experiment.with_(
            off=ms.layers.check(off),
            duration_s=0.05,
            frame_rate_hz=20,
            activity={"rate_hz": 0},
            cells=_ALIKE | {"positions_um": places_um},
        )
    )
    y, x = np.indices(recording.shape[1:])
    near = np.zeros(y.shape, dtype=bool)
    for row, column in recording.truth.centroids_px:
        near |= np.hypot(y - row, x - column) * recording.pixel_um <= AROUND_UM
    parts = recording.explain(near, slice(0, 1), cells=None)
    return np.array([float(parts.get(f"cell:{i}", [0.0])[0]) for i in range(len(places_um))])


def plot_cell_across(sight: Sight) -> Spec:
    """Show what the given cell shows of its light along the line through its place and the centre."""
    title, recording = "The same cell, carried across", sight.right
    e, place = recording.experiment, _given(recording.experiment)
    if place is None:
        return empty(title, "No cell was given a place of its own.")
    z, y, x = place
    along = np.array([y, x]) / math.hypot(y, x) if math.hypot(y, x) > 1 else np.array([0.0, 1.0])
    height, width = recording.frames.shape[1:]
    halves = np.array([height, width]) * recording.pixel_um / 2
    with np.errstate(divide="ignore"):
        reach = float((halves / abs(along)).min())
    distance = _INSIDE * reach * np.linspace(-1, 1, _PLACES)
    light = light_at(e, tuple((z, *(float(s) * along).tolist()) for s in distance))
    light = 100 * light / (light[_PLACES // 2] or 1.0)
    steps = np.linspace(-1, 1, 81)
    rows, columns = (
        np.rint((n - 1) / 2 + a * steps * (reach / recording.pixel_um - 0.5)).astype(int)
        for n, a in zip((height, width), along, strict=True)
    )
    fields = np.asarray(recording.truth.illumination, dtype=float) * recording.truth.vignetting
    product = 100 * fields[rows, columns] / fields[rows[40], columns[40]]
    here, now = math.hypot(y, x), 100 * _share_of_center(e, place)
    seen = bool(recording.truth.in_field[0])
    return {
        "kind": "points",
        "title": title,
        "x": {"label": "from the axis, µm", "limits": [-reach, reach]},
        "y": {"label": "of its light in the centre, %", "limits": [0, upto([*light, *product], 110)]},
        "series": [
            {"name": "excitation × collection", "ink": "own", "line": True}
            | {"x": short(reach * steps), "y": short(product)},
            {"name": "the cell's light", "ink": "cool", "x": short(distance), "y": short(light)},
        ],
        "marks": [{"x": here, "label": f"the cell {now:.0f} %"}] if seen else [],
        "notes": [] if seen else ["your cell lies beyond the field"],
        "summary": f"Points: along a line through the centre and its place the cell's light goes from "
        f"{light[0]:.0f} % at one end to {light[-1]:.0f} % at the other, excitation × collection from "
        f"{np.interp(distance[0], reach * steps, product):.0f} % to "
        f"{np.interp(distance[-1], reach * steps, product):.0f} %; "
        + (f"here the cell has {now:.0f} %." if seen else "here the cell lies beyond the field."),
    }


def say_cell_across(sight: Sight) -> str:
    """Say how much of its light in the centre the given cell shows where it is."""
    e = sight.right.experiment
    place = _given(e)
    if place is None:
        return "No cell was given a place of its own."
    if not sight.right.truth.in_field[0]:
        return _say_beyond(sight.right, place)
    return (
        f"{math.hypot(*place[1:]):.0f} µm from the axis the cell shows "
        f"{percent(_share_of_center(e, place))} of the light that it shows in the centre."
    )


def _say_beyond(recording: ms.Recording, place: tuple[float, float, float]) -> str:
    """Say how far the field reaches, and along which axis the cell must come closer."""
    ways = {"up or down": "Down", "to either side": "Right"}
    far = [abs(at) for at in place[1:]]
    shape = np.array(recording.frames.shape[1:])
    imaged_um = (recording.truth.centroids_px[0] - (shape - 1) / 2) * recording.pixel_um
    larger = math.hypot(*imaged_um) / math.hypot(*far)  # off the focus the image has another scale
    half = [math.floor(n * recording.pixel_um / 2 / larger) for n in shape.tolist()]
    back = [
        f"{name} to at most {reach} µm off the centre"
        for name, reach, at in zip(ways.values(), half, far, strict=True)
        if at > reach
    ]
    reaches = " and ".join(f"{reach} µm {way}" for way, reach in zip(ways, half, strict=True))
    return (
        f"Your cell lies beyond the field of this scope, which reaches {reaches} from its centre. "
        f"To see the cell, set {' and '.join(back)}."
    )


def _share_of_center(experiment: ms.Experiment, place: tuple[float, float, float]) -> float:
    there, center = light_at(experiment, (place,)), light_at(experiment, ((place[0], 0.0, 0.0),))
    return float(there[0] / center[0]) if center[0] else 0.0


def corner_over_center(experiment: ms.Experiment) -> float:
    """Return a cell's light three quarters of the way to the lower right corner, over that in the centre."""
    height, width = experiment.shape_px
    y, x = (0.75 * n * experiment.pixel_um / 2 for n in (height, width))
    z = float(experiment.focus_um)
    there, center = (light_at(experiment, (place,))[0] for place in ((z, y, x), (z, 0.0, 0.0)))
    return float(there / center) if center else 0.0
