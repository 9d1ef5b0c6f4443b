"""A slow link between a browser and a server: delay and rate, as a TCP proxy on this machine.

By hand: ``python -m tests.benchmarks.slow_link http://127.0.0.1:8866/ --rtt-ms 100 --mbit 5`` prints the
address to open instead. In a program: ``with SlowLink(port, rtt_ms=100, mbit=5) as link: link.url(...)``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

PIECE = 4096  # bytes read at a time: 6.5 ms at 5 Mbit/s
QUEUE = 128 * 1024  # what a router holds back; the senders see a full pipe beyond it


@dataclass
class Way:
    """One direction of the link, shared by every connection that runs over it.

    Parameters
    ----------
    delay_s
        From end to end, for the first bit.
    bytes_per_s
        What it carries.
    """

    delay_s: float
    bytes_per_s: float
    free_at: float = 0.0
    carried: int = 0

    def take(self, size: int) -> float:
        """Put `size` bytes behind all others and return when the last of them leaves."""
        self.free_at = max(time.monotonic(), self.free_at) + size / self.bytes_per_s
        self.carried += size
        return self.free_at


class SlowLink:
    """Listens on a port of its own and passes everything on to another port of this machine.

    Parameters
    ----------
    port
        Where the server listens.
    rtt_ms
        Round trip in milliseconds, half of it each way.
    mbit
        Rate in Mbit/s, each way.
    """

    def __init__(self, port: int, rtt_ms: float, mbit: float) -> None:
        self.port, self.own_port = port, 0
        self.down = Way(rtt_ms / 2e3, mbit * 1e6 / 8)
        self.up = Way(rtt_ms / 2e3, mbit * 1e6 / 8)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SlowLink:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def url(self, url: str) -> str:
        """Return the address by which `url` is reached over the link."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.hostname}:{self.own_port}").geturl()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=PIECE)
        self.own_port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._end.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        while self._writers:
            await asyncio.sleep(0.01)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = socket.socket()
        behind.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE)
        behind.setblocking(False)
        try:
            await self._loop.sock_connect(behind, ("127.0.0.1", self.port))
        except OSError:
            behind.close()
            writer.close()
            return
        from_server, to_server = await asyncio.open_connection(sock=behind, limit=PIECE)
        both = {writer, to_server}
        self._writers |= both
        await asyncio.gather(
            self._carry(reader, to_server, self.up), self._carry(from_server, writer, self.down)
        )
        self._writers -= both

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: Way) -> None:
        """Pass bytes on at the link's rate and after its delay, in order, until the source ends."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            while True:
                at, data = await under_way.get()
                await asyncio.sleep(at - time.monotonic())
                if not data:
                    break
                target.write(data)
                await target.drain()

        arriving = asyncio.create_task(arrive())
        with contextlib.suppress(OSError):
            while data := await source.read(PIECE):
                leaves = way.take(len(data))
                under_way.put_nowait((leaves + way.delay_s, data))
                await asyncio.sleep(leaves - time.monotonic())
        under_way.put_nowait((time.monotonic() + way.delay_s, b""))
        with contextlib.suppress(OSError):
            await arriving
            target.close()
            await target.wait_closed()


def main() -> None:
    """Stand between a browser and a server until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--rtt-ms", type=float, default=100)
    parser.add_argument("--mbit", type=float, default=5)
    asked = parser.parse_args()
    port = urlsplit(asked.url).port
    if port is None:
        parser.error("the address needs a port")
    with SlowLink(port, asked.rtt_ms, asked.mbit) as link:
        print(link.url(asked.url), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
