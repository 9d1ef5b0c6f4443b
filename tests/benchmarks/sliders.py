"""How long a hand on a slider waits for its picture: our own bounds, each beside its budget.

One process, everything warm, as in a served kernel. Every step sets a value that was not seen
before, so no remembered result is handed out for the stage that the slider belongs to.
Run alone with ``python tests/benchmarks/sliders.py``; ``run.py`` runs it too.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

import minisim_core as ms

STEPS = 25
MOVIES = 5
FRAME = 100  # the frame on screen while a slider is dragged


@dataclass(frozen=True)
class Row:
    """One measured wait."""

    scene: str
    what: str
    budget_ms: float
    first_ms: float
    median_ms: float
    p95_ms: float
    copy_ms: float  # a plain copy of the same bytes, same process: the floor

    @property
    def verdict(self) -> str:
        """Whether the median keeps the budget."""
        return "ok" if self.median_ms <= self.budget_ms else "missed"


def guide_wide() -> Any:
    """Return the guide's tissue on the full sensor."""
    if "guide-wide" in ms.presets.names():
        return ms.presets.get("guide-wide")
    return ms.presets.get("guide", field_um=None)


def gain(experiment: Any, position: float) -> Any:
    """Turn the sensor's gain; ``position`` runs from 0 to 1."""
    return experiment.with_(sensor={"gain": 1 + 3 * position})


def width(experiment: Any, position: float) -> Any:
    """Widen the illumination."""
    return experiment.with_(illumination={"width_um": 300 + 500 * position})


def focus(experiment: Any, position: float) -> Any:
    """Move the focal plane."""
    return experiment.with_(focus_um=70 + 60 * position)


def stride(experiment: Any, position: float) -> Any:
    """Let the animal run harder."""
    return experiment.with_(motion={"stride_um": 1 + 5 * position})


def drag(experiment: Any, turn: Callable[[Any, float], Any], wanted: int | slice, steps: int) -> list[float]:
    """Milliseconds from each new slider value to its finished frame or frames."""
    _ = ms.simulate(experiment).frames[wanted]  # the picture before the hand moves
    waits = []
    for position in np.linspace(0.013, 0.987, steps):
        start = perf_counter()
        _ = ms.simulate(turn(experiment, float(position))).frames[wanted]
        waits.append(1e3 * (perf_counter() - start))
    return waits


def copy_ms(experiment: Any, wanted: int | slice) -> float:
    """Milliseconds that a plain copy of the same frames takes."""
    frames = np.array(ms.simulate(experiment).frames[wanted])
    target = np.empty_like(frames)
    waits = []
    for _ in range(15):
        start = perf_counter()
        np.copyto(target, frames)
        waits.append(1e3 * (perf_counter() - start))
    return statistics.median(waits)


def row(
    scene: str,
    experiment: Any,
    what: str,
    turn: Callable[[Any, float], Any],
    budget_ms: float,
    wanted: int | slice = FRAME,
) -> Row:
    """Drag one slider and sum up the waits."""
    waits = drag(experiment, turn, wanted, STEPS if isinstance(wanted, int) else MOVIES)
    return Row(
        scene=scene,
        what=what,
        budget_ms=budget_ms,
        first_ms=waits[0],
        median_ms=statistics.median(waits),
        p95_ms=float(np.percentile(waits, 95)),
        copy_ms=copy_ms(experiment, wanted),
    )


def measure() -> list[Row]:
    """Drag every slider named in the budgets."""
    ms.warm()
    narrow, wide = ms.presets.get("guide", duration_s=10), guide_wide()
    whole = slice(None)
    return [
        row("guide", narrow, "gain → frame", gain, 15),
        row("guide", narrow, "illumination width → frame", width, 15),
        row("guide", narrow, "stride → frame", stride, 15),
        row("guide", narrow, "focus → frame", focus, 60),
        row("guide-wide", wide, "gain → frame", gain, 30),
        row("guide-wide", wide, "illumination width → frame", width, 30),
        row("guide-wide", wide, "stride → frame", stride, 30),
        row("guide-wide", wide, "focus → frame", focus, 250),
        row("guide", narrow, "gain → whole 10 s movie", gain, 250, whole),
        row("guide", narrow, "stride → whole 10 s movie", stride, 250, whole),
        row("guide", narrow, "focus → whole 10 s movie", focus, 250, whole),
    ]


def table(rows: Sequence[Row]) -> str:
    """Write the rows as a Markdown table."""
    lines = [
        "| scene | slider | median | 95 % | first | budget | | plain copy of the bytes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        lines.append(
            f"| `{r.scene}` | {r.what} | {r.median_ms:.1f} ms | {r.p95_ms:.1f} | {r.first_ms:.1f} "
            f"| {r.budget_ms:g} ms | {r.verdict} | {r.copy_ms:.3f} ms |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, and the same as one JSON line for whoever keeps records."""
    rows = measure()
    print(table(rows))
    print(json.dumps([asdict(r) for r in rows]))


if __name__ == "__main__":
    main()
