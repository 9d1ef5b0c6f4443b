"""Serve the guide: Voila, with the guide's look, its own front door and a clean end."""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.websocket import WebSocketClosedError
from traitlets.config import Config
from voila.app import Voila

from minisim_guide.address import bind, reachable
from minisim_guide.build import links, write_page, write_shared
from minisim_guide.errors import GuideError
from minisim_guide.kernels import Kernels, ThisPython, transport
from minisim_guide.pages import Page, folder, pages
from minisim_guide.routes import RENDER, routes
from minisim_guide.warm import warm

SITE = Path(__file__).parent / "site"
IDLE_S = 300
# For Linux, ignored elsewhere: what a kernel lets go of goes back to the machine. Left to itself, the C
# library keeps room in pieces that nothing fits, 300 MB after ten minutes of sliders.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": 2**17, "MALLOC_TRIM_THRESHOLD_": 2**20, "MALLOC_ARENA_MAX": 2}
# Any of these missing, and widgets are printed as text or not drawn; any other may be built for a newer
# JupyterLab than the one inside Voila.
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]


class GuideServer(Voila):
    """Voila on a socket that is already bound, living inside a running event loop."""

    socket: socket.socket
    files: Path

    def init_settings(self) -> dict[str, Any]:
        """Let every handler answer errors with the guide's own page."""
        settings = super().init_settings()
        return {**settings, "jinja2_env": settings["voila_jinja2_env"]}

    def init_handlers(self) -> list[Any]:
        """Put the guide's own routes around Voila's."""
        before, after = routes(self, self.files)
        return [*before, *super().init_handlers(), *after]

    def listen(self) -> None:
        """Take the socket. Voila calls this last of all when it starts."""
        self.http = HTTPServer(self.app)
        self.http.add_socket(self.socket)

    async def close(self) -> None:
        """Let nobody in any more, and end every kernel, those still warming up included."""
        self.http.stop()
        self.log.setLevel(logging.CRITICAL)  # pages that are warming up complain when their kernels end
        await self.kernel_manager.shutdown_all(now=True)


def serve(
    host: str, port: int, base_url: str = "/", preheat: int | None = None, browser: bool = True
) -> None:
    """Serve the guide until it is interrupted.

    Parameters
    ----------
    host, port
        Where to listen; port 0 lets the system choose.
    base_url
        The address below which everything is served, for a proxy.
    preheat
        For how many pages a kernel waits ready; all of them when None.
    browser
        Whether to open a browser.
    """
    listener = bind(host, port)
    port = listener.getsockname()[1]
    settings = _settings(port, base_url, pages(), preheat)
    with _scratch() as scratch:
        _set_environment(scratch)
        settings.KernelManager.transport = transport(scratch)
        warm()
        server = GuideServer.instance(config=settings, connection_dir_root=scratch)
        server.socket, server.files = listener, contents(Path(scratch, "contents"), base_url)
        asyncio.run(_live(server, f"http://{reachable(host)}:{port}{server.base_url}", browser))


def contents(target: Path, base_url: str) -> Path:
    """Write the contents and their figure as files, and return the folder."""
    listed = pages()
    write_shared(target, folder())
    write_page(listed[0], target, links(listed, _address(base_url)), "ipynb")
    return target


def _address(base_url: str) -> str:
    return url_path_join(base_url, RENDER, "{}.ipynb")


async def _live(server: GuideServer, url: str, browser: bool) -> None:
    """Run the server from its first answer to its last."""
    server.initialize([])
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.set_exception_handler(report)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    server.start()
    try:
        answer = await AsyncHTTPClient().fetch(url_path_join(url, RENDER, "index.ipynb"), raise_error=False)
        if answer.code != 200:
            raise GuideError(f"The server started, but its first page failed with error {answer.code}.")
        print(f"Ready: {url}", flush=True)
        if browser:
            threading.Thread(target=_open_browser, args=[url], daemon=True).start()
        await stop.wait()
    finally:
        await server.close()
        print("Stopped.", flush=True)


def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what went wrong where nobody waited for it, but not that a reader left.

    Parameters
    ----------
    loop
        The loop in which it went wrong.
    context
        What the loop knows of it; a socket that closed while a picture was on its way is passed over.
    """
    if not isinstance(context.get("exception"), WebSocketClosedError):
        loop.default_exception_handler(context)


def _settings(port: int, base_url: str, pages: list[Page], preheat: int | None) -> Config:
    """Everything Voila is told. Its own configuration files are not read."""
    running = [page.file.name for page in pages if page.runs]
    cold = [page.file.name for page in pages if page.file.name not in running[:preheat]]
    settings = Config()
    settings.Voila.config_file_paths = []
    settings.Voila.log_level = logging.ERROR
    settings.Voila.port = port
    settings.Voila.base_url = base_url
    settings.Voila.root_dir = str(folder())
    # A closing tab reports its kernel with a beacon, which cannot carry the cross-site token. Nothing
    # else on this server can be written to. (Leave Jupyter's ws_ping_timeout alone: it has to be longer than
    # the interval of 30 s, or pages that are alive and well are cut off.)
    settings.Voila.tornado_settings = {"disable_check_xsrf": True}
    settings.VoilaConfiguration.template = "guide"
    settings.VoilaConfiguration.allow_template_override = "NO"
    settings.VoilaConfiguration.allow_theme_override = "NO"
    settings.VoilaConfiguration.extension_allowlist = EXTENSIONS
    settings.VoilaConfiguration.kernel_spec_manager_class = ThisPython
    settings.VoilaConfiguration.multi_kernel_manager_class = Kernels
    settings.VoilaConfiguration.resources = {
        "guide": {
            "pages": links(pages, _address(base_url)),
            "titles": {page.file.stem: page.title for page in pages},
        }
    }
    settings.VoilaConfiguration.preheat_kernel = True
    settings.VoilaKernelManager.kernel_pools_config = {"default": {"pool_size": 1}}
    settings.VoilaKernelManager.preheat_denylist = cold
    settings.VoilaKernelManager.fill_delay = 5  # let the page that took a kernel load first
    settings.VoilaExecutor.cell_error_instruction = "The terminal that runs minisim-guide says why."
    settings.MappingKernelManager.cull_idle_timeout = IDLE_S
    settings.MappingKernelManager.cull_interval = 60
    return settings


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for what Jupyter writes while it serves, gone when the server is."""
    try:
        return tempfile.TemporaryDirectory(prefix="minisim-guide-", ignore_cleanup_errors=True)
    except OSError as error:
        raise GuideError(f"There is no room for temporary files ({error.strerror}); set TMPDIR.") from None


def _set_environment(scratch: str) -> None:
    """Tell Jupyter where the template is and where to write, and the kernels that they share the machine.

    The home folder is neither needed nor read: the reader's own Jupyter settings cannot spoil the guide.
    """
    inherited = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(SITE), inherited]))
    for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        os.environ[variable] = os.path.join(scratch, variable.lower())
    for variable in ("MINISIM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[variable] = "1"
    for variable, nbytes in MALLOC.items():
        os.environ.setdefault(variable, str(nbytes))
    os.environ["MINISIM_GUIDE_SCRATCH"] = scratch  # where pages record: gone when the server is
    for name in ("tornado.access", "tornado.general"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _open_browser(url: str) -> None:
    """Open the guide in the reader's browser, never in a text browser that would take the terminal."""
    has_screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & os.environ.keys()
    try:
        opened = has_screen and webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        print("No browser could be opened from here: please open the address above yourself.", flush=True)
