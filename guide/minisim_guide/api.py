"""The API page, made from the docstrings and the parameters' own fields.

``python -m minisim_guide.api docs/api.md`` writes it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import minisim_core as ms
from minisim_core.experiment import GROUPS
from minisim_core.inverse import courses, demix, registration, report, roi, score, solution
from minisim_core.lazy import LazyArray
from minisim_core.parameters import Description, Parameters, describe_field
from minisim_core.truth import Footprints, Truth

HEAD = """# The engine's functions and parameters

This page is made from the code by `python -m minisim_guide.api docs/api.md`; a test keeps it current.

Lengths are in µm, times in seconds, light in photoelectrons. Arrays are (frame, y, x). z points down from the
tissue's surface, y along the rows, x along the columns; (y, x) = (0, 0) µm is the optical axis. A refused
parameter raises `ParameterError`, a `ValueError` whose text names the parameter, its value and its limits.
"""

MODULES: dict[str, ModuleType] = {
    "Presets": ms.presets,
    "Optics": ms.optics,
    "Measures": ms.measures,
    "Recording to disk": ms.export,
    "Layers": ms.layers,
    "Memory": ms.memory,
    "Registration": registration,
    "Regions of interest": roi,
    "Demixing": demix,
    "How sure a demixing is": courses,
    "Scoring an analysis": score,
    "What an analysis found": solution,
    "What a score says": report,
    "Parameters in general": ms.parameters,
}
CLASSES: dict[str, type] = {
    "Experiment": ms.Experiment,
    "Recording": ms.Recording,
    "Truth": Truth,
    "Footprints": Footprints,
    "Lazy arrays": LazyArray,
}
FUNCTIONS = (ms.simulate, ms.describe, ms.warm)


def page() -> str:
    """Return the API page.

    Returns
    -------
    str
        Markdown.
    """
    parts = [HEAD, "## Functions"]
    parts += [entry(f"minisim_core.{function.__name__}", function) for function in FUNCTIONS]
    for title, kind in CLASSES.items():
        whole = prose(kind) if kind is ms.Experiment else prose(kind).split("\n\n*")[0]
        parts += [f"## {title}", whole, _properties(kind)]
        parts += [
            entry(f"{kind.__name__}.{name}", member)
            for name, member in members(kind)
            if not _is_property(member)
        ]
    for title, module in MODULES.items():
        name = module.__name__.removeprefix("minisim_core.")
        parts += [f"## {title}", f"`minisim_core.{name}`: {inspect.getdoc(module)}"]
        parts += [entry(f"{name}.{inner}", member) for inner, member in contents(module)]
        parts += {"presets": [_presets()], "layers": [_layers()]}.get(name, [])
    parts.append(
        "## Every parameter\n\nA source says where the default comes from; without one it is a judgement, or "
        "general knowledge that was not looked up again."
    )
    top = [name for name in ms.Experiment.model_fields if name not in GROUPS]
    parts += ["### At the top of an Experiment", _table(map(ms.describe, top))]
    for group, model in GROUPS.items():
        fields = [ms.describe(f"{group}.{name}") for name in model.model_fields]
        parts += [f"### `{group}`", inspect.cleandoc(model.__doc__ or ""), _table(fields)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def contents(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what a module offers: the names of its `__all__`, or its own public ones.

    Parameters
    ----------
    module : module

    Yields
    ------
    (str, function or class)
        In the order of the source. Constants are left out.
    """
    offered = getattr(module, "__all__", None)
    for name, thing in vars(module).items():
        if name.startswith("_") if offered is None else name not in offered:
            continue
        if not (inspect.isfunction(thing) or inspect.isclass(thing)):
            continue
        if f"{thing.__module__}.".startswith(f"{module.__name__}."):
            yield name, thing


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield a class's own public properties and methods.

    Parameters
    ----------
    kind : type

    Yields
    ------
    (str, function or property)
        In the order of the source.
    """
    for name, member in vars(kind).items():
        if name.startswith(("_", "model_")):
            continue
        if _is_property(member):
            yield name, member
        elif isinstance(member, (classmethod, staticmethod)):
            yield name, member.__func__
        elif inspect.isfunction(member):
            yield name, member


def entry(title: str, thing: Any) -> str:
    """Describe one function or class.

    Parameters
    ----------
    title : str
        Its name as a reader calls it.
    thing : function or class

    Returns
    -------
    str
        Markdown: a heading with the signature, and the docstring.
    """
    said = f"#### `{title}{_arguments(thing)}`\n\n{prose(thing)}"
    if inspect.isclass(thing) and issubclass(thing, Parameters) and thing.model_fields:
        said += "\n\n" + _table([describe_field(thing, name, name) for name in thing.model_fields])
    return said


def prose(thing: Any) -> str:
    """Return a docstring as Markdown; numpydoc's sections become lists.

    Parameters
    ----------
    thing : object

    Returns
    -------
    str
    """
    summary, *rest = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    listed = [f"*{title}*\n\n{_items(body)}" for title, body in zip(rest[::2], rest[1::2], strict=True)]
    return "\n\n".join([summary.strip(), *listed])


def _items(body: str) -> str:
    """Turn the entries of a numpydoc section into a list: name, type, what it is."""
    found: list[tuple[str, list[str]]] = []
    for line in body.strip().splitlines():
        if line.startswith(" ") and found:
            found[-1][1].append(line.strip())
        elif line:
            found.append((line, []))
    items = []
    for head, described in found:
        name, colon, kind = head.partition(" : ")
        said = f": {' '.join(described)}" if described else ""
        items.append(f"- `{name}`{f' ({kind})' if colon else ''}{said}")
    return "\n".join(items)


def _is_property(member: Any) -> bool:
    return isinstance(member, (property, cached_property))


def _properties(kind: type) -> str:
    """List a class's properties, each with its docstring in one line."""
    said = {name: inspect.getdoc(member) or "" for name, member in members(kind) if _is_property(member)}
    return "\n".join(f"- `{name}`: {' '.join(text.split())}" for name, text in said.items())


