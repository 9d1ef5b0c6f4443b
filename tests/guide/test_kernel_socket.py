"""The connection between a page and its kernel: it lives while the page does, and dies cleanly."""

import pytest
from jupyter_server.base.websocket import WS_PING_INTERVAL, WebSocketMixin
from jupyter_server.services.kernels.connection.base import serialize_binary_message

from minisim_guide.pages import pages
from minisim_guide.routes import KernelSocket
from minisim_guide.serve import _settings

MESSAGE = serialize_binary_message({"header": {"msg_type": "comm_msg"}, "buffers": [bytes(1000)]})


class Closed(KernelSocket):
    """A socket after its end, without the server around it."""

    def __init__(self) -> None:
        self.ws_connection = None

    @property
    def connection(self):
        pytest.fail("a message was passed on")


def test_what_comes_after_the_end_is_dropped_unread():
    # Unguarded, either line would fill the memory.
    assert Closed().write_message(MESSAGE, binary=True) is None
    Closed().on_message(MESSAGE)


def test_a_page_has_longer_to_answer_a_ping_than_the_time_between_two():
    class Socket(WebSocketMixin):
        settings = _settings(8866, "/", pages(), 1).Voila.tornado_settings

    assert Socket().ping_interval == WS_PING_INTERVAL
    assert Socket().ping_timeout > 1.5 * WS_PING_INTERVAL
