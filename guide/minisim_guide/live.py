"""The work between a reader's hand and the picture: what is asked for, computed, sent and owed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

import minisim_core as ms

from . import plots, sharing, wire
from .link import TELLING, Link
from .shot import Details, Off, Plan, Shot, Wish, missing, steps, views
from .stream import Piece, Stream, Work
from .talking import Answer
from .viewer import Viewer

MOMENT_S = 0.03
"""How long a piece of the movie may be computed, and how long it may occupy the link: a new wish waits."""

STEP, MOST = 4, 48
"""Frames that are computed at once, and that travel at once."""

CANCELLED = "Cancelled: the picture and the controls are the last finished ones."

_log = logging.getLogger(__name__)


@dataclass
class _Sent:
    """What the browser has: a picture, frames of a version, views of a scene's frame."""

    picture: dict[str, Any] | None = None
    version: int = -1
    frames: set[int] = field(default_factory=set)
    draft: bool = False
    paused: tuple[int, int] = (-1, -1)
    views: set[Off] = field(default_factory=set)

    def at(self, version: int) -> set[int]:
        """Return the frames of a version; those of another are forgotten."""
        if version != self.version:
            self.version, self.frames = version, set()
        return self.frames

    def around(self, scene: int, frame: int) -> set[Off]:
        """Return the views of a scene's frame; those of another are forgotten."""
        if (scene, frame) != self.paused:
            self.paused, self.views = (scene, frame), set()
        return self.views


