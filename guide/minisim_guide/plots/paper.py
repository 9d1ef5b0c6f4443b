"""The same plots on paper: descriptions drawn with matplotlib, for stills and print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .spec import INKS, Spec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ORDER = ("cool", "own", "soft", "green", "violet", "pale", "ink")  # for series without an ink
_SMALL = 8
_TALL = 4  # entries of a legend in one column, at most


def draw_spec(axes: Axes, spec: Spec) -> None:
    """Draw a plot's description (see `spec`) into axes."""
    x, y = spec["x"], spec["y"]
    axes.set(xlim=x["limits"], ylim=y["limits"])
    for axis, scale in (("x", axes.set_xscale), ("y", axes.set_yscale)):
        if spec[axis].get("log"):
            scale("log")
    kinds = {"bars": _bars, "traces": _traces, "side": _side, "stack": _stack, "maps": _maps}
    (kinds | {"shares": _shares}).get(spec["kind"], _curves)(axes, spec)
    for band in spec.get("bands", ()):
        axes.axvspan(band["from"], band["to"], color="#f9e7d8", zorder=0)
    for mark in spec.get("marks", ()):
        axes.axvline(mark["x"], color=INKS["ink"], linestyle=":", linewidth=1)
        axes.annotate(
            mark["label"], (mark["x"], 1), (3, -1), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", rotation=90, fontsize=_SMALL - 1, color=INKS["soft"],
        )  # fmt: skip
    for level in spec.get("levels", ()):
        axes.axhline(level["y"], color=INKS["ink"], linestyle=":", linewidth=1)
        axes.annotate(
            level["label"], (1, level["y"]), (0, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=_SMALL - 1, color=INKS["soft"],
        )  # fmt: skip
    for note in spec.get("notes", ()):
        axes.plot([], [], " ", label=note)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles, labels, ncols=2 if len(labels) > _TALL else 1,
        title=spec["title"], title_fontproperties={"weight": "bold", "size": 9}, alignment="left",
        fontsize=_SMALL, frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 1.0), borderpad=0,
    )  # fmt: skip
    axes.set_xlabel(x["label"], fontsize=_SMALL)
    axes.set_ylabel(y["label"], fontsize=_SMALL)
    axes.tick_params(labelsize=_SMALL)
    if not x["label"]:
        axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)


def _ink(series: dict[str, Any], index: int) -> str:
    return INKS[series.get("ink", _ORDER[index % len(_ORDER)])]


def _bars(axes: Axes, spec: Spec) -> None:
    below: Any = 0.0
    for index, s in enumerate(spec["series"]):
        x, y = np.array(s["x"]), np.array(s["y"])
        axes.bar(x, y, 0.92 * spec["width"], below, color=_ink(s, index), label=s["name"])
        below = below + y


def _stack(axes: Axes, spec: Spec) -> None:
    """Draw areas on top of each other, the first one lowest."""
    below: Any = 0.0
    for index, s in enumerate(spec["series"]):
        above = below + np.array(s["y"])
        axes.fill_between(s["x"], below, above, color=_ink(s, index), label=s["name"], linewidth=0)
        below = above


def _shares(axes: Axes, spec: Spec) -> None:
    """Draw one bar, divided."""
    for index, s in enumerate(spec["series"]):
        axes.barh(0.5, s["y"], 0.5, s["x"], color=_ink(s, index), edgecolor="white", label=s["name"])
    axes.set_yticks([])


def _curves(axes: Axes, spec: Spec) -> None:
    """Draw lines, histograms and points."""
    floor = spec["y"]["limits"][0]
    for index, s in enumerate(spec["series"]):
        x, y, ink = np.array(s["x"]), np.maximum(s["y"], floor), _ink(s, index)
        style = "--" if s.get("dash") else ":" if s.get("dot") else "-"
        if spec["kind"] in ("points", "side") and not s.get("line"):
            face = "none" if s.get("hollow") else ink
            size = 6 if s.get("large") else 2.5
            axes.plot(x, y, "o", markersize=size, color=ink, markerfacecolor=face, label=s["name"])
        else:
            drawn = "steps-mid" if s.get("step") else "default"
            axes.plot(x, y, style, color=ink, linewidth=1.4, drawstyle=drawn, label=s["name"],
                      marker="o" if s.get("dotted") else None, markersize=3)  # fmt: skip
        if s.get("around"):
            axes.fill_between(x, y - s["around"], y + s["around"], color=ink, alpha=0.15, linewidth=0)
        if s.get("fill"):
            axes.fill_between(
                x, floor, y, step="mid" if s.get("step") else None, color=ink, alpha=0.2, linewidth=0
            )


def _side(axes: Axes, spec: Spec) -> None:
    """Draw the tissue from the side, with the scope above its surface."""
    axes.invert_yaxis()
    _curves(axes, spec)
    (x, depth), half = spec["cone"]["from"], spec["cone"]["half"]
    axes.fill([x - half, x, x + half], [0, depth, 0], color=INKS["pale"], alpha=0.3, linewidth=0)
    axes.annotate("scope", (x, 0), (0, 3), textcoords="offset points", ha="center", fontsize=_SMALL - 1,
                  bbox={"boxstyle": "round", "fc": "white", "ec": INKS["soft"]})  # fmt: skip


def _maps(axes: Axes, spec: Spec) -> None:
    """Draw maps beside each other, each named in the legend in their order."""
    about, (_, tall) = spec["map"], spec["y"]["limits"]
    low, high = about["limits"]
    for index, s in enumerate(spec["series"]):
        left = index * about["apart"]
        shades = about["step"] * (np.array(s["values"]) // about["step"])
        axes.imshow(shades, cmap="gray", vmin=low, vmax=high, extent=(left, left + about["wide"], 0, tall))
        axes.plot([], [], " ", label=s["name"])
    axes.set(xlim=spec["x"]["limits"], ylim=spec["y"]["limits"], xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _traces(axes: Axes, spec: Spec) -> None:
    """Draw traces above each other in one scale, each named at its left."""
    for index, s in enumerate(spec["series"]):
        for dots in s.get("dots", ()):
            ink = INKS[dots["ink"]] if "ink" in dots else _ink(s, index)
            axes.plot(dots["x"], np.array(dots["y"]) - s["mean"] + s["at"], "o", markersize=3, color=ink,
                      markerfacecolor="none" if dots.get("hollow") else ink)  # fmt: skip
        axes.plot(s["x"], np.array(s["y"]) - s["mean"] + s["at"], color=_ink(s, index), linewidth=0.8)
    axes.set_yticks([s["at"] for s in spec["series"]], [s["name"] for s in spec["series"]])
    for label, (index, s) in zip(axes.get_yticklabels(), enumerate(spec["series"]), strict=True):
        label.set_color(_ink(s, index))
    axes.tick_params(left=False)
    low, high = spec["y"]["limits"]
    length = next(
        n * 10.0**p for p in range(6, -4, -1) for n in (5, 2, 1) if n * 10.0**p <= 0.35 * (high - low)
    )
    axes.plot([1.01, 1.01], [low, low + length], color=INKS["ink"], linewidth=2, clip_on=False,
              transform=axes.get_yaxis_transform())  # fmt: skip
    unit = spec["y"].get("unit", "e⁻")
    axes.text(1.02, low + length / 2, f"{length:g} {unit}", fontsize=_SMALL - 1, va="center",
              transform=axes.get_yaxis_transform())  # fmt: skip
