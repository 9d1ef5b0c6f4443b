"""Field and camera: how light falls off, how noise follows light, which counts are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import minisim_core as ms

from .sight import Sight
from .spec import Spec, decades, empty, number, percent, short, upto

RING_UM = 10.0
"""Narrowest ring of a radial profile."""

TRANSFER_FRAMES = 64
"""From how many frames photon transfer is measured, at most."""

_PIECE = 8  # frames measured between two reports of progress


def plot_radial_profile(sight: Sight) -> Spec:
    """Show how excitation, collection and the frame itself fall off from the axis."""
    recording, truth = sight.right, sight.right.truth
    illumination, vignetting = np.asarray(truth.illumination), np.asarray(truth.vignetting)
    width_um = max(RING_UM, max(illumination.shape) * recording.pixel_um / 50)
    frame = np.asarray(recording.expected[sight.frame])
    images = {
        "this frame": frame,
        "excitation": illumination,
        "collection": vignetting,
        "excitation × collection": illumination * vignetting,
    }
    profiles = {n: ms.measures.radial_profile(i, recording.pixel_um, width_um) for n, i in images.items()}
    radius = profiles["excitation"].radius_um
    relative = {name: 100 * p.mean / (p.mean[0] or 1.0) for name, p in profiles.items()}
    styles: tuple[dict[str, Any], ...] = (
        {"ink": "pale"},
        {"ink": "cool", "dash": True},
        {"ink": "green", "dot": True},
        {"ink": "own"},
    )
    half = float(radius[-1])
    edges = {name: values[-1] for name, values in relative.items()}
    return {
        "kind": "lines",
        "title": "From the axis to the corner",
        "x": {"label": "distance from the optical axis, µm", "limits": [0, half]},
        "y": {"label": "of the value on the axis, %", "limits": [0, upto(list(relative.values()), 110)]},
        "series": [
            {"name": f"{name} {edges[name]:.0f} %", "x": short(radius), "y": short(relative[name])} | style
            for name, style in zip(relative, styles, strict=True)
        ],
        "summary": f"Lines: {half:.0f} µm from the axis the tissue gets {edges['excitation']:.0f} % of the "
        f"excitation, the lens collects {edges['collection']:.0f} %, so a cell there looks "
        f"{edges['excitation × collection']:.0f} % as bright as on the axis.",
    }


def plot_histogram(sight: Sight) -> Spec:
    """Show which counts the two frames use, of all that the camera has."""
    bits = sight.right.experiment.sensor.bit_depth
    sides = [("left", sight.left, "soft", True), ("right", sight.right, "own", False)]
    found = {side: ms.measures.histogram(r.frames[sight.frame], bits) for side, r, *_ in sides}
    full_scale, black = found["right"].full_scale, sight.right.counts_to_e.black
    most = max(int(h.pixels.max()) for h in found.values())
    saturated = {side: h.saturated for side, h in found.items()}
    middle = {side: float(np.average(h.counts, weights=h.pixels)) for side, h in found.items()}
    said = [
        f"{side}: mean {number(middle[side])} of {full_scale} counts, "
        + (f"{_share(saturated[side])} saturated" if saturated[side] else "none saturated")
        for side in found
    ]
    return {
        "kind": "lines",
        "title": "Counts of this frame",
        "x": {"label": "counts", "limits": [0, 1.02 * full_scale]},
        "y": {"label": "pixels", "limits": decades(0.7, 2 * most), "log": True},
        "series": [
            {
                "name": f"{side}, mean {number(middle[side])}",
                "ink": ink,
                "dash": dash,
                "fill": not dash,
                "step": found[side].width,
                "x": short(found[side].counts),
                "y": found[side].pixels.tolist(),
            }
            for side, _, ink, dash in sides
        ],
        "marks": [{"x": black, "label": "black"}, {"x": full_scale, "label": "full scale"}],
        "notes": [f"saturated {_share(saturated['right'])}"] if saturated["right"] else [],
        "summary": f"Histogram: {'; '.join(said)}.",
    }


def plot_photon_transfer(sight: Sight) -> Iterator[float | Spec]:
    """Show how the noise of a pixel grows with its light: the slope is the camera's gain."""
    title = "Noise grows with light"
    recording = sight.right
    count = min(len(recording.frames), TRANSFER_FRAMES) // 2 * 2
    if count < 2:
        yield empty(title, "Photon transfer takes at least two frames.")
        return
    yield 0.0
    transfer = ms.measures.photon_transfer(recording, slice(0, min(count, _PIECE)))
    for first in range(_PIECE, count, _PIECE):
        yield first / count
        transfer += ms.measures.photon_transfer(recording, slice(first, min(first + _PIECE, count)))
    black, e_per_count, full_scale = recording.counts_to_e
    slope, intercept = transfer.line
    mean, variance = transfer.mean, transfer.variance
    linear, clipped = transfer.linear, transfer.filled & (transfer.clipped > 0)
    high = upto(mean[transfer.filled], 10)
    series: list[dict[str, Any]] = [
        {"name": "measured", "ink": "own", "x": short(mean[linear]), "y": short(variance[linear])}
    ]
    if clipped.any():
        series.append(
            {"name": "with clipped pixels", "ink": "soft", "hollow": True}
            | {"x": short(mean[clipped]), "y": short(variance[clipped])}
        )
    at = np.array([black, min(high, full_scale)])
    if np.isfinite(slope) and "noise" not in recording.experiment.off:
        series.append(
            {"name": f"slope {number(slope)}", "ink": "ink", "line": True}
            | {"x": short(at), "y": short(np.maximum(intercept + slope * at, 0))}
        )
    yield {
        "kind": "points",
        "title": title,
        "x": {"label": "mean, counts", "limits": [0, high]},
        "y": {"label": "variance, counts²", "limits": [0, upto(variance[transfer.filled], 0.2)]},
        "series": series,
        "marks": [{"x": black, "label": "black"}]
        + ([{"x": full_scale, "label": "full scale"}] if high > full_scale else []),
        "notes": [f"set: 1 count per {number(e_per_count)} e⁻"],
        "summary": _say_transfer(recording, slope, e_per_count, bool(clipped.any())),
    }


def _say_transfer(recording: Any, slope: float, e_per_count: float, clipped: bool) -> str:
    if "noise" in recording.experiment.off:
        return (
            "Points: camera noise is switched off, so a pixel's counts do not scatter, however bright it is."
        )
    clips = " Where pixels clip at zero or full scale, the noise only seems to shrink." if clipped else ""
    if not slope > 0:
        return f"Points: the light in this picture is too even, or too bright, to measure a slope.{clips}"
    return (
        f"Points: the variance of a pixel grows by {number(slope)} for each count of light, which makes one "
        f"count {number(1 / slope)} electrons; the camera is set to {number(e_per_count)}.{clips}"
    )


def _share(share: float) -> str:
    return percent(share) if share >= 0.01 else f"{100 * share:.2g} %"
