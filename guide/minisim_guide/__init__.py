"""The guide: figures, the site that serves them, and the command ``minisim-guide``."""

from minisim_core._version import __version__

__all__ = ["__version__"]
