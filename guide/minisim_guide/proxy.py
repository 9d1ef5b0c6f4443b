"""The guide behind a Jupyter server, as on Binder or a JupyterHub, through jupyter-server-proxy."""

import sys
from typing import Any


def guide() -> dict[str, Any]:
    """Tell jupyter-server-proxy how to start the guide; it then lives at ``/guide/``.

    Two pages are kept warm, for such servers are short of memory.
    """
    serve = [sys.executable, "-m", "minisim_guide", "serve", "--no-browser"]
    return {
        "command": [*serve, "--port={port}", "--base-url={base_url}guide/", "--preheat=2"],
        "absolute_url": True,
        "timeout": 120,
        "launcher_entry": {"title": "The guide"},
    }
