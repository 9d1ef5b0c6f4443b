"""The guide as it is served, with pages of our own beside its own, in a browser that keeps a record."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.guide.conftest import ARGUMENTS, Server, find_chromium, start_server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RECORDER = (HERE / "recorder.js").read_text(encoding="utf-8")

CELL = """
import minisim_core as ms
from minisim_guide import Figure, Panel, Slider
everything_but_cells = tuple(name for name in ms.LAYERS if name != "cells")
Figure(
    "{scene}", left=Panel("Cells", off=everything_but_cells), right=Panel("As recorded"),
    switches=("out_of_focus", "neuropil", "vessels", "noise"),
    sliders=({sliders}), frame=20,
)
"""
FAST = '"sensor.gain", "illumination.width_um", "motion.stride_um", Slider("focus_um", 20, 200)'
SLOW = 'Slider("cells.density_per_mm3", 2e3, 4e4), Slider("cells.depth_range_um", 0, 300)'
PAGES = {
    "91_guide": ("guide", FAST),
    "92_guide_cells": ("guide", SLOW),
    "93_wide": ("guide-wide", FAST),
    "94_wide_cells": ("guide-wide", SLOW),
}


@contextlib.contextmanager
def site(*arguments: str) -> Iterator[Server]:
    """Serve a copy of the guide that holds, besides its own pages, one small page per set of sliders.

    Parameters
    ----------
    *arguments
        More arguments of ``minisim-guide serve``.
    """
    with tempfile.TemporaryDirectory(prefix="minisim-bench-") as folder:
        guide = Path(folder) / "guide"
        shutil.copytree(ROOT / "guide", guide, ignore=shutil.ignore_patterns("__pycache__"))
        for name, (scene, sliders) in PAGES.items():
            cells = [nbformat.v4.new_markdown_cell(f"# {name}")]
            cells.append(nbformat.v4.new_code_cell(CELL.format(scene=scene, sliders=sliders)))
            notebook = nbformat.v4.new_notebook(cells=cells)
            notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(notebook, guide / f"{name}.ipynb")
        paths = [str(guide), str(ROOT), os.environ.get("PYTHONPATH", "")]
        server = start_server(*arguments, PYTHONPATH=os.pathsep.join(filter(None, paths)))
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start headless Chromium."""
    path = find_chromium()
    if path is None:
        raise SystemExit("Chromium is missing: install it, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, url: str, figure: int = 0) -> Iterator[Page]:
    """Open a page in a fresh context, with the recorder, and wait for a figure of it.

    Parameters
    ----------
    browser
        Where to open it.
    url
        The page's address.
    figure
        Which figure has to be there, counted from 0.
    """
    context: BrowserContext = browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    context.add_init_script(RECORDER)
    page = context.new_page()
    try:
        page.goto(url, timeout=120_000)
        page.wait_for_function(
            "n => document.querySelectorAll('.mg[data-version]').length > n", arg=figure, timeout=120_000
        )
        yield page
    finally:
        if not page.is_closed():
            page.close(run_before_unload=True)  # the kernel goes with its page
        context.close()


def quiet(server: Server, seconds: float = 1.0, at_most_s: float = 60) -> None:
    """Wait until the server and its kernels have been idle for a while."""

    def busy_s() -> float:
        total = 0.0
        for process in [psutil.Process(server.process.pid), *server.kernels()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                total += used.user + used.system
        return total

    end, last = time.monotonic() + at_most_s, busy_s()
    while time.monotonic() < end:
        time.sleep(seconds)
        spent, last = busy_s() - last, busy_s()
        if 0 <= spent < 0.05 * seconds:
            return
