"""The scene in time: what its stages make of every block of frames."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import activity, axial, background, bleaching, deformation, motion, vessels
from .clock import FRAMES_PER_BLOCK, Clock
from .images import CellArrays
from .once import cached_property
from .still import Still

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]


class Block(NamedTuple):
    """Everything that changes with time, for one block of frames."""

    fluorescence: Float32Array  # (N, frames)
    haze: FloatArray  # (K, frames)
    beyond: FloatArray  # (frames,)
    swelling: FloatArray  # (frames,)
    path_px: FloatArray  # (frames, points, 2)
    flow_px: Float32Array  # (frames, rows, columns): the stream function's knots
    focus_weights: FloatArray  # (frames, 1 or 3): of the sets of images


class Scene(Still):
    """The stages of one experiment, those that follow time included."""

    # -- activity -------------------------------------------------------------------------

    def clock(self, block: int) -> Clock:
        """Return when the frames of a block are exposed."""
        e = self.experiment
        return Clock(e.frame_rate_hz, e.exposure_s, block * FRAMES_PER_BLOCK)

    def fluorescence(self, block: int) -> activity.Fluorescence:
        """Return the light of every cell over one block of frames."""
        e, a = self.experiment, self.experiment.activity
        return activity.fluorescence(e.seed, self.places, a.indicator, a.firing, self.clock(block))

    @cached_property
    def fading(self) -> bleaching.Fading:
        """What the light does to molecules; no switch changes it."""
        e = self.experiment
        share_lost = e.activity.bleaching_per_million_photons * 1e-6
        if share_lost == 0:
            return bleaching.NO_FADING
        per_s = share_lost * self._photons_per_s * e.cells.bright_fraction_at_rest
        return bleaching.Fading(per_s, e.activity.bleaching_recovery_s, self.medium, self._whole_beam)

    def bleached_fluorescence(self, block: int) -> Float32Array:
        """Return F/F_rest of every cell with bleaching, (N, frames)."""
        e, a = self.experiment, self.experiment.activity
        return bleaching.bleached(e.seed, self.places, a.indicator, a.firing, self.fading, self.clock(block))

    def spikes(self, start_s: float, stop_s: float) -> activity.Spikes:
        """Return all spikes of the blocks that overlap a stretch of time."""
        e = self.experiment
        return activity.spikes_between(e.seed, self.places, e.activity.firing, start_s, stop_s)

    @cached_property
    def population(self) -> activity.Population:
        """The mean cell's response to the shared drive."""
        a = self.experiment.activity
        return activity.population(a.indicator, a.firing)

    # -- motion ---------------------------------------------------------------------------

    def path_um(self, times_s: FloatArray) -> FloatArray:
        """Return the brain's path at ascending instants; still when motion is switched off."""
        if "motion" not in self.on:
            return np.zeros((len(times_s), 2))
        return motion.path(self.experiment.seed, self.experiment.motion, times_s)

    def exposure_paths_um(self, block: int) -> FloatArray:
        """Return the path within the exposures of one block."""
        if "motion" not in self.on:
            return np.zeros((FRAMES_PER_BLOCK, 1, 2))
        e = self.experiment
        points = motion.points_per_exposure(e.motion, e.exposure_s, e.pixel_um)
        return motion.exposure_paths(e.seed, motion.rigid(e.motion), self.clock(block), points).path_um

    @property
    def focus_distance_um(self) -> float:
        """How far the focus lies from rest in the other two sets of images; 0 if there are none."""
        return axial.distance_um(self.experiment.motion) if "motion" in self.on else 0.0

    def focus_shifts_um(self, block: int) -> FloatArray:
        """Return how much deeper than at rest each exposure of one block is focused."""
        e, m = self.experiment, self.experiment.motion
        if not self.focus_distance_um:
            return np.zeros(FRAMES_PER_BLOCK)
        away = axial.axial(e.seed, m.axial_um, m.running_fraction, m.bout_s, self.clock(block)).values_um
        return -m.looseness * away

    @cached_property
    def flow_grid(self) -> deformation.Grid:
        """Knots of the flow that turns and bends the tissue."""
        half_y, half_x = (n * self.canvas.pixel_um / 2 for n in (self.canvas.rows, self.canvas.columns))
        return deformation.grid(self.experiment.motion.nonrigid_length_um, half_y, half_x)

    def flows_um(self, block: int) -> FloatArray:
        """Return the flow of every exposure of one block, by its knots; none when nothing bends."""
        e, m = self.experiment, self.experiment.motion
        if "motion" not in self.on or not deformation.is_on(m):
            return _NO_FLOW
        knots = deformation.flows(
            e.seed, m.nonrigid_um, m.rotation_deg, m.running_fraction, m.bout_s, self.flow_grid,
            self.clock(block),
        ).knots_um  # fmt: skip
        return m.looseness * knots

    @cached_property
    def flow_place(self) -> tuple[float, float, float, int]:
        """Where the flow's knots lie on the canvas, and how much of its edge they leave alone."""
        y, x = self.canvas.nodes_um(0)
        row, column = self.flow_grid.phase(np.array([y[0], x[0]]))
        rigid = math.ceil(motion.bound_um(self.experiment.motion) / self.canvas.pixel_um)
        step = self.canvas.pixel_um / self.flow_grid.spacing_um
        return float(row), float(column), step, self.canvas.margin_px - rigid - 2

    @cached_property
    def cell_arrays(self) -> CellArrays:
        """The images as the kernels take them: one set, or three when focus moves."""
        images = self.images
        if self.focus_distance_um:
            switches = {"blur": "blur" in self.on, "dimming": "dimming" in self.on}
            deeper, shallower = (
                self.images_with(**switches, focus_shift_um=side * self.focus_distance_um) for side in (1, -1)
            )
            images = axial.joined(images, deeper, shallower)
        return images.arrays

    def cell_light(self, block: Block, at: int) -> tuple[Float32Array, Float32Array]:
        """Return the near and far light of every image that the kernels take, in one frame."""
        near, far = (of_cell * block.fluorescence[:, at] for of_cell in self.amplitudes)
        shares = block.focus_weights[at][:, None]
        once = np.arange(len(shares))[:, None] == 0  # what is far is scattered alike, wherever the focus
        return (shares * near).astype(np.float32).ravel(), (once * far).astype(np.float32).ravel()

    # -- everything -----------------------------------------------------------------------

    def block(self, number: int) -> Block:
        """Return everything that changes with time, for one block of frames."""
        e, n, v, a = (
            self.experiment, self.experiment.neuropil, self.experiment.vessels,
            self.experiment.activity,
        )  # fmt: skip
        clock = self.clock(number)
        shared = (self.population, a.drive_sd, a.drive_time_s, clock)
        haze: FloatArray = np.zeros((0, clock.frames))
        if "neuropil" in self.on:
            haze = background.neuropil_courses(
                e.seed, self.patches, n.fluctuation, n.coupling, n.patch_time_s, *shared
            ).values
            within = (0.0, self.canvas.half_um)
            haze = haze * bleaching.mean_share(self.fading, 1.0, (0.0, n.depth_um), within, clock)
        around = (self.drawn_half_um, self.drawn_half_um + bleaching.AROUND_UM)
        mean_cell = (1 + self.population.mean, e.cells.depth_range_um)
        beyond = activity.population_light(e.seed, *shared).values
        beyond = beyond * bleaching.mean_share(self.fading, *mean_cell, around, clock)
        swelling: FloatArray = np.zeros(clock.frames)
        if "vessels" in self.on:
            swelling = vessels.swellings(
                e.seed, v.vasomotion, v.vasomotion_hz, v.heart, e.motion.heart_hz,
                v.running_dilation, e.motion.running_fraction, e.motion.bout_s, clock,
            ).values  # fmt: skip
        return Block(
            self.bleached_fluorescence(number),
            haze * self.haze_electrons,
            beyond,
            swelling,
            self.exposure_paths_um(number) / self.canvas.pixel_um,
            (self.flows_um(number) / self.canvas.pixel_um).astype(np.float32),
            axial.weights(self.focus_shifts_um(number), self.focus_distance_um),
        )


_NO_FLOW = np.zeros((FRAMES_PER_BLOCK, 0, 0))
_NO_FLOW.setflags(write=False)
