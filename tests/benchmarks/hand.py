"""A hand on a figure's controls, and what the page's own record says about the pictures that followed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError

WAIT_MS = 60_000
PAUSE_MS = 150  # between two single steps: the movie has started by then
REST_MS = 5_000
MOVE_S = 0.016  # between two moves of the mouse
LOW = "n => n.value - n.min < n.max - n.value"  # is the thumb in the lower half of its track?
ON = "(n, up) => up ? +n.value < +n.max : +n.value <= +n.min"  # which way to go on, turning at the ends
THUMB_PX = 8  # half a thumb: a track's ends


@dataclass
class Followed:
    """What followed some moves of one control.

    Parameters
    ----------
    waits_ms
        From the input event to the first frame that showed a picture of its value, one per picture.
    kernel_ms
        Of these, from the message leaving the page to the picture's arrival.
    paint_ms
        Of these, from the picture's arrival to the frame that showed it.
    tail_ms
        From the last input event to the frame with the last value's full picture.
    bytes
        What came from the kernel in that time.
    seconds
        How long the hand moved.
    """

    waits_ms: list[float] = field(default_factory=list)
    kernel_ms: list[float] = field(default_factory=list)
    paint_ms: list[float] = field(default_factory=list)
    tail_ms: list[float] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0

    def add(self, other: Followed) -> None:
        """Take another's figures in."""
        for name in ("waits_ms", "kernel_ms", "paint_ms", "tail_ms"):
            getattr(self, name).extend(getattr(other, name))
        self.bytes += other.bytes
        self.seconds += other.seconds

    @property
    def per_second(self) -> float:
        """Pictures per second while the hand moved."""
        return len(self.waits_ms) / self.seconds if self.seconds else 0.0


