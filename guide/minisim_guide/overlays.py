"""What can be drawn over the pictures, as geometry in pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .plots import Sight


@dataclass(frozen=True)
class Overlay:
    """Something to draw over the pictures, and what the reader reads about it.

    Parameters
    ----------
    label, description
        For its switch.
    draw
        Returns the geometry for what the figure shows.
    """

    label: str
    description: str
    draw: Callable[[Sight], dict[str, Any]]

    def __call__(self, sight: Sight) -> dict[str, Any]:
        """Return the geometry for what the figure shows."""
        return self.draw(sight)


OVERLAYS: dict[str, Overlay] = {}
