"""The whole guide as files: no server, no kernel, nothing from elsewhere; it opens from a disk, too.

Each page is one HTML file. A figure stands there as its still until its bundle is there, and on paper.
Bundles are scripts, for a page that was opened from a disk may load scripts and nothing else; for the
same reason the viewer is one plain script rather than a module.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from minisim_guide.errors import GuideError
from minisim_guide.pages import Page, pages
from minisim_guide.prose import html
from minisim_guide.running import run

ASKING = re.compile(r'href="#(switch|show)-([^"]+)"')
"""A link of the prose that moves a figure, as `web/links.js` reads it."""

TEMPLATES = Path(__file__).parent / "site" / "voila" / "templates" / "guide"


def build(target: Path, source: Path | None = None) -> Iterator[Path]:
    """Write the site and yield each page's file when it is written.

    Parameters
    ----------
    target
        The folder to write to; files of the same names are replaced.
    source
        The folder of the pages; default: the guide's own.

    Raises
    ------
    GuideError
        If the folder cannot be written, a page fails or has no still of a figure.
    """
    listed = pages(source)
    try:
        write_shared(target, listed[0].file.parent)
        for page in listed:
            yield write_page(page, target, links(listed, "{}.html"))
    except OSError as error:
        raise GuideError(f"The site cannot be written to {target}: {error.strerror}.") from error


def links(listed: list[Page], address: str) -> list[dict[str, str]]:
    """Return what the navigation says of each page; its name fills the braces of the address."""
    return [{"name": p.file.stem, "label": p.label, "href": address.format(p.file.stem)} for p in listed]


def write_shared(target: Path, source: Path) -> None:
    """Write what all pages of a site use: the viewer, the look and the pictures of the prose."""
    (target / "figures").mkdir(parents=True, exist_ok=True)
    (target / "guide.js").write_text(script(), "utf-8")
    (target / "guide.css").write_text(stylesheet(), "utf-8")
    if (images := source / "images").is_dir():
        shutil.copytree(images, target / "images", dirs_exist_ok=True, ignore=_not_a_picture)


def write_page(page: Page, target: Path, navigation: list[dict[str, str]], ending: str = "html") -> Path:
    """Write one page with its figures.

    Parameters
    ----------
    page
        The page.
    target
        The folder that holds what `write_shared` wrote.
    navigation
        What `links` returned.
    ending
        What the names of pages end with, there and in the links from one to another.

    Returns
    -------
    Path
        The page's file.
    """
    cells = list(_cells(page, target, ending))
    _aim(cells)
    shown = {"title": page.title, "pages": navigation, "here": page.file.stem, "cells": cells}
    text = _template().render(**shown, served=ending != "html")
    written = target / f"{page.file.stem}.{ending}"
    written.write_text(text, "utf-8")
    return written


def script() -> str:
    """Return the viewer, and what puts it on a page of the site, as one plain script."""
    from minisim_guide.viewer import PARTS, module

    parts = module(*PARTS, "site.js")
    return f"(() => {{\n{re.sub(r'^export (default .*$)?', '', parts, flags=re.MULTILINE)}}})();\n"


def stylesheet() -> str:
    """Return the look of the pages and of the figures."""
    from minisim_guide import viewer

    return (TEMPLATES / "static" / "guide.css").read_text("utf-8") + viewer.stylesheet()


def _template() -> Any:
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES)).get_template("page.html.j2")


def _not_a_picture(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".png")]


def _cells(page: Page, target: Path, ending: str) -> Iterator[dict[str, Any]]:
    """Yield what the template needs of each cell: prose, a figure with its still, or a still as HTML."""
    import nbformat

    notebook = nbformat.read(page.file, as_version=4)
    for cell, shown in run(notebook, page.file):
        if cell.cell_type == "markdown":
            yield {"prose": html(cell.source, ending)}
            continue
        data = {kind: value for output in cell.outputs for kind, value in output.get("data", {}).items()}
        if "image/png" in data:
            alt = cell.outputs[0].metadata["image/png"]["alt"]
            (target / "figures" / f"{cell.id}.png").write_bytes(base64.b64decode(data["image/png"]))
            live = hasattr(shown, "bundle")
            if live:
                (target / "figures" / f"{cell.id}.js").write_text(_bundled(cell.id, shown.bundle()), "ascii")
            yield {"figure": cell.id, "alt": alt, "live": live, "answers": _answers(shown) if live else set()}
        elif "text/html" in data:
            yield {"prose": "".join(data["text/html"])}
        elif shown is not None:
            raise GuideError(f"{page.file} has no still of a figure; run minisim-guide stills first.")


def _answers(figure: Any) -> set[str]:
    """Return what links in the prose may speak of: switches and controls, and the figure by its name."""
    viewer = figure.viewer
    return {about["name"] for about in (*viewer.switches, *viewer.sliders)} | {
        f"figure={viewer.meta['name']}"
    }


def _aim(cells: list[dict[str, Any]]) -> None:
    """Let links that move a figure lead to it where no script runs: the first below, else the last above."""
    figures = [(place, cell) for place, cell in enumerate(cells) if "figure" in cell]
    for here, cell in enumerate(cells):

        def aimed(link: re.Match[str], here: int = here) -> str:
            parts = unquote(unescape(link[2])).split("&")
            asked = {part if part.startswith("figure=") else part.partition("=")[0] for part in parts}
            able = [(place, figure["figure"]) for place, figure in figures if asked <= figure["answers"]]
            below = [name for place, name in able if place > here]
            aims = below[:1] or [name for _, name in able[-1:]]
            return f'href="#{aims[0]}" data-asks="#{link[1]}-{link[2]}"' if aims else link[0]

        if "prose" in cell:
            cell["prose"] = ASKING.sub(aimed, cell["prose"])


def _bundled(name: str, data: bytes) -> str:
    return f"minisim.bundle({json.dumps(name)}, {json.dumps(base64.b64encode(data).decode())});\n"
