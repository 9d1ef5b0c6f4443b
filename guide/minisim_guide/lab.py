"""Open the guide's notebooks in JupyterLab, where the reader may change them."""

import os
import shutil
from pathlib import Path

from minisim_guide.address import bind
from minisim_guide.errors import GuideError
from minisim_guide.pages import folder, packaged

CONFIG = Path(__file__).parent / "site" / "config"
COPY = Path("minisim-guide")


def lab(host: str, port: int, browser: bool = True) -> None:
    """Run JupyterLab on the notebooks until it is interrupted.

    Parameters
    ----------
    host, port
        Where to listen; JupyterLab takes the next free port when this one is taken.
    browser
        Whether to open a browser.
    """
    bind(host, 0).close()  # a host that cannot be is better said here than by Jupyter
    notebooks = copy_pages(COPY.absolute()) if packaged() else folder()
    inherited = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(CONFIG), inherited]))
    from jupyterlab.labapp import LabApp

    print(f"The notebooks are in {notebooks}", flush=True)
    LabApp.launch_instance(
        [
            "--log-level=WARN",
            f"--ServerApp.root_dir={notebooks}",
            f"--ServerApp.ip={host}",
            f"--ServerApp.port={port}",
            f"--ServerApp.allow_root={_is_root()}",
            f"--ExtensionApp.open_browser={browser}",
            "--LabApp.default_url=/lab/tree/index.ipynb",
        ]
    )


def copy_pages(target: Path) -> Path:
    """Copy the pages that `target` does not hold yet; what the reader has changed stays as it is."""
    source = folder()
    try:
        for page in [*source.glob("*.ipynb"), *source.glob("images/*")]:
            copy = target / page.relative_to(source)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(page, copy)
    except OSError as error:
        raise GuideError(
            f"Cannot copy the notebooks to {target} ({error.strerror}); go to a folder of your own first."
        ) from None
    return target


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
