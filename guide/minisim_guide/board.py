"""All controls of a figure together: what they make of its scene, and what they say about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import minisim_core as ms

from .controls import Choice, Control, Slider, Tick, check_limits
from .rules import RULES, Rule
from .values import nested, split, value_of


@dataclass(frozen=True)
class Board:
    """The controls of a figure and the scene that they change.

    Parameters
    ----------
    scene
        The figure's experiment.
    shown, folded
        The controls in sight, and those behind a disclosure.
    """

    scene: ms.Experiment
    shown: tuple[Control, ...] = ()
    folded: tuple[Control, ...] = ()
    described: tuple[dict[str, Any], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Describe them all for the browser."""
        object.__setattr__(self, "described", tuple(self._describe()))

    @property
    def all(self) -> tuple[Control, ...]:
        """Every control, in order."""
        return (*self.shown, *self.folded)

    @property
    def defaults(self) -> dict[str, Any]:
        """What the controls stand at when the figure opens, by name."""
        return {d["name"]: d["default"] for d in self.described}

    def most(self, name: str) -> Any:
        """Return the largest value that any option, by itself, gives a parameter."""
        changes = [
            {},
            *(c.options[option] for c in self.all if isinstance(c, Choice) for option in c.options),
        ]
        return max(value_of(self.scene.with_(**nested(change, self.scene)), name) for change in changes)

    def applied(self, values: Mapping[str, Any]) -> ms.Experiment:
        """Return the scene as the controls have it.

        Parameters
        ----------
        values : mapping
            By the controls' names; any other parameter by its dotted name.

        Returns
        -------
        Experiment

        Raises
        ------
        ParameterError
            If a value is refused.
        """
        choices = [c for c in self.all if isinstance(c, Choice)]
        named = {c.name for c in self.all if not isinstance(c, Slider)}
        changes = [pair for c in choices for pair in c.changes(values[c.name])]
        changes += [(name, value) for name, value in values.items() if name not in named]
        experiment = self.scene.with_(**nested(changes, self.scene))
        for rule in self.rules(values):
            experiment = rule.apply(experiment, self.scene)
        return experiment

    def rules(self, values: Mapping[str, Any]) -> list[Rule]:
        """Return the rules that are ticked."""
        return [RULES[c.rule] for c in self.all if isinstance(c, Tick) and values[c.name]]

    def notes(self, experiment: ms.Experiment, values: Mapping[str, Any]) -> list[str]:
        """Return sentences about what the rules could not do."""
        said = (rule.note(experiment, self.scene) for rule in self.rules(values))
        return [text for text in said if text]

    def readings(self, experiment: ms.Experiment, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return what sliders say besides their value.

        Parameters
        ----------
        experiment : Experiment
            What the controls make of the scene.
        values : mapping
            What they stand at.

        Returns
        -------
        dict
            For each slider that has anything to say: ``held``, the value that a rule gives its parameter,
            with ``by``, the rule's label; and ``also``, a second reading of the value.
        """
        held = {name: rule.label for rule in self.rules(values) for name in rule.sets}
        found: dict[str, dict[str, Any]] = {}
        for slider in self.all:
            if not isinstance(slider, Slider):
                continue
            about: dict[str, Any] = {}
            if slider.name in held:
                about |= {"held": value_of(experiment, slider.name), "by": held[slider.name]}
            if slider.also:
                about["also"] = _ewl(experiment)
            if about:
                found[slider.name] = about
        return found

    def _describe(self) -> list[dict[str, Any]]:
        choices = [c for c in self.all if isinstance(c, Choice)]
        first = [pair for c in choices for pair in c.changes(next(iter(c.options)))]
        opening = self.scene.with_(**nested(first, self.scene))
        described = [c.describe(opening) for c in self.all]
        for about in described[len(self.shown) :]:
            about["advanced"] = True
        sliders = [about for about in described if about["kind"] == "slider"]
        for about, control in zip(described, self.all, strict=True):
            if isinstance(control, Choice):
                about["moves"] = _moves(control, self.scene, sliders)
        return described


def board(
    scene: ms.Experiment,
    shown: Iterable[str | Control],
    folded: Iterable[str | Control] = (),
) -> Board:
    """Collect a figure's controls; a plain name stands for the one its field suggests."""
    made = (
        tuple(_suggested(c, scene) if isinstance(c, str) else c for c in some) for some in (shown, folded)
    )
    return Board(scene, *made)


def _suggested(name: str, scene: ms.Experiment) -> Control:
    """Return a slider with the field's own limits, or a drop-down where it names its values."""
    about = ms.describe(split(name)[0])
    if not about.choices:
        return Slider(name)
    opening = value_of(scene, name)
    options = [opening, *(choice for choice in about.choices if choice != opening)]
    return Choice(about.label, {option: {name: option} for option in options}, about.description)


def _moves(choice: Choice, scene: ms.Experiment, sliders: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return where each option puts the sliders on parameters that any option changes."""
    made = {option: nested(choice.changes(option), scene) for option in choice.options}
    touched = {
        f"{name}.{inner}" if name in ms.experiment.GROUPS else name
        for changes in made.values()
        for name, value in changes.items()
        for inner in (value if name in ms.experiment.GROUPS else [""])
    }
    moves: dict[str, dict[str, Any]] = {}
    for option, changes in made.items():
        experiment = scene.with_(**changes)
        moves[option] = {}
        for slider in sliders:
            if split(slider["name"])[0] in touched:
                value = value_of(experiment, slider["name"])
                check_limits(slider, value, f"{choice.label}: {option}")
                moves[option][slider["name"]] = value
    return moves


def _ewl(experiment: ms.Experiment) -> str:
    """Return the focus in steps of the electronic lens, as it is read beside the depth."""
    if experiment.scope.ewl_um_per_step == 0:
        return "no electronic lens"
    with contextlib.suppress(ms.ParameterError):
        first, last = ms.optics.ewl_limits(experiment)
        step = ms.optics.ewl_from_focus(experiment)
        if first <= step <= last:
            return f"EWL {step:+d}".replace("-", "−") if step else "EWL 0"
    return "beyond the EWL"
