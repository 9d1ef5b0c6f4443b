"""Figures without a kernel, on a page of a test's own: quick to open, and the same module as everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, Route

from minisim_guide import Figure
from minisim_guide.viewer import Viewer, stylesheet

PAGE = """<!doctype html><meta charset="utf-8"><title>Figures</title>
<link rel="stylesheet" href="figure.css"><style>html {{ color-scheme: light dark }}</style><main>{body}</main>
<script type="module">import {{ mount }} from "./figure.js";
for (const node of document.querySelectorAll("[data-copy]")) await mount(node, `${{node.dataset.copy}}.bin`);
document.body.dataset.ready = "yes";</script>"""


@contextmanager
def copies(
    browser: Browser, figures: dict[str, Figure], body: str = "", width: int = 1280, **options: Any
) -> Iterator[Page]:
    """Open a page with each figure where ``body`` has ``<div data-copy=name>``; it must stay quiet."""
    body = body or "".join(f'<div data-copy="{name}"></div>' for name in figures)
    files = {
        "": ("text/html", PAGE.format(body=body)),
        "figure.js": ("text/javascript", str(Viewer._esm)),
        "figure.css": ("text/css", stylesheet()),
        **{f"{name}.bin": ("application/octet-stream", f.bundle()) for name, f in figures.items()},
    }
    options = {"reduced_motion": "reduce"} | options
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def answer(route: Route) -> None:
        kind, content = files[route.request.url.rpartition("/")[2].partition("#")[0]]
        route.fulfill(content_type=kind, body=content)

    page.route("http://copies.test/**", answer)
    page.goto("http://copies.test/")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_function("() => [...document.querySelectorAll('.mg')].every((f) => f.dataset.views)")
    yield page
    context.close()
    assert errors == []


def shades(page: Page, selector: str) -> np.ndarray:
    """Return the grey values on a canvas, (H, W)."""
    values, height, width = page.evaluate(
        """which => { const c = document.querySelector(which);
        return [[...c.getContext("2d").getImageData(0, 0, c.width, c.height).data], c.height, c.width] }""",
        selector,
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., 0]
