"""Find the guide's pages, wherever the package was installed."""

import json
from dataclasses import dataclass
from pathlib import Path

from minisim_guide.errors import GuideError

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """One page of the guide.

    Parameters
    ----------
    file
        The notebook.
    label
        What the navigation calls it, for example ``"1 Sectioning"``.
    title
        Its first heading.
    runs
        Whether it needs a kernel when it is served: all but the contents.
    """

    file: Path
    label: str
    title: str
    runs: bool


def packaged() -> bool:
    """Tell whether the pages came inside a wheel, and so are not the reader's to edit."""
    return (_PACKAGE / "pages").is_dir()


def folder() -> Path:
    """Return the folder that holds the pages: inside the package, or beside it in a checkout."""
    found = _PACKAGE / "pages" if packaged() else _PACKAGE.parent
    if not (found / "index.ipynb").is_file():
        raise GuideError(f"The guide's pages are missing from {found}; please install minisim-guide again.")
    return found


def pages(where: Path | None = None) -> list[Page]:
    """List the pages in reading order, the index first; the guide's own, or those of another folder."""
    where = where or folder()
    return [_page(file) for file in [where / "index.ipynb", *sorted(where.glob("[0-9][0-9]_*.ipynb"))]]


def _page(file: Path) -> Page:
    number, _, words = file.stem.partition("_")
    label = f"{int(number)} {words.replace('_', ' ').capitalize()}" if words else "Contents"
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    lines = (line for cell in cells for line in "".join(cell["source"]).splitlines())
    title = next((line for line in lines if line.startswith("# ")), label).removeprefix("# ")
    return Page(file, label, title, runs=bool(words))
