"""What can be drawn over the pictures, as geometry in pixels: the truth, laid upon what was recorded.

A drawing is plain JSON in picture coordinates, x to the right and y down from the picture's corner:

``paths``
    Each a `kind` (which says how it looks), a `name`, and `d`: an SVG path in tenths of a pixel.
``labels``
    ``x``, ``y`` and ``text``, in pixels.
``cells``
    ``[index, row, column, radius, depth in µm]``, and the SNR where it is known: for the pointer.
``dot``
    ``[x, y]`` of a dot, in pixels.
``shift_px``
    For each panel, how far the brain is displaced in every frame, (y, x); empty where it stands still.
``moves``
    What follows that shift: ``"all"``, ``"dot"`` or ``""``.
``summary``
    What is drawn, in words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .outlines import cell_outlines, contours, level_path, svg_path
from .plots import Sight
from .plots.depth import saturated, seen_cells
from .plots.owners import name_of, owners_of
from .plots.spec import number, percent

Drawing = dict[str, Any]
FloatArray = NDArray[np.floating]

FLAT_UM = 2.0
"""A focal surface that varies less over the field is called flat."""

_RING = 1.7  # radii of a ring around a cell
_PATH_POINTS = 1500
_RUNS = 800  # of saturated pixels along rows that are drawn one by one


@dataclass(frozen=True)
class Overlay:
    """Something to draw over the pictures, and what the reader reads about it.

    Parameters
    ----------
    label, description
        For its switch.
    draw
        Returns the geometry for what the figure shows.
    """

    label: str
    description: str
    draw: Callable[[Sight], Drawing]

    def __call__(self, sight: Sight) -> Drawing:
        """Return the geometry for what the figure shows."""
        return self.draw(sight)


def draw_cells(sight: Sight) -> Drawing:
    """Outline every cell of the field where it truly is, by which side of the focus it lies on."""
    recording, truth = sight.right, sight.right.truth
    where = _places(recording)
    outlines = cell_outlines(recording.experiment)
    surface = np.asarray(truth.focal_surface_um)[where.rows, where.columns]
    near = np.asarray(truth.near_focus)[where.ids]
    above = ~near & (where.depth_um < surface)
    near_um = recording.experiment.scope.near_focus_um
    groups = [
        ("below", f"more than {near_um:g} µm below the focus", ~near & ~above),
        ("above", f"more than {near_um:g} µm above the focus", above),
        ("near", "in focus", near),
    ]
    return _moving(sight) | {
        "paths": [
            {
                "kind": kind,
                "name": f"{words}: {int(chosen.sum())}",
                "d": "".join(
                    outlines[i].at(*centre)
                    for i, centre in zip(
                        where.ids[chosen].tolist(), where.centres_px[chosen].tolist(), strict=True
                    )
                    if i in outlines
                ),
            }
            for kind, words, chosen in groups
        ],
        "cells": where.listed(),
        "summary": f"Outlines of the {len(where.ids)} cells in the field: "
        + ", ".join(f"{int(chosen.sum())} {words}" for _, words, chosen in reversed(groups))
        + ".",
    }


def draw_detectable(sight: Sight) -> Drawing:
    """Ring the cells that stand far enough out of the noise to be found."""
    recording = sight.right
    where = _places(recording)
    _, truth = seen_cells(recording.experiment)
    found = np.asarray(truth.detectable)[where.ids]
    r = round(10 * _RING * where.radius_px)
    centres = np.rint(10 * (where.centres_px[found] + 0.5)).astype(int).tolist()
    ring = f"a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0"
    return _moving(sight) | {
        "paths": [
            {
                "kind": "found",
                "name": f"detectable: {int(found.sum())}",
                "d": "".join(f"M{x - r} {y}{ring}" for y, x in centres),
            }
        ],
        "cells": where.listed(np.asarray(truth.snr)[where.ids]),
        "summary": f"Rings around the {int(found.sum())} detectable cells, of {len(where.ids)} in the field."
        + (f" Of them {cut}." if (cut := saturated(sight)) else ""),
    }


def draw_owners(sight: Sight) -> Drawing:
    """Outline and name the cells that send the mark most light in this frame."""
    recording, mask = sight.right, sight.mask()
    frame = slice(sight.frame, sight.frame + 1)
    found = [] if mask is None else owners_of(recording, mask / mask.sum(), None, frame)
    if not found:
        return _moving(sight) | {"summary": "Mark a pixel or a region: its strongest owners are outlined."}
    outlines = cell_outlines(recording.experiment)
    centres = np.asarray(recording.truth.centroids_px)[found]
    near = np.asarray(recording.truth.near_focus)[found]
    radius = recording.experiment.cells.radius_um / recording.pixel_um
    told = list(zip(found, centres.tolist(), near.tolist(), strict=True))
    return _moving(sight) | {
        "paths": [
            {
                "kind": "near" if in_focus else "below",
                "name": name_of(recording, cell),
                "d": outlines[cell].at(*centre) if cell in outlines else "",
            }
            for cell, centre, in_focus in told
        ],
        "labels": [
            {"x": round(x + radius, 1), "y": round(y - radius, 1), "text": name_of(recording, cell)}
            for cell, (y, x), _ in told
        ],
        "summary": "Strongest owners of the mark in this frame: "
        + ", ".join(name_of(recording, cell) for cell in found)
        + ".",
    }


def draw_focal_surface(sight: Sight) -> Drawing:
    """Draw lines of equal depth of focus."""
    surface = np.asarray(sight.right.truth.focal_surface_um, dtype=float)
    low, high = float(surface.min()), float(surface.max())
    if high - low < FLAT_UM:
        return _drawing(
            summary=f"The focal surface is flat here: {number(high)} µm deep, "
            f"within {number(high - low, 2)} µm."
        )
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200) if (high - low) / s <= 8)
    corner = f"{number(low)} µm at the corner of the field" if low >= 0 else "above the tissue at the corner"
    return _drawing(
        **_levels(surface, step * np.arange(np.ceil(max(low, 0) / step), high / step), "µm"),
        summary=f"Contours of the focal surface: {number(high)} µm deep on the axis, {corner}.",
    )


def draw_evenness(sight: Sight) -> Drawing:
    """Draw lines along which a cell shows the same share of the light it shows in the centre."""
    truth = sight.right.truth
    fields = np.asarray(truth.illumination, dtype=float) * np.asarray(truth.vignetting)
    share = 100 * fields / fields[fields.shape[0] // 2, fields.shape[1] // 2]
    return _drawing(
        **_levels(share, np.arange(10.0, 100, 10), "%"),
        summary=f"Contours of excitation × collection: {number(float(share.min()), 2)} % of the centre in "
        f"the darkest corner, {number(float(share.max()))} % where it is brightest.",
    )


def _levels(image: FloatArray, levels: FloatArray, unit: str) -> dict[str, list[dict[str, Any]]]:
    """Draw an image's contours, each labelled towards the upper right."""
    paths, labels = [], []
    for level in levels.tolist():
        lines = [line for line in contours(image, level) if len(line) > 2]
        if not lines:
            continue
        text = f"{level:.0f} {unit}"
        paths.append({"kind": "level", "name": text, "d": "".join(level_path(line) for line in lines)})
        vertices = np.concatenate(lines)
        x, y = vertices[np.argmax(vertices[:, 0] - vertices[:, 1])] + 0.5
        labels.append({"x": round(float(x), 1), "y": round(float(y), 1), "text": text})
    return {"paths": paths, "labels": labels}


