"""How a plot is described to those who draw it: the browser (`web/plots.js`) and stills.

A description is plain JSON:

``kind``
    ``"lines"``, ``"bars"`` (stacked, `width` wide), ``"stack"`` (areas on top of each other),
    ``"points"``, ``"traces"`` (each in a lane), ``"shares"`` (of one bar, each from `x` to `x` + `y`),
    ``"side"``: points in the tissue, y downwards, under a scope; or ``"maps"``: squares of grey.
``title``, ``summary``
    What it shows; and what it shows in one sentence, for those who do not see it.
``x``, ``y``
    ``label``, ``limits``; ``log`` where decades are spanned; ``kind: "time"`` on an axis along which
    the movie's present frame is marked; ``every``: how many frames make one value on it.
``series``
    ``name``, ``x``, ``y`` and an ``ink``; ``dash`` or ``dot`` for a line, ``step`` for a histogram,
    ``dotted`` for a line with a dot at each value,
    ``hollow`` for points, ``line`` for a line among points, ``cells`` for what the points are;
    ``around``: half the width of a band along a line; ``moves``: the sliders that it sets when it is
    dragged along ``x`` or ``y``.
    In a trace, ``mean`` and ``at``: the lane in which the mean is drawn; ``dots``: ``x`` and ``y`` of
    dots in that lane, perhaps ``hollow`` or of another ``ink``. ``unit`` of y is that of its scale bar.
``marks``, ``levels``, ``bands``
    Labelled places on x, on y, and stretches of x.
``cone``
    In a side view, the light that the scope gathers: ``from`` a point (x, depth), ``half`` as wide at
    the surface.
``map``
    How maps stand beside each other: each is ``wide`` and begins ``apart`` from the one before, from black
    to white within ``limits``, a shade every ``step``; their series have ``values``, row by row.
``notes``
    What else the legend says.
``stale``
    True while a newer one is being computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

Spec = dict[str, Any]

INKS = {
    "own": "#b4530a",
    "cool": "#0b5c8f",
    "green": "#2a7f62",
    "violet": "#7a4f9c",
    "soft": "#56615d",
    "pale": "#9fb6b0",
    "ink": "#1d2422",
}
"""Colours on white, for stills; the browser has its own for light and dark, under the same names.

They differ in lightness and come with dashes or markers, for those who do not see the hues.
"""


def short(values: Iterable[float]) -> list[float]:
    """Round for the wire: four digits are more than a plot shows."""
    return [float(f"{value:.4g}") for value in np.asarray(values, dtype=float).tolist()]


def percent(share: float) -> str:
    """Write a share in words."""
    return f"{100 * share:z.0f} %".replace("-", "−")


def number(value: float, digits: int = 3) -> str:
    """Write a number as the figure does: few digits, a true minus sign, no exponent."""
    if not math.isfinite(value):
        return "unknown"
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, places):.{max(places, 0)}f}".replace("-", "−")


def upto(values: Any, least: float = 0.0) -> float:
    """Return where an axis from zero ends: a little above the largest value."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return max(least, 1.1 * float(finite.max(initial=0.0))) or 1.0


def decades(low: float, high: float) -> list[float]:
    """Return limits of a logarithmic axis: at least one decade."""
    low, high = max(low, 1e-12), max(high, 1e-11)
    return [low, max(high, 10 * low)]


def shares(title: str, parts: Iterable[tuple[str, str, float]], label: str, summary: str) -> Spec:
    """Return one bar divided into parts, each a name, an ink and a share of 1.

    A part below zero moves against the others: it is named with its share, and takes no room.
    """
    series: list[Spec] = []
    at, against = 0.0, False
    for name, ink, share in parts:
        against |= round(100 * share) < 0
        wide = 100 * max(share, 0.0)
        series.append({"name": f"{name} {percent(share)}", "ink": ink, "x": [at], "y": [wide]})
        at += wide
    return {
        "kind": "shares",
        "title": title,
        "x": {"label": label, "limits": [0, max(100.0, at)]},
        "y": {"label": "", "limits": [0, 1]},
        "series": [s | {"x": short(s["x"]), "y": short(s["y"])} for s in series],
        "notes": ["below 0 %: it changes against the others"] if against else [],
        "summary": summary,
    }


def empty(title: str, why: str, **changes: Any) -> Spec:
    """Return a plot with nothing in it, and why."""
    axis = {"label": "", "limits": [0, 1]}
    return {
        "kind": "lines",
        "title": title,
        "x": axis,
        "y": axis,
        "series": [],
        "notes": [why],
        "summary": f"{title}: {why}",
    } | changes
