"""What the way to the browser carries, measured from what the browser acknowledges."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

AHEAD_S = 0.2
"""Bytes on their way never exceed what the link carries in this time; a message is always allowed."""

PICTURES, CHUNKS = 2, 3
"""How many of each kind may be on their way, unacknowledged."""

FORGIVEN_S = 1.0
"""A picture that should have arrived this long ago is not waited for: its view may be gone."""

LOST_S = 8.0
"""Nothing is waited for longer than this, however slow the link seems."""

TELLING = 16_384
"""Smaller messages say nothing about the link's rate, in bytes."""

MEMORY = 9
"""How many messages the rate is the median of: one sleep of a laptop must not change it."""


@dataclass(frozen=True)
class _Message:
    nbytes: int
    sent_s: float
    forgiven_s: float


class Link:
    """The link to a view: what is on its way, how long a message travels, and how fast bytes do.

    Messages arrive in order, so the oldest of a kind is the one that an answer speaks of. What one
    message occupies the link for is the time since the one before it arrived, or since it could
    have arrived itself, had it been empty.

    Parameters
    ----------
    clock
        Returns the time in s.

    Attributes
    ----------
    heard : bool
        Whether a view has ever answered; before that nothing is waited for.
    latency_s : float
        The shortest time seen between sending something and hearing of it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.heard = False
        self.latency_s = 0.0
        self._paces: deque[float] = deque(maxlen=MEMORY)
        self._arrived_s = 0.0
        self.forgive()

    def forgive(self) -> None:
        """Forget what is on its way: the view that owed an answer is gone."""
        self._on_way: dict[str, deque[_Message]] = {"picture": deque(), "chunk": deque(), "ping": deque()}

    def sent(self, kind: str, nbytes: int) -> None:
        """Note that a ``"picture"``, a ``"chunk"`` (or view) or a ``"ping"`` was sent."""
        now = self._clock()
        expected_s = self.latency_s + self.seconds(self._bytes() + nbytes)
        patience_s = min(max(FORGIVEN_S, 3 * expected_s), LOST_S)
        self._on_way[kind].append(_Message(nbytes, now, now + patience_s))

    def arrived(self, kind: str, *, late: bool = False) -> None:
        """Note an answer to the oldest of a kind; a `late` one was held back and measures nothing."""
        if not self._on_way[kind]:
            return
        message, now = self._on_way[kind].popleft(), self._clock()
        if not late:
            travel_s = now - message.sent_s
            self.latency_s = min(self.latency_s, travel_s) if self.heard else travel_s
            self.heard = True
            if message.nbytes >= TELLING:
                begun_s = max(message.sent_s + self.latency_s, self._arrived_s)
                self._paces.append(max(now - begun_s, 1e-4) / message.nbytes)
        self._arrived_s = now

    def seconds(self, nbytes: float) -> float:
        """Return how long so many bytes occupy the link; 0 as long as that is unknown."""
        return nbytes * median(self._paces) if self._paces else 0.0

    def room(self, kind: str) -> bool:
        """Return whether one more message of a kind may be sent."""
        waiting = self._on_way[kind]
        if kind == "picture":
            if not self.heard:
                return True
            now = self._clock()
            while waiting and waiting[0].forgiven_s < now:
                waiting.popleft()
        most = PICTURES if kind == "picture" else CHUNKS
        on_way = self._bytes()
        return len(waiting) < most and (not on_way or self.seconds(on_way) <= AHEAD_S)

    def _bytes(self) -> int:
        """Return the bytes on their way; what nobody has answered for long is held back, not on its way."""
        now = self._clock()
        return sum(m.nbytes for kind in self._on_way.values() for m in kind if m.forgiven_s >= now)
