"""One line of a table: what was measured, how often, beside its budget."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """Some waits, in milliseconds.

    Parameters
    ----------
    what
        What was done.
    waits_ms
        How long it took each time.
    budget_ms
        What the median and the 95th percentile may be; None where no budget is set.
    note
        What else is worth knowing.
    """

    what: str
    waits_ms: Sequence[float]
    budget_ms: tuple[float | None, float | None] = (None, None)
    note: str = ""

    @property
    def found_ms(self) -> tuple[float, float]:
        """Median and 95th percentile."""
        return statistics.median(self.waits_ms), float(np.percentile(self.waits_ms, 95))

    def __str__(self) -> str:
        """Write the row for a table made by `table`."""
        if not self.waits_ms:
            return f"| {self.what} | – | – | 0 | {limits(self.budget_ms)} | **missed** | {self.note} |"
        kept = [found <= may for found, may in zip(self.found_ms, self.budget_ms, strict=True) if may]
        verdict = "" if not kept else "ok" if all(kept) else "**missed**"
        median, high = self.found_ms
        return (
            f"| {self.what} | {median:.0f} | {high:.0f} | {len(self.waits_ms)} "
            f"| {limits(self.budget_ms)} | {verdict} | {self.note} |"
        )


def limits(budget_ms: tuple[float | None, float | None]) -> str:
    """Write a budget: median / 95th percentile."""
    return " / ".join("–" if may is None else f"{may:.0f}" for may in budget_ms)


def table(title: str, rows: Iterable[Row]) -> Iterable[str]:
    """Give the lines of a table, each as soon as it is measured."""
    yield f"\n| {title} | median, ms | 95 %, ms | n | budget, ms | | |\n|---|---|---|---|---|---|---|"
    yield from map(str, rows)
