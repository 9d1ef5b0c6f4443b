"""The site, served by the real command and read in a real browser."""

import asyncio
import gc
import json
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import jinja2
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tornado.websocket import WebSocketClosedError

from minisim_guide import kernels, pages, serve

NAMES = [page.file.stem for page in pages.pages()]
RUNNING = [page.file.stem for page in pages.pages() if page.runs]
KERNEL_ID = re.compile(r"""kernelId":\s*"[0-9a-f]{8}-""")
LOADED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["']?(https?:)?//""")


def get(url: str) -> tuple[int, str]:
    """Fetch an address and return its status and text."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until `true()` holds, `seconds` at most, and return whether it does."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def wait_for_figure(page: Page) -> None:
    """Wait until the page's first figure shows a picture."""
    page.locator("main .mg[data-version]").first.wait_for(state="attached", timeout=60_000)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_answered_whole_and_loads_nothing_from_outside(server, name: str) -> None:
    # A mistake in the template would keep the answer open for ever: the time-out is the test.
    status, html = get(server.page(name))
    assert status == 200
    assert html.rstrip().endswith("</html>")
    assert not LOADED.search(html)
    assert "There was an error when executing cell" not in html


def test_the_address_itself_leads_to_the_contents(server, page: Page) -> None:
    page.goto("/")
    assert page.url == server.page("index")
    assert page.title() == "What a Miniscope sees"


@pytest.mark.parametrize("path", ["voila", "voila/", "voila/tree", "voila/tree/images", "voila/render/"])
def test_voilas_own_front_pages_lead_to_the_contents(server, path: str) -> None:
    with urllib.request.urlopen(server.url + path) as answer:
        assert answer.url == server.page("index")


@pytest.mark.parametrize("path", ["nothing", "voila/render/10_nothing.ipynb", "voila/nothing/at/all"])
def test_an_unknown_address_gets_our_own_page(server, page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 404
    assert page.locator("h1").inner_text() == "There is no such page"
    page.get_by_role("link", name="Go to the contents").click()
    assert page.url == server.page("index")
    page.watched.errors.clear()  # the browser reports the 404 itself


def test_the_page_for_failures_is_ours_too() -> None:
    folders = [serve.SITE / "voila" / "templates" / "guide"]
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(folders)).get_template("error.html")
    html = template.render(status_code=500, status_message="Internal Server Error", base_url="/")
    assert "500: Internal Server Error" in html
    assert not LOADED.search(html)


@pytest.mark.parametrize("path", ["index.ipynb", "hatch_build.py", "../pyproject.toml", "../x.png"])
def test_source_files_are_not_given_away(server, path: str) -> None:
    assert get(f"{server.url}voila/files/{path}")[0] in (403, 404)


def test_the_contents_need_neither_kernel_nor_script(server, browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.page("index"))
    assert page.get_by_role("heading", name="The pages").is_visible()
    assert page.locator(".guide-figure > img").is_visible()
    assert not KERNEL_ID.search(page.content())
    page.goto(server.page("01_sectioning"))
    assert KERNEL_ID.search(page.content()), "a page that runs names its kernel"
    context.close()


def test_the_contents_link_every_page_there_is_and_no_other(server, page: Page) -> None:
    page.goto("/")
    links = page.locator("main a[href$='.ipynb']").evaluate_all("links => links.map(link => link.href)")
    assert set(links) >= {server.page(name) for name in RUNNING}
    navigation = page.locator("nav a").evaluate_all("links => links.map(link => link.href)")
    assert navigation == [server.page(name) for name in NAMES]


def test_a_page_opens_from_the_contents_and_draws_its_figure(server, page: Page) -> None:
    page.goto("/")
    page.locator(f"main a[href$='{RUNNING[0]}.ipynb']").first.click()
    wait_for_figure(page)
    assert page.url == server.page(RUNNING[0])
    assert page.locator("nav a[aria-current=page]").count() == 1
    page.locator("#loading").wait_for(state="detached")


def test_the_contents_hold_a_living_figure(page: Page) -> None:
    page.goto("/")
    wait_for_figure(page)
    page.locator("[data-stack]").focus()
    page.keyboard.press("Home")
    assert "Cells only" in page.locator(".mg-stack-about").inner_text()
    assert page.locator("#jupyter-config-data").count() == 0, "no kernel takes part"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "10_nothing"])
def test_pages_without_a_kernel_are_accessible_and_fit_a_phone(
    server, page: Page, name: str, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(server.page(name))
    if name == "index":
        wait_for_figure(page)
    violations = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in violations] == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.watched.errors.clear()


