"""Small pages of a test's own, served by plain Voila."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import psutil

from minisim_guide import serve


@contextlib.contextmanager
def voila(folder: Path, cells: dict[str, str]) -> Iterator[tuple[Callable[[str], str], psutil.Process]]:
    """Serve pages of one code cell each; give what makes their addresses, and the server's process."""
    for name, cell in cells.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
    settings = {
        "VoilaConfiguration": {"extension_allowlist": serve.EXTENSIONS},
        # a port may be taken by another test before the kernel has it
        "KernelManager": {"transport": "ipc" if sys.platform == "linux" else "tcp"},
    }
    (folder / "voila.json").write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}", "."]
    address = f"http://127.0.0.1:{port}/voila/render/{{}}.ipynb".format
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(command, cwd=folder, stderr=log)
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        try:
            yield address, psutil.Process(process.pid)
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
