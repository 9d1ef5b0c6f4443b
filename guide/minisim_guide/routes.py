"""What the guide's site answers beyond Voila: the front door, the contents, and a kind 404."""

from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, RedirectHandler, StaticFileHandler
from voila.handler import BaseVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

RENDER = "voila/render"
KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


class ContentsHandler(StaticFileHandler):
    """Answers with the contents, at once and without a kernel: a class may open them all together."""

    def get_content_type(self) -> str:
        """Return HTML, whatever the address ends with."""
        return "text/html; charset=utf-8"


class KernelSocket(VoilaKernelWebsocketHandler):
    """Carries messages between a kernel and its page, until either side closes.

    Messages may still be on their way then, but which protocol they are in is forgotten. Read in the
    wrong one, their first bytes are taken for a count, and gigabytes are filled before the mistake is
    noticed, if ever: Voila does so with what a kernel sends, Jupyter's server with what a page sends.
    """

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Send a message to the page, if it is still there."""
        if self.ws_connection is not None and not self.ws_connection.is_closing():
            return super().write_message(message, binary)
        return None

    def on_message(self, ws_message: Any) -> None:
        """Pass a message on to the kernel, unless the server has closed the connection."""
        if self.ws_connection is not None:
            super().on_message(ws_message)


class MissingHandler(BaseVoilaHandler):
    """Answers every address that nothing else knows."""

    async def prepare(self) -> None:
        """Refuse, whatever the method."""
        await super().prepare()
        raise HTTPError(404)


def routes(server: Any, files: Path) -> tuple[list[Any], list[Any]]:
    """Return the routes to try before Voila's own and those to try after them.

    Parameters
    ----------
    server
        The Voila application; gives the base address and the configuration.
    files
        The folder that holds the contents as a file, and what it uses.
    """

    def at(*parts: str) -> str:
        return url_path_join(server.base_url, *parts)

    front_door = {"url": at(RENDER, "index.ipynb"), "permanent": False}
    elsewhere = ("/", "voila/?", "voila/render/?", "voila/tree.*")
    before: list[Any] = [(at(path), RedirectHandler, front_door) for path in elsewhere]
    before += [
        (at("api/kernels", KERNEL, "channels"), KernelSocket),
        (at(RENDER, r"(index\.ipynb)"), ContentsHandler, {"path": files}),
        (at(RENDER, r"(guide\.js|guide\.css|(?:figures|images)/.*)"), StaticFileHandler, {"path": files}),
    ]
    return before, [(r".*", MissingHandler, {"voila_configuration": server.voila_configuration})]