class Live:
    """Serve a viewer: its traits say what is asked for, and receive what comes of it.

    Parameters
    ----------
    plan
        What the figure declares.
    kind
        The viewer's class.
    answers
        What this viewer is asked beyond what every viewer is (`Viewer`).
    **traits
        The viewer's opening state.

    Attributes
    ----------
    plan : Plan
    viewer : Viewer
    seen : dict
        The last picture, with (H, W) counts.
    """

    def __init__(
        self,
        plan: Plan,
        kind: type[Viewer] = Viewer,
        answers: Mapping[str, Answer] | None = None,
        **traits: Any,
    ) -> None:
        self.plan = plan
        self._version = self._scene = 0
        self._sent = _Sent()
        self._slow: dict[int, Iterator[Any]] = {}
        self._plotted: Any = None
        self._refused: Wish | None = None
        self._quiet = self._watched = False
        self._link = Link()
        self._stream = Stream(self._work, self._publish, self.failed, self._progress, self._link)
        self.viewer = kind(
            answers={
                "ready": self._ready,
                "pong": partial(self._arrived, "ping"),
                "ack": partial(self._arrived, "chunk"),
                "shown": partial(self._arrived, "picture"),
                "cancel": self.cancel,
                "copy": self._copy,
                **(answers or {}),
            },
            **traits,
        )
        self._asked = self.wish().state
        shot = self.shot()
        self._publish_picture(shot.picture())
        self._publish_details(shot.details())
        self.viewer.observe(self._changed, names=["values", "seed", "off"])
        self.viewer.observe(self._looked, names=["frame", "pixel", "roi", "overlay"])

    def show(self, plan: Plan, **traits: Any) -> None:
        """Show another plan, as it opens: its picture at once, the rest when the view is ready for it.

        Parameters
        ----------
        plan
            What the figure declares now.
        **traits
            The viewer's opening state.
        """
        self._stream.cancel()
        self.plan = plan
        self._version += 1
        self._scene += 1
        with self._silence(), self.viewer.hold_sync():
            for name, value in traits.items():
                setattr(self.viewer, name, value)
            self._asked = self.wish().state
            self._publish_picture(self.shot().picture())
        self._stream.want(self.wish())

    def shot(self) -> Shot:
        """Return what is computed for what the controls show now."""
        return Shot(self.plan, self.wish())

    def settle(self) -> None:
        """Compute what is pending of the whole movie, its mean and its plots, here and now."""
        if self._sent.draft:
            self._publish_picture(self.shot().whole().picture(), draft=False)
        for place, step in steps(self._slow):
            self._publish_plot((place, step()))
        self._slow = {}

    def wish(self, **changes: Any) -> Wish:
        """Return what the controls ask for now, with changes."""
        v = self.viewer
        asked = Wish(
            self._version, self._scene, dict(v.values), v.seed, tuple(v.off), v.frame,
            tuple(v.pixel), tuple(v.roi), tuple(v.overlay),
        )  # fmt: skip
        return replace(asked, **changes)

    # -- the work --------------------------------------------------------------------------

    def _work(self, wish: Wish) -> Work:
        """List what a wish needs and the browser lacks: first what the eye wants first."""
        shot, version = Shot(self.plan, wish), wish.version
        if wish.frame not in self._sent.at(version):
            yield Piece("picture", shot.picture, "the picture")
        refused = wish == self._refused
        if not refused:
            yield Piece("details", partial(shot.details, self._plotted != _about(wish)), "the plots")
        yield Piece("rest")
        if refused and self.plan.average:
            return
        while (averaged := shot.averaged())[0] < averaged[1]:
            yield Piece("share", shot.advance)
        if self._sent.draft:
            yield Piece("sharp", shot.picture, "the picture")
        if self._watched:
            sent = self._sent.around(wish.scene, shot.frame)
            while ahead := [off for off in views(self.plan, wish.off) if off not in sent]:
                for step in shot.portions(ahead[0]):
                    yield Piece("share", step)
                size = 1 if self.plan.average else self._most(1)
                yield Piece("views", partial(_views, shot, ahead[:size]))
                if ahead[0] not in sent:
                    return
        if self._plotted != _about(wish) and not refused:
            for place, step in steps(self._slow):
                yield Piece("plot", partial(_step, place, step), "the plots")
            self._plotted = _about(wish)
        have = self._sent.at(version)
        while self._watched and (run := missing(shot.frame, shot.count, have, self._most(2))):
            yield Piece("chunk", partial(_chunk, shot, *run))
            if run[0] not in have:
                return

    def _most(self, sides: int) -> int:
        """Return how many frames of one or both sides the link carries in a moment: one at least."""
        nbytes = sides * self.seen["right"].nbytes
        seconds = self._link.seconds(nbytes)
        return min(max(1, int(MOMENT_S / seconds if seconds else TELLING / nbytes)), MOST)

    # -- what comes of it ------------------------------------------------------------------

    def _publish(self, kind: str, content: Any) -> None:
        if kind == "sharp":
            self._publish_picture(content, draft=False)
        else:
            getattr(self, f"_publish_{kind}")(content)

    def _publish_picture(self, content: dict[str, Any], draft: bool = True) -> None:
        taken, count = content["averaged"]
        if taken == count or not hasattr(self, "seen"):  # Cancel goes back to what is whole
            self.seen = content
        self._send_picture(content, draft)
        self.viewer.error = self.viewer.notice = ""
        self._sent.draft = self.viewer.picture["binned"] > 1 or taken < count
        have = self._sent.at(content["version"])
        if not self._sent.draft:
            have.add(content["frame"])

    def _send_picture(self, content: dict[str, Any], draft: bool) -> None:
        sent = wire.picture(content, self._link, draft=draft, before=self._sent.picture)
        if sent != self.viewer.picture:  # what is equal does not travel, and is never answered
            self._link.sent("picture", sum(len(sent[side]) for side in wire.SIDES))
        self.viewer.picture = sent
        self._shown = content
        if self._watched:
            self._sent.picture = {**content, "binned": sent["binned"]}

    def _publish_details(self, details: Details) -> None:
        self._slow = dict(details.slow)
        old, stale = self.viewer.plots, self._plotted != _about(self.wish())
        specs = [
            spec or {**(old[place] if old else plots.waiting(name)), "stale": stale}
            for place, (name, spec) in enumerate(zip(self.plan.plots, details.plots, strict=True))
        ]
        self.viewer.says, self.viewer.plots, self.viewer.drawings = details.says, specs, details.drawings
        self.viewer.marks = details.marks

    def _publish_plot(self, content: tuple[int, Any]) -> None:
        place, made = content
        if isinstance(made, dict):
            specs = list(self.viewer.plots)
            specs[place] = made
            self.viewer.plots = specs
        elif made is not None and self.viewer.progress:
            self.viewer.progress = dict(self.viewer.progress) | {"done": float(made)}

    def _publish_share(self, done: float | None) -> None:
        """Tell how far the mean is that the reader waits for; None: nobody waits for this one."""
        if done is not None:
            self.viewer.progress = {"what": "the average", "done": done} if done < 1 else {}

    def _publish_views(self, content: tuple[int, int, list[Off], list[np.ndarray]]) -> None:
        scene, frame, offs, made = content
        self._send(made, kind="views", scene=scene, frame=frame, offs=[list(off) for off in offs])
        self._sent.around(scene, frame).update(offs)

    def _publish_chunk(self, content: tuple[int, int, list[np.ndarray]]) -> None:
        version, first, sides = content
        self._send(sides, kind="chunk", version=version, first=first, count=len(sides[0]))
        self._sent.at(version).update(range(first, first + len(sides[0])))

    def _send(self, frames: list[np.ndarray], **head: Any) -> None:
        packed, data = wire.counts(frames, self._link)
        self._link.sent("chunk", sum(map(len, data)))
        self.viewer.send(head | {"packed": packed, "wide": frames[0].itemsize == 2}, buffers=data)

    def _progress(self, what: str) -> None:
        self.viewer.progress = {"what": what, "done": None} if what else {}

    def failed(self, error: Exception) -> None:
        """Say what went wrong."""
        if isinstance(error, ms.ParameterError):
            self.viewer.error = f"This cannot be: {error}."
            return
        _log.error("a figure failed", exc_info=error)
        self.viewer.error = (
            f"This could not be computed ({type(error).__name__}: {error}). "
            "The picture is the last good one; Reset brings the opening state back."
        )

    # -- the reader's hand -----------------------------------------------------------------

    def _changed(self, _: Any) -> None:
        asked = self.wish().state
        if asked == self._asked or self._quiet:  # one message may change several: that is one wish
            return
        self._scene += any(asked[name] != self._asked[name] for name in ("values", "seed"))
        self._version += 1
        self._asked = asked
        self._stream.want(self.wish())

    def _looked(self, _: Any) -> None:
        if not self._quiet:
            self._stream.want(self.wish())

    def _ready(self, _: Any) -> None:
        """Give a new view the picture, and start the movie for it."""
        self._watched, self._sent = True, _Sent()
        self._link.forgive()
        self._link.sent("ping", 0)
        self.viewer.send({"kind": "ping"})
        known = self.viewer.picture
        self._send_picture(self._shown, draft=known["binned"] > 1)
        if self.viewer.picture == known:
            self._link.sent("picture", sum(len(known[side]) for side in wire.SIDES))
            self.viewer.send_state("picture")
        self._stream.want(self.wish())

    def _arrived(self, kind: str, message: dict[str, Any]) -> None:
        self._link.arrived(kind, late=bool(message.get("late")))
        self._stream.stir()

    def cancel(self, _: Any = None) -> None:
        """Drop what is asked for; the controls go back to the last good picture, which stands."""
        self._stream.cancel()
        taken_back = self._asked != self.seen["state"]
        self._asked = self.seen["state"]
        self._scene = self.seen["scene"]
        self._version += 1
        with self._silence(), self.viewer.hold_sync():
            for name, value in {**self._asked, "frame": self.seen["frame"]}.items():
                setattr(self.viewer, name, value)
        self._publish_picture(self.seen | {"version": self._version})
        self.viewer.progress, self.viewer.notice = {}, CANCELLED
        if not taken_back:  # of what the picture takes with it, the plots were refused, but not the movie
            self._refused = self.wish()
        self._stream.want(self.wish())

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """Set traits without wishing for anything."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _copy(self, message: dict[str, Any]) -> None:
        """Send the text the reader wants to take away."""
        write = {"python": sharing.snippet, "json": sharing.json_text}.get(str(message.get("what")))
        if write is None:
            return
        try:
            text = write(self.shot())
        except ms.ParameterError as error:
            self.failed(error)
            return
        self.viewer.send({"kind": "copied", "what": message["what"], "text": text})


def _views(shot: Shot, offs: list[Off]) -> tuple[int, int, list[Off], list[np.ndarray]]:
    """Compute views for a moment; return those that are done."""
    made = list(_moment(shot.view(off) for off in offs))
    return shot.wish.scene, shot.frame, offs[: len(made)], made


def _chunk(shot: Shot, first: int, last: int) -> tuple[int, int, list[np.ndarray]]:
    """Compute frames of both sides for a moment; return those that are done."""
    parts = _moment(shot.chunk(n, min(n + STEP, last)) for n in range(first, last, STEP))
    return shot.wish.version, first, [np.concatenate(side) for side in zip(*parts, strict=True)]


def _moment(items: Iterator[Any]) -> Iterator[Any]:
    """Yield items until the moment is over: one at least."""
    over_s = time.perf_counter() + MOMENT_S
    for item in items:
        yield item
        if time.perf_counter() > over_s:
            return


def _step(place: int, step: Callable[[], Any]) -> tuple[int, Any]:
    return place, step()


def _about(wish: Wish) -> Any:
    """Return what a plot of the whole movie depends on: not the frame."""
    return wish.version, wish.pixel, wish.roi