def _arguments(thing: Any) -> str:
    """Return a signature without types: the docstring has them in words."""
    if inspect.isclass(thing):
        return ""
    given = [p for p in inspect.signature(thing).parameters.values() if p.name not in ("self", "cls")]
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in given]
    return str(inspect.Signature(plain))


def _presets() -> str:
    named = [
        (f"`{name}`", p.title, f"`{p.scope}`", f"`{p.region}`") for name, p in ms.presets.PRESETS.items()
    ]
    tables = [_markdown(("preset", "what it shows", "scope", "region"), named)]
    for head, parts in (("scope", ms.presets.SCOPES), ("region", ms.presets.REGIONS)):
        rows = [(f"`{name}`", part.title, part.unknown) for name, part in parts.items()]
        tables.append(_markdown((head, "what it is", "what is unknown"), rows))
    return "\n\n".join(tables)


def _layers() -> str:
    rows = [(f"`{name}`", ms.layers.LABELS[name], ms.layers.DESCRIPTIONS[name]) for name in ms.LAYERS]
    return _markdown(("layer", "label", "what it is"), rows)


def _table(fields: Iterable[Description]) -> str:
    rows = []
    for about in fields:
        what = (about.unit, about.description, about.source)
        rows.append((f"`{about.name.rpartition('.')[2]}`", _value(about.default), _limits(about), *what))
    return _markdown(("name", "default", "limits", "unit", "what it is", "source"), rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _limits(about: Description) -> str:
    if about.choices:
        return ", ".join(_value(choice) for choice in about.choices)
    if isinstance(about.default, bool):
        return "true, false"
    if about.low is None or about.high is None:
        return ""
    return f"{_number(about.low)} to {_number(about.high)}"


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return f"({', '.join(_value(v) for v in value)})"
    if isinstance(value, (bool, str)):
        return f"`{value}`"
    return _number(value)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) and abs(value) < 2**62 else f"{value:.6g}"


def main() -> None:
    """Write the page to the path given."""
    Path(sys.argv[1]).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
