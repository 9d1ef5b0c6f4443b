"""Predict, then check: a question answered before the reveal, its answer computed, not typed."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Mapping
from typing import Any

import anywidget
import traitlets

import minisim_core as ms

from .plots import MEASURES
from .values import nested
from .viewer import module, stylesheet


class Prediction(anywidget.AnyWidget):
    """A question with choices. Each choice is a change of the scene; the engine judges them.

    Parameters
    ----------
    question
        What the reader is asked.
    scene
        A preset's name or an experiment: what each choice changes.
    choices
        The text of each choice and the parameters that it changes, by dotted name.
    measure
        Name of the measure that decides (`minisim_guide.plots.MEASURES`).
    best
        ``"smallest"`` or ``"largest"``.
    because
        Shown with the answer.
    off
        Layers that are off throughout.
    frame
        The frame that is measured.
    """

    _esm = module("dom.js", "prediction.js")
    _css = stylesheet()

    question = traitlets.Unicode().tag(sync=True)
    choices: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        question: str,
        *,
        scene: str | ms.Experiment,
        choices: Mapping[str, Mapping[str, Any]],
        measure: str,
        best: str = "smallest",
        because: str = "",
        off: Iterable[str] = (),
        frame: int = 0,
    ) -> None:
        super().__init__(question=question, choices=list(choices))
        experiment = ms.presets.get(scene) if isinstance(scene, str) else scene
        self._experiment = experiment.with_(off=ms.layers.check(off))
        self._changes = list(choices.values())
        self._measure, self._because = MEASURES[measure], because
        self._pick = {"smallest": min, "largest": max}[best]
        self._frame = frame
        self.observe(self._reveal, names="chosen")

    def compute(self) -> dict[str, Any]:
        """Simulate every choice and return the answer as it is shown.

        Returns
        -------
        dict
            Which choice is right, the measure now and of every choice, and why.
        """
        values = [
            self._measure.of(self._experiment.with_(**nested(change, self._experiment)), self._frame)
            for change in self._changes
        ]
        best = values.index(self._pick(values))
        return {
            "right": best,
            "now": self._measure.show(self._measure.of(self._experiment, self._frame)),
            "values": [self._measure.show(value) for value in values],
            "what": self._measure.what,
            "because": self._because,
        }

    def _reveal(self, _: Any) -> None:
        if self.answer or self.chosen < 0:
            return
        try:
            self.answer = self.compute()
        except Exception as error:  # a page must not fall silent
            self.answer = {"error": f"The answer could not be computed: {error}."}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Show the widget, or the question in plain HTML while stills are being written."""
        if not os.environ.get("MINISIM_GUIDE_STILLS"):
            return super()._repr_mimebundle_(**kwargs)
        answer = self.compute()
        rows = "".join(f"<li>{html.escape(text)}</li>" for text in self.choices)
        said = "; ".join(
            f"{html.escape(text)}: {value}"
            for text, value in zip(self.choices, answer["values"], strict=True)
        )
        page = (
            f"<p><strong>{html.escape(self.question)}</strong></p><ol>{rows}</ol><details>"
            f"<summary>What the simulation says</summary><p>{html.escape(answer['what'])}, "
            f"now {answer['now']}. {said}. {html.escape(self._because)}</p></details>"
        )
        return {"text/html": page}, {}
