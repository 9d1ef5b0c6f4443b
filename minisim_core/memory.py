"""The one store that remembers stage results: process-wide, thread-safe, bounded in bytes."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

__all__ = ["Cancelled", "cancellable", "clear", "max_array_bytes", "max_bytes", "runs", "used_bytes"]

P = ParamSpec("P")
R = TypeVar("R", bound="Result")

max_bytes: int = 256 * 2**20
"""How many bytes of stage results are kept; the least recently used go first."""

max_array_bytes: int = 4 * 2**30
"""How large a whole movie `np.asarray` may make."""

runs: Counter[str] = Counter()
"""How often each stage really ran, by name."""

_results: OrderedDict[Hashable, Result] = OrderedDict()
_under_way: dict[Hashable, Future[Any]] = {}
_lock = threading.RLock()
_bytes = 0
_cancel: ContextVar[threading.Event | None] = ContextVar("cancel", default=None)

_ASK_S = 0.05
"""How often one who waits for another's stage asks whether it is cancelled itself."""


class Cancelled(Exception):  # noqa: N818
    """The work was not wanted any more, and stopped before its next stage or frame."""


@contextmanager
def cancellable(cancel: threading.Event) -> Iterator[None]:
    """Let work be stopped from another thread: it raises `Cancelled` soon after `cancel` is set.

    Parameters
    ----------
    cancel : Event
        Asked about before every stage and every frame that is rendered inside this block.

    Yields
    ------
    None
        For a ``with`` block.
    """
    token = _cancel.set(cancel)
    try:
        yield
    finally:
        _cancel.reset(token)


def check_cancelled() -> None:
    """Raise `Cancelled` if nobody wants this work any more."""
    cancel = _cancel.get()
    if cancel is not None and cancel.is_set():
        raise Cancelled("the work was cancelled")


@dataclass(frozen=True, eq=False)
class Result:
    """The result of a stage: read-only arrays and numbers under a key that says what made them."""

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        values = (getattr(self, field.name) for field in fields(self))
        return 512 + sum(v.nbytes for v in values if isinstance(v, np.ndarray))

    def _seal(self, key: Hashable) -> None:
        object.__setattr__(self, "_key", key)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


def stage(function: Callable[P, R]) -> Callable[P, R]:
    """Remember what a pure function of values and earlier results returns.

    Arguments are hashable values or `Result`s, which are known by the key that made them.
    Two threads that ask for the same thing compute it once; if the one that does is cancelled, the
    other takes over.
    """
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

    @wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (name, *map(_token, args), *((k, _token(v)) for k, v in sorted(kwargs.items())))
        while True:
            check_cancelled()
            with _lock:
                if key in _results:
                    _results.move_to_end(key)
                    return _results[key]  # type: ignore[return-value]
                other = _under_way.get(key)
                if other is None:
                    future: Future[R] = Future()
                    _under_way[key] = future
                    break
            try:
                return _wait_for(other)  # type: ignore[no-any-return]
            except Cancelled:  # either this thread, which the next check finds, or the other
                continue
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            with _lock:
                del _under_way[key]
            future.set_exception(error)
            raise
        result._seal(key)
        with _lock:
            runs[name] += 1
            del _under_way[key]
            _keep(key, result)
        future.set_result(result)
        return result

    return remembered


def _wait_for(other: Future[Any]) -> Any:
    """Return what another thread computes, unless this one is cancelled first."""
    if _cancel.get() is None:
        return other.result()
    while not wait([other], _ASK_S).done:
        check_cancelled()
    return other.result()


def _token(value: Any) -> Hashable:
    """Return what a value is known by. The type is part of it: 1 and True are not the same."""
    if isinstance(value, Result):
        return value._key  # type: ignore[attr-defined, no-any-return]
    if isinstance(value, tuple):
        return tuple(map(_token, value))
    return (type(value).__name__, value)


def _keep(key: Hashable, result: Result) -> None:
    global _bytes
    _results[key] = result
    _bytes += result.nbytes
    while _bytes > max_bytes and len(_results) > 1:
        _, forgotten = _results.popitem(last=False)
        _bytes -= forgotten.nbytes


def clear() -> None:
    """Forget every stage's result. Recordings stay valid: what they need is computed again."""
    global _bytes
    with _lock:
        _results.clear()
        _bytes = 0
        runs.clear()


def used_bytes() -> int:
    """Return the bytes of all results that are kept.

    Returns
    -------
    int
        At most `max_bytes`, unless a single result is larger.
    """
    return _bytes
