"""Predict, then check: a question answered before the reveal, its answer computed, not typed."""

from __future__ import annotations

import asyncio
import html
import os
from collections.abc import Iterable, Mapping
from typing import Any

import traitlets

import minisim_core as ms

from .controls import check_limits
from .figure import Figure
from .plots import MEASURES
from .talking import LIVE, Talking, running_loop
from .values import nested
from .viewer import module, stylesheet

PICKS = {"smallest": min, "largest": max}
"""How the right choice is found among the measures of all choices."""

Scenes = tuple[ms.Experiment, list[ms.Experiment], int]
"""The scene as it stands, as each choice changes it, and the frame that is measured."""


class Prediction(Talking):
    """A question with choices, judged by the engine after the reader has chosen.

    With a figure, the scene is what its right panel shows when the reader answers, and each choice can
    then be shown there: the figure's own controls move, and ``Back`` puts them as they were.

    Parameters
    ----------
    question
        What the reader is asked.
    choices
        The text of each choice and the parameters that it changes, by dotted name; with
        ``best="nearest"`` the number that it stands for.
    measure
        Name of the measure that decides (`minisim_guide.plots.MEASURES`).
    best
        ``"smallest"`` or ``"largest"``: the choice after which the measure is so. ``"nearest"``: the choice
        whose number comes nearest to the measure of the scene.
    because
        Shown with the answer.
    figure
        The figure that the question is about; the choices' parameters are controls of it.
    scene
        In place of a figure, a preset's name or an experiment.
    off, frame
        With a scene: layers that are off throughout, and the frame that is measured.

    Raises
    ------
    ValueError
        If it is not one figure or one scene, or a choice changes what is no control of the figure.
    """

    _esm = module("dom.js", "prediction.js")
    _css = stylesheet()

    question = traitlets.Unicode().tag(sync=True)
    choices: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    figure = traitlets.Unicode("", help="the name of the figure").tag(sync=True)
    shown = traitlets.Int(-1, help="the choice that the figure shows").tag(sync=True)
    moved = traitlets.Bool(False, help="whether there is a way back").tag(sync=True)

    def __init__(
        self,
        question: str,
        *,
        choices: Mapping[str, Any],
        measure: str,
        best: str = "smallest",
        because: str = "",
        figure: Figure | None = None,
        scene: str | ms.Experiment | None = None,
        off: Iterable[str] = (),
        frame: int = 0,
    ) -> None:
        if (figure is None) == (scene is None):
            raise ValueError("a Prediction is about a figure or about a scene: give one of the two")
        if best not in (*PICKS, "nearest"):
            raise ValueError(f"best = {best!r} is refused: it is 'smallest', 'largest' or 'nearest'")
        if measure not in MEASURES:
            raise ValueError(f"there is no measure named {measure!r}; there are {', '.join(MEASURES)}")
        self._measure, self._best, self._because = MEASURES[measure], best, because
        self._figure, self._frame = figure, frame
        if figure is None:
            experiment = ms.presets.get(scene) if isinstance(scene, str) else scene
            assert experiment is not None
            self._scene = experiment.with_(off=ms.layers.check(off))
        self._changes = list(choices.values())
        if figure is not None and best != "nearest":
            self._changes = [_moves(figure, text, change) for text, change in choices.items()]
        self._asked: dict[str, Any] = {}
        self._before: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        super().__init__(
            answers={"show": self._show, "back": self._back, "again": self._again},
            question=question,
            choices=list(choices),
            figure=figure.viewer.meta["name"] if figure and best != "nearest" else "",
        )
        self.observe(self._reveal, names="chosen")
        if figure is not None:
            figure.viewer.observe(self._follow, names="values")

    def compute(self) -> dict[str, Any]:
        """Simulate every choice and return the answer as it is shown.

        Returns
        -------
        dict
            Which choice is right, the measure now and of every choice, and why.
        """
        return self._judge(*self._scenes())

    # -- judging ---------------------------------------------------------------------------

    def _scenes(self) -> Scenes:
        changes = self._changes if self._best != "nearest" else []
        if self._figure is None:
            scene = self._scene
            return scene, [scene.with_(**nested(change, scene)) for change in changes], self._frame
        figure = self._figure
        return figure.experiment(), [figure.experiment(change) for change in changes], figure.viewer.frame

    def _judge(self, scene: ms.Experiment, changed: list[ms.Experiment], frame: int) -> dict[str, Any]:
        now = self._measure.of(scene, frame)
        values = [self._measure.of(experiment, frame) for experiment in changed]
        if self._best == "nearest":
            distances = [abs(float(number) - now) for number in self._changes]
            right = distances.index(min(distances))
        else:
            right = values.index(PICKS[self._best](values))
        return {
            "right": right,
            "now": self._measure.show(now),
            "values": [self._measure.show(value) for value in values],
            "what": self._measure.what,
            "because": self._because,
        }

    def _reveal(self, _: Any) -> None:
        if self.answer or self.chosen < 0:
            return
        try:
            scenes = self._scenes()
        except ms.ParameterError as error:
            self.answer = _failed(error)
            return
        if self._figure is not None:
            self._asked = dict(self._figure.viewer.values)
        loop = running_loop()
        if loop is None:
            self._answer(self._judge_or_say(*scenes))
        else:
            self._task = loop.create_task(self._judge_later(scenes))

    async def _judge_later(self, scenes: Scenes) -> None:
        self._answer(await asyncio.to_thread(self._judge_or_say, *scenes))

    def _judge_or_say(self, *scenes: Any) -> dict[str, Any]:
        try:
            return self._judge(*scenes)
        except Exception as error:  # a page must not fall silent
            return _failed(error)

    def _answer(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        if self.figure and "error" not in answer:
            self._show({"choice": self.chosen})

    # -- showing ---------------------------------------------------------------------------

    def _show(self, message: Mapping[str, Any]) -> None:
        """Let the figure's controls move to a choice, from where they were when the reader answered."""
        choice = message.get("choice")
        if self._figure is None or not self.figure or not self.answer or not isinstance(choice, int):
            return
        viewer = self._figure.viewer
        if not self.moved:
            self._before = dict(viewer.values)
        viewer.values = self._asked | self._changes[choice]
        self.shown, self.moved = choice, True

    def _back(self, _: Any = None) -> None:
        if self._figure is not None and self.moved:
            self.shown, self.moved = -1, False
            self._figure.viewer.values = self._before

    def _again(self, _: Any) -> None:
        self._back()
        self.chosen, self.answer = -1, {}

    def _follow(self, change: Any) -> None:
        """See when the reader moves the figure's controls away from a choice."""
        if self.shown >= 0 and change["new"] != self._asked | self._changes[self.shown]:
            self.shown = -1

    # -- where nothing runs ----------------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Show the widget, or the question in plain HTML while stills are being written."""
        if not os.environ.get("MINISIM_GUIDE_STILLS"):
            return super()._repr_mimebundle_(**kwargs)
        answer = self.compute()
        rows = "".join(f"<li>{html.escape(text)}</li>" for text in self.choices)
        said = [f"{answer['what']}: {answer['now']} now"]
        said += [f"{text}: {value}" for text, value in zip(self.choices, answer["values"], strict=False)]
        right = self.choices[answer["right"]]
        page = (
            f"<p><strong>{html.escape(self.question)}</strong></p><ol>{rows}</ol>"
            f"<p><em>To choose first, and have the simulation try your choice, {LIVE}.</em></p><details>"
            f"<summary>What the simulation says</summary><p>“{html.escape(right)}”. "
            f"{html.escape('; '.join(said))}. {html.escape(self._because)}</p></details>"
        )
        return {"text/html": page}, {}


def _moves(figure: Figure, text: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a choice puts the figure's controls, as JSON has them."""
    controls = {about["name"]: about for about in figure.viewer.sliders}
    moves: dict[str, Any] = {}
    for name, value in change.items():
        about = controls.get(name)
        if about is None:
            raise ValueError(
                f"“{text}” changes {name}, which is no control of the figure {figure.viewer.meta['name']!r}: "
                "name it in the figure's sliders or in more"
            )
        if about["kind"] == "slider":
            check_limits(about, value, text)
        elif about["kind"] == "choice":
            if value not in about["options"]:
                raise ValueError(f"“{text}” sets {name} to {value!r}, which is none of its options")
            moves |= about["moves"][value]
        moves[name] = list(value) if isinstance(value, tuple) else value
    return moves


def _failed(error: Exception) -> dict[str, Any]:
    return {"error": f"The answer could not be computed: {error}."}
