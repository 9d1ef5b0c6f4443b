"""Latest wins: work follows a slider one piece at a time, and only ever for the newest wish."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import minisim_core as ms

from .link import Link
from .worker import Lane

QUIET_S = 0.06
"""How long the hand must rest before the rest of the movie is rendered."""

FOLLOW_S = 0.25
"""How far the sentence and the plots may fall behind the picture while the hand moves."""

SAID_S = 0.3
"""Work that takes longer than this is announced."""

PATIENCE_S = 2.0
"""How long a picture may go on when a newer wish waits: the hand wants to see progress."""

GRACE_S = 0.25
"""How long stopping may take; after that the thread is left alone, and a fresh one takes over."""


@dataclass(frozen=True)
class Piece:
    """One piece of work.

    Parameters
    ----------
    kind
        ``"picture"``, ``"details"``, ``"sharp"`` (the picture after a draft), ``"views"``, ``"plot"``
        or ``"chunk"``; ``"rest"`` is a pause, until the hand rests.
    make
        Computes what is to be published; called in a worker thread.
    what
        What to call it if it takes long.
    """

    kind: str
    make: Callable[[], Any] = lambda: None
    what: str = ""


Work = Iterator[Piece]
"""Pieces in the order in which they are wanted; it is left where it stands when they are not."""

ON_LINK = {"picture": "picture", "sharp": "picture", "views": "chunk", "chunk": "chunk"}
"""The kinds of piece that occupy the link, by what they are called there."""


class Stream:
    """Serve wishes, always the newest, with at most one piece of work in flight.

    Each piece is computed in a worker thread, so the kernel goes on listening to the slider, and is
    published on the loop's thread, where traits may be set. A newer wish drops what is left; what is
    being computed is stopped, except a picture, which is worth showing while the hand moves. Details
    have a thread of their own, so that no picture ever waits for a plot. Without
    a running loop (a script, a test) a wish is served on the spot, without views and chunks, which
    only a browser wants.

    Parameters
    ----------
    work
        Lists the pieces for a wish.
    publish
        Receives the kind and the content of each finished piece.
    failed
        Receives what went wrong; the stream then waits for the next wish.
    progress
        Is told what is being computed when it takes long, and an empty text when it is over.
    link
        Says when the browser is ready for more.
    """

    def __init__(
        self,
        work: Callable[[Any], Work],
        publish: Callable[[str, Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[str], None],
        link: Link,
    ) -> None:
        self._work, self._publish, self._failed = work, publish, failed
        self._progress, self._link = progress, link
        self._wish: Any = None
        self._task: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        self._lane, self._aside = Lane(), Lane()
        self._kind, self._hurried = "", False
        self._details: Piece | None = None
        self._following: asyncio.Task[None] | None = None
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
        self._hurry(loop)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._serve())

    def cancel(self) -> None:
        """Drop the wish and whatever is being computed, at once."""
        self._wish = self._details = None
        self._aside.leave(self._aside.job)
        if self._lane.job is not None:
            self._lane.leave(self._lane.job)
        elif self._task is not None:
            self._task.cancel()
            self._task = None

    def stir(self) -> None:
        """Look again whether the link has room."""
        self._stir.set()

    def _serve_now(self, wish: Any) -> None:
        try:
            for piece in self._work(wish):
                if piece.kind not in ("rest", "views", "chunk"):
                    self._publish(piece.kind, piece.make())
        except Exception as error:
            self._failed(error)

    async def _serve(self) -> None:
        while self._wish is not None:
            await self._room("picture")
            wish, self._wish = self._wish, None
            with self._errors():
                await self._follow(self._work(wish))

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what goes wrong, unless nobody wants it any more; and in any case that it is over."""
        try:
            yield
        except ms.Cancelled:
            pass
        except Exception as error:
            self._failed(error)
        finally:
            self._progress("")

    async def _follow(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        for piece in work:
            if piece.kind == "details":
                self._explain(piece, loop)
                continue
            if self._wish is not None:
                return
            if piece.kind == "rest":
                await self._rest(loop.time() + QUIET_S)
                await self._explained()
                continue
            if piece.kind in ("sharp", "views", "chunk"):
                if not self._link.room(ON_LINK[piece.kind]):
                    self._progress("")  # a view out of sight may be waited for without end
                await self._room(ON_LINK[piece.kind])
                if self._wish is not None:
                    return
            content = await self._made(piece, loop)
            # A picture is worth showing even when a newer wish waits: the hand sees progress.
            if self._wish is None or piece.kind == "picture":
                self._publish(piece.kind, content)

    def _explain(self, piece: Piece, loop: asyncio.AbstractEventLoop) -> None:
        """Let details be made beside the pictures: the newest, and while the hand moves not all the time."""
        if self._wish is not None and loop.time() < self._followed + FOLLOW_S:
            return
        idle = self._details is None and self._aside.job is None
        self._details = piece
        if idle:
            self._following = loop.create_task(self._make_details(loop))
        elif (job := self._aside.job) is not None:
            loop.call_later(PATIENCE_S, job.stop)
            loop.call_later(PATIENCE_S + GRACE_S, self._aside.leave, job)

    async def _make_details(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._details is not None:
            piece, self._details = self._details, None
            with self._errors(), self._said(piece, loop):
                self._aside.begin(piece.make, loop)
                content = await self._aside.done()
                self._followed = loop.time()
                self._publish(piece.kind, content)
        self._stir.set()

    async def _explained(self) -> None:
        """Wait for details, or for a new wish."""
        while self._wish is None and (self._details is not None or self._aside.job is not None):
            await self._stirred(asyncio.get_running_loop().time() + 0.1)

    async def _made(self, piece: Piece, loop: asyncio.AbstractEventLoop) -> Any:
        """Compute a piece in the worker; raise Cancelled if it is not wanted any more."""
        self._kind, self._hurried = piece.kind, False
        self._lane.begin(piece.make, loop)
        if self._wish is not None:
            self._hurry(loop)
        with self._said(piece, loop):
            return await self._lane.done()

    @contextlib.contextmanager
    def _said(self, piece: Piece, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Announce a piece that takes long."""
        said = loop.call_later(SAID_S, self._progress, piece.what) if piece.what else None
        try:
            yield
        finally:
            if said:
                said.cancel()

    def _hurry(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let what is being computed make way for a newer wish."""
        job = self._lane.job
        if job is None or self._hurried:
            return
        self._hurried = True
        patience_s = PATIENCE_S if self._kind == "picture" else 0.0
        if patience_s:
            loop.call_later(patience_s, job.stop)
        else:
            job.stop()
        loop.call_later(patience_s + GRACE_S, self._lane.leave, job)

    async def _room(self, kind: str) -> None:
        """Wait until the link has room, or, for other than pictures, until there is a new wish."""
        while not self._link.room(kind) and (kind == "picture" or self._wish is None):
            await self._stirred(asyncio.get_running_loop().time() + 0.1)

    async def _rest(self, until: float) -> None:
        """Wait until the time is over or a new wish comes; nothing else shortens it."""
        while self._wish is None and await self._stirred(until):
            pass

    async def _stirred(self, until: float) -> bool:
        """Wait for something to happen; False if nothing does until then."""
        self._stir.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._stir.wait()
                return True
        return False
