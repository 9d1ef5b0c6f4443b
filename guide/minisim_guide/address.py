"""Where a server may listen, and what is said when it cannot."""

import errno
import socket

from minisim_guide.errors import GuideError


def bind(host: str, port: int) -> socket.socket:
    """Open the listening socket, or say in one sentence why that cannot be."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
        listener.setblocking(False)
        return listener
    except socket.gaierror:
        raise GuideError(f"This machine knows no host {host!r}; try --host 127.0.0.1.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} is taken, perhaps by another guide; try --port {port + 1}."
        elif error.errno == errno.EACCES:
            reason = f"Port {port} is reserved for the system; try --port 8866."
        elif error.errno == errno.EADDRNOTAVAIL:
            reason = f"{host} is not an address of this machine; try --host 127.0.0.1."
        else:
            reason = f"Cannot listen on {host}, port {port}: {error.strerror}."
        raise GuideError(reason) from None


def reachable(host: str) -> str:
    """Return a host that a browser on this machine can open."""
    if host in ("", "0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
