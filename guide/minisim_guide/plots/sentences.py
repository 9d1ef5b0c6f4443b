"""Live sentences under a picture, and the numbers that predictions are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import minisim_core as ms

from .background import focus_share_of_variance, say_background
from .cell import corner_over_center, say_cell_across, say_one_cell
from .demixing import region_follows
from .depth import found, found_between, saturated, say_depth, say_focus_depth
from .field import say_evenness
from .grain import say_photons
from .motion import rhythm_off_the_stride_hz, say_motion
from .owners import say_crosstalk
from .sight import Sight
from .spec import percent


def out_of_focus_share(sight: Sight) -> float:
    """Return the share of the frame's light that only the right panel has."""
    left, right = (float(np.sum(r.expected[sight.frame], dtype=float)) for r in (sight.left, sight.right))
    return 1 - left / right if right else 0.0


def say_out_of_focus(sight: Sight) -> str:
    """Say how much of the light comes from cells out of focus, in the frame and at the mark."""
    if "out_of_focus" in sight.right.experiment.off:
        return "Cells out of focus are switched off: both panels show the same cells."
    near = sight.right.experiment.scope.near_focus_um
    text = (
        f"Cells more than {near:g} µm out of focus send {percent(out_of_focus_share(sight))} "
        "of the light in this frame"
    )
    if not sight.pixel:
        return text + "."
    row, column = sight.pixel
    left, right = (float(r.expected[sight.frame][row, column]) for r in (sight.left, sight.right))
    share = 1 - left / right if right else 0.0
    return f"{text}, and {percent(share)} of it at the marked pixel."


@dataclass(frozen=True)
class Measure:
    """One number of one frame of an experiment, and how to show it."""

    what: str
    of: Callable[[ms.Experiment, int], float]
    show: Callable[[float], str]


def _measure_out_of_focus(experiment: ms.Experiment, frame: int) -> float:
    everything = ms.simulate(experiment)
    return out_of_focus_share(Sight(everything.without("out_of_focus"), everything, frame))


def say_yield(sight: Sight) -> str:
    """Say how many cells an analysis could find: those that stand out of the noise in one frame."""
    recording = sight.right
    there, out = (int(np.sum(mask)) for mask in (recording.truth.in_field, recording.truth.detectable))
    shown_s = recording.experiment.duration_s
    cut = saturated(sight)
    return (
        f"Expected yield: {out} of the {there} cells in the field stand out of the noise, five times or "
        f"more in one frame, within the first {shown_s:.3g} s." + (f" Of them {cut}." if cut else "")
    )


def _share_found(experiment: ms.Experiment, frame: int) -> float:
    return float(found(experiment, frame).sum() / ms.simulate(experiment).truth.in_field.sum())


MEASURES = {
    "share_found": Measure(
        "Share of the cells in the field that stand out of the noise", _share_found, percent
    ),
    "out_of_focus_share": Measure(
        "Share of the light that comes from cells out of focus", _measure_out_of_focus, percent
    ),
    "region_follows": Measure(
        "Median correlation of a region's mean with its own cell",
        lambda experiment, _: region_follows(experiment),
        lambda r: f"{r:.2f}",
    ),
    "rhythm_off_the_stride": Measure(
        "How far the strongest rhythm of the tracked movement is from the stride's",
        lambda experiment, _: rhythm_off_the_stride_hz(experiment),
        lambda hz: f"{hz:.1f} Hz",
    ),
    "found_between_130_and_170_um": Measure(
        "Cells between 130 and 170 µm that can be recovered",
        lambda experiment, frame: found_between(130, 170, experiment, frame),
        lambda count: f"{count:.0f}",
    ),
    "corner_over_center": Measure(
        "Light of the cell three quarters of the way to the corner, over its light in the centre",
        lambda experiment, _: corner_over_center(experiment),
        percent,
    ),
    "focus_share_of_variance": Measure(
        "Share of all that changes in a minute that the cells in focus make",
        lambda experiment, _: focus_share_of_variance(experiment),
        percent,
    ),
    "found": Measure(
        "Cells that stand out of the noise",
        lambda experiment, frame: float(found(experiment, frame).sum()),
        "{:.0f}".format,
    ),
}
SENTENCES: dict[str, Callable[[Sight], str]] = {
    "out_of_focus": say_out_of_focus,
    "background": say_background,
    "photons": say_photons,
    "yield": say_yield,
    "crosstalk": say_crosstalk,
    "motion": say_motion,
    "depth": say_depth,
    "focus_depth": say_focus_depth,
    "one_cell": say_one_cell,
    "evenness": say_evenness,
    "cell_across": say_cell_across,
}