def draw_motion(sight: Sight) -> Drawing:
    """Draw the path of the brain over the recording, around what is marked, true to scale."""
    recording, truth = sight.right, sight.right.truth
    height, width = recording.frames.shape[1:]
    y, x = (height / 2, width / 2)
    if sight.roi:
        top, left, bottom, right = sight.roi
        y, x = (top + bottom) / 2, (left + right) / 2
    elif sight.pixel:
        y, x = (at + 0.5 for at in sight.pixel)
    moving = _moving(sight)
    if not moving["shift_px"]["right"]:
        return moving | {"moves": "", "summary": "The brain stands still: motion is switched off."}
    path = np.asarray(truth.motion_path_um)
    path = path[:: max(1, len(path) // _PATH_POINTS), ::-1] / recording.pixel_um + (x - 0.5, y - 0.5)
    far = np.hypot(*np.asarray(truth.motion_um).T)
    return moving | {
        "moves": "dot",
        "paths": [
            {
                "kind": "path",
                "name": "path of the brain",
                "d": svg_path(path, ""),
            }
        ],
        "dot": [round(x, 1), round(y, 1)],
        "summary": f"The path of the brain: up to {number(float(far.max()), 2)} µm away from rest, "
        f"half of the frames beyond {number(float(np.median(far)), 2)} µm.",
    }


def draw_vessels(sight: Sight) -> Drawing:
    """Outline the vessels at rest, wherever blood lies over the field."""
    blood = np.asarray(sight.right.truth.vessel_mask)
    # padded, so that a vessel that leaves the field is closed along its rim
    lines = contours(np.pad(blood.astype(float), 1), 0.5) if blood.any() else []
    d = "".join(level_path(line - 1) for line in lines if len(line) > 2)
    share = percent(float(blood.mean()))
    return _moving(sight) | {
        "paths": [{"kind": "vessel", "name": "vessels", "d": d}] if d else [],
        "summary": f"Outlines of the vessels: blood lies over {share} of the field."
        if d
        else "There is no vessel over this field.",
    }


def draw_saturated(sight: Sight) -> Drawing:
    """Cover the pixels at full scale in this frame; where they are too many, blocks of mostly such pixels."""
    frame, full_scale = sight.right.frames[sight.frame], int(sight.right.counts_to_e.full_scale)
    full = np.asarray(frame) == full_scale
    for block in (1, 2, 4, 8, 16):
        height, width = (length // block * block for length in full.shape)
        blocks = (
            full[:height, :width].reshape(height // block, block, width // block, block).mean(axis=(1, 3))
        )
        edges = np.diff(np.pad(blocks >= 0.5, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        rows, starts = np.nonzero(edges == 1)
        if len(rows) <= _RUNS:
            break
    stops, size = np.nonzero(edges == -1)[1], 10 * block
    runs = zip(
        (size * rows).tolist(), (size * starts).tolist(), (size * (stops - starts)).tolist(), strict=True
    )
    d = "".join(f"M{x} {y}h{wide}v{size}h{-wide}z" for y, x, wide in runs)
    count = int(full.sum())
    return _drawing(
        paths=[{"kind": "saturated", "name": f"saturated: {count} pixels", "d": d}] if d else [],
        summary=f"{count} of {full.size} pixels of this frame are saturated: they say {full_scale}.",
    )


OVERLAYS: dict[str, Overlay] = {
    "cells": Overlay(
        "Cell outlines",
        "Where every cell truly is: solid in focus, dashed above the focus, dotted below it",
        draw_cells,
    ),
    "detectable": Overlay(
        "Detectable cells", "Rings around the cells that stand out of the noise in one frame", draw_detectable
    ),
    "owners": Overlay(
        "Owners of the mark",
        "Outlines of the cells that send the marked place most of its light",
        draw_owners,
    ),
    "focal_surface": Overlay(
        "Focal surface", "Lines of equal depth of focus: the surface is a shallow bowl", draw_focal_surface
    ),
    "evenness": Overlay(
        "Excitation × collection",
        "Lines along which a cell shows the same share of the light that it shows in the centre",
        draw_evenness,
    ),
    "motion": Overlay(
        "Motion path", "Where the brain wanders during the recording, true to scale", draw_motion
    ),
    "vessels": Overlay("Vessels", "Where blood lies over the field, at rest", draw_vessels),
    "saturated": Overlay("Saturated pixels", "Pixels at full scale in the frame shown", draw_saturated),
}


class _Places(NamedTuple):
    """The cells of the field, as the pointer meets them."""

    ids: NDArray[np.intp]
    centres_px: FloatArray  # (N, 2) y, x
    depth_um: FloatArray
    radius_px: float
    shape: tuple[int, int]

    @property
    def rows(self) -> NDArray[np.intp]:
        return np.clip(np.rint(self.centres_px[:, 0]).astype(int), 0, self.shape[0] - 1)

    @property
    def columns(self) -> NDArray[np.intp]:
        return np.clip(np.rint(self.centres_px[:, 1]).astype(int), 0, self.shape[1] - 1)

    def listed(self, *more: FloatArray) -> list[list[float]]:
        """List index, row, column, radius and depth of each cell, and what else is known."""
        y, x = np.round(self.centres_px, 1).T
        radius = np.full(len(y), round(self.radius_px, 1))
        known = [np.round(values, 1).tolist() for values in (y, x, radius, self.depth_um, *more)]
        return [list(cell) for cell in zip(self.ids.tolist(), *known, strict=True)]


def _places(recording: Any) -> _Places:
    truth = recording.truth
    index = np.flatnonzero(truth.in_field)
    return _Places(
        index,
        np.asarray(truth.centroids_px)[index],
        np.asarray(truth.positions_um)[index, 0],
        recording.experiment.cells.radius_um / recording.pixel_um,
        recording.frames.shape[1:],
    )


def _drawing(**parts: Any) -> Drawing:
    return {
        "paths": [],
        "labels": [],
        "cells": [],
        "moves": "",
        "shift_px": {"left": [], "right": []},
    } | parts


def _moving(sight: Sight) -> Drawing:
    """Return an empty drawing that follows the brain in either panel."""
    return _drawing(
        moves="all", shift_px={side: _shifts(r) for side, r in (("left", sight.left), ("right", sight.right))}
    )


def _shifts(recording: Any) -> list[list[float]]:
    if "motion" in recording.experiment.off:
        return []
    shifts = np.round(np.asarray(recording.truth.motion_um) / recording.pixel_um, 2)
    return (shifts + 0.0).tolist() if shifts.any() else []
