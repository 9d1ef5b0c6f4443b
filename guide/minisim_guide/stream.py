"""Latest wins: work follows a slider one piece at a time, and only ever for the newest wish."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

QUIET_S = 0.12
"""How long the hand must rest before the rest of the movie is rendered."""

FOLLOW_S = 0.25
"""How far the sentence and the plots may fall behind the picture while the hand moves."""

UNPAID = 3
"""How many chunks may be on their way to the browser, unacknowledged."""


@dataclass(frozen=True)
class Piece:
    """One finished piece of work.

    Parameters
    ----------
    kind
        ``"picture"``, ``"details"`` or ``"chunk"``; ``"rest"`` is the pause before the chunks.
    content
        What to publish.
    buffers
        Binary content, only with chunks.
    """

    kind: str
    content: Any = None
    buffers: tuple[bytes, ...] = ()


Work = Generator[Piece, None, None]
"""Pieces in the order in which they are wanted; closing it drops the rest."""


class Stream:
    """Serve wishes, always the newest, with at most one piece of work in flight.

    Work is a generator of pieces. Each piece is computed in a worker thread, so the kernel goes on
    listening to the slider, and is published on the loop's thread, where traits may be set. A newer
    wish drops the generator at its next piece. Without a running loop (a script, a test) a wish is
    served on the spot, up to the chunks, which only a browser wants.

    Parameters
    ----------
    work
        Makes the pieces for a wish.
    publish
        Receives each finished piece.
    failed
        Receives what `work` raised; the stream then waits for the next wish.
    """

    def __init__(
        self,
        work: Callable[[Any], Work],
        publish: Callable[[Piece], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._work, self._publish, self._failed = work, publish, failed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="figure")
        self._wish: Any = None
        self._task: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        self._unpaid = 0
        self._followed = 0.0

    def want(self, wish: Any) -> None:
        """Replace whatever was wished for."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._serve_now(wish)
            return
        self._wish = wish
        self._stir.set()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._serve())

    def paid(self) -> None:
        """Note that the browser has taken one chunk."""
        self._unpaid = max(0, self._unpaid - 1)
        self._stir.set()

    def forgive(self) -> None:
        """Forget unpaid chunks: the view that owed them is gone."""
        self._unpaid = 0
        self._stir.set()

    def _serve_now(self, wish: Any) -> None:
        try:
            for piece in self._work(wish):
                if piece.kind == "rest":
                    break
                self._publish(piece)
        except Exception as error:
            self._failed(error)

    async def _serve(self) -> None:
        while self._wish is not None:
            wish, self._wish = self._wish, None
            work = self._work(wish)
            try:
                await self._follow(work)
            except Exception as error:
                self._failed(error)
            finally:
                work.close()

    async def _follow(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        last = ""
        while self._wish is None or (last == "picture" and loop.time() > self._followed + FOLLOW_S):
            piece = await loop.run_in_executor(self._thread, next, work, None)
            if piece is None:
                return
            last = piece.kind
            if last == "details":
                self._followed = loop.time()
            if piece.kind == "rest":
                await self._rest(loop.time() + QUIET_S)
                continue
            if piece.kind == "chunk":
                while self._unpaid >= UNPAID and self._wish is None:
                    await self._stirred()
                if self._wish is not None:
                    return
                self._unpaid += 1
            # A picture is worth showing even when a newer wish waits: the hand sees progress.
            self._publish(piece)

    async def _rest(self, until: float) -> None:
        """Wait until the time is over or a new wish comes; payments do not shorten it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while self._wish is None:
                    await self._stirred()

    async def _stirred(self) -> None:
        self._stir.clear()
        await self._stir.wait()
