"""The widget: pictures as raw counts, controls and plots, drawn by one small ES module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traitlets

from .talking import Talking

_WEB = Path(__file__).parent / "web"
PARTS = (
    "dom.js", "controls.js", "stack.js", "movie.js", "paint.js", "plots.js", "side.js", "maps.js",
    "overlays.js", "marks.js", "layout.js", "contrast.js", "view.js", "look.js", "play.js", "wire.js",
    "share.js", "links.js", "insets.js", "viewer.js", "static.js",
)  # fmt: skip


def module(*parts: str) -> str:
    """Join the parts of an ES module: no build step, no request that leaves the machine."""
    return "\n".join((_WEB / part).read_text(encoding="utf-8") for part in parts)


def stylesheet() -> str:
    """Return the style sheet that every widget of the guide uses."""
    return module(
        "viewer.css", "plots.css", "overlays.css", "marks.css", "stack.css", "links.css", "insets.css"
    )


class Viewer(Talking):
    """Two panels, their controls and plots; it knows nothing of the engine.

    State travels as traits. The rest of a movie travels as ``chunk`` messages with the raw counts
    of both panels as buffers; the browser acknowledges each, and one that nobody sees does not.

    Parameters
    ----------
    answers
        What to call for each kind of message from the browser: ``ready``, ``ack`` (a chunk was
        taken), ``shown`` (a picture was painted), ``cancel``, ``copy``.

    Attributes
    ----------
    meta
        What never changes: titles, opening range and full scale, most bits, opening frame, switches, pixel.
    sliders, switches
        Descriptions from `minisim_guide.controls`.
    overlays
        Name, label and description of what can be drawn over the pictures.
    values, off, seed, frame, pixel, roi, overlay
        What the reader asks for; `pixel` is (row, column), `roi` (top, left, bottom, right) in pixels.
    picture
        The current frame of both panels with its version and scene.
    says, plots, drawings, marks
        The sentence under the picture, the plots, the geometry of the overlays shown, the named places.
    error, notice, progress
        What went wrong; what the reader should know; what is being computed and how far.
    """

    _esm = f"{module(*PARTS)}\nexport default {{ render }};\n"
    _css = stylesheet()

    meta = traitlets.Dict().tag(sync=True)
    sliders: traitlets.List[Any] = traitlets.List().tag(sync=True)
    switches: traitlets.List[Any] = traitlets.List().tag(sync=True)
    overlays: traitlets.List[Any] = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    off = traitlets.List(traitlets.Unicode()).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    pixel = traitlets.List(traitlets.Int()).tag(sync=True)
    roi = traitlets.List(traitlets.Float()).tag(sync=True)
    overlay = traitlets.List(traitlets.Unicode()).tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)
    says = traitlets.Unicode("").tag(sync=True)
    plots: traitlets.List[Any] = traitlets.List().tag(sync=True)
    drawings: traitlets.List[Any] = traitlets.List().tag(sync=True)
    marks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return what travels; the whole state without counts, which a view is sent when it is ready.

        A front end that waits for the state of all widgets before it shows any is not kept waiting.
        """
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if key is None and "picture" in state:
            state["picture"] = {**state["picture"], "left": b"", "right": b""}
        return state
