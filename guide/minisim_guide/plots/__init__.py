"""What a figure says about its picture: live sentences and small plots, drawn in the browser.

A plot is a function of what the figure shows (`Sight`). A quick one returns its description
(`spec`); one that takes longer is a generator that yields how far it is, 0 to 1, and at last its
description: it is run in pieces, after the hand rests. If the first that it yields is a description
too, that one is shown at once, while the hand moves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from . import motion
from .background import plot_courses, plot_rhythms, plot_variance_share
from .camera import plot_histogram, plot_photon_transfer, plot_radial_profile
from .cell import plot_cell_across, plot_cell_width_by_depth, plot_one_cell_by_depth
from .demixing import plot_demixed_cells, plot_demixing_by_density, plot_four_readings
from .depth import (
    plot_detectable_by_depth,
    plot_light_against_defocus,
    plot_light_by_depth,
    plot_snr_by_depth,
)
from .field import plot_field_maps
from .grain import plot_noise_budget, plot_two_cells
from .marks import MARKS, Mark, describe_marks, places
from .motion import (
    plot_path,
    plot_path_spectrum,
    plot_pixel_owner,
    plot_registration,
    plot_sharpened,
    plot_smear,
)
from .owners import plot_owner_courses, plot_owners
from .sentences import MEASURES, SENTENCES, Measure, out_of_focus_share, say_out_of_focus
from .side import plot_side_view, plot_side_view_diagonal
from .sight import Sight, Subject, subject
from .spec import INKS, Spec, empty
from .time import plot_spectrum, plot_traces

__all__ = [
    "INKS",
    "MARKS",
    "MEASURES",
    "PLOTS",
    "SENTENCES",
    "Mark",
    "Measure",
    "Plot",
    "Sight",
    "Spec",
    "Subject",
    "describe_marks",
    "finish",
    "motion",
    "out_of_focus_share",
    "places",
    "say_out_of_focus",
    "subject",
    "takes_the_movie",
    "waiting",
]

Plot = Callable[[Sight], "Spec | Iterator[float | Spec]"]

PLOTS: dict[str, Plot] = {
    "light_by_depth": plot_light_by_depth,
    "light_against_defocus": plot_light_against_defocus,
    "traces": plot_traces,
    "spectrum": plot_spectrum,
    "radial_profile": plot_radial_profile,
    "photon_transfer": plot_photon_transfer,
    "snr_by_depth": plot_snr_by_depth,
    "detectable_by_depth": plot_detectable_by_depth,
    "histogram": plot_histogram,
    "side_view": plot_side_view,
    "side_view_diagonal": plot_side_view_diagonal,
    "owners": plot_owners,
    "owner_courses": plot_owner_courses,
    "four_readings": plot_four_readings,
    "demixed_cells": plot_demixed_cells,
    "demixing_by_density": plot_demixing_by_density,
    "path": plot_path,
    "path_spectrum": plot_path_spectrum,
    "smear": plot_smear,
    "pixel_owner": plot_pixel_owner,
    "registration": plot_registration,
    "sharpened": plot_sharpened,
    "one_cell_by_depth": plot_one_cell_by_depth,
    "cell_width_by_depth": plot_cell_width_by_depth,
    "cell_across": plot_cell_across,
    "field_maps": plot_field_maps,
    "courses": plot_courses,
    "rhythms": plot_rhythms,
    "variance_share": plot_variance_share,
    "noise_budget": plot_noise_budget,
    "two_cells": plot_two_cells,
}

_TITLES = {
    "traces": "Whose light is it?",
    "spectrum": "Rhythms",
    "photon_transfer": "Noise grows with light",
    "snr_by_depth": "Which cells stand out of the noise",
    "detectable_by_depth": "Cells in the field, by depth",
    "side_view": "The tissue from the side",
    "side_view_diagonal": "The tissue from the side",
    "owner_courses": "Who contributes, over time",
    "four_readings": "Four readings of one cell",
    "demixed_cells": "Every detectable cell, read two ways",
    "demixing_by_density": "Cells followed, by density",
    "smear": "One cell in the mean image",
    "pixel_owner": "Whose cell is this pixel on?",
    "registration": "Shifts found by registration",
    "sharpened": "One cell in the mean image",
    "courses": "A minute at the marks",
    "rhythms": "Rhythms at the marks",
    "variance_share": "Who makes the movie change",
    "two_cells": "A bright and a faint cell, in their brightest pixel",
}


def takes_the_movie(name: str) -> bool:
    """Say whether a plot looks at more than the frame shown, and so is made in pieces."""
    return inspect.isgeneratorfunction(PLOTS[name])


def waiting(name: str) -> Spec:
    """Return what stands in a plot's place until it is made for the first time."""
    return empty(_TITLES.get(name, name), "computing…", stale=True)


def finish(name: str, sight: Sight) -> Spec:
    """Make a plot to its end, however long it takes."""
    made = PLOTS[name](sight)
    if isinstance(made, dict):
        return made
    return [piece for piece in made if isinstance(piece, dict)][-1]