def test_the_first_tab_stop_skips_to_the_page(server, page: Page) -> None:
    page.goto(server.page("index"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"


def test_a_kernel_ends_with_its_tab(server, browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.page(RUNNING[0]))
    wait_for_figure(page)
    kernel_id = json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]
    [kernel] = [kernel for kernel in server.kernels() if any(kernel_id in word for word in kernel.cmdline())]
    assert kernel.environ()["MINISIM_THREADS"] == "1"
    page.close(run_before_unload=True)
    assert wait_until(lambda: not kernel.is_running(), 10)
    context.close()


def test_crashed_tabs_are_culled() -> None:
    settings = serve._settings(1, "/", pages.pages(), None)
    assert 0 < settings.MappingKernelManager.cull_interval <= settings.MappingKernelManager.cull_idle_timeout


@pytest.mark.usefixtures("without_loop")
def test_a_page_has_time_to_connect_to_a_kernel_that_waited_long(monkeypatch) -> None:
    now_s, ended = [0.0], []
    monkeypatch.setattr(kernels.time, "monotonic", lambda: now_s[0])
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    spec = SimpleNamespace(metadata={})
    waited = SimpleNamespace(
        execution_state="idle", last_activity=an_hour_ago, kernel_name="python3", kernel_spec=spec
    )

    async def looked_at(kind: type) -> list[str]:
        manager = kind(cull_idle_timeout=300)
        manager._kernels["taken"] = waited

        async def end(kernel_id: str) -> None:
            ended.append(kernel_id)

        manager.shutdown_kernel = end
        for now_s[0] in (0, 60, 299):
            await manager.cull_kernel_if_idle("taken")
        before = list(ended)
        now_s[0] = 301
        await manager.cull_kernel_if_idle("taken")
        return before

    assert asyncio.run(looked_at(kernels.AsyncMappingKernelManager)) != [], "without us it is ended at once"
    ended.clear()
    assert asyncio.run(looked_at(kernels.Kernels)) == []
    assert ended == ["taken"], "a page that never came gives its kernel back"
    assert (
        serve._settings(1, "/", pages.pages(), None).VoilaConfiguration.multi_kernel_manager_class
        is kernels.Kernels
    )


def test_no_kernel_waits_for_a_port_that_another_program_may_take(server) -> None:
    told = [Path(kernel.cmdline()[kernel.cmdline().index("-f") + 1]) for kernel in server.kernels()]
    assert told != []
    assert {json.loads(file.read_text())["transport"] for file in told} == {"ipc"}


def test_kernels_have_ports_where_files_would_have_too_long_names(tmp_path: Path) -> None:
    assert kernels.transport(str(tmp_path / ("long" * 30))) == "tcp"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_nothing_behind(start, tmp_path: Path, how: signal.Signals) -> None:
    # A home that cannot be written to, behind a proxy's path, while the first kernels are still warming up.
    (tmp_path / "file").touch()
    server = start("--base-url", "user/abc/guide", cwd="/", HOME=str(tmp_path / "file" / "home"))
    assert re.fullmatch(r"http://127.0.0.1:\d+/user/abc/guide/", server.url)
    status, html = get(server.url)
    assert status == 200
    assert 'href="/user/abc/guide/voila/render/index.ipynb"' in html
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children != []
    assert server.stop(how) == 0
    assert wait_until(lambda: not any(child.is_running() for child in children), 20)
    assert wait_until(lambda: "Stopped." in server.lines, 10)
    assert "Traceback" not in "\n".join(server.lines)


def test_stopping_under_an_open_page_is_quiet(start, browser) -> None:
    server = start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.page(RUNNING[0]))
    wait_for_figure(page)
    page.locator("#loading").wait_for(state="detached")
    assert server.stop() == 0
    assert server.lines[-1] == "Stopped."
    assert "Traceback" not in "\n".join(server.lines)
    context.close()


@pytest.mark.usefixtures("without_loop")
@pytest.mark.parametrize(("fault", "told"), [(WebSocketClosedError(), False), (ValueError("a fault"), True)])
def test_a_reader_who_leaves_in_the_middle_of_a_picture_is_no_fault(fault, told: bool, caplog) -> None:
    async def send() -> None:
        raise fault

    async def live() -> None:
        asyncio.get_running_loop().set_exception_handler(serve.report)
        sending = asyncio.ensure_future(send())
        await asyncio.wait([sending])
        del sending
        gc.collect()

    asyncio.run(live())
    assert bool(caplog.records) == told
