"""What stands in for a figure where nothing runs: one picture with its text, inside the notebook."""

from __future__ import annotations

import base64
import io
import math
import os
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import draft, numbers
from .errors import GuideError
from .plots.paper import draw_spec
from .plots.spec import INKS
from .running import run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .figure import Figure

DPI = 100
TINTS = 16
FINENESS = ((DPI, 128), (DPI, 32), (80, 32), (65, 32), (65, 16), (65, 8))
"""Dots per inch and shades of grey of a still, from fine to coarse: noise hardly compresses."""

PAGE_BYTES = 190_000
"""A page's size, which its stills share; below the limit, since on another machine it may differ a little."""

COARSER = "image/x-coarser"
"""The kind of a still's coarser versions, base64 with spaces between; a page stores one version only."""

MINIATURE = "image/x-miniature"
"""The kind of a figure's miniature, which the contents show of a page's first figure."""

MINIATURE_PX = 160

STAGES_A_ROW = 4


def still(figure: Figure) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a figure's opening state as a MIME bundle: a PNG, and its text as metadata."""
    finest, *coarser = (_base64(version) for version in draw(figure))
    data = {"image/png": finest, COARSER: " ".join(coarser), MINIATURE: _base64(miniature(figure))}
    return data, {"image/png": {"alt": alt(figure)}}


def _base64(picture: bytes) -> str:
    return base64.b64encode(picture).decode("ascii")


def alt(figure: Figure) -> str:
    """Return the text that says what a still shows."""
    viewer = figure.viewer
    insets = viewer.meta["insets"]
    when = "means of the whole movie" if figure.plan.average else "at the same instant"
    field = f"of one simulated field, {when}, in {_range(figure)}"
    layers = [name for name, _ in stages(figure)]
    said = [
        f"{len(layers)} pictures {field}, each with one layer more: {', '.join(layers)}."
        if layers
        else f"Two pictures {field}. Left: {figure.title('left')}. Right: {figure.title('right')}.",
        viewer.says,
        _marked(viewer.marks),
        f"Below each, enlarged: {len(insets['places'])} windows of {insets['um']:g} µm."
        if insets["places"]
        else "",
        *(plot["summary"] for plot in viewer.plots),
    ]
    return " ".join(filter(None, said))


def _range(figure: Figure) -> str:
    """Say what is black and what is white."""
    left, right = ("{} to {} counts".format(*figure.ranges[side]) for side in ("left", "right"))
    return (
        f"one display range ({left})" if left == right else f"display ranges of their own ({left}; {right})"
    )


def _marked(marks: list[dict[str, Any]]) -> str:
    """Say what the letters in the pictures mean."""
    return "Marked: " + ", ".join(f"{m['letter']} {m['label']}" for m in marks) + "." if marks else ""


