"""The glow behind the cells: neuropil."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import randomness
from .activity import Population, population_course
from .canvas import FAR_LEVEL, Canvas
from .clock import Clock
from .illumination import Beam, lit_plane
from .images import far_shares, rungs_um
from .kernels import haze as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity
from .scope import Lens
from .sectioning import Laser, layers_lit
from .tissue import NARROW_EXPONENT, Fate, Medium, fate, spread_spectrum

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]


class Neuropil(Parameters):
    """Dendrites and axons too fine to resolve: a shifting haze that fills the tissue."""

    ratio: float = quantity(
        11.0,
        "light emitted by the neuropil over that of all resting cell bodies, per area",
        low=0,
        high=40,
        step=0.1,
        label="Neuropil light",
    )
    depth_um: float = quantity(
        400, "the neuropil fills the tissue from the surface to here", low=20, high=600, unit="µm"
    )
    texture: float = quantity(
        0.5,
        "unevenness of the neuropil itself (rms over mean, in a 20 µm layer)",
        low=0,
        high=1,
        step=0.01,
        label="Unevenness",
    )
    texture_size_um: float = quantity(
        20, "size of the uneven patches (sd)", low=8, high=200, step=1, unit="µm"
    )
    fluctuation: float = quantity(
        0.035,
        "how strongly the haze shifts over time (sd over mean)",
        low=0,
        high=0.5,
        step=0.005,
        label="Shifting of the haze",
    )
    coupling: float = quantity(
        0.75,
        "correlation of the haze with the activity of the population",
        low=0,
        high=1,
        step=0.05,
    )
    patch_um: float = quantity(
        260, "distance over which the haze shifts together", low=100, high=2000, unit="µm", log=True
    )
    patch_time_s: float = quantity(
        2.0, "correlation time of the local part of the haze", low=0.2, high=60, unit="s"
    )


SLAB_UM = 20.0
"""Thickness of the layers that background is computed in."""

HORIZON_UM = 1500.0
"""Tissue farther than this from the axis is not seen, unless the sensor itself sees that far."""

BEYOND_UM = 1000.0
"""Tissue is seen to at least this far beyond the sensor's edge."""

_GRID_UM = 12.0  # spacing of the neuropil's texture
_COURSE_STEP_S = 0.1
_FOCUS_STEP_UM = 45.0  # between the focal planes that follow the bowl


@dataclass(frozen=True, eq=False)
class Texture(Result):
    """Spectra of every layer's unevenness, on a grid that belongs to the tissue."""

    spectra: NDArray[np.complex64]  # (layers, n, n // 2 + 1)
    size: int


@dataclass(frozen=True, eq=False)
class Patches(Result):
    """The places of the tissue that shift by themselves: their row and column, spaced `patch_um`."""

    rows: IntArray  # (K,)
    columns: IntArray  # (K,)


class HazeArrays(NamedTuple):
    """What the kernels need of a `Haze`, in their order."""

    mean: NDArray[np.float32]
    along_y: NDArray[np.float32]
    along_x: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Haze(Result):
    """Neuropil light per bright molecule and µm²: spline coefficients on the nodes of one level.

    A patch's share in its shifting is the mean haze times a window along y and one along x.
    """

    mean: NDArray[np.float32]  # (rows, columns)
    along_y: NDArray[np.float32]  # (patches down, rows)
    along_x: NDArray[np.float32]  # (patches across, columns)

    @property
    def arrays(self) -> HazeArrays:
        """The haze as the kernels take it."""
        return HazeArrays(self.mean, self.along_y, self.along_x)

    @property
    def maps(self) -> NDArray[np.float32]:
        """The mean haze, and every patch's share in its shifting, (1 + K, nodes)."""
        windows = self.along_y[:, None, :, None] * self.along_x[None, :, None, :]
        shares = windows.reshape(-1, *self.mean.shape) * self.mean
        return np.concatenate([self.mean[None], shares]).reshape(len(shares) + 1, -1)


NO_HAZE = Haze(*(np.zeros((0, 0), dtype=np.float32) for _ in range(3)))
"""The haze where there is no neuropil."""
NO_HAZE._seal("no haze")


@dataclass(frozen=True, eq=False)
class Courses(Result):
    """The neuropil's time courses over one block of frames."""

    values: FloatArray  # (K, frames)


def neuropil_level(pixel_um: float) -> int:
    """Level on which neuropil is kept: nodes about 12 µm apart."""
    return int(np.clip(math.floor(math.log2(12.5 / pixel_um)), 1, FAR_LEVEL))


def layers_um(low_um: float, high_um: float) -> tuple[FloatArray, float]:
    """Middle depths and thickness of the layers between two depths."""
    count = max(math.ceil((high_um - low_um) / SLAB_UM), 1)
    edges = np.linspace(low_um, high_um, count + 1)
    return (edges[1:] + edges[:-1]) / 2, (high_um - low_um) / count


