"""Controls: sliders and switches generated from the engine's parameter fields, drop-downs, tick boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import minisim_core as ms

from .overlays import OVERLAYS
from .rules import RULES
from .values import split, value_of


@dataclass(frozen=True)
class Slider:
    """A slider on one parameter.

    Label, unit, limits, step, scale and tooltip come from the parameter's own field; the slider's
    default is the value in the figure's experiment.

    Parameters
    ----------
    name
        The dotted name, as ``"motion.stride_um"`` or ``"focus_um"``. A parameter that is a pair of
        numbers gets two thumbs. A name may go on into tuples: ``"cells.positions_um.0.0"`` is the depth
        of the first given cell, ``.1`` its place down the picture and ``.2`` across.
    low, high
        Narrower limits than the field's, where its far ends would teach nothing.
    step
        Another step than the field's.
    label, unit
        Other words than the field's; needed where the name goes on into a tuple.
    description
        Another tooltip than the field's.
    also
        ``"ewl"``: beside the depth of focus, the step of the scope's electronic lens.
    """

    name: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    label: str | None = None
    unit: str | None = None
    also: str | None = None
    description: str | None = None

    def describe(self, experiment: ms.Experiment) -> dict[str, Any]:
        """Return what the browser needs to draw it.

        Parameters
        ----------
        experiment : Experiment
            Where the slider stands at first.

        Returns
        -------
        dict
            Name, label, unit, limits, step, scale, default and description.

        Raises
        ------
        ParameterError
            If there is no such parameter, it has no limits and none are given, or it is one number of
            several without a label and a unit of its own.
        """
        name, places = split(self.name)
        about = ms.describe(name)
        if places and (self.label is None or self.unit is None):
            raise ms.ParameterError(
                f"{self.name} is one number of several: give Slider a label and a unit for it"
            )
        if self.also is not None and (self.also, self.name) != ("ewl", "focus_um"):
            raise ms.ParameterError(
                f"also = {self.also!r} is refused for {self.name}: only focus_um has another reading, 'ewl'"
            )
        low = about.low if self.low is None else self.low
        high = about.high if self.high is None else self.high
        if low is None or high is None:
            raise ms.ParameterError(f"{self.name} has no limits of its own: give Slider two")
        step = self.step or about.step or _round_step(high - low)
        if isinstance(about.default, int) and not isinstance(about.default, bool):
            step = max(1, round(step))  # a whole number stays one
        return {
            "kind": "slider",
            "name": self.name,
            "label": about.label if self.label is None else self.label,
            "unit": about.unit if self.unit is None else self.unit,
            "low": low,
            "high": high,
            "step": step,
            "log": about.log and low > 0,
            "default": value_of(experiment, self.name),
            "description": self.description or (self.label if places else about.description),
        }


@dataclass(frozen=True)
class Choice:
    """A drop-down whose options are named sets of parameter changes; the first is how the figure opens.

    A slider of the same figure on a parameter that an option changes moves to the option's value, and can
    be moved from there.

    Parameters
    ----------
    label
        What stands above it. Its value is known as ``choice.`` and the label in lower case, words joined
        by underscores: ``choice.scope``.
    options
        The changes of each option: parameters by dotted name, or whole groups as mappings or models.
    description
        Its tooltip.
    """

    label: str
    options: Mapping[str, Mapping[str, Any]]
    description: str = ""

    @property
    def name(self) -> str:
        """What its value is known by."""
        return "choice." + "_".join(re.findall(r"\w+", self.label.lower()))

    def changes(self, option: Any) -> list[tuple[str, Any]]:
        """Return an option's changes.

        Parameters
        ----------
        option
            Its name.

        Returns
        -------
        list of (str, value)
            Each parameter or group that it changes, and to what.

        Raises
        ------
        ParameterError
            If there is no such option.
        """
        if option not in self.options:
            raise ms.ParameterError(
                f"{self.name} = {option!r} is refused: the options are {', '.join(map(repr, self.options))}"
            )
        return list(self.options[option].items())

    def describe(self, _experiment: ms.Experiment) -> dict[str, Any]:
        """Return what the browser needs to draw it.

        Parameters
        ----------
        _experiment
            What it would change; its options are the same for every one.

        Returns
        -------
        dict
            Name, label, options, default and description.
        """
        return {
            "kind": "choice",
            "name": self.name,
            "label": self.label,
            "options": list(self.options),
            "default": next(iter(self.options)),
            "description": self.description or "Each option sets several parameters at once.",
        }


@dataclass(frozen=True)
class Tick:
    """A tick box that applies a rule after all other values.

    Parameters
    ----------
    rule
        A name in `minisim_guide.rules.RULES`; the value is known as ``tick.`` and that name.
    on
        Whether it is ticked when the figure opens.
    """

    rule: str
    on: bool = False

    @property
    def name(self) -> str:
        """What its value is known by."""
        return f"tick.{self.rule}"

    def describe(self, experiment: ms.Experiment) -> dict[str, Any]:
        """Return what the browser needs to draw it.

        Parameters
        ----------
        experiment : Experiment
            What the rule must be able to change.

        Returns
        -------
        dict
            Name, label, default and description.

        Raises
        ------
        ParameterError
            If there is no such rule, or the experiment lacks what it needs.
        """
        if self.rule not in RULES:
            raise ms.ParameterError(f"there is no rule named {self.rule!r}; there are {', '.join(RULES)}")
        rule = RULES[self.rule]
        rule.apply(experiment, experiment)
        return {
            "kind": "tick",
            "name": self.name,
            "label": rule.label,
            "default": self.on,
            "description": rule.description,
        }


Control = Slider | Choice | Tick


def describe_switches(names: Iterable[str]) -> list[dict[str, str]]:
    """Describe layer switches for the browser, in physical order."""
    return [
        {
            "name": name,
            "label": ms.layers.LABELS[name],
            "description": ms.layers.DESCRIPTIONS[name],
        }
        for name in ms.layers.check(names)
    ]


def describe_base(stack: Iterable[str], off: Iterable[str]) -> dict[str, str]:
    """Describe for the browser what a stack of layers stands on."""
    alone = {*stack, *off} == set(ms.layers.only(()))
    return {
        "label": "Cells only" if alone else "None of these",
        "description": ms.layers.DESCRIPTIONS["cells"] if alone else "what stays when all of them are off",
    }


def describe_overlays(names: Iterable[str]) -> list[dict[str, str]]:
    """Describe overlays for the browser, in the order in which they are named."""
    return [
        {"name": name, "label": OVERLAYS[name].label, "description": OVERLAYS[name].description}
        for name in names
    ]


def check_limits(slider: Mapping[str, Any], value: Any, who: str) -> None:
    """Refuse a value that a slider cannot show.

    Parameters
    ----------
    slider : mapping
        A slider's description.
    value : number or pair of numbers
    who : str
        What asks for the value, for the sentence.

    Raises
    ------
    ParameterError
        Naming the parameter, its value and the slider's limits.
    """
    low, high = slider["low"], slider["high"]
    if not all(low <= v <= high for v in (value if isinstance(value, list | tuple) else [value])):
        raise ms.ParameterError(
            f"{slider['name']} = {value} of “{who}” is not on its slider, which goes from {low:g} to {high:g}"
        )


def _round_step(span: float) -> float:
    """Return about a hundredth of the span, as 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(span / 100))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= span / 100 * 0.999)
