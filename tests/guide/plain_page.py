"""A page of nothing but parts of the viewer, to test them without a server or a kernel."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from minisim_guide.viewer import module, stylesheet


@contextmanager
def plain_page(browser: Browser, *parts: str, width: int = 500, scheme: str = "light") -> Iterator[Page]:
    """A page with a figure's style sheet, an empty ``#host`` and these parts; it must stay quiet."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(
        "<!doctype html><style>html { color-scheme: light dark } body { margin: 0 }"
        f"{stylesheet()}</style>"
        f"<div class=mg><div id=host></div></div><script>{module(*parts)}</script>"
    )
    yield page
    context.close()
    assert errors == []
