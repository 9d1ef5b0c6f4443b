"""The studio: every parameter of a recording under the reader's hand, and the recording to take home."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import traitlets

import minisim_core as ms

from . import limits, parameters, sharing
from .board import board
from .controls import Slider
from .figure import Figure, Panel
from .shot import Plan, Shot, Wish
from .taking import Taking
from .talking import Answer
from .values import nested
from .viewer import PARTS, Viewer, module, stylesheet
from .worker import Job, Worker

NOT_TUNED = "Nobody has tuned light and gain for this pair: the picture may be dim or bright."
_TRUTH = (
    "blur", "dimming", "neuropil", "vessels", "illumination", "vignetting", "stray_light", "noise",
)  # fmt: skip


class Bench(Viewer):
    """The viewer with presets above it, all parameters beside it, and a recorder below.

    Attributes
    ----------
    groups
        All parameters, from `minisim_guide.parameters`.
    take
        What `minisim_guide.taking` tells.
    """

    _esm = f"{module(*PARTS, 'bench.js', 'take.js', 'studio.js')}\nexport default {{ render: studio }};\n"
    _css = stylesheet() + module("studio.css")

    groups: traitlets.List[Any] = traitlets.List().tag(sync=True)
    take = traitlets.Dict().tag(sync=True)


class Studio(Figure):
    """Build a recording from all its parameters, watch it, and take it home with its truth.

    Parameters
    ----------
    scene
        The preset shown first.
    name
        The studio's name in links to it.
    """

    _kind = Bench
    _preview = staticmethod(limits.preview)

    def __init__(self, scene: str = "guide", *, name: str = "studio") -> None:
        self._base: dict[str, Any] = {"scene": scene, "changes": {}}
        self._worker: Worker | None = None
        self._making: Job | None = None
        super().__init__(
            scene,
            left=Panel("What is there", off=_TRUTH),
            right=Panel("What you record"),
            name=name,
            switches=[layer for layer in ms.LAYERS if layer != "cells"],
            overlays=("detectable", "cells"),
            sliders=_knobs(),
            says="yield",
            plots=("side_view", "detectable_by_depth", "snr_by_depth"),
        )
        self.viewer.take = {"state": "idle"}
        self._taking = Taking(self._tell, lambda head, data: self.viewer.send(head, buffers=[data]))

    # -- what the browser asks for -----------------------------------------------------------

    def _answers(self) -> Mapping[str, Answer]:
        return {
            "open": self._asked(lambda m: (_scene(m["base"]), m["base"])),
            "load": self._asked(lambda m: (ms.Experiment.from_json(str(m["text"])), None)),
            "rebase": self._asked(lambda m: (self._changed(m["values"]), None)),
            "cancel": self._cancel,
            "save": self._save,
            "measure": self._measure,
            "record": self._record,
            "stop": lambda _: self._taking.cancel(),
            "give": lambda m: self._taking.give(str(m["name"]), int(m["start"]), float(m["seconds"])),
        }

    def _opening(self, plan: Plan, off: Iterable[str]) -> dict[str, Any]:
        return super()._opening(plan, off) | {"groups": parameters.groups(plan.board.scene)}

    def _declare(self) -> None:
        super()._declare()
        named = self._base["scene"]
        self.viewer.meta = self.viewer.meta | {
            "base": self._base,
            "scenes": _SCENES,
            "about": ms.presets.describe(named) if named in ms.presets.names() else NOT_TUNED,
            "parameters": [p["name"] for group in self.viewer.groups for p in group["parameters"]],
        }

    def open(self, experiment: ms.Experiment, base: Mapping[str, Any] | None = None) -> None:
        """Show another experiment; its first picture is made off the kernel's main thread.

        Parameters
        ----------
        experiment
            What to show.
        base
            The preset and the changes that a link names it by; found if not given.
        """
        named = dict(base) if base is not None else _nearest(experiment)
        plan = replace(self.plan, board=board(experiment, *self._controls))
        first = Wish(0, 0, {}, experiment.seed, experiment.off, 0)
        self._soon(lambda: Shot(plan, first).picture(), lambda _: self._show(plan, named))

    def _show(self, plan: Plan, base: dict[str, Any]) -> None:
        self.plan, self._base = plan, base
        with self.viewer.hold_sync():
            self._live.show(plan, progress={}, **self._opening(plan, plan.board.scene.off))
            self._declare()

    def _soon(self, make: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Compute something in a thread of its own, and go on with it here; the newest wins."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            then(make())
            return
        if self._making is not None:
            self._making.stop()
        job = self._making = Job(make, loop)

        def made(result: asyncio.Future[Any]) -> None:
            error = result.exception()
            if job is not self._making:
                return
            self._making, self.viewer.progress = None, {}
            try:
                if error is not None:
                    raise error
                then(result.result())
            except ms.Cancelled:
                pass
            except Exception as failure:
                self._live.failed(failure)

        job.result.add_done_callback(made)
        self.viewer.progress = {"what": "the scene", "done": None}
        self._worker = self._worker or Worker()
        self._worker.do(job)

    def _cancel(self, _: Any) -> None:
        if self._making is None:
            self._live.cancel()
            return
        self._making.stop()
        self._making, self.viewer.progress = None, {}
        self.viewer.notice = "Cancelled: the scene stays as it was."

    # -- messages --------------------------------------------------------------------------

    def _asked(self, make: Callable[[dict[str, Any]], tuple[ms.Experiment, Any]]) -> Answer:
        """Answer a message that asks for another experiment; what is refused is said in a sentence."""

        def answer(message: dict[str, Any]) -> None:
            try:
                with warnings.catch_warnings(record=True) as said:
                    warnings.simplefilter("always")
                    experiment, base = make(message)
                    limits.check_scene(experiment)
            except ms.ParameterError as error:
                self._live.failed(error)
                return
            except (KeyError, TypeError, AttributeError):
                self._live.failed(ms.ParameterError("this is not the description of a scene"))
                return
            self.open(experiment, base)
            self.viewer.notice = " ".join(f"Note: {warning.message}." for warning in said)

        return answer

    def _changed(self, values: Mapping[str, Any]) -> ms.Experiment:
        off, seed = self.viewer.off, self.viewer.seed
        scene = self.plan.board.scene
        return scene.with_(off=off, seed=seed, **nested(values, scene))

    def _save(self, _: Any) -> None:
        try:
            text = self.json()
        except ms.ParameterError as error:
            self._live.failed(error)
            return
        self.viewer.send({"kind": "saved", "name": f"{self._file_name}.json", "text": text})

    def _record(self, message: dict[str, Any]) -> None:
        try:
            experiment = self._live.shot().experiment
        except ms.ParameterError as error:
            self._live.failed(error)
            return
        self._taking.record(experiment, self._file_name, str(message.get("format", "tiff")))

    def _measure(self, _: Any) -> None:
        try:
            self._taking.measure(self._live.shot().experiment)
        except ms.ParameterError:  # said beside the picture
            return

    @property
    def _file_name(self) -> str:
        return str(self._base["scene"]).replace("+", "-")

    def _tell(self, take: dict[str, Any]) -> None:
        self.viewer.take = take


def _knobs() -> list[Slider]:
    limits_um = {"cells.depth_range_um": (0.0, 400.0, 5.0), "focus_um": (20.0, 300.0, 1.0)}
    limits_um |= {"illumination.led_mw": (0.02, 5.0, 0.02), "frame_rate_hz": (5.0, 60.0, 1.0)}
    return [Slider(name, *limits_um.get(name, ())) for name in parameters.KNOBS]


def _scenes() -> list[dict[str, Any]]:
    """List the presets, and the pairs of a scope and a region that are none."""
    tuned = [{"name": name, "title": preset.title} for name, preset in ms.presets.PRESETS.items()]
    known = {(preset.scope, preset.region) for preset in ms.presets.PRESETS.values()}
    others = [
        {"name": f"{scope}+{region}", "title": f"{s.title.partition(':')[0].partition(',')[0]} · {r.title}"}
        for scope, s in ms.presets.SCOPES.items()
        for region, r in ms.presets.REGIONS.items()
        if (scope, region) not in known
    ]
    return [{"label": "Presets", "scenes": tuned}, {"label": "Other pairs, not tuned", "scenes": others}]


_SCENES = _scenes()


def _scene(base: Mapping[str, Any]) -> ms.Experiment:
    """Return the experiment that a link or the drop-down names."""
    name = str(base["scene"])
    scope, plus, region = name.partition("+")
    whole = ms.presets.pair(scope, region) if plus else ms.presets.get(name)
    return whole.with_(**base.get("changes", {}))


def _nearest(experiment: ms.Experiment) -> dict[str, Any]:
    scene, changes = sharing.nearest_preset(experiment)
    return {"scene": scene, "changes": json.loads(json.dumps(changes))}