class Hand:
    """Moves the controls of one figure with mouse and keyboard.

    Parameters
    ----------
    page
        A page opened with the recorder.
    figure
        Which figure of it, counted from 0.
    """

    def __init__(self, page: Page, figure: int = 0) -> None:
        self.page = page
        self.root = page.locator(".mg[data-version]").nth(figure)
        self.root.scroll_into_view_if_needed()
        for more in self.root.locator("details:has([data-slider])").all():
            more.evaluate("n => { n.open = true }")
        self.rest()

    def record(self) -> dict[str, Any]:
        """Return what the page noted since the last time, and forget it."""
        return self.page.evaluate("() => bench.take()")

    def rest(self) -> None:
        """Wait until the kernel and the canvases are still, the movie included, but never for long."""
        with contextlib.suppress(TimeoutError):
            self.page.wait_for_function("() => bench.still() > 400", timeout=REST_MS)
        self.record()

    def until_exact(self) -> None:
        """Wait until the full picture of everything asked for is on screen."""
        self.page.wait_for_function("() => bench.exact()", timeout=WAIT_MS)

    def thumb(self, slider: str, index: int = 0) -> Locator:
        """Return a slider's input."""
        return self.root.locator(f"[data-slider='{slider}'] input").nth(index)

    def looks(self) -> int:
        """Return a number that changes with what the canvases show."""
        return self.root.evaluate("n => bench.look(n)")

    def watched(self, act: Callable[[], None]) -> float:
        """Do something that the browser answers alone; ms from the input to the frame that shows it.

        A change that the kernel has to confirm is timed to the first frame that looks as it will stay.
        """
        before = self.looks()
        self.record()
        act()
        self.page.wait_for_function(
            "([n, before]) => bench.look(n) !== before", arg=[self.root.element_handle(), before]
        )
        self.page.wait_for_timeout(PAUSE_MS)
        with contextlib.suppress(TimeoutError):
            self.page.wait_for_function("() => bench.exact() || !bench.asking()", timeout=REST_MS)
        after, record = self.looks(), self.record()
        acted = next(e["t"] for e in record["inputs"] if e["type"] in ("input", "change", "keydown", "wheel"))
        return next(s["t"] for s in record["shown"] if s["hash"] == after and s["t"] > acted) - acted

    def drag(self, slider: str, seconds: float, sweep_s: float = 1.5) -> Followed:
        """Drag a thumb to and fro over the middle of its track, without a pause, and let go."""
        thumb = self.thumb(slider)
        thumb.scroll_into_view_if_needed()
        self.rest()
        box = thumb.bounding_box()
        assert box is not None
        left, width, y = box["x"] + THUMB_PX, box["width"] - 2 * THUMB_PX, box["y"] + box["height"] / 2
        at = thumb.evaluate("n => (n.value - n.min) / (n.max - n.min)")
        mouse = self.page.mouse
        mouse.move(left + at * width, y)
        mouse.down()
        start = time.monotonic()
        while (now := time.monotonic() - start) < seconds:
            phase = now / sweep_s % 2
            mouse.move(left + (0.15 + 0.7 * min(phase, 2 - phase)) * width, y)
            time.sleep(max(0.0, start + now + MOVE_S - time.monotonic()))
        mouse.up()
        self.until_exact()
        return followed(self.record(), seconds)

    def movie(self, slider: str) -> float:
        """Press an arrow key once; ms from the input to the arrival of the movie's last frame."""
        self.rest()
        thumb = self.thumb(slider)
        thumb.focus()
        self.page.keyboard.press("ArrowRight" if thumb.evaluate(LOW) else "ArrowLeft")
        self.until_exact()
        self.page.wait_for_function("() => bench.buffered()", timeout=WAIT_MS)
        record = self.record()
        return record["got"][-1]["t"] - next(e["t"] for e in record["inputs"] if e["type"] == "input")

    def step(self, slider: str, times: int) -> Followed:
        """Press an arrow key again and again, each time after the picture of the last has come."""
        thumb = self.thumb(slider)
        thumb.focus()
        found = Followed()
        self.rest()
        up = thumb.evaluate(LOW)
        for _ in range(times):
            up = thumb.evaluate(ON, up)
            self.page.keyboard.press("ArrowRight" if up else "ArrowLeft")
            self.until_exact()
            found.add(followed(self.record()))
            self.page.wait_for_timeout(PAUSE_MS)
        return found


def followed(record: dict[str, Any], seconds: float = 0.0) -> Followed:
    """Match wishes, pictures and paints of a page's record.

    Parameters
    ----------
    record
        From `Hand.record`.
    seconds
        How long the hand moved.
    """
    found = Followed(seconds=seconds, bytes=sum(m["size"] for m in record["got"]))
    inputs = [event["t"] for event in record["inputs"] if event["type"] == "input"]
    wishes = [m for m in record["sent"] if m["kind"] == "update" and m.get("version")]
    pictures = [m for m in record["got"] if m["kind"] == "picture"]
    for wish in wishes:
        came = next((p["t"] for p in pictures if p["version"] == wish["version"]), None)
        seen = _seen(record, wish["version"], came)
        moved = [t for t in inputs if t <= wish["t"] + 0.1]
        if came is None or seen is None or not moved:
            continue  # overtaken by a newer wish
        found.waits_ms.append(seen - moved[-1])
        found.kernel_ms.append(came - wish["t"])
        found.paint_ms.append(seen - came)
    if wishes and inputs:
        last = wishes[-1]["version"]
        full = [p["t"] for p in pictures if p["version"] == last and p["binned"] == 1]
        seen = _seen(record, last, full[0] if full else None)
        if seen is not None:
            found.tail_ms.append(seen - inputs[-1])
    return found


def _seen(record: dict[str, Any], version: int, since: float | None) -> float | None:
    """Return when a version was first on screen after its picture came."""
    times = (s["t"] for s in record["shown"] if s["version"] == version and s["t"] >= (since or 0))
    return next(times, None) if since is not None else None
