"""Minutes of use by a hand that tries everything: what happens to the memory of kernel and page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psutil
from playwright.sync_api import Browser, CDPSession

from tests.guide.conftest import Server
from tests.guide.restless import Restless

from .served import opened

MEGABYTE = 1e6
EVERY_S = 10.0
GROWTH_MB = 50.0  # allowed, after the warm-up
WARM_UP = 0.5  # of the time: the store of results fills up to its bound, 256 MB


@dataclass(frozen=True)
class Sample:
    """Memory at one moment, in MB."""

    minute: float
    kernel: float
    page: float


def endure(browser: Browser, server: Server, minutes: float, name: str = "01_sectioning") -> Iterator[str]:
    """Use a page for some minutes; give the lines of a table.

    Parameters
    ----------
    browser, server
        Where the page is served and opened.
    minutes
        How long.
    name
        Of the page.
    """
    before = {kernel.pid for kernel in server.kernels()}
    samples: list[Sample] = []
    actions = 0
    yield "\n| minutes of random use | kernel, MB | page's script heap, MB | actions |\n|---|---|---|---|"
    with opened(browser, server.page(name), figure=1) as page:
        (kernel,) = [kernel for kernel in server.kernels() if kernel.pid not in before]
        hand, heap = Restless(page), page.context.new_cdp_session(page)
        begun = next_at = time.monotonic()
        while (now := time.monotonic()) < begun + 60 * minutes:
            if now >= next_at:
                next_at += EVERY_S
                samples.append(_sample((now - begun) / 60, kernel, heap))
                if len(samples) % 6 == 1:
                    yield _line(samples[-1], actions)
            hand.act()
            actions += 1
            page.wait_for_timeout(hand.random.choice((20, 50, 400)))
        samples.append(_sample(minutes, kernel, heap))
        yield _line(samples[-1], actions)
    warm = [sample for sample in samples if sample.minute >= WARM_UP * minutes]
    for what in ("kernel", "page"):
        values = [getattr(sample, what) for sample in warm]
        slope = np.polyfit([sample.minute for sample in warm], values, 1)[0]
        grown = slope * (warm[-1].minute - warm[0].minute)
        verdict = "ok" if grown < GROWTH_MB else "**missed**"
        yield f"\n{what}: {slope:+.2f} MB a minute after the warm-up, {grown:+.0f} MB in all: {verdict}"


def _sample(minute: float, kernel: psutil.Process, heap: CDPSession) -> Sample:
    heap.send("HeapProfiler.collectGarbage")
    used = heap.send("Runtime.getHeapUsage")
    script = used["usedSize"] + used.get("backingStorageSize", 0)
    return Sample(minute, kernel.memory_info().rss / MEGABYTE, script / MEGABYTE)


def _line(sample: Sample, actions: int) -> str:
    return f"| {sample.minute:.1f} | {sample.kernel:.0f} | {sample.page:.0f} | {actions} |"