def draw(figure: Figure) -> list[bytes]:
    """Draw a figure's opening state as PNG, in every `FINENESS`."""
    from matplotlib.figure import Figure as Canvas

    picture, plots, shown = figure.viewer.picture, figure.viewer.plots, stages(figure)
    rows = -(-len(plots) // 2)
    insets = _windows(figure.viewer.meta["insets"], picture)
    tall = 2.4 * -(-len(shown) // STAGES_A_ROW) or 4.2 + (4.2 / len(insets) if insets else 0)
    canvas = Canvas(figsize=(8.6, tall + 0.55 + 2.7 * rows), dpi=DPI, layout="constrained")
    grid = canvas.add_gridspec(1 + rows, 1, height_ratios=[tall] + [2.5] * rows)
    if shown:
        _draw_stages(canvas, grid[0], shown, figure.range)
    else:
        _draw_pair(canvas, grid[0].subgridspec(1, 2), figure, insets)
    for number in range(rows):
        beside = plots[2 * number : 2 * number + 2]
        row = grid[1 + number].subgridspec(1, len(beside))
        for column, spec in enumerate(beside):
            draw_spec(canvas.add_subplot(row[column]), spec)
    ends = ["black {}, white {} counts".format(*figure.ranges[side]) for side in ("left", "right")]
    display = f"{ends[0]}, all pictures" if ends[0] == ends[1] else f"left {ends[0]}; right {ends[1]}"
    says = textwrap.fill(figure.viewer.says, 105)
    canvas.supxlabel(f"{says}\nDisplay: {display}.", fontsize=9)
    return _versions(canvas)


def _draw_pair(canvas: Any, row: Any, figure: Figure, insets: list[tuple[int, int, int]]) -> None:
    below = 4.2 / len(insets) if insets else 0
    for column, side in enumerate(("left", "right")):
        cells = row[column].subgridspec(
            1 + bool(insets), max(1, len(insets)), height_ratios=[4.2, below][: 1 + bool(insets)]
        )
        axes = canvas.add_subplot(cells[0, :])
        counts = _draw_panel(axes, figure, figure.viewer.picture, side)
        for number, window in enumerate(insets):
            _draw_inset(
                canvas.add_subplot(cells[1, number]), axes, counts, figure.ranges[side], number, window
            )


def _windows(insets: dict[str, Any], picture: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return top, left and side of the insets in picture pixels, as the browser places them."""
    height, width = picture["height"], picture["width"]
    side = min(math.floor(insets["um"] / picture["pixel_um"] + 0.5), height, width)

    def start(part: float, length: int) -> int:
        return min(max(math.floor(part * length - side / 2 + 0.5), 0), length - side)

    return [(start(y, height), start(x, width), side) for y, x in insets["places"]]


def _draw_inset(
    axes: Axes, whole: Axes, counts: np.ndarray, limits: list[int], number: int, window: tuple[int, int, int]
) -> None:
    top, left, side = window
    part = counts[top : top + side, left : left + side]
    axes.imshow(part, cmap="gray", vmin=limits[0], vmax=limits[1], interpolation="nearest")
    axes.set_axis_off()
    look: dict[str, Any] = {"color": "white", "fontsize": 9, "weight": "bold", "va": "top"}
    look["bbox"] = {"facecolor": "black", "alpha": 0.6, "pad": 1.5, "linewidth": 0}
    whole.add_patch(_outline(left, top, side))
    for where, x, y in ((axes, 0, 0), (whole, left, top)):
        where.annotate(str(number + 1), (x, y), (3, -3), textcoords="offset points", **look)


def _outline(left: int, top: int, side: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor="white", linewidth=1.2)


def stages(figure: Figure) -> list[tuple[str, np.ndarray]]:
    """Return the name and the counts of every stop of a figure that is a stack; of another, nothing."""
    plan, shot = figure.plan, figure._live.shot()
    if not plan.stack:
        return []
    names = [
        figure.viewer.meta["stack"]["label"],
        *(f"+ {switch['label']}" for switch in figure.viewer.switches),
    ]
    states = (plan.switches[stop:] for stop in range(len(names)))
    return [(name, shot.view(plan.key("right", off))) for name, off in zip(names, states, strict=True)]


def _draw_stages(canvas: Any, place: Any, shown: list[tuple[str, np.ndarray]], limits: list[int]) -> None:
    grid = place.subgridspec(-(-len(shown) // STAGES_A_ROW), STAGES_A_ROW)
    for spot, (name, counts) in zip(grid, shown, strict=False):
        axes = canvas.add_subplot(spot)
        axes.imshow(counts, cmap="gray", vmin=limits[0], vmax=limits[1])
        axes.set_title(name, fontsize=9, loc="left")
        axes.set_axis_off()


def miniature(figure: Figure) -> bytes:
    """Draw both pictures of a figure, small and side by side, as PNG."""
    from PIL import Image

    size = (MINIATURE_PX, MINIATURE_PX)
    strip = Image.new("L", (2 * MINIATURE_PX + 4, MINIATURE_PX), 255)
    for number, side in enumerate(("left", "right")):
        low, high = figure.ranges[side]
        part = np.clip((_counts(figure.viewer.picture, side) - float(low)) / (high - low), 0, 1)
        picture = Image.fromarray(np.rint(255 * part).astype(np.uint8))
        strip.paste(picture.resize(size, Image.Resampling.BOX), (number * (MINIATURE_PX + 4), 0))
    out = io.BytesIO()
    strip.quantize(32).save(out, "png", optimize=True)
    return out.getvalue()


def _counts(picture: dict[str, Any], side: str) -> np.ndarray:
    shape = picture["height"], picture["width"]
    return np.frombuffer(picture[side], np.uint16 if picture["wide"] else np.uint8).reshape(shape)


def _draw_panel(axes: Axes, figure: Figure, picture: dict[str, Any], side: str) -> np.ndarray:
    shape = picture["height"], picture["width"]
    counts = _counts(picture, side)
    low, high = figure.ranges[side]
    axes.imshow(counts, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    for mark in figure.viewer.marks:
        _draw_mark(axes, mark)
    axes.set_title(figure.title(side), fontsize=11, loc="left", fontweight="bold")
    axes.set_axis_off()
    across = picture["width"] * picture["pixel_um"]
    length = next((n for n in (500, 200, 100, 50, 20, 10, 5) if n <= 0.3 * across), 1)
    x, y = 0.03 * shape[1], 0.93 * shape[0]
    axes.plot([x, x + length / picture["pixel_um"]], [y, y], color="white", linewidth=2.5)
    axes.text(x, y * 1.015, f"{length} µm", color="white", fontsize=8, va="top")
    return counts


def _draw_mark(axes: Axes, mark: dict[str, Any]) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import withStroke

    on_dark = tuple(0.5 + 0.5 * part for part in to_rgb(INKS[mark["ink"]]))
    look: dict[str, Any] = {"color": on_dark, "path_effects": [withStroke(linewidth=3, foreground="black")]}
    at = mark["column"], mark["row"]
    axes.plot(*at, "o", markersize=8, markerfacecolor="none", markeredgewidth=1.5, **look)
    axes.annotate(mark["letter"], at, (7, 0), textcoords="offset points", va="center", weight="bold", **look)


def _versions(canvas: Any) -> list[bytes]:
    from PIL import Image

    drawn = {}
    for dpi in {dpi for dpi, _ in FINENESS}:
        raw = io.BytesIO()
        canvas.savefig(raw, format="png", dpi=dpi)
        drawn[dpi] = Image.open(raw).convert("RGB")
    versions = []
    for dpi, greys in FINENESS:
        out = io.BytesIO()
        _reduced(drawn[dpi], greys).save(out, "png", optimize=True)
        versions.append(out.getvalue())
    return versions


def _reduced(image: Any, greys: int) -> Any:
    """Return an image of up to 256 colours: so many greys, and each ink of the plots from full to white.

    What is grey stays grey: a tint of a dull ink may be nearer, but would colour the noise.
    """
    from matplotlib.colors import to_rgb
    from PIL import Image

    grey = np.linspace(0, 1, greys)[:, None].repeat(3, axis=1)
    tints = [np.linspace(to_rgb(ink), (1, 1, 1), TINTS, endpoint=False) for ink in INKS.values()]
    palette = Image.new("P", (1, 1))
    colours = bytes(np.rint(255 * np.concatenate([grey, *tints])).astype(np.uint8).ravel())
    palette.putpalette(colours)
    rgb, nearest = np.asarray(image), np.asarray(image.quantize(palette=palette, dither=Image.Dither.NONE))
    shade = np.rint(rgb[..., 0] * ((greys - 1) / 255)).astype(np.uint8)
    reduced = Image.fromarray(np.where(np.ptp(rgb, axis=2) == 0, shade, nearest))
    reduced.putpalette(colours)
    return reduced


@contextmanager
def _still_mode() -> Iterator[None]:
    """Let figures show their stills."""
    os.environ["MINISIM_GUIDE_STILLS"] = "1"
    try:
        yield
    finally:
        del os.environ["MINISIM_GUIDE_STILLS"]


def render(page: Path) -> tuple[Any, bytes | None]:
    """Run a page.

    Returns
    -------
    notebook
        The page with its numbers filled and nothing but stills as outputs, each in all its versions.
    bytes or None
        The miniature of its first figure, as PNG.
    """
    import nbformat
    from nbformat.v4 import new_output

    notebook = nbformat.read(page, as_version=4)
    numbers.fill(notebook)
    small = []
    with _still_mode():
        for cell, shown in run(notebook, page):
            if cell.cell_type == "code":
                data, about = _bundle(shown)
                small += [data.pop(MINIATURE)] if MINIATURE in data else []
                cell.execution_count = None
                cell.outputs = [new_output("display_data", data=data, metadata=about)] if data else []
    own = {"minisim": notebook.metadata.minisim} if "minisim" in notebook.metadata else {}
    notebook.metadata = {**draft.KERNEL, **own}
    return notebook, base64.b64decode(small[0]) if small else None


def _bundle(shown: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a notebook would show of the value of a cell's last line, and what is said about it."""
    if hasattr(shown, "_repr_mimebundle_"):
        return shown._repr_mimebundle_()
    return ({} if shown is None else {"text/plain": repr(shown)}), {}


def versions(data: Mapping[str, str]) -> list[str]:
    """Return the versions of a still, from fine to coarse, of an output of `render`."""
    return [data["image/png"], *data.get(COARSER, "").split()]


def share(notebook: Any) -> None:
    """Keep one version of each still, as fine as the page has room for."""
    import nbformat

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    stills = [output.data for output in outputs if COARSER in output.data]
    each = [versions(data) for data in stills]
    for data in stills:
        del data[COARSER]
    room = PAGE_BYTES - len(nbformat.writes(notebook).encode()) + sum(len(all_[0]) for all_ in each)
    for data, chosen in zip(stills, shared(each, room), strict=True):
        data["image/png"] = chosen


def shared(stills: list[list[str]], room: int) -> list[str]:
    """Choose a version of each still, so that together they fit.

    Parameters
    ----------
    stills
        Of each its versions, from fine to coarse.
    room
        The characters there are for all of them.

    Returns
    -------
    list of str
        The finest of each, but that the largest was replaced by its next coarser until all fit or
        none is left to be coarser.
    """
    left = [list(each) for each in stills]
    while sum(len(each[0]) for each in left) > room:
        coarsen = [each for each in left if len(each) > 1]
        if not coarsen:
            break
        max(coarsen, key=lambda each: len(each[0])).pop(0)
    return [each[0] for each in left]


def notebooks(where: Path) -> list[Path]:
    """Return a notebook itself, or those of a folder, in reading order."""
    if not where.exists():
        raise GuideError(f"{where} does not exist: name a page's file or a folder of pages.")
    return sorted(where.glob("*.ipynb")) if where.is_dir() else [where]


def runs(where: Path) -> list[Path]:
    """Return the page, or those of a folder, that holds code or numbers."""
    import nbformat

    def does(page: Path) -> bool:
        notebook = nbformat.read(page, as_version=4)
        return "minisim" in notebook.metadata or any(c.cell_type == "code" for c in notebook.cells)

    return [page for page in notebooks(Path(where)) if does(page)]


def write_stills(where: Path) -> list[Path]:
    """Execute a page, or every page of a folder, that holds code or numbers; return those pages.

    Its stills and its numbers are stored in it, the miniature of its first figure in ``images``.
    """
    import nbformat

    pages = runs(where)
    for page in pages:
        notebook, small = render(page)
        share(notebook)
        nbformat.write(notebook, page)
        if small and page.stem != "index":
            kept = miniature_file(page)
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(small)
    return pages


def miniature_file(page: Path) -> Path:
    """Return where the miniature of a page's first figure is kept."""
    return page.parent / "images" / f"{page.stem}.png"
