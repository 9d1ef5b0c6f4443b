"""The scope's own fields: where it lights the tissue, and from where it collects."""

from __future__ import annotations

import numpy as np

from .sight import Sight
from .spec import Spec, percent

SQUARES = 32
"""Squares across a map, the longer way."""

STEP = 5
"""Per cent from one shade to the next."""

GAP = 0.06
"""Between two maps, as a share of their width."""


def say_evenness(sight: Sight) -> str:
    """Say how much of the light in the centre reaches the corners, and the mark."""
    truth = sight.right.truth
    lit, collected = (np.asarray(f, dtype=float) for f in (truth.illumination, truth.vignetting))
    height, width = lit.shape
    middle = height // 2, width // 2
    both = lit * collected
    corners = both[:: height - 1, :: width - 1].mean() / both[middle]
    text = f"A cell in the corners shows {percent(corners)} of the light that it shows in the centre"
    if not sight.pixel:
        return text + "."
    at = min(max(sight.pixel[0], 0), height - 1), min(max(sight.pixel[1], 0), width - 1)
    excitation, collection, product = (float(f[at] / f[middle]) for f in (lit, collected, both))
    return (
        f"{text}. Here: excitation {percent(excitation)}, collection {percent(collection)}, "
        f"together {percent(product)} of the centre."
    )


def plot_field_maps(sight: Sight) -> Spec:
    """Draw excitation, collection and their product as maps of the whole field."""
    recording, truth = sight.right, sight.right.truth
    lit, collected = (np.asarray(f, dtype=float) for f in (truth.illumination, truth.vignetting))
    height, width = lit.shape
    size = max(height, width) / SQUARES
    rows, columns = (
        ((np.arange(round(n / size)) + 0.5) * n / round(n / size)).astype(int) for n in (height, width)
    )
    maps = {"excitation": lit, "collection": collected, "excitation × collection": lit * collected}
    middle = height // 2, width // 2
    corners = {n: f[:: height - 1, :: width - 1].mean() / f[middle] for n, f in maps.items()}
    tall, wide = height * recording.pixel_um, width * recording.pixel_um
    shares = {n: 100 * f[np.ix_(rows, columns)] / f[middle] for n, f in maps.items()}
    lowest = STEP * min(int(share.min() // STEP) for share in shares.values())
    return {
        "kind": "maps",
        "title": "Where the light is",
        "x": {"label": "", "limits": [0, (len(maps) + GAP * (len(maps) - 1)) * wide]},
        "y": {"label": "", "limits": [0, tall]},
        "map": {"wide": wide, "apart": (1 + GAP) * wide, "limits": [lowest, 100], "step": STEP},
        "series": [
            {"name": name, "values": np.rint(share).astype(int).tolist()} for name, share in shares.items()
        ],
        "notes": [f"black {lowest} % of the centre, white 100 %, a shade every {STEP} %"],
        "summary": "Maps of the field: "
        + ", ".join(f"{name} in the corners {percent(share)}" for name, share in corners.items())
        + " of that in the centre.",
    }
