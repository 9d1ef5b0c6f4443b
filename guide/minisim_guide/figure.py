"""The linked figure: two recordings that share every parameter and differ in their switches."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import minisim_core as ms

from . import sharing
from .board import board
from .controls import Control, describe_base, describe_overlays, describe_switches
from .live import Live
from .shot import Panel, Plan, Shot, everything, views
from .talking import Answer
from .viewer import Viewer

__all__ = ["Figure", "Panel"]


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
        What the reader may change: parameters by dotted name, `Slider` for narrower limits, `Choice` for
        a drop-down of named changes, `Tick` for a rule.
    more
        The same, for advanced controls that stay folded away at first.
    says
        Name of the sentence under the picture (`minisim_guide.plots.SENTENCES`).
    plots
        Names of the plots (`minisim_guide.plots.PLOTS`). A plot that is an iterator is one of the whole
        movie: it yields shares done (0 to 1) and specs, the last of which stays; it must not depend on
        the frame shown. Each step runs by itself, and a newer wish drops the rest.
    marks
        Names of places that are found in the scene and marked in the pictures (`minisim_guide.plots.MARKS`).
    average
        Show the mean of the whole movie instead of its frames.
    stack
        Put the layers upon each other with one slider, in physical order, instead of single switches;
        `switches` are then the layers of the stack (default: all), and `off` those above where it opens.
    insets
        Centres of windows that are shown enlarged, as parts of the picture's height and width.
    inset_um
        How wide each of these windows is.
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
        sliders: Iterable[str | Control] = (),
        more: Iterable[str | Control] = (),
        says: str = "",
        plots: Iterable[str] = (),
        marks: Iterable[str] = (),
        average: bool = False,
        stack: bool = False,
        insets: Iterable[tuple[float, float]] = (),
        inset_um: float = 120,
        frame: int = 0,
        pixel: tuple[int, int] | None = None,
        roi: tuple[float, float, float, float] | None = None,
    ) -> None:
        experiment = ms.presets.get(scene) if isinstance(scene, str) else scene
        switches, off = ms.layers.check(switches), ms.layers.check(off)
        if stack:
            switches = _stack(switches, off)
        self.name, self._controls = name, (tuple(sliders), tuple(more))
        self.plan = Plan(
            board(experiment, *self._controls), left, right, switches, says, tuple(plots), tuple(marks),
            average, stack, self._preview,
        )  # fmt: skip
        self._insets = {"places": [list(place) for place in insets], "um": inset_um}
        self._state = {
            "frame": 0 if average else frame,
            "pixel": list(pixel or ()),
            "roi": list(roi or ()),
            "overlay": [],
        }
        self._live = Live(
            self.plan,
            self._kind,
            self._answers(),
            switches=describe_switches(switches),
            overlays=describe_overlays(overlays),
            **self._opening(self.plan, off),
        )
        self.viewer = self._live.viewer
        self._declare()

    _kind: type[Viewer] = Viewer
    _preview = staticmethod(everything)

    def _answers(self) -> Mapping[str, Answer]:
        """Say what is answered beyond what every figure answers."""
        return {}

    def _opening(self, plan: Plan, off: Iterable[str]) -> dict[str, Any]:
        """Return the controls' traits as they stand when a plan is shown first."""
        described, seed = list(plan.board.described), plan.board.scene.seed
        state = {"off": list(off), "seed": seed, "values": plan.board.defaults}
        return {"sliders": described, **self._state, **state}

    def _declare(self) -> None:
        """Write down what does not change as long as this scene is shown."""
        plan, viewer = self.plan, self.viewer
        own = {side: panel.own_range for side, panel in plan.panels.items()}
        sides = [self._live.seen[side] for side in own if not own[side] or all(own.values())]
        if plan.stack and not plan.average:  # one range for all stops: each is seen against the others
            sides = [self._live.shot().view(key) for key in views(plan, tuple(viewer.off))]
        self.range = _display_range(*sides)
        self.ranges = {s: _display_range(self._live.seen[s]) if own[s] else self.range for s in own}
        opening = ("off", "seed", "frame", "pixel", "roi", "overlay", "values")
        viewer.meta = {
            "name": self.name,
            "titles": {side: panel.title for side, panel in plan.panels.items()},
            "panels": {side: list(plan.key(side, ())) for side in plan.panels},
            "range": self.range,
            "own": {side: self.ranges[side] if own[side] else None for side in own},
            "modes": ["pair", "wipe", "left", "right"] if any(own.values()) else None,
            "full_scale": self._live.seen["counts_to_e"]["full_scale"],
            "bits": plan.board.most("sensor.bit_depth"),
            "near_um": plan.board.scene.scope.near_focus_um,
            "opening": {name: getattr(viewer, name) for name in opening},
            "static": False,
            "insets": self._insets,
            "average": plan.average,
            "stack": describe_base(plan.switches, viewer.off) if plan.stack else None,
        }

    def title(self, side: str) -> str:
        """Return a side's title, with how much it is brightened if it has a display range of its own.

        Parameters
        ----------
        side
            "left" or "right".

        Returns
        -------
        str
            As "What you record", or "What is there (brightened × 3.1)".
        """
        (low, high), (first, last) = self.range, self.ranges[side]
        title, factor = self.plan.panels[side].title, (high - low) / (last - first)
        if not self.plan.panels[side].own_range:
            return title
        return f"{title} ({'brightened' if factor >= 1 else 'dimmed'} × {factor:.3g})"

    # -- for people and tests --------------------------------------------------------------

    def set(self, *, off: Iterable[str] | None = None, **values: Any) -> None:
        """Move controls from Python: ``figure.set(focus_um=120, off=("noise",))``.

        Parameters
        ----------
        off
            The layers to switch off on both sides.
        **values
            What controls stand at, by their names; a group's field is written
            ``scope__numerical_aperture``.
        """
        named = {name.replace("__", "."): value for name, value in values.items()}
        with self.viewer.hold_trait_notifications():
            self.viewer.values = dict(self.viewer.values) | named
            if off is not None:
                self.viewer.off = list(ms.layers.check(off))

    def experiment(self, values: Mapping[str, Any] | None = None) -> ms.Experiment:
        """Return what the right panel shows.

        Parameters
        ----------
        values : mapping, optional
            Controls that stand elsewhere than now, by name.

        Returns
        -------
        Experiment

        Raises
        ------
        ParameterError
            If a value is refused.
        """
        wish = self._live.wish(values={**self.viewer.values, **(values or {})})
        return self.plan.right.of(Shot(self.plan, wish).experiment)

    def recordings(self) -> tuple[Any, Any]:
        """Return the left and the right recording of what the controls show now.

        Returns
        -------
        (Recording, Recording)
        """
        return self._live.shot().recordings

    def python(self) -> str:
        """Return a Python snippet that makes what the controls show now.

        Returns
        -------
        str
            It binds `exp`, which both sides share, and the recordings `left` and `right`.
        """
        return sharing.snippet(self._live.shot())

    def json(self) -> str:
        """Return the experiment that both sides share, as JSON text.

        Returns
        -------
        str
            As `Experiment.to_json` writes it.
        """
        return sharing.json_text(self._live.shot())

    def bundle(self) -> bytes:
        """Return the figure as it is now, in every state of its switches, for a page without a kernel.

        Returns
        -------
        bytes
            In the format that `minisim_guide.bundle` describes.
        """
        from .bundle import bundle

        return bundle(self._live)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Show the widget, or its still while stills are being written."""
        if os.environ.get("MINISIM_GUIDE_STILLS"):
            from .stills import still

            self._live.settle()
            return still(self)
        return self.viewer._repr_mimebundle_(**kwargs)


def _stack(switches: tuple[str, ...], off: tuple[str, ...]) -> tuple[str, ...]:
    """Return the layers of a stack; refuse an opening state that is none of its stops."""
    layers = switches or ms.layers.only(())
    above = tuple(name for name in layers if name in off)
    if above != layers[len(layers) - len(above) :]:
        raise ValueError(
            f"off = {off}: a stack opens with its uppermost layers off; these are not the last of {layers}"
        )
    return layers


def _display_range(*sides: np.ndarray) -> list[int]:
    """Return the counts shown as black and white: percentiles of all these pictures together."""
    low, high = np.percentile(np.stack(sides), (0.2, 99.8))
    return [math.floor(low), max(math.floor(low) + 1, math.ceil(high))]
