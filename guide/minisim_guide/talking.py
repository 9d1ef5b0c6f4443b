"""The widgets' way of hearing what the browser says: on one loop, whoever brings it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import anywidget

LIVE = "you need the live page: the command <code>minisim-guide</code> opens it"
"""How a reader comes by what a page that only holds stills cannot do, as HTML."""

Answer = Callable[[dict[str, Any]], None]
"""What is called with a message from the browser."""


class Talking(anywidget.AnyWidget):
    """A widget that answers messages from the browser.

    Parameters
    ----------
    answers
        What to call for each kind of message.
    **traits
        The opening state.
    """

    def __init__(self, *, answers: Mapping[str, Answer], **traits: Any) -> None:
        self._home = running_loop()
        super().__init__(**traits)
        self._answers = answers
        self.on_msg(self._receive)

    def _handle_msg(self, msg: Any) -> None:
        """Take a message on the loop that made the widget; newer front ends bring it on another thread."""
        if self._home in (None, running_loop()):
            super()._handle_msg(msg)
        else:
            self._home.call_soon_threadsafe(super()._handle_msg, msg)

    def _receive(self, _: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("kind") in self._answers:
            self._answers[content["kind"]](content)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
