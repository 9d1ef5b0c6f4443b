"""Recordings on disk: a movie that other tools open, with its truth and its experiment beside it.

The libraries that write the formats are imported when they are needed.
"""

from .disk import FORMATS, ExportError, Files, megabytes, nbytes, record
from .truth_file import EXTRAS

__all__ = ["EXTRAS", "FORMATS", "ExportError", "Files", "megabytes", "nbytes", "record"]
