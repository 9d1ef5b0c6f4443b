"""JupyterLab opens on the guide's own notebooks, set up so that figures survive scrolling."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from minisim_guide import pages


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a running ``minisim-guide lab``, its token included."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "minisim_guide", "lab", "--no-browser", "--port", str(port)]
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        address = re.compile(rf"http://127\.0\.0\.1:{port}/lab\S*")
        yield next(found[0] for line in process.stdout if (found := address.search(line)))
        process.terminate()
        process.stdout.read()
    assert list(tmp_path.glob("minisim-guide")) == []  # a checkout is edited in place


def test_lab_opens_the_contents_and_keeps_figures_drawn(lab: str) -> None:
    address = urllib.parse.urlsplit(lab)
    assert address.path == "/lab/tree/index.ipynb"

    def ask(path: str) -> dict:
        url = urllib.parse.urljoin(lab, f"{path}?{address.query}")
        for _ in range(100):  # the address is printed a moment before it answers
            try:
                with urllib.request.urlopen(url) as answer:
                    return json.load(answer)
            except urllib.error.URLError:
                time.sleep(0.2)
        raise TimeoutError(url)

    listed = {entry["name"] for entry in ask("/api/contents")["content"]}
    assert {page.file.name for page in pages.pages()} <= listed
    notebooks = ask("/lab/api/settings/@jupyterlab/notebook-extension:tracker")
    assert notebooks["schema"]["properties"]["windowingMode"]["default"] == "defer"
    news = ask("/lab/api/settings/@jupyterlab/apputils-extension:notification")
    assert news["schema"]["properties"]["fetchNews"]["default"] == "false"
