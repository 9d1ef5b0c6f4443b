"""How the guide feels: its budgets measured in Chromium, through the guide's own server; print Markdown.

``python -m tests.benchmarks.browser [--quick] [--only PART ...] [--minutes N]``

Every time is taken inside the page, from the input event's own stamp to the first animation frame after
the canvas was painted with the picture of that value (`recorder.js`). The hand is Playwright's: real moves
of the mouse and real keys. Sliders are those of small pages that are served beside the guide's own
(`served.py`). ``--minutes 10`` adds the endurance run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from playwright.sync_api import Browser

from minisim_guide.viewer import Viewer
from tests.guide.conftest import Server

from . import drags
from .endurance import endure
from .rows import Row, table
from .run import machine, thread_count
from .served import HERE, opened, quiet, site
from .served import chromium as start_chromium
from .slow_link import SlowLink

PAGE, EXPLORE = "01_sectioning", 1  # the guide's first page, and which of its figures has controls
COLD, PREHEATED = (8_000.0, None), (3_000.0, None)

Part = Callable[[Browser, Callable[[str], str], drags.Effort], Iterator[Row]]
PARTS: dict[str, tuple[str, Part]] = {
    "sliders": ("slider → pixels on screen", drags.sliders),
    "instant": ("without a kernel", drags.instant),
    "rest": ("when the hand rests", drags.at_rest),
    "link": ("over a slow link (round trip, rate)", drags.remote),
}


def opening(browser: Browser, server: Server) -> float:
    """Milliseconds from nothing to page 1 with a control that moves, in a fresh browser context."""
    begun = time.monotonic()
    with opened(browser, server.page(PAGE), EXPLORE) as page:
        page.locator(".mg[data-version]").nth(EXPLORE).locator("[data-slider] input").first.click(trial=True)
        return 1e3 * (time.monotonic() - begun)


def openings(browser: Browser, times: int) -> Iterator[Row]:
    """Open page 1 with and without a kernel that waits, and count its bytes."""
    title = "page 1: open → first control"
    with site("--preheat", "0") as server:
        quiet(server)
        cold = [opening(browser, server) for _ in range(times)]
        with SlowLink(server.port, rtt_ms=0, mbit=10_000) as link:
            url = link.url(server.page(PAGE))
            with opened(browser, url, EXPLORE):
                megabytes = link.down.carried / 1e6
    module = (len(Viewer._esm.encode()) + len(Viewer._css.encode())) / 1e3
    size = f"{megabytes:.1f} MB in all; a figure's module and style {module:.0f} kB"
    yield Row(f"{title}, kernel cold", cold, COLD, size)
    preheated, taken = [], set()
    with site("--preheat", "1") as server:
        for _ in range(times):
            while not (waiting := {kernel.pid for kernel in server.kernels()} - taken):
                time.sleep(0.5)  # the pool is filled again some seconds after a kernel was taken
            quiet(server, at_most_s=30)
            taken |= waiting
            preheated.append(opening(browser, server))
    yield Row(f"{title}, kernel preheated", preheated, PREHEATED)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few samples of everything")
    parser.add_argument("--only", nargs="+", choices=[*PARTS, "open"], default=[*PARTS, "open"])
    parser.add_argument("--minutes", type=float, default=0, metavar="N", help="add N minutes of random use")
    asked = parser.parse_args()
    effort = drags.QUICK if asked.quick else drags.Effort()

    print(machine(thread_count()))
    with start_chromium() as browser:
        with site("--preheat", "0") as server:
            quiet(server)
            for name in asked.only:
                if name in PARTS:
                    title, part = PARTS[name]
                    say_all(table(title, part(browser, server.page, effort)))
            if asked.minutes:
                say_all(endure(browser, server, asked.minutes))
        if "open" in asked.only:
            say_all(table("opening", openings(browser, 2 if asked.quick else 5)))
    print(f"\n{(HERE / 'browser_notes.md').read_text(encoding='utf-8')}", end="")


def say_all(lines: Iterator[str]) -> None:
    """Print each line when it is there: a run takes minutes."""
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
