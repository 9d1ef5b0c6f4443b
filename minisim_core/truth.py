"""Everything that is exactly known about a recording, computed when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from . import deformation, vessels
from .clock import FRAMES_PER_BLOCK
from .images import CellImages, picture
from .kernels import firing as firing_kernels
from .lazy import LazyArray
from .parameters import ParameterError
from .scene import Scene
from .scope import focal_surface_um

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]
Footprint = tuple[int, int, Float32Array]

DETECTABLE_SNR = 5.0
"""One-frame signal-to-noise ratio from which a cell counts as detectable."""

_HAZE_UM = 15.0  # what is smoother than this, haze can imitate
_BRIGHT_SHARE = 0.05  # a cell is judged by its brightest frames
_PATH_HZ = 400.0
_FOOTPRINT_FLOOR = 1e-3  # of the peak
_FOOTPRINT_PX = 128  # widest side of a footprint: 64 kB


class Footprints(Sequence[Footprint]):
    """Images of the cells at rest: for each, first row, first column and a float32 patch.

    Parameters
    ----------
    scene : Scene
    images : CellImages
        Drawn on the scene's canvas.
    near : bool
        Whether narrowly scattered light belongs to the footprint.
    unit_sum : bool
        Whether each whole footprint is scaled to sum to 1.
    """

    def __init__(self, scene: Scene, images: CellImages, *, near: bool, unit_sum: bool) -> None:
        self._scene, self._images, self._near, self._unit = scene, images, near, unit_sum

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> Footprint: ...

    @overload
    def __getitem__(self, index: slice) -> list[Footprint]: ...

    def __getitem__(self, index: int | slice) -> Footprint | list[Footprint]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no cell {index}: there are {len(self)}")
        return self._draw(index % len(self))

    def __iter__(self) -> Iterator[Footprint]:
        return (self[i] for i in range(len(self)))

    def csc(self, cells: Sequence[int] | NDArray[np.intp] | None = None) -> sparse.csc_array:
        """Return footprints as the columns of a sparse matrix.

        Parameters
        ----------
        cells : sequence or (n,) array of int, optional
            Which cells, in which order; all by default.

        Returns
        -------
        (H * W, n) scipy.sparse.csc_array of float32
        """
        from scipy import sparse

        height, width = self._scene.canvas.height_px, self._scene.canvas.width_px
        rows, values, starts = [], [], [0]
        for i in range(len(self)) if cells is None else cells:
            y0, x0, patch = self[int(i)]
            y, x = np.nonzero(patch)
            rows.append((y + y0) * width + x + x0)
            values.append(patch[y, x])
            starts.append(starts[-1] + len(y))
        flat_rows = np.concatenate(rows) if rows else np.zeros(0, dtype=np.intp)
        flat = np.concatenate(values) if values else np.zeros(0, dtype=np.float32)
        return sparse.csc_array((flat, flat_rows, starts), shape=(height * width, len(starts) - 1))

    def _draw(self, i: int) -> Footprint:
        canvas, images = self._scene.canvas, self._images
        whole = picture(canvas, images.one(i, near=self._near), np.ones(1), np.zeros(1))
        m = canvas.margin_px
        seen = whole[m : m + canvas.height_px, m : m + canvas.width_px]
        if self._unit:
            total = float(whole.sum())
            seen = seen / np.float32(total if total > 0 else 1)
        return _cropped(seen, images.center_px[i] - m)


def _cropped(seen: Float32Array, center_px: FloatArray) -> Footprint:
    """Cut a picture to where it exceeds the floor, at most `_FOOTPRINT_PX` around its centre."""
    inside = seen > _FOOTPRINT_FLOOR * max(float(seen.max()), 1e-30)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return 0, 0, np.zeros((0, 0), dtype=np.float32)
    half = _FOOTPRINT_PX // 2
    y, x = (round(float(v)) for v in center_px)
    y0, y1 = max(rows[0], y - half), min(rows[-1] + 1, y + half)
    x0, x1 = max(columns[0], x - half), min(columns[-1] + 1, x + half)
    if y1 <= y0 or x1 <= x0:
        return 0, 0, np.zeros((0, 0), dtype=np.float32)
    patch = np.where(inside[y0:y1, x0:x1], seen[y0:y1, x0:x1], 0).astype(np.float32)
    patch.setflags(write=False)
    return int(y0), int(x0), patch


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
        return Footprints(self._scene, images, near=False, unit_sum=True)

    @cached_property
    def footprints(self) -> Footprints:
        """Each cell's image per unit of its light: core and narrowly scattered part."""
        return Footprints(self._scene, self._scene.images, near=True, unit_sum=False)

    @cached_property
    def snr(self) -> FloatArray:
        """One-frame signal-to-noise ratio of each cell, (N,).

        Signal: the cell's light above rest in its brightest 5 % of frames, on its footprint less
        what haze can imitate (its low-pass of sd 15 µm). Noise: shot noise of the mean expected
        light, read noise, quantisation. Weighted by both, as a matched filter. Derived.
        """
        return _fixed(self._signal_to_noise())

    @cached_property
    def detectable(self) -> NDArray[np.bool_]:
        """Which cells rest in the field and have an SNR of at least `DETECTABLE_SNR`, (N,)."""
        return _fixed((self.snr >= DETECTABLE_SNR) & self.in_field)

    def _signal_to_noise(self) -> FloatArray:
        from scipy import ndimage

        scene = self._scene
        variance = self._noise_variance()
        m, canvas = scene.canvas.margin_px, scene.canvas
        shadow = scene.shadow.on_pixels(canvas)
        seen = scene.shade.map * shadow[m : m + canvas.height_px, m : m + canvas.width_px]
        sigma = _HAZE_UM / canvas.pixel_um
        pad = int(2 * sigma)
        near, _ = scene.amplitudes
        gain = near * (self._bright_level - 1)
        snr = np.zeros(len(gain))
        for i, (y0, x0, patch) in enumerate(self.footprints):
            if not patch.size or gain[i] <= 0:
                continue
            ya, xa = max(y0 - pad, 0), max(x0 - pad, 0)
            yb = min(y0 + patch.shape[0] + pad, canvas.height_px)
            xb = min(x0 + patch.shape[1] + pad, canvas.width_px)
            image = np.zeros((yb - ya, xb - xa))
            image[y0 - ya : y0 - ya + patch.shape[0], x0 - xa : x0 - xa + patch.shape[1]] = patch
            image *= seen[ya:yb, xa:xb]
            image -= ndimage.gaussian_filter(image, sigma)
            snr[i] = gain[i] * np.sqrt((image**2 / variance[ya:yb, xa:xb]).sum())
        return snr

    @cached_property
    def _bright_level(self) -> FloatArray:
        """Mean F/F_rest of each cell's brightest frames."""
        total = self._scene.experiment.frame_count
        blocks = np.unique(np.linspace(0, (total - 1) // FRAMES_PER_BLOCK, 32).astype(int))
        light = np.concatenate([self._block("fluorescence", b) for b in blocks], axis=1)
        count = max(1, round(_BRIGHT_SHARE * light.shape[1]))
        level: FloatArray = np.sort(light, axis=1)[:, -count:].mean(axis=1, dtype=float)
        return level

    def _noise_variance(self) -> FloatArray:
        """Variance of one frame's pixels in e², at the mean expected light."""
        from . import render

        scene, e = self._scene, self._scene.experiment
        total = e.frame_count
        some = np.unique(np.linspace(0, total - 1, 16).astype(int))
        out = np.empty((len(some), *e.shape_px), dtype=np.float32)
        render.expected(scene, some, out)
        quantum = scene.converter.e_per_count
        dark = e.sensor.dark_current_e_per_s * e.exposure_s
        return out.mean(axis=0, dtype=float) + dark + e.sensor.read_noise_e**2 + quantum**2 / 12

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
            shape, dtype, 1, read, (_from_json, e.to_json(), kind), "Take slices of cells or frames."
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
        """Depth of best focus, (H, W)."""
        e = self._scene.experiment
        y, x = self._pixels_um
        surface = focal_surface_um(y**2 + x**2, e.focus_um, e.scope.field_curvature_um)
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
