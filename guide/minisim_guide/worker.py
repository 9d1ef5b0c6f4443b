"""Threads that do one job after another for the loop that listens to the reader."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

import minisim_core as ms


class Job:
    """One thing to compute: ask for its `result`; `stop` tells the engine that nobody wants it.

    Parameters
    ----------
    make
        Computes the result.
    loop
        Where the result is waited for.
    """

    def __init__(self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._make, self._loop = make, loop
        self._unwanted = threading.Event()
        self.result: asyncio.Future[Any] = loop.create_future()

    def stop(self) -> None:
        """Let the engine stop at its next stage or frame."""
        self._unwanted.set()

    def give_up(self) -> None:
        """Stop, and wait no longer."""
        self.stop()
        self._settle(None, ms.Cancelled("the work was given up"))

    def run(self) -> None:
        """Compute the result, in whichever thread this is called."""
        result, error = None, None
        try:
            with ms.memory.cancellable(self._unwanted):
                result = self._make()
        except BaseException as raised:  # whoever waits must hear of it
            error = raised
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)


class Worker:
    """A thread of its own; left alone, it ends after what it is doing."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._leave = weakref.finalize(self, self._jobs.put, None)
        threading.Thread(target=_serve, args=(self._jobs,), name="figure", daemon=True).start()

    def do(self, job: Job) -> None:
        """Do a job after those before it."""
        self._jobs.put(job)

    def leave(self) -> None:
        """End the thread when it is free."""
        self._leave()


class Lane:
    """Computes one thing at a time beside the loop; where something goes on for too long, it is left alone.

    Attributes
    ----------
    job : Job or None
        What is being computed.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self._worker: Worker | None = None

    def begin(self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> Job:
        """Hand over what is to be computed; wait for it with `done`."""
        self._worker = self._worker or Worker()
        self.job = Job(make, loop)
        self._worker.do(self.job)
        return self.job

    async def done(self) -> Any:
        """Return what was computed; raise Cancelled if it is not wanted any more."""
        assert self.job is not None
        try:
            return await self.job.result
        finally:
            self.job = None

    def leave(self, job: Job | None) -> None:
        """Give a job up if it is still under way, and its thread, which may be deep in it."""
        if job is not None and job is self.job and not job.result.done():
            job.give_up()
            if self._worker is not None:
                self._worker.leave()
            self._worker = None


def beside(make: Callable[[], Any]) -> Callable[[], Any]:
    """Begin something in a thread of its own, which is cancelled with this one.

    Parameters
    ----------
    make
        Computes something.

    Returns
    -------
    callable
        Waits for what was computed and returns it, or raises what `make` raised.
    """
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(make())
        except BaseException as error:  # whoever waits must hear of it
            outcome.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), name="figure", daemon=True).start()
    return outcome.result


def _serve(jobs: queue.SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job.run()
        del job  # or it would be kept alive until the next one
