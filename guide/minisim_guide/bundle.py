"""A figure as one file, for pages without a kernel: every state of its switches, computed beforehand.

The format: the eight bytes ``minisim1``; the length of the description as a little-endian uint32;
the description as JSON in UTF-8; then blobs of counts, packed as by `minisim_guide.wire.pack`. The
description holds

``traits``
    The viewer's traits as the page opens, without the picture.
``picture``
    The picture without its counts.
``blobs``
    (offset, length) of each blob, counted from the end of the description.
``views``
    Pairs of the layers that are off and the number of the blob that shows the frame so.
``texts``
    What the states say and draw, each thing once.
``states``
    For the switched-off layers, sorted and joined by blanks: ``off``, the blobs of left and right as
    ``views``, and the numbers of the texts that are its ``says``, ``unmarked`` (the
    same with nothing marked, for a reader who moves the mark), ``plots``, ``marks``,
    ``drawings``, ``python``.
``experiment``
    The experiment that both sides share, as `Experiment.to_json` writes it.

``mount(element, address)`` of the viewer's own module shows it.
"""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from . import plots, sharing, wire
from .shot import Off, Shot, states, views

if TYPE_CHECKING:
    from .live import Live

MAGIC = b"minisim1"

KEPT = (
    "meta",
    "sliders",
    "switches",
    "overlays",
    "values",
    "off",
    "seed",
    "frame",
    "pixel",
    "roi",
    "overlay",
)
"""The traits that a bundle holds as they are."""


class _Once:
    """A list in which everything stands once."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, item: Any) -> int:
        key = json.dumps(item, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.items)
            self.items.append(item)
        return self._places[key]


def bundle(live: Live) -> bytes:
    """Return what a figure shows now, in every state of its switches, as one file.

    Parameters
    ----------
    live
        What serves the figure's viewer.

    Returns
    -------
    bytes
        In the format above.
    """
    viewer, plan, wish = live.viewer, live.plan, live.wish()
    shot = Shot(plan, wish)
    offs = views(plan, wish.off)
    blobs = [wire.pack(shot.view(off)) for off in offs]
    texts = _Once()
    ends = [0]
    for blob in blobs:
        ends.append(ends[-1] + len(blob))
    named = {name: getattr(viewer, name) for name in KEPT}
    traits = {
        **named,
        "says": "",
        "plots": [],
        "drawings": [],
        "marks": [],
        "error": "",
        "notice": "",
        "progress": {},
    }
    traits["meta"] = {**named["meta"], "static": True, "opening": {**named["meta"]["opening"], **_now(named)}}
    picture = shot.whole().picture() | {"count": 1, "packed": True, "binned": 1}
    about = {
        "traits": traits,
        "picture": {name: value for name, value in picture.items() if name not in wire.SIDES},
        "blobs": [[start, stop - start] for start, stop in pairwise(ends)],
        "views": [[list(off), number] for number, off in enumerate(offs)],
        "states": {
            " ".join(sorted(off)): _state(live, off, offs, texts)
            for off in states(plan.switches, wish.off, plan.stack)
        },
        "texts": texts.items,
        "experiment": json.loads(sharing.json_text(shot)),
    }
    head = json.dumps(about, ensure_ascii=False, allow_nan=False).encode()
    return b"".join([MAGIC, struct.pack("<I", len(head)), head, *blobs])


def _now(named: dict[str, Any]) -> dict[str, Any]:
    """Return the state that a bundle opens in: the one it was made in."""
    return {name: named[name] for name in ("off", "seed", "frame", "pixel", "roi", "overlay", "values")}


def _state(live: Live, off: Off, offs: list[Off], texts: _Once) -> dict[str, Any]:
    names = [overlay["name"] for overlay in live.viewer.overlays]
    shot = Shot(live.plan, live.wish(off=off, overlay=tuple(names)))
    details = shot.details()
    unmarked = Shot(live.plan, live.wish(off=off, pixel=(), roi=()))
    specs = [
        plots.finish(name, shot.sight) if place in details.slow else spec
        for place, (name, spec) in enumerate(zip(live.plan.plots, details.plots, strict=True))
    ]
    return {
        "off": list(off),
        "views": [offs.index(live.plan.key(side, off)) for side in wire.SIDES],
        "says": texts.place(details.says),
        "unmarked": texts.place(unmarked.details(changed=False).says),
        "plots": [texts.place(spec) for spec in specs],
        "marks": texts.place(details.marks),
        "drawings": {d["name"]: texts.place(d) for d in details.drawings},
        "python": texts.place(sharing.snippet(shot)),
    }
