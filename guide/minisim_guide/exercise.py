"""An exercise: a recording with a property to be made with a figure's controls, checked by the engine."""

from __future__ import annotations

import asyncio
import html
import os
from collections.abc import Iterable
from typing import Any

import traitlets

import minisim_core as ms

from .figure import Figure
from .plots import MEASURES
from .talking import LIVE, Talking, running_loop
from .values import value_of
from .viewer import module, stylesheet


class Exercise(Talking):
    """A task with a button that checks it on the figure as it stands.

    Parameters
    ----------
    task
        What the reader is asked to do.
    figure
        The figure to do it with.
    measure
        Name of the measure that decides (`minisim_guide.plots.MEASURES`).
    at_least, at_most
        What it must come to; one of the two or both.
    keep
        Parameters, by dotted name, that must stay as the figure has them when the page opens.
    because
        Shown when it is done.
    """

    _esm = module("dom.js", "exercise.js")
    _css = stylesheet()

    task = traitlets.Unicode().tag(sync=True)
    verdict = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        task: str,
        *,
        figure: Figure,
        measure: str,
        at_least: float = float("-inf"),
        at_most: float = float("inf"),
        keep: Iterable[str] = (),
        because: str = "",
    ) -> None:
        self._figure, self._measure, self._because = figure, MEASURES[measure], because
        self._limits, self._keep = (at_least, at_most), tuple(keep)
        self._scene = figure.plan.board.scene  # another scene may be chosen since
        self._checks = 0
        self._task: asyncio.Task[None] | None = None
        super().__init__(answers={"check": self._check}, task=task)
        figure.viewer.observe(self._forget, names=["values", "off", "seed", "meta"])

    def judge(self) -> dict[str, Any]:
        """Say whether the figure's recording, as its controls stand, is what was asked for.

        Returns
        -------
        dict
            ``done`` and a sentence, ``says``.
        """
        made = self._figure.experiment()
        for name in self._keep:
            if value_of(made, name) != (wanted := value_of(self._scene, name)):
                about = ms.describe(name)
                wanted = f"{wanted:g} {about.unit}".strip()
                return {
                    "done": False,
                    "says": f"{about.label} is not yours to change here: put it back to {wanted}.",
                }
        value = self._measure.of(self._figure.plan.preview(made), 0)
        low, high = self._limits
        says = f"{self._measure.what}: {self._measure.show(value)}."
        if value < low:
            return {"done": False, "says": f"Not yet. {says} It takes at least {low:g}."}
        if value > high:
            return {"done": False, "says": f"Not yet. {says} It may be {high:g} at most."}
        return {"done": True, "says": f"Done. {says} {self._because}".strip()}

    def _check(self, _: Any) -> None:
        loop = running_loop()
        if loop is None:
            self._say(self._verdict())
        else:
            self._task = loop.create_task(self._later())

    async def _later(self) -> None:
        before = self._checks
        verdict = await asyncio.to_thread(self._verdict)
        if self._checks == before:  # nothing has been changed since
            self._say(verdict)

    def _forget(self, _: Any) -> None:
        """Take a verdict back: it was about how the figure stood before."""
        self._say({})

    def _verdict(self) -> dict[str, Any]:
        try:
            return self.judge()
        except Exception as error:  # a page must not fall silent
            return {"done": False, "says": f"This could not be checked: {error}."}

    def _say(self, verdict: dict[str, Any]) -> None:
        self._checks += 1  # a verdict that says the same again has to travel too
        self.verdict = verdict | {"number": self._checks}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Show the widget, or the task in plain HTML while stills are being written."""
        if not os.environ.get("MINISIM_GUIDE_STILLS"):
            return super()._repr_mimebundle_(**kwargs)
        task = f"<p><strong>{html.escape(self.task)}</strong></p>"
        return {"text/html": f"{task}<p><em>To do it, and have it checked, {LIVE}.</em></p>"}, {}
