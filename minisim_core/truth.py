"""Everything that is exactly known about a recording, computed when asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import deformation, detectability, vessels
from .clock import FRAMES_PER_BLOCK
from .footprints import Footprints
from .kernels import firing as firing_kernels
from .lazy import LazyArray
from .once import cached_property
from .parameters import ParameterError
from .scene import Scene
from .scope import focal_surface_um, tissue_um2

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]
_PATH_HZ = 400.0


class Truth:
    """The exact truth of a recording. Index i is a cell's identity; arrays are read-only.

    Attributes
    ----------
    positions_um : (N, 3) float64
        Cell centres (z, y, x) at rest.
    footprints_sharp, footprints : Footprints
        Each cell's body, summing to 1; and its image's core and narrow part.
    spikes, calcium, fluorescence : (N, T) lazy arrays
        Spikes per frame period; the indicator's drive and F/F_rest, means over the exposure.
    exposure_index : (T,) int
        Which exposure each frame is: its own number, unless frames were dropped before it.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    # -- cells ----------------------------------------------------------------------------

    @property
    def positions_um(self) -> FloatArray:
        """Cell centres (z, y, x) at rest, (N, 3) µm."""
        return self._scene.places.positions_um

    @cached_property
    def centroids_px(self) -> FloatArray:
        """Where each cell is imaged at rest, (N, 2) pixels (y, x)."""
        return _fixed(self._scene.images.center_px - self._scene.canvas.margin_px)

    @cached_property
    def rest_light_e(self) -> FloatArray:
        """Light of each cell at rest, photoelectrons per exposure, (N,).

        What it would send from just under the surface, in the middle of the beam: `footprints` hold
        what depth makes of it, `fluorescence` what time does.
        """
        return _fixed(self._scene.rest_electrons.copy())

    @cached_property
    def in_field(self) -> NDArray[np.bool_]:
        """Which cells rest inside the field, (N,)."""
        canvas = self._scene.canvas
        y, x = self.centroids_px.T
        inside = (y >= -0.5) & (y < canvas.height_px - 0.5) & (x >= -0.5)
        return _fixed(inside & (x < canvas.width_px - 0.5))

    @cached_property
    def near_focus(self) -> NDArray[np.bool_]:
        """Which cells lie within `scope.near_focus_um` of the focal surface, (N,)."""
        return _fixed(self._scene.near_focus.copy())

    @cached_property
    def footprints_sharp(self) -> Footprints:
        """Each cell as a perfect lens in clear tissue would show it; sums to 1."""
        images = self._scene.images_with(blur=False, dimming=False)
        return Footprints(self._scene.canvas, images)

    @cached_property
    def footprints(self) -> Footprints:
        """Each cell's image per unit of its light: core and narrowly scattered part."""
        return Footprints(self._scene.canvas, self._scene.images)

    @cached_property
    def snr(self) -> FloatArray:
        """One-frame signal-to-noise ratio of each cell, (N,).

        Signal: the cell's light above rest in its brightest 5 % of frames, on its footprint less
        what haze can imitate (its low-pass of sd 15 µm). Noise: shot noise of the mean expected
        light, read noise, quantisation. Weighted by both, as a matched filter (`detectability`).
        """
        return _fixed(detectability.snr(self._scene))

    @cached_property
    def detectable(self) -> NDArray[np.bool_]:
        """Which cells rest in the field and have an SNR of at least 5, (N,)."""
        return _fixed((self.snr >= detectability.DETECTABLE_SNR) & self.in_field)

    # -- activity -------------------------------------------------------------------------

    @cached_property
    def _spikes(self) -> tuple[NDArray[np.int64], FloatArray]:
        stop = self._scene.experiment.frame_count / self._scene.experiment.frame_rate_hz
        all_spikes = self._scene.spikes(0.0, stop)
        inside = (all_spikes.time_s >= 0) & (all_spikes.time_s < stop)
        return _fixed(all_spikes.cell[inside]), _fixed(all_spikes.time_s[inside])

    @property
    def spike_cell(self) -> NDArray[np.int64]:
        """Which cell fired each spike, (M,), ascending."""
        return self._spikes[0]

    @property
    def spike_time_s(self) -> FloatArray:
        """When each spike happened, (M,), ascending within a cell."""
        return self._spikes[1]

    @cached_property
    def spikes(self) -> LazyArray:
        """Spikes in each frame's period, (N, T) uint16; those of dropped frames are in none."""
        return self._courses("spikes", np.uint16)

    @cached_property
    def calcium(self) -> LazyArray:
        """Drive of the indicator, mean over each exposure, (N, T) float32; 1 spike peaks near 1."""
        return self._courses("calcium", np.float32)

    @cached_property
    def fluorescence(self) -> LazyArray:
        """F/F_rest with bleaching, mean over each exposure, (N, T) float32."""
        return self._courses("fluorescence", np.float32)

    def _courses(self, kind: str, dtype: Any) -> LazyArray:
        e = self._scene.experiment
        arrivals = self._scene.arrivals
        shape = (len(self._scene.places), len(arrivals))

        def read(indices: NDArray[np.intp]) -> NDArray[Any]:
            frames = arrivals.exposures(indices)
            out = np.empty((shape[0], len(frames)), dtype=dtype)
            for number in np.unique(frames // FRAMES_PER_BLOCK):
                here = frames // FRAMES_PER_BLOCK == number
                out[:, here] = self._block(kind, int(number))[:, frames[here] % FRAMES_PER_BLOCK]
            return out

        return LazyArray(
            shape, dtype, 1, read, lambda: (_from_json, e.to_json(), kind), "Take slices of cells or frames."
        )  # fmt: skip

    def _block(self, kind: str, number: int) -> NDArray[Any]:
        if kind != "spikes":
            scene = self._scene
            bleached = kind == "fluorescence"
            values: NDArray[Any] = (
                scene.bleached_fluorescence(number) if bleached else scene.fluorescence(number).calcium
            )
            left = self._scene.experiment.frame_count - number * FRAMES_PER_BLOCK
            return values[:, :left]
        rate = self._scene.experiment.frame_rate_hz
        start = number * FRAMES_PER_BLOCK / rate
        out = np.zeros((len(self._scene.places), FRAMES_PER_BLOCK), dtype=np.uint16)
        felt = self._scene.spikes(start, start + FRAMES_PER_BLOCK / rate)
        firing_kernels.count_spikes(out, felt.cell, felt.time_s, start, 1 / rate)
        return out

    # -- time and motion ------------------------------------------------------------------

    @cached_property
    def exposure_index(self) -> NDArray[np.intp]:
        """Which exposure each frame is, (T,): jumps where frames were dropped."""
        return _fixed(self._scene.arrivals.exposures(np.arange(len(self._scene.arrivals))))

    @cached_property
    def motion_um(self) -> FloatArray:
        """Mean displacement of the field over each frame's exposure, (T, 2) µm (y, x)."""
        exposures = self.exposure_index
        y, x = (axis.ravel() for axis in self._pixels_um)
        parts = []
        for block in range(exposures[-1] // FRAMES_PER_BLOCK + 1):
            shift = self._scene.exposure_paths_um(block).mean(axis=1)
            flows = self._scene.flows_um(block)
            if flows.size:
                shift = shift + deformation.mean_um(self._scene.flow_grid, flows, y, x)
            parts.append(shift)
        return _fixed(np.concatenate(parts)[exposures])

    def displacement_um(self, points_um: Any, frames: slice = slice(None)) -> FloatArray:
        """How far points of the tissue are displaced: shifted, turned and bent.

        Parameters
        ----------
        points_um : (P, 2) or (2,) float
            Where they are imaged at rest, (y, x) in µm from the axis.
        frames : slice
            Which frames.

        Returns
        -------
        (T, P, 2) or (T, 2) float64
            Mean over the exposure, in µm (y, x).

        Raises
        ------
        ParameterError
            If the points are not pairs of finite numbers.
        """
        rest = np.asarray(points_um, dtype=float)
        if rest.ndim not in (1, 2) or rest.shape[-1] != 2 or not np.isfinite(rest).all():
            raise ParameterError(
                f"points_um of shape {rest.shape} is refused: give finite points (y, x) of shape (P, 2)"
            )
        points = rest.reshape(-1, 2)
        numbers = self.exposure_index[frames]
        out = np.zeros((len(numbers), len(points), 2))
        for block in np.unique(numbers // FRAMES_PER_BLOCK):
            here = numbers // FRAMES_PER_BLOCK == block
            at = numbers[here] % FRAMES_PER_BLOCK
            out[here] = self._scene.exposure_paths_um(int(block)).mean(axis=1)[at, None]
            flows = self._scene.flows_um(int(block))
            if flows.size:
                out[here] += deformation.of_tissue_um(self._scene.flow_grid, flows[at], points)
        return out.reshape(len(numbers), *rest.shape)

    @cached_property
    def focus_um(self) -> FloatArray:
        """Depth of best focus on the axis, mean over each frame's exposure, (T,)."""
        exposures = self.exposure_index
        blocks = range(exposures[-1] // FRAMES_PER_BLOCK + 1)
        shifts = np.concatenate([self._scene.focus_shifts_um(block) for block in blocks])
        return _fixed(self._scene.experiment.focus_um + shifts[exposures])

    @cached_property
    def motion_path_time_s(self) -> FloatArray:
        """Instants of `motion_path_um`, (P,), 400 per second."""
        e = self._scene.experiment
        return _fixed(np.arange(0, e.frame_count / e.frame_rate_hz, 1 / _PATH_HZ))

    @cached_property
    def motion_path_um(self) -> FloatArray:
        """The path of the brain as a whole, (P, 2) µm (y, x), which turning and bending add to."""
        return _fixed(self._scene.path_um(self.motion_path_time_s))

    # -- fields ---------------------------------------------------------------------------

    @cached_property
    def illumination(self) -> Float32Array:
        """Excitation over that at the beam's centre, (H, W)."""
        return self._scene.static_fields.excitation.map

    @cached_property
    def vignetting(self) -> Float32Array:
        """Collection over that on the axis, (H, W)."""
        return self._scene.static_fields.vignetting.map

    @cached_property
    def stray_light_e(self) -> Float32Array:
        """Stray photoelectrons per exposure, (H, W)."""
        return self._scene.stray.map

    @cached_property
    def focal_surface_um(self) -> Float32Array:
        """Depth at which tissue that is imaged here is in best focus, (H, W)."""
        e, off_axis = self._scene.experiment, self._scene.off_axis
        y, x = self._pixels_um
        r2 = tissue_um2(y**2 + x**2, off_axis.scale, off_axis.distortion_per_mm2)
        surface = focal_surface_um(r2, e.focus_um, off_axis.field_curvature_um)
        return _fixed(surface.astype(np.float32))

    @cached_property
    def vessel_transmission_ex(self) -> Float32Array:
        """Share of the excitation that the vessels let in, at rest and before blur, (H, W)."""
        return self._transmission(470)

    @cached_property
    def vessel_transmission_em(self) -> Float32Array:
        """Share of the emission that the vessels let out, at rest and before blur, (H, W)."""
        return self._transmission(525)

    @cached_property
    def vessel_mask(self) -> NDArray[np.bool_]:
        """Where a vessel lies above the pixel, (H, W)."""
        return _fixed(self._blood_um > 0)

    def _transmission(self, wavelength_nm: int) -> Float32Array:
        v = self._scene.experiment.vessels
        per_mm = vessels.blood_absorption_per_mm(wavelength_nm, v.haemoglobin_g_per_l, v.oxygenation)
        return _fixed(np.exp(-per_mm / 1000 * self._blood_um).astype(np.float32))

    @cached_property
    def _blood_um(self) -> FloatArray:
        canvas = self._scene.canvas
        shape = (canvas.height_px, canvas.width_px)
        if "vessels" not in self._scene.on:
            return np.zeros(shape)
        y, x = self._pixels_um
        first = (float(y[0, 0]), float(x[0, 0]))
        return vessels.chord_map(self._scene.imaged_tree, 0.0, first, shape, canvas.pixel_um)

    @property
    def _pixels_um(self) -> tuple[FloatArray, FloatArray]:
        canvas = self._scene.canvas
        m = canvas.margin_px
        y, x = canvas.nodes_um(0)
        return y[m : m + canvas.height_px, None], x[None, m : m + canvas.width_px]


def _fixed(array: Any) -> Any:
    array.setflags(write=False)
    return array


def _from_json(text: str, kind: str) -> LazyArray:
    from .experiment import Experiment

    array: LazyArray = getattr(Truth(Scene(Experiment.from_json(text))), kind)
    return array
