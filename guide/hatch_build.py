"""Put the guide's pages into the wheel."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesHook(BuildHookInterface):
    """Copy the notebooks and their images into ``minisim_guide/pages``.

    An editable install reads the pages where they are written, so that nothing stale can be served.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add; hatchling calls this before it builds."""
        if version != "standard":
            return
        guide = Path(self.root, "guide")
        for page in [*guide.glob("*.ipynb"), *guide.glob("images/*")]:
            target = Path("minisim_guide", "pages", page.relative_to(guide))
            build_data["force_include"][str(page)] = target.as_posix()
