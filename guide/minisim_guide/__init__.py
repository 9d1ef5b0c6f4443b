"""The guide: figures, the site that serves them, and the command ``minisim-guide``."""

from importlib import import_module
from typing import Any

from minisim_core._version import __version__

_FROM = {
    "Choice": "controls",
    "Exercise": "exercise",
    "Figure": "figure",
    "Panel": "figure",
    "Prediction": "prediction",
    "Slider": "controls",
    "Studio": "studio",
    "Tick": "controls",
}

__all__ = ["Choice", "Exercise", "Figure", "Panel", "Prediction", "Slider", "Studio", "Tick", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what a page asks for, so that the command starts without the figures."""
    if name in _FROM:
        return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
