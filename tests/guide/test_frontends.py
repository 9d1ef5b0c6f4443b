"""The same cells of page 1 in JupyterLab, in Notebook 7 and in Voila: drawn, alive, quiet, at home."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Error, Locator, Page

import minisim_core as ms
from minisim_guide.pages import folder
from minisim_guide.viewer import Viewer

NAME = "01_sectioning"
WAIT_MS = 60_000
COMMANDS = {
    "lab": ("minisim_guide", "lab"),
    "notebook": ("notebook", "--ServerApp.allow_root=True", "--ServerApp.root_dir=guide"),
    "voila": ("minisim_guide", "serve", "--preheat", "0"),
}
ADDRESSES = {
    "lab": "lab/tree/{name}.ipynb?token={token}",
    "notebook": "notebooks/{name}.ipynb?token={token}",
    "voila": "voila/render/{name}.ipynb",
}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile the engine first: notebooks, unlike our server, would do it in their first cell."""
    ms.warm()


@contextmanager
def served(front_end: str, home: Path) -> Iterator[str]:
    """Start a front end on a copy of the guide, which it may save into; give page 1's address."""
    shutil.copytree(folder(), home / "guide", ignore=shutil.ignore_patterns("__pycache__"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    paths = [str(home / "guide"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", *COMMANDS[front_end], "--no-browser", f"--port={port}"]
    log = home / "log"
    with open(log, "w") as out:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=out, stderr=out)
    try:
        token = ready(process, log, port)
        yield f"http://127.0.0.1:{port}/{ADDRESSES[front_end].format(name=NAME, token=token)}"
    finally:
        process.terminate()
        process.wait(30)


def ready(process: subprocess.Popen, log: Path, port: int) -> str:
    """Wait until the server has printed its address; return the token in it, if there is one."""
    address = re.compile(rf"http://127\.0\.0\.1:{port}/(?:\S*token=(\w+))?")
    while process.poll() is None:
        if found := address.search(log.read_text()):
            return found[1] or ""
        time.sleep(0.1)
    pytest.fail(log.read_text())


class Ours:
    """What our code must not do in anybody's page; the front ends' own complaints are theirs."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("request", lambda request: self._on_request(request.url))

    def _on_console(self, message: ConsoleMessage) -> None:
        # anywidget imports our module from a blob, and reports on the console what fails in it
        ours = message.location["url"].startswith("blob:") or "anywidget" in message.text
        if message.type == "error" and ours:
            self.complaints.append(message.text)

    def _on_error(self, error: Error) -> None:
        if "blob:" in (error.stack or ""):
            self.complaints.append(str(error))

    def _on_request(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.outside.append(url)


def run_all(page: Page) -> None:
    """Run every cell from the menu, once the kernel is there: before, a dialog would ask for one."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=WAIT_MS)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-Toolbar-kernelName')]"
        ".some(n => n.textContent.includes('Python'))",
        timeout=WAIT_MS,
    )
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached", timeout=WAIT_MS
    )
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item", has_text=re.compile("^Run All Cells$")).click()


def found(page: Page) -> Locator:
    """Scroll, as a reader does, until the figure with sliders is there: notebooks draw only what is near."""
    page.wait_for_function(
        """() => { const figure = document.querySelector(".mg[data-version]:has([data-slider])");
        const cells = document.querySelector(".jp-WindowedPanel-outer");
        if (figure || !cells) return figure;
        const before = cells.scrollTop;
        cells.scrollBy(0, 200);
        if (cells.scrollTop === before) cells.scrollTop = 0;
        return false; }""",
        polling=200,
        timeout=WAIT_MS,
    )
    return page.locator(".mg[data-version]", has=page.locator("[data-slider]"))


def painted(figure: Locator) -> list[str]:
    """Return each canvas's pixels, once none of them is blank."""
    figure.scroll_into_view_if_needed()
    figure.page.wait_for_function(
        """n => [...n.querySelectorAll("canvas[data-side]")].every(c => new Set(
        new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)).size > 20)""",
        arg=figure.element_handle(),
        timeout=WAIT_MS,
    )
    return figure.locator("canvas[data-side]").evaluate_all("all => all.map(c => c.toDataURL())")


@pytest.fixture
def open_page(browser) -> Iterator[Callable[[], Page]]:
    """Open an empty page in a fresh context."""
    contexts = []

    def open_() -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.ours = Ours(page)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.usefixtures("without_loop")
def test_messages_are_taken_on_the_loop_that_made_the_widget():
    """JupyterLab 4.6 brings them on a thread of its own, where a figure's work does not live."""
    took = []

    async def live() -> None:
        took.append(threading.get_ident())
        came = asyncio.Event()

        def ready(message: dict) -> None:
            took.append(threading.get_ident())
            came.set()

        viewer = Viewer(answers={"ready": ready})
        message = {"content": {"data": {"method": "custom", "content": {"kind": "ready"}}}, "buffers": []}
        await asyncio.to_thread(viewer._handle_msg, message)
        await asyncio.wait_for(came.wait(), 10)

    asyncio.run(live())
    assert took[0] == took[1]


@pytest.mark.parametrize("front_end", COMMANDS)
def test_page_1_lives_in_every_front_end(front_end, tmp_path, open_page):
    with served(front_end, tmp_path) as url:
        page = open_page()
        with page.expect_websocket(lambda socket: "/api/kernels/" in socket.url, timeout=WAIT_MS):
            page.goto(url, timeout=WAIT_MS)
        if front_end != "voila":
            run_all(page)
        figure = found(page)
        before = painted(figure)
        assert len(before) == 2
        version = int(figure.get_attribute("data-version"))
        slider = figure.locator("[data-slider=focus_um] input")
        slider.click(position={"x": 0.7 * slider.bounding_box()["width"], "y": 4})
        page.wait_for_function(
            "([n, v]) => +n.dataset.version > v", arg=[figure.element_handle(), version], timeout=WAIT_MS
        )
        after = painted(figure)
        assert all(now != then for now, then in zip(after, before, strict=True))
        assert page.locator("[data-mime-type*=stderr], [data-mime-type*='.error']").count() == 0
        assert page.ours.complaints == []
        assert page.ours.outside == []
        page.close()
