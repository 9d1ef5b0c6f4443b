"""What the guide's site answers beyond Voila: the front door, pages of pure prose, and a kind 404."""

from collections.abc import AsyncIterator
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, RedirectHandler, authenticated
from voila.handler import BaseVoilaHandler
from voila.notebook_renderer import NotebookRenderer
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import get_page_config

from minisim_guide.pages import Page

RENDER = "voila/render"
KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


class _Prose(NotebookRenderer):
    """Renders a notebook that has nothing to run. Voila would start a kernel for it all the same."""

    async def _jinja_kernel_start(self, nb: Any, kernel_id: Any, kernel_future: Any) -> str:
        return ""

    async def _jinja_cell_generator(self, nb: Any, kernel_id: Any) -> AsyncIterator[Any]:
        for cell in nb.cells:
            yield cell


class ProseHandler(BaseVoilaHandler):
    """Answers with one page of pure prose, at once and without a kernel."""

    def initialize(self, notebook_path: str, **kwargs: Any) -> None:
        """Remember which notebook this route stands for."""
        super().initialize(**kwargs)
        self.notebook_path = notebook_path

    @authenticated
    async def get(self) -> None:
        """Render the notebook through the guide's template."""
        server = self.settings["voila"]
        renderer = _Prose(
            voila_configuration=self.voila_configuration,
            traitlet_config=server.config,
            notebook_path=self.notebook_path,
            template_paths=server.template_paths,
            config_manager=self.config_manager,
            contents_manager=self.contents_manager,
            base_url=self.base_url,
            kernel_spec_manager=self.kernel_spec_manager,
            page_config=get_page_config(self.base_url, self.settings, self.log, self.voila_configuration),
            mathjax_config=None,
            mathjax_url=None,
        )
        await renderer.initialize()
        self.finish(await renderer.generate_content_str())


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


def routes(server: Any, pages: list[Page]) -> tuple[list[Any], list[Any]]:
    """Return the routes to try before Voila's own and those to try after them.

    Parameters
    ----------
    server
        The Voila application; gives the base address and the configuration.
    pages
        The pages of the guide, the index first.
    """

    def at(*parts: str) -> str:
        return url_path_join(server.base_url, *parts)

    configuration = {"voila_configuration": server.voila_configuration}
    front_door = {"url": at(RENDER, pages[0].file.name), "permanent": False}
    elsewhere = ("/", "voila/?", "voila/render/?", "voila/tree.*")
    before: list[Any] = [(at(path), RedirectHandler, front_door) for path in elsewhere]
    before.append((at("api/kernels", KERNEL, "channels"), KernelSocket))
    before += [
        (at(RENDER, page.file.name), ProseHandler, {"notebook_path": page.file.name, **configuration})
        for page in pages
        if not page.runs
    ]
    return before, [(r".*", MissingHandler, configuration)]
