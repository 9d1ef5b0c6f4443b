"""Long work that reports by callback, taken in pieces: how far it is, again and again, then its result."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial, wraps
from typing import Generic, TypeVar

import minisim_core as ms

from .sight import Sight
from .spec import Spec, empty

SlowPlot = Callable[[Sight], "Iterator[float | Spec]"]
Key = TypeVar("Key")
Result = TypeVar("Result")

LEAST_STEP = 0.01
"""Shares of the work that are reported lie at least so far apart."""


def in_pieces(work: Callable[[Callable[[float], object]], Result]) -> Generator[float, None, Result]:
    """Run work in a thread of its own, and yield the shares done that it reports.

    Parameters
    ----------
    work
        Called with what it must tell the share done, 0 to 1. When the generator is closed, or cancelled
        between two shares (`minisim_core.memory.cancellable`), that call raises `Cancelled`.

    Yields
    ------
    float
        The share done.

    Returns
    -------
    Result
        What the work returns; what it raises is raised here.
    """
    told: queue.SimpleQueue[float] = queue.SimpleQueue()
    unwanted, done = threading.Event(), threading.Event()
    results: list[Result] = []
    errors: list[BaseException] = []
    said = 0.0

    def tell(share: float) -> None:
        nonlocal said
        ms.memory.check_cancelled()
        if share >= said + LEAST_STEP:
            said = share
            told.put(share)

    def run() -> None:
        try:
            with ms.memory.cancellable(unwanted):
                results.append(work(tell))
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="plot", daemon=True).start()
    try:
        yield 0.0
        while not done.is_set():
            ms.memory.check_cancelled()
            try:
                share = told.get(timeout=0.05)
            except queue.Empty:
                continue
            yield share
    finally:
        unwanted.set()
    if errors:
        raise errors[0]
    return results[0]


class Remembered(Generic[Key, Result]):
    """Results of long work by what they are about, the last few of them.

    Parameters
    ----------
    work
        Makes a result from its key, and tells the share done.
    most
        How many results are kept.
    """

    def __init__(self, work: Callable[[Key, Callable[[float], object]], Result], most: int = 8) -> None:
        self._work, self._most = work, most
        self._found: dict[Key, Result] = {}

    def __call__(self, key: Key) -> Generator[float, None, Result]:
        """Yield the shares done, and return the result; at once if it is known."""
        if key not in self._found:
            result = yield from in_pieces(partial(self._work, key))
            while len(self._found) >= self._most:
                self._found.pop(next(iter(self._found)))
            self._found[key] = result
        return self._found[key]


def or_why(title: str) -> Callable[[SlowPlot], SlowPlot]:
    """Let a plot of the whole movie say why it cannot be made of a scene that the engine refuses."""

    def decorate(plot: SlowPlot) -> SlowPlot:
        @wraps(plot)
        def made(sight: Sight) -> Iterator[float | Spec]:
            try:
                yield from plot(sight)
            except ms.ParameterError as error:
                yield empty(title, f"{error}.")

        return made

    return decorate


def share_of(made: Generator[float, None, Result], low: float, high: float) -> Generator[float, None, Result]:
    """Let the shares of one part of the work count from `low` to `high` of the whole."""
    while True:
        try:
            share = next(made)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield low + (high - low) * share
