"""The base of every parameter group: frozen, validated, and described well enough to make a slider from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

__all__ = [
    "Description",
    "ModelRangeWarning",
    "ParameterError",
    "Parameters",
    "build",
    "describe_field",
    "quantity",
]

Model = TypeVar("Model", bound="Parameters")


class ParameterError(ValueError):
    """A parameter that cannot be; the message names it, its value and its limits."""


class ModelRangeWarning(UserWarning):
    """A parameter is allowed but lies outside the range in which the model was checked."""


class _WrongKindError(ValueError):
    """A text or a truth value stands where a number belongs, or the other way round."""


class Parameters(BaseModel):
    """One frozen group of parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_is_converted(cls, value: Any, info: ValidationInfo) -> Any:
        default = cls.model_fields[info.field_name or ""].default
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise _WrongKindError
        elif isinstance(default, (int, float)) and isinstance(value, (str, bytes, bool)):
            raise _WrongKindError
        return value


def quantity(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    label: str | None = None,
    step: float | None = None,
    log: bool = False,
    source: str = "",
) -> Any:
    """Declare a parameter field: its default, its limits and what a reader should know of it.

    Parameters
    ----------
    default : object
        The value when nothing is said.
    description : str
        One line, used as tooltip and in error messages.
    low, high : float, optional
        Inclusive limits.
    unit : str
        The unit as shown to a reader.
    label : str, optional
        The short name as shown to a reader; made from the field's name otherwise.
    step : float, optional
        The step of a slider.
    log : bool
        Whether the useful values span decades.
    source : str
        Where the default comes from; empty for a judgement.

    Returns
    -------
    pydantic field
        The right-hand side of a field of a `Parameters` class.
    """
    extra: dict[str, Any] = {"unit": unit, "label": label, "step": step, "log": log, "source": source}
    return Field(default, ge=low, le=high, description=description, json_schema_extra=extra)


@dataclass(frozen=True)
class Description:
    """What a control needs to know about one parameter.

    Parameters
    ----------
    name, label, unit : str
        Dotted name, short name and unit as shown to a reader.
    low, high, step : float or None
        Inclusive limits and a slider's step, in the parameter's unit.
    log : bool
        Whether useful values span decades.
    default : object
    description, source : str
        What it is; where its default comes from, empty for a judgement.
    choices : tuple
        All values there are, where they can be counted; else empty.
    """

    name: str
    label: str
    unit: str
    low: float | None
    high: float | None
    step: float | None
    log: bool
    default: Any
    description: str
    source: str
    choices: tuple[Any, ...]


_UNIT_SUFFIXES = ("_per_mm3", "_per_mm2", "_per_mm", "_um", "_hz", "_mw", "_s", "_e", "_px", "_nm", "_deg")


def _limits(metadata: list[Any]) -> tuple[float | None, float | None]:
    low = next((m.ge for m in metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in metadata if hasattr(m, "le")), None)
    return low, high


def _label(field_name: str) -> str:
    for suffix in _UNIT_SUFFIXES:
        field_name = field_name.removesuffix(suffix)
    words = field_name.replace("_", " ")
    return words[:1].upper() + words[1:]


@cache
def describe_field(model: type[Parameters], field_name: str, dotted_name: str) -> Description:
    """Describe one field of a parameter group (see `minisim_core.describe`).

    Parameters
    ----------
    model : type
        A subclass of `Parameters`.
    field_name : str
        A field of it.
    dotted_name : str
        Its name as a reader knows it.

    Returns
    -------
    Description
    """
    field = model.model_fields[field_name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    low, high = _limits(field.metadata)
    literal = get_origin(field.annotation) is Literal
    return Description(
        name=dotted_name,
        label=str(extra.get("label") or _label(field_name)),
        unit=str(extra.get("unit") or ""),
        low=low,
        high=high,
        step=extra.get("step"),  # type: ignore[arg-type]
        log=bool(extra.get("log")),
        default=field.default,
        description=field.description or "",
        source=str(extra.get("source") or ""),
        choices=get_args(field.annotation) if literal else (),
    )


def build(model: type[Model], values: Mapping[str, Any], prefix: str = "") -> Model:
    """Validate `values` into `model`; refusals are sentences.

    Parameters
    ----------
    model : type
        A subclass of `Parameters`.
    values : mapping of str to object
        Fields; the rest keeps its default.
    prefix : str
        Name of the group, for the sentences.

    Returns
    -------
    model
        The validated group.

    Raises
    ------
    ParameterError
        Naming every refused parameter with its value and its limits.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise ParameterError(_explain(model, error, prefix)) from None


def _explain(model: type[Parameters], error: ValidationError, prefix: str) -> str:
    return "; ".join(_sentence(model, details, prefix) for details in error.errors())


def _sentence(model: type[Parameters], details: Any, prefix: str) -> str:
    path = [str(part) for part in details["loc"]]
    name = ".".join(([prefix] if prefix else []) + path[:1])
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        known = ", ".join(model.model_fields)
        return f"there is no parameter named {name!r}; known here: {known}"
    shown = _shown(value)
    if kind == "value_error" and not isinstance(details["ctx"]["error"], _WrongKindError):
        return str(details["ctx"]["error"])
    if not path or path[0] not in model.model_fields:
        return f"{name or 'the input'} = {shown}: {details['msg']}"
    return f"{name} = {shown} is refused: it must be {_expectation(model, path[0])}"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits
        return "a number too long to print"
    return text if len(text) < 60 else text[:57] + "..."


def _expectation(model: type[Parameters], field_name: str) -> str:
    about = describe_field(model, field_name, field_name)
    if about.choices:
        return "one of " + ", ".join(repr(choice) for choice in about.choices)
    kind = {int: "a whole number", str: "a text", bool: "true or false"}.get(
        model.model_fields[field_name].annotation,  # type: ignore[arg-type]
        f"{len(about.default)} finite numbers" if isinstance(about.default, tuple) else "a finite number",
    )
    unit = f" {about.unit}" if about.unit else ""
    if about.low is not None and about.high is not None:
        return f"{kind} between {about.low:g} and {about.high:g}{unit}"
    if about.low is not None:
        return f"{kind}, at least {about.low:g}{unit}"
    return kind
