"""What a reader's hand waits for: sliders, switches, what the browser does alone, the movie, a slow link."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from .hand import Followed, Hand
from .rows import Row
from .served import opened
from .slow_link import SlowLink

LATE, FOCUS, INSTANT = (60.0, 100.0), (120.0, 200.0), (16.0, None)
AT_REST = (None, 300.0)  # the last picture after the hand has stopped
MOVIE = (250.0, None)
LINKS = ((100.0, 5.0, (None, None)), (80.0, 20.0, (None, 200.0)))  # round trip in ms, Mbit/s, budget


@dataclass(frozen=True)
class Kind:
    """One slider, on one page, with the budget for its pictures."""

    scene: str
    name: str
    page: str
    slider: str
    budget_ms: tuple[float | None, float | None]


KINDS = (
    Kind("guide", "gain", "91_guide", "sensor.gain", LATE),
    Kind("guide", "illumination width", "91_guide", "illumination.width_um", LATE),
    Kind("guide", "stride", "91_guide", "motion.stride_um", LATE),
    Kind("guide", "focus", "91_guide", "focus_um", FOCUS),
    Kind("guide", "density", "92_guide_cells", "cells.density_per_mm3", FOCUS),
    Kind("guide-wide", "gain", "93_wide", "sensor.gain", LATE),
    Kind("guide-wide", "illumination width", "93_wide", "illumination.width_um", LATE),
    Kind("guide-wide", "stride", "93_wide", "motion.stride_um", LATE),
    Kind("guide-wide", "focus", "93_wide", "focus_um", (None, None)),
    Kind("guide-wide", "density", "94_wide_cells", "cells.density_per_mm3", (None, None)),
)


@dataclass(frozen=True)
class Effort:
    """How much to measure."""

    pictures: int = 60
    drag_s: float = 5.0
    drags: int = 10


QUICK = Effort(pictures=10, drag_s=2.0, drags=2)


def say(text: str) -> None:
    """Report progress where it does not disturb the tables."""
    print(text, file=sys.stderr, flush=True)


def sliders(browser: Browser, url: Callable[[str], str], effort: Effort) -> Iterator[Row]:
    """Drag every slider without a pause, then step it with an arrow key."""
    for kind in KINDS:
        with opened(browser, url(kind.page)) as page:  # as it opens: the last slider may have left it white
            hand, what = Hand(page), f"`{kind.scene}`, {kind.name}"
            say(what)
            dragged = enough(hand, kind.slider, effort)
            yield Row(f"{what}, dragged", dragged.waits_ms, kind.budget_ms, shares(dragged))
            stepped = hand.step(kind.slider, effort.pictures)
            yield Row(f"{what}, single steps", stepped.waits_ms, kind.budget_ms, shares(stepped))


def enough(hand: Hand, slider: str, effort: Effort) -> Followed:
    """Drag until there are enough pictures, but not for ever."""
    found = hand.drag(slider, effort.drag_s)
    while len(found.waits_ms) < effort.pictures and found.seconds < 4 * effort.drag_s:
        found.add(hand.drag(slider, effort.drag_s))
    return found


def shares(found: Followed) -> str:
    """Say where the wait was spent, and how smooth it looked."""
    if not found.waits_ms:
        return ""
    kernel, paint = (statistics.median(waits) for waits in (found.kernel_ms, found.paint_ms))
    rate = f"{found.per_second:.0f} pictures/s; " if found.seconds else ""
    return f"{rate}kernel and wire {kernel:.0f}, paint {paint:.0f}"


def at_rest(browser: Browser, url: Callable[[str], str], effort: Effort) -> Iterator[Row]:
    """Wait for the last picture after a drag of 1.5 s, and for the whole movie after one step."""
    with opened(browser, url("91_guide")) as page:
        hand = Hand(page)
        for name, slider in (("gain", "sensor.gain"), ("focus", "focus_um")):
            say(f"last picture, {name}")
            tails = [tail for _ in range(effort.drags) for tail in hand.drag(slider, 1.5).tail_ms]
            yield Row(f"`guide`, {name}: last picture after a drag of 1.5 s", tails, AT_REST)
        for name, slider in (("gain", "sensor.gain"), ("stride", "motion.stride_um"), ("focus", "focus_um")):
            say(f"whole movie, {name}")
            movies = [hand.movie(slider) for _ in range(effort.drags)]
            yield Row(f"`guide`, {name}: whole 10 s movie in the browser", movies, MOVIE)


def instant(browser: Browser, url: Callable[[str], str], effort: Effort) -> Iterator[Row]:
    """Do what needs no kernel: switches of a paused frame, display range, wipe, zoom."""
    for scene, name in (("guide", "91_guide"), ("guide-wide", "93_wide")):
        with opened(browser, url(name)) as page:
            hand = Hand(page)
            page.evaluate("() => bench.hashing(true)")
            for what, acts in ACTS.items():
                say(f"`{scene}`, {what}")
                begin, turns = acts(page, hand)
                begin()
                hand.rest()
                waits = [hand.watched(turns[n % len(turns)]) for n in range(effort.pictures)]
                yield Row(f"`{scene}`, {what}", waits, INSTANT)


Acts = tuple[Callable[[], None], list[Callable[[], None]]]


def switching(page: Page, hand: Hand) -> Acts:
    """Switch each layer off and on."""
    boxes = hand.root.locator("[data-switch]").all()
    return boxes[0].scroll_into_view_if_needed, [box.click for box in boxes for _ in range(2)]


def stretching(page: Page, hand: Hand) -> Acts:
    """Move the white end of the display range up and down."""
    white = hand.root.locator("[data-range=high]")

    def begin() -> None:
        hand.root.locator("details:has([data-range=high])").evaluate("n => { n.open = true }")
        white.focus()

    return begin, [lambda: page.keyboard.press("PageUp"), lambda: page.keyboard.press("PageDown")]


def wiping(page: Page, hand: Hand) -> Acts:
    """Move the divider to and fro."""

    def begin() -> None:
        hand.root.locator("[data-choice=wipe]").check(force=True)
        hand.root.locator("[data-wipe]").focus()

    keys = ["ArrowRight"] * 5 + ["ArrowLeft"] * 5
    return begin, [lambda key=key: page.keyboard.press(key) for key in keys]  # type: ignore[misc]


def zooming(page: Page, hand: Hand) -> Acts:
    """Zoom in and out again."""

    def begin() -> None:
        hand.root.locator("[data-choice=pair]").check(force=True)
        hand.root.locator(".mg-stage").focus()

    return begin, [lambda: page.keyboard.press("+"), lambda: page.keyboard.press("-")]


ACTS: dict[str, Callable[[Page, Hand], Acts]] = {
    "display range": stretching,
    "switch": switching,
    "wipe": wiping,
    "zoom": zooming,
}


def remote(browser: Browser, url: Callable[[str], str], effort: Effort) -> Iterator[Row]:
    """Drag over two slow links: opening, pictures while dragging, bytes, the exact last picture."""
    for rtt_ms, mbit, budget_ms in LINKS:
        where = f"{rtt_ms:g} ms, {mbit:g} Mbit/s"
        with SlowLink(urlsplit(url("")).port or 80, rtt_ms, mbit) as link:
            begun = time.monotonic()
            with opened(browser, link.url(url("91_guide"))) as page:
                opening_ms = 1e3 * (time.monotonic() - begun)
                yield Row(f"{where}: page open", [opening_ms], note=f"{link.down.carried / 1e6:.1f} MB")
                hand = Hand(page)
                for name, slider in (("gain", "sensor.gain"), ("focus", "focus_um")):
                    say(f"{where}, {name}")
                    drags = [hand.drag(slider, 1.5) for _ in range(effort.drags)]
                    waits = [wait for drag in drags for wait in drag.waits_ms]
                    size = statistics.median(drag.bytes for drag in drags) / 1e3
                    rate = statistics.median(drag.per_second for drag in drags)
                    note = f"{rate:.1f} pictures/s, {size:.0f} kB a drag of 1.5 s"
                    yield Row(f"{where}: {name}, dragged", waits, budget_ms, note)
                    tails = [tail for drag in drags for tail in drag.tail_ms]
                    yield Row(f"{where}: {name}, exact last picture", tails)
