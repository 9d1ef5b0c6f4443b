"""Parameter values by dotted name: read from an experiment, and turned into changes of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import minisim_core as ms


def value_of(experiment: ms.Experiment, name: str) -> Any:
    """Return an experiment's value by dotted name.

    Parameters
    ----------
    experiment : Experiment
    name : str
        As ``"focus_um"`` or ``"motion.stride_um"``; a name may go on into tuples: the depth of the
        first given cell is ``"cells.positions_um.0.0"``.

    Returns
    -------
    object
        Pairs and longer tuples as lists, as JSON has them.

    Raises
    ------
    ParameterError
        If there is no such parameter, or a tuple is too short.
    """
    field, path = split(name)
    ms.describe(field)
    found: Any = experiment
    for part in field.split("."):
        found = getattr(found, part)
    for index in path:
        found = found[_checked(found, index, name)]
    return list(found) if isinstance(found, tuple) else found


def nested(
    values: Mapping[str, Any] | Iterable[tuple[str, Any]], experiment: ms.Experiment
) -> dict[str, Any]:
    """Turn ``{"motion.stride_um": 4}`` into the changes that `Experiment.with_` takes.

    Parameters
    ----------
    values : mapping or pairs
        Values by dotted name; a whole group's name with a mapping or a model of that group. The later
        wins.
    experiment : Experiment
        What is changed: a name that goes on into a tuple keeps the rest of the tuple.

    Returns
    -------
    dict

    Raises
    ------
    ParameterError
        If a name goes on into a tuple that has no such item.
    """
    changes: dict[str, Any] = {}
    for name, value in values.items() if isinstance(values, Mapping) else values:
        if name in ms.experiment.GROUPS:
            changes.setdefault(name, {}).update(dict(value))
            continue
        field, path = split(name)
        group, _, own = field.rpartition(".")
        place = changes.setdefault(group, {}) if group else changes
        if path:
            old = place[own] if own in place else value_of(experiment, field)
            place[own] = _replaced(old, path, value, name)
        else:
            place[own] = value
    return changes


def split(name: str) -> tuple[str, list[int]]:
    """Split a dotted name into the parameter's name and the places in its tuples."""
    parts = name.split(".")
    words = [part for part in parts if not part.isdigit()]
    return ".".join(words), [int(part) for part in parts[len(words) :]]


def _replaced(old: Any, path: Sequence[int], value: Any, name: str) -> tuple[Any, ...]:
    index, *rest = path
    items = list(old) if _checked(old, index, name) >= 0 else []
    items[index] = _replaced(items[index], rest, value, name) if rest else value
    return tuple(items)


def _checked(items: Any, index: int, name: str) -> int:
    if not isinstance(items, list | tuple) or index >= len(items):
        raise ms.ParameterError(f"{name} is not there: {split(name)[0]} has no item {index} in this scene")
    return index