def share_below(
    depth_um: float, neuropil_depth_um: float, medium: Medium, laser: Laser | None = None
) -> float:
    """Share of the neuropil's light, as it arrives at the lens, that starts below a depth."""
    z = np.linspace(0, neuropil_depth_um, 81)
    light = fate(z, medium.transport())
    lit = layers_lit(z, neuropil_depth_um / 80, medium.transport(), laser)
    seen = lit * (light.ballistic + light.narrow + light.wide)
    return float(round(seen[z >= depth_um].sum() / seen.sum(), 6))


@stage
def texture(seed: int, unevenness: float, size_um: float, depth_um: float, reach_um: float) -> Texture:
    """Draw each layer's texture: log-normal, mean 1, smooth over `size_um`.

    The grid is centred on the axis and covers `reach_um` to each side; its variates are known by
    their place in the tissue. It repeats beyond, where nobody looks.
    """
    from scipy import fft

    n = 16 * math.ceil(2 * reach_um / _GRID_UM / 16)
    k = 2 * np.pi * fft.fftfreq(n, _GRID_UM)
    smooth = np.exp(-0.5 * size_um**2 * (k[:, None] ** 2 + k[None, : n // 2 + 1] ** 2)).astype(np.float32)
    power = np.exp(-(size_um**2) * (k[:, None] ** 2 + k[None, :] ** 2)).mean()
    layers, _ = layers_um(0, depth_um)
    spectra = np.empty((len(layers), n, n // 2 + 1), dtype=np.complex64)
    sigma = math.sqrt(math.log1p(unevenness**2))
    scale, shift = np.float32(sigma / math.sqrt(power)), np.float32(sigma**2 / 2)
    for layer in range(len(layers)):
        key = randomness.stream(seed, "neuropil", f"texture {layer}")
        white = randomness.normal_grid(key, -n // 2, -n // 2, n, n)
        field = fft.irfft2(fft.rfft2(white) * smooth, s=(n, n))
        spectra[layer] = fft.rfft2(np.expm1(scale * field - shift))
    return Texture(spectra, n)


@stage
def patches(canvas: Canvas, patch_um: float) -> Patches:
    """Find the patches that reach onto the canvas."""
    y, x = canvas.nodes_um(FAR_LEVEL)
    rows, columns = _window_centers(y / patch_um), _window_centers(x / patch_um)
    return Patches(np.repeat(rows, len(columns)), np.tile(columns, len(rows)))


@stage
def near_haze(
    canvas: Canvas,
    grain: Texture,
    places: Patches,
    depth_um: float,
    patch_um: float,
    lens: Lens,
    field_curvature_um: float,
    medium: Medium,
    laser: Laser | None = None,
) -> Haze:
    """Send every layer of neuropil through the same optics as the cells' near light.

    The texture is blurred by defocus and narrow scatter, layer by layer; defocus is reckoned from
    a few focal planes, between which the picture fades along the focal bowl.
    """
    from scipy import fft, ndimage

    n = grain.size
    level = neuropil_level(canvas.pixel_um)
    y, x = canvas.nodes_um(level)
    bowl = (y[:, None] ** 2 + x[None, :] ** 2) / (2 * field_curvature_um)
    gaps = math.ceil(bowl.max() / _FOCUS_STEP_UM)
    planes = lens.focus_um - np.arange(gaps + 1) * bowl.max() / gaps
    place = bowl * (gaps / bowl.max())
    at = np.stack(np.meshgrid(y / _GRID_UM + n // 2, x / _GRID_UM + n // 2, indexing="ij"))
    seen = np.zeros(bowl.shape)
    for plane, haze in enumerate(
        fft.irfft2(_blurred(grain, depth_um, lens, planes, medium, laser), s=(n, n))
    ):
        share = np.maximum(1 - np.abs(place - plane), 0)
        there = share > 0
        seen[there] += share[there] * ndimage.map_coordinates(
            haze, at[:, there], order=3, mode="grid-wrap", output=np.float64
        )
    light, weight = _layer_light(depth_um, medium, laser)
    seen += float(weight @ (light.ballistic + light.narrow))
    return _shifting(canvas, level, seen, places, patch_um)


def _layer_light(depth_um: float, medium: Medium, laser: Laser | None) -> tuple[Fate, FloatArray]:
    """Return what becomes of every layer's light, and how brightly each is lit."""
    coefficients = medium.transport()
    layers, thickness = layers_um(0, depth_um)
    lit = layers_lit(layers, thickness, coefficients, laser)
    return fate(layers, coefficients), lit * thickness / depth_um


def _blurred(
    grain: Texture,
    depth_um: float,
    lens: Lens,
    planes_um: FloatArray,
    medium: Medium,
    laser: Laser | None,
) -> NDArray[np.complex64]:
    """Spectra of all layers' texture together, as seen with each focal plane."""
    from scipy.special import j1

    light, weight = _layer_light(depth_um, medium, laser)
    layers, _ = layers_um(0, depth_um)
    n = grain.size
    k_axis = 2 * np.pi * np.fft.fftfreq(n, _GRID_UM)
    k = np.hypot(k_axis[:, None], k_axis[None, : n // 2 + 1])
    k_table = np.linspace(0, k.max(), 160)
    place = k * ((len(k_table) - 1) / k.max())
    below = np.minimum(place.astype(np.int32), len(k_table) - 2)
    narrow = np.stack([spread_spectrum(k_table, r, NARROW_EXPONENT) for r in light.narrow_radius_um])
    scattered = weight[:, None] * (light.ballistic[:, None] + light.narrow[:, None] * narrow)
    defocus = np.abs(layers - planes_um[:, None]) * lens.slope
    q = np.maximum(k_table * defocus[:, :, None], 1e-6)
    sharp = 2 * j1(q) / q * np.exp(-0.5 * (k_table * lens.blur_um) ** 2)
    out = np.empty((len(planes_um), n, n // 2 + 1), dtype=np.complex64)
    kernels.blur_layers(
        out, grain.spectra, below, (place - below).astype(np.float32),
        (sharp * scattered).astype(np.float32),
    )  # fmt: skip
    return out


@stage
def far_haze(
    canvas: Canvas,
    places: Patches,
    depth_um: float,
    patch_um: float,
    medium: Medium,
    beam: Beam,
    horizon_um: float = HORIZON_UM,
    laser: Laser | None = None,
) -> Haze:
    """Spread the neuropil's far light from the whole lit plane out to the horizon."""
    light, weight = _layer_light(depth_um, medium, laser)
    shares = (weight * light.wide) @ far_shares(light.wide_radius_um, canvas.pixel_um)
    seen = plane(canvas, shares, beam, horizon_um)
    return _shifting(canvas, FAR_LEVEL, seen, places, patch_um)


def _shifting(canvas: Canvas, level: int, haze: FloatArray, places: Patches, patch_um: float) -> Haze:
    """Divide a haze among the patches: smooth windows that together have unit variance everywhere."""
    windows = (
        _window_weights(nodes / patch_um, np.unique(centers)).astype(np.float32)
        for nodes, centers in zip(canvas.nodes_um(level), (places.rows, places.columns), strict=True)
    )
    return Haze(haze.astype(np.float32), *windows)


def plane(canvas: Canvas, shares: FloatArray, beam: Beam, half_um: float) -> FloatArray:
    """Light of a lit square plane, spread over the rungs by `shares`, on FAR_LEVEL's nodes."""
    y, x = canvas.nodes_um(FAR_LEVEL)
    total = np.zeros((len(y), len(x)))
    for share, sd_um in zip(shares, rungs_um(canvas.pixel_um), strict=True):
        if share:
            total += share * lit_plane(y, x, float(sd_um), beam, half_um)
    return total


def _window_centers(position: FloatArray) -> IntArray:
    """Integers whose windows reach into the positions."""
    return np.arange(math.floor(position.min()) - 1, math.floor(position.max()) + 3)


def _window_weights(position: FloatArray, centers: IntArray) -> FloatArray:
    """Cubic B-splines around integers, (centers, positions), scaled to unit sum of squares."""

    def spline(distance: FloatArray) -> FloatArray:
        d = np.abs(distance)
        return np.where(d < 1, 4 - 6 * d**2 + 3 * d**3, np.maximum(2 - d, 0) ** 3)

    around = np.floor(position) + np.arange(-1, 3)[:, None]
    total = (spline(position - around) ** 2).sum(axis=0)
    return spline(position[None, :] - centers[:, None]) / np.sqrt(total)


@stage
def neuropil_courses(
    seed: int,
    places: Patches,
    fluctuation: float,
    coupling: float,
    patch_time_s: float,
    about: Population,
    drive_sd: float,
    drive_time_s: float,
    clock: Clock,
) -> Courses:
    """How each part of the haze goes with time, at mid-exposure.

    The mean haze follows the population's ΔF/F (over its parameters' sd), every place adds a
    course of its own; together they make sd `fluctuation`, correlated by `coupling` with the
    population.
    """
    times = clock.middles_s
    shared = population_course(seed, about, drive_sd, drive_time_s, times)
    shared = (shared - about.mean) / max(about.sd, 1e-9)
    values = np.empty((len(places.rows) + 1, clock.frames))
    values[0] = 1 + fluctuation * coupling * shared
    own = fluctuation * math.sqrt(1 - coupling**2)
    first = math.floor(times[0] / _COURSE_STEP_S)
    count = math.floor(times[-1] / _COURSE_STEP_S) - first + 2
    grid = (first + np.arange(count)) * _COURSE_STEP_S
    for k, (row, column) in enumerate(zip(places.rows, places.columns, strict=True)):
        key = randomness.stream(seed, "neuropil", f"course {row} {column}")
        noise = randomness.slow_noise(key, first, count, _COURSE_STEP_S, patch_time_s)
        values[k + 1] = own * np.interp(times, grid, noise)
    return Courses(values)
