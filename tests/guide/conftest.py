"""The guide as its reader meets it: served by its own command, opened in headless Chromium."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

START_S = 300  # the first start compiles the engine
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Server:
    """A running ``minisim-guide serve``."""

    process: subprocess.Popen
    url: str = ""
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return urllib.parse.urlsplit(self.url).port or 80

    def page(self, name: str) -> str:
        """Return the address of a page, for example ``01_sectioning``."""
        return f"{self.url}voila/render/{name}.ipynb"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the server to stop, as a service manager or a terminal would, and return its exit code."""
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        assert self.reader is not None
        assert self.process.stdout is not None
        self.reader.join(10)
        self.process.stdout.close()
        return self.process.wait()

    def kernels(self) -> list[psutil.Process]:
        """List the kernels that are alive below the server."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if _is_kernel(child)]


def _is_kernel(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "ipykernel_launcher" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def start_server(*arguments: str, cwd: str | None = None, **environment: str) -> Server:
    """Start the command on a free port and wait until it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "minisim_guide", "serve", "--no-browser", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    server = Server(process)
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            server.lines.append(line.rstrip())
            if line.startswith("Ready: "):
                server.url = line.removeprefix("Ready: ").strip()
                ready.set()
        ready.set()

    server.reader = threading.Thread(target=read, daemon=True)
    server.reader.start()
    ready.wait(START_S)
    if not server.url:
        server.stop()
        pytest.fail("the server did not become ready:\n" + "\n".join(server.lines))
    return server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for the whole session."""
    running = start_server()
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """A function that starts a server of the test's own, with arguments, a folder and an environment."""
    started: list[Server] = []

    def start(*arguments: str, **options: str) -> Server:
        started.append(start_server(*arguments, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def find_chromium() -> str | None:
    """Return the path of a Chromium, if there is one."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, names), "/usr/bin/chromium"]
    return next((path for path in found if path and os.access(path, os.X_OK)), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the browser tests are skipped, except in CI."""
    path = find_chromium()
    if path is None:
        reason = "Chromium is missing: sudo apt-get install chromium (or set CHROMIUM to its path)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the whole session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


GIVEN_UP = "widget model not found"


class Watched:
    """What a page must not do: report errors, or speak to another machine."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A front end that gave a figure up on a busy machine says so; our page then loads itself again, and
        # a test that waits for its figure fails if it does not.
        if message.type == "error" and GIVEN_UP not in message.text:
            self.errors.append(message.text)

    def _on_request(self, request: Request) -> None:
        local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
        if not request.url.startswith(local):
            self.outside.append(request.url)


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page in a fresh context; at the end it must have been quiet.

    ``page.watched`` holds the console errors and the requests that left the machine; a test that provokes an
    error on purpose clears the list.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=server.url)
    page = context.new_page()
    page.watched = Watched(page)  # type: ignore[attr-defined]
    yield page
    errors = list(page.watched.errors)  # type: ignore[attr-defined]
    if not page.is_closed():  # what a page cannot send any more when its reader leaves is no fault
        page.close(run_before_unload=True)
    context.close()
    assert errors == []
    assert page.watched.outside == []  # type: ignore[attr-defined]


@pytest.fixture
def without_loop() -> Iterator[None]:
    """Hide Playwright's event loop, which stays marked as running in this thread for the whole session."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)
