"""A thread that does one job after another for the loop that listens to the reader."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import Callable
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


def _serve(jobs: queue.SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job.run()
        del job  # or it would be kept alive until the next one
