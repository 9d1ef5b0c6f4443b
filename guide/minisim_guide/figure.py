"""The linked figure: two recordings that share every parameter and differ in their switches."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minisim_core as ms

from . import plots as _plots
from .controls import Slider, describe_sliders, describe_switches, nested
from .overlays import OVERLAYS
from .stream import Piece, Stream, Work
from .viewer import Viewer

CHUNK = 2
"""Frames per message. What is on its way delays the picture after it: 3 of these are 0.8 MB of 10 bits."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Panel:
    """One side of a figure.

    Parameters
    ----------
    title
        What the reader sees above it.
    off
        Layers that are always off on this side, besides those the reader switches off.
    """

    title: str
    off: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """What the reader asked for, at one moment.

    `version` counts every change of values, seed or switches; `scene` those of values and seed.
    """

    version: int
    scene: int
    values: Mapping[str, Any]
    seed: int
    off: tuple[str, ...]
    frame: int
    pixel: tuple[int, ...] = ()
    roi: tuple[float, ...] = ()
    overlay: tuple[str, ...] = ()


@dataclass
class _Sent:
    """Which frames of which version the browser has."""

    version: int = -1
    frames: set[int] = field(default_factory=set)


class Figure:
    """Two panels side by side, one linked view: touch one thing and all of it follows.

    Parameters
    ----------
    scene
        A preset's name or an experiment.
    left, right
        The two panels.
    name
        The figure's name in links to it.
    off
        Layers that are off on both sides when the page opens.
    switches
        Layers the reader may switch; they act on both sides.
    overlays
        Names of what the reader may have drawn over the pictures (`minisim_guide.overlays.OVERLAYS`).
    sliders
        Parameters the reader may move: dotted names, or `Slider` for narrower limits.
    more
        The same, for advanced sliders that stay folded away at first.
    says
        Name of the sentence under the picture (`minisim_guide.plots.SENTENCES`).
    plots
        Names of the plots (`minisim_guide.plots.PLOTS`).
    frame
        The frame shown first.
    pixel
        The (row, column) marked first; none by default.
    roi
        The region marked first: the (top, left, bottom, right) of the box around an ellipse, in pixels.
    """

    def __init__(
        self,
        scene: str | ms.Experiment,
        *,
        left: Panel,
        right: Panel,
        name: str = "figure",
        off: Iterable[str] = (),
        switches: Iterable[str] = (),
        overlays: Iterable[str] = (),
        sliders: Iterable[str | Slider] = (),
        more: Iterable[str | Slider] = (),
        says: str = "",
        plots: Iterable[str] = (),
        frame: int = 0,
        pixel: tuple[int, int] | None = None,
        roi: tuple[float, float, float, float] | None = None,
    ) -> None:
        self.experiment = ms.presets.get(scene) if isinstance(scene, str) else scene
        self.left, self.right = left, right
        self.says, self.plot_names = says, tuple(plots)
        described = describe_sliders(sliders, self.experiment)
        described += [d | {"advanced": True} for d in describe_sliders(more, self.experiment)]
        opening = Wish(
            version=0,
            scene=0,
            values={d["name"]: d["default"] for d in described},
            seed=self.experiment.seed,
            off=ms.layers.check(off),
            frame=frame,
            pixel=tuple(pixel or ()),
            roi=tuple(roi or ()),
        )
        self._version = self._scene = 0
        self._asked = dict(opening.values), opening.seed, list(opening.off)
        self._sent = _Sent()
        self._stream = Stream(self._work, self._publish, self._failed)
        work = self._work(opening)
        picture, details = next(work), next(work)
        work.close()
        self.range = _display_range(picture.content["left"], picture.content["right"])
        state = {
            "frame": opening.frame,
            "off": list(opening.off),
            "pixel": list(opening.pixel),
            "roi": list(opening.roi),
            "seed": opening.seed,
            "overlay": list(opening.overlay),
        }
        self.viewer = Viewer(
            answers={"ready": self._ready, "ack": lambda _: self._stream.paid()},
            meta={
                "name": name,
                "titles": {"left": left.title, "right": right.title},
                "range": self.range,
                "bits": self.experiment.sensor.bit_depth,
                "near_um": self.experiment.scope.near_focus_um,
                "opening": state,
                "static": False,
            },
            sliders=described,
            switches=describe_switches(switches),
            overlays=[
                {"name": o, "label": OVERLAYS[o].label, "description": OVERLAYS[o].description}
                for o in overlays
            ],
            values=dict(opening.values),
            **state,
        )
        self._publish(picture)
        self._publish(details)
        self.viewer.observe(self._changed, names=["values", "seed", "off"])
        self.viewer.observe(self._looked, names=["frame", "pixel", "roi", "overlay"])

    # -- for people and tests --------------------------------------------------------------

    def set(self, *, off: Iterable[str] | None = None, **values: Any) -> None:
        """Move controls from Python: ``figure.set(focus_um=120, off=("noise",))``.

        Parameters
        ----------
        off
            The layers to switch off on both sides.
        **values
            Slider values; a group's field is written ``scope__numerical_aperture``.
        """
        named = {name.replace("__", "."): value for name, value in values.items()}
        with self.viewer.hold_trait_notifications():
            self.viewer.values = dict(self.viewer.values) | named
            if off is not None:
                self.viewer.off = list(ms.layers.check(off))

    def recordings(self, wish: Wish | None = None) -> tuple[Any, Any]:
        """Return the left and the right recording.

        Parameters
        ----------
        wish : Wish, optional
            What the reader asked for; by default, what the controls show now.

        Returns
        -------
        (Recording, Recording)
        """
        wish = wish or self._wish()
        changed = self.experiment.with_(seed=wish.seed, **nested(wish.values))
        return tuple(  # type: ignore[return-value]
            ms.simulate(changed.with_(off=ms.layers.check((*wish.off, *panel.off))))
            for panel in (self.left, self.right)
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Show the widget, or its still while stills are being written."""
        if os.environ.get("MINISIM_GUIDE_STILLS"):
            from .stills import still

            return still(self)
        return self.viewer._repr_mimebundle_(**kwargs)

    # -- the work --------------------------------------------------------------------------

    def _wish(self) -> Wish:
        v = self.viewer
        return Wish(
            self._version, self._scene, dict(v.values), v.seed, tuple(v.off), v.frame,
            tuple(v.pixel), tuple(v.roi), tuple(v.overlay),
        )  # fmt: skip

    def _work(self, wish: Wish) -> Work:
        """Render the current frame, then what is said about it, then the rest of the movie."""
        left, right = self.recordings(wish)
        count = len(right.frames)
        frame = min(max(wish.frame, 0), count - 1)
        sides = left.frames[frame], right.frames[frame]
        head = {
            "version": wish.version,
            "scene": wish.scene,
            "frame": frame,
            "count": count,
            "height": sides[1].shape[0],
            "width": sides[1].shape[1],
            "wide": sides[1].itemsize == 2,
            "binned": 1,
            "pixel_um": float(right.pixel_um),
            "frame_rate_hz": float(right.experiment.frame_rate_hz),
            "counts_to_e": right.counts_to_e._asdict(),
        }
        yield Piece("picture", head | {"left": sides[0], "right": sides[1]})
        sight = _plots.Sight(left, right, frame, wish.pixel, wish.roi)
        says = _plots.SENTENCES[self.says](sight) if self.says else ""
        drawings = [OVERLAYS[name](sight) | {"name": name, "version": wish.version} for name in wish.overlay]
        yield Piece("details", (says, [_plots.PLOTS[name](sight) for name in self.plot_names], drawings))
        yield Piece("rest")
        have = self._sent.frames if self._sent.version == wish.version else set()
        for first, last in _runs(frame, count, have):
            movie = left.frames[first:last], right.frames[first:last]
            yield Piece("chunk", (wish.version, first, movie))

    def _publish(self, piece: Piece) -> None:
        if piece.kind == "picture":
            sides = {name: piece.content[name].tobytes() for name in ("left", "right")}
            self.viewer.picture = piece.content | sides
            self.viewer.error = ""
            self._note(piece.content["version"], [piece.content["frame"]])
        elif piece.kind == "details":
            self.viewer.says, self.viewer.plots, self.viewer.drawings = piece.content
        else:
            version, first, sides = piece.content
            self.viewer.send_chunk(version, first, sides)
            self._note(version, range(first, first + len(sides[0])))

    def _note(self, version: int, frames: Iterable[int]) -> None:
        if version != self._sent.version:
            self._sent = _Sent(version)
        self._sent.frames.update(frames)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, ms.ParameterError):
            self.viewer.error = f"This cannot be: {error}."
            return
        _log.error("a figure failed", exc_info=error)
        self.viewer.error = (
            f"This could not be computed ({type(error).__name__}: {error}). "
            "The picture is the last good one; Reset brings the opening state back."
        )

    # -- the reader's hand -----------------------------------------------------------------

    def _changed(self, _: Any) -> None:
        asked = dict(self.viewer.values), self.viewer.seed, list(self.viewer.off)
        if asked != self._asked:  # one message may change several: that is one wish
            self._scene += asked[:2] != self._asked[:2]
            self._asked = asked
            self._version += 1
            self._stream.want(self._wish())

    def _looked(self, _: Any) -> None:
        self._stream.want(self._wish())

    def _ready(self, _: Any = None) -> None:
        """Start the movie for a new view, which has nothing but the picture."""
        self._sent = _Sent()
        self._stream.forgive()
        self._stream.want(self._wish())


def _runs(frame: int, count: int, have: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the frames still missing as short runs, from the current one on and round again."""
    for start, stop in ((frame, count), (0, frame)):
        first = start
        while first < stop:
            if first in have:
                first += 1
                continue
            last = first + 1
            while last < min(first + CHUNK, stop) and last not in have:
                last += 1
            yield first, last
            first = last


def _display_range(*sides: np.ndarray) -> list[int]:
    """Return the counts shown as black and white: percentiles of the opening pair together."""
    low, high = np.percentile(np.stack(sides), (0.2, 99.8))
    return [math.floor(low), max(math.floor(low) + 1, math.ceil(high))]
