"""The widget: pictures as raw counts, controls and plots, drawn by one small ES module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

_WEB = Path(__file__).parent / "web"
_PARTS = ("dom.js", "controls.js", "movie.js", "plots.js", "layout.js", "viewer.js")


def module(*parts: str) -> str:
    """Join the parts of an ES module: no build step, no request that leaves the machine."""
    return "\n".join((_WEB / part).read_text(encoding="utf-8") for part in parts)


def stylesheet() -> str:
    """Return the style sheet that every widget of the guide uses."""
    return (_WEB / "viewer.css").read_text(encoding="utf-8")


class Viewer(anywidget.AnyWidget):
    """Two panels, their controls and plots; it knows nothing of the engine.

    State travels as traits. The rest of a movie travels as ``chunk`` messages with the raw counts
    of both panels as buffers; the browser acknowledges each, and one that nobody sees does not.

    Attributes
    ----------
    meta
        What never changes: titles, opening range, bits, opening frame, switches and pixel.
    sliders, switches
        Descriptions from `minisim_guide.controls`.
    values, off, frame, pixel
        What the reader asks for.
    picture
        The current frame of both panels with its version.
    says, plots, error
        The sentence under the picture, the plots, and what went wrong.
    """

    _esm = module(*_PARTS)
    _css = stylesheet()

    meta = traitlets.Dict().tag(sync=True)
    sliders: traitlets.List[Any] = traitlets.List().tag(sync=True)
    switches: traitlets.List[Any] = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    off = traitlets.List(traitlets.Unicode()).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    pixel = traitlets.List(traitlets.Int()).tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)
    says = traitlets.Unicode("").tag(sync=True)
    plots: traitlets.List[Any] = traitlets.List().tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)

    def __init__(self, *, ready: Callable[[], None], paid: Callable[[], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._answers = {"ready": ready, "ack": paid}
        self.on_msg(self._receive)

    def send_chunk(self, version: int, first: int, sides: tuple[np.ndarray, np.ndarray]) -> None:
        """Send frames of both panels, from frame `first` on."""
        head = {"kind": "chunk", "version": version, "first": first, "count": len(sides[0])}
        self.send(head, buffers=[np.ascontiguousarray(side).data for side in sides])

    def _receive(self, _: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("kind") in self._answers:
            self._answers[content["kind"]]()
