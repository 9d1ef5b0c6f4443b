"""Blood vessels: trees of round tubes before the cells, absorbing light on its way in and out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import motion, randomness
from .canvas import Canvas
from .clock import Clock
from .kernels import pyramid as pyramid_kernels
from .kernels import stack as stack_kernels
from .kernels import tubes as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity
from .scope import cone_angle_rad, imaged_um

FloatArray = NDArray[np.floating]


class Vessels(Parameters):
    """Pial vessels near the tissue surface."""

    count: int = quantity(
        1, "number of vessel trees; the first crosses the middle of the field", low=0, high=8
    )
    radius_um: float = quantity(
        15, "radius of a trunk", low=2, high=40, step=0.5, unit="µm", label="Vessel radius"
    )
    depth_um: float = quantity(10, "depth of the vessels' axis below the surface", low=0, high=400, unit="µm")
    haemoglobin_g_per_l: float = quantity(
        120, "haemoglobin in the blood", low=0, high=200, step=5, unit="g/L", label="Haemoglobin"
    )
    oxygenation: float = quantity(0.80, "share of haemoglobin that carries oxygen", low=0, high=1, step=0.01)
    vasomotion: float = quantity(
        0.06,
        "slow swelling and shrinking (rms over mean radius)",
        low=0,
        high=0.2,
        step=0.005,
        label="Vasomotion",
    )
    vasomotion_hz: float = quantity(
        0.1,
        "rhythm of the vasomotion",
        low=0.02,
        high=0.5,
        unit="Hz",
        label="Vasomotion rate",
        source="awake arteriole spectrum, Sci Rep 2025 s41598-025-20221-4",
    )
    heart: float = quantity(
        0.008, "pulse of the heart (amplitude over mean radius)", low=0, high=0.05, step=0.001, label="Pulse"
    )
    running_dilation: float = quantity(
        0.10,
        "how much vessels widen while the animal runs (over mean radius)",
        low=0,
        high=0.3,
        step=0.01,
        label="Widening with running",
    )


_STEP_UM = 12.0  # length of a straight piece
TRUNK_HALF_UM = 1500.0
"""A trunk reaches this far from where it is sown, unless the sensor sees farther."""
_SPACING_UM = 230.0  # between neighbouring trunks
_SWELLINGS = (-0.3, 0.4)  # limits of radius, relative to rest; between them and rest, a parabola
_RESPONSE_S = 0.8  # arterioles widen twice this long after the animal has begun to run
_RESPONSE_STEP_S = 0.05
_MOLAR_EXTINCTION = {  # oxygenated, deoxygenated haemoglobin, per cm and M (Prahl)
    470: (33209.2, 16156.4),
    525: (30882.8, 35170.8),
}
_HAEMOGLOBIN_G_PER_MOL = 64500.0


@dataclass(frozen=True, eq=False)
class Tree(Result):
    """The vessels as straight pieces: y0, x0, y1, x1, r0, r1 in µm."""

    segments_um: FloatArray  # (S, 6)
    parent: NDArray[np.int64]  # (S,) the piece each one continues or leaves, -1 at an end


@dataclass(frozen=True, eq=False)
class Shadow(Result):
    """Transmission as a parabola in the relative change of radius, on the nodes of level 1.

    Without vessels there are no nodes.
    """

    constant: NDArray[np.float32]  # (nodes,)
    linear: NDArray[np.float32]
    quadratic: NDArray[np.float32]

    def on_pixels(self, canvas: Canvas, swelling: float = 0.0) -> NDArray[np.float32]:
        """Return the transmission on the canvas's pixels at a relative change of radius."""
        if not len(self.constant):
            return np.ones(canvas.level_shape(0), dtype=np.float32)
        nodes = np.empty_like(self.constant)
        stack_kernels.shadow_now(nodes, self.constant, self.linear, self.quadratic, swelling)
        pixels = np.zeros(canvas.level_shape(0), dtype=np.float32)
        pyramid_kernels.expand(nodes.reshape(canvas.level_shape(1)), pixels)
        return pixels


def blood_absorption_per_mm(wavelength_nm: int, haemoglobin_g_per_l: float, oxygenation: float) -> float:
    """Absorption of whole blood at 470 or 525 nm, from tabulated extinction (Prahl)."""
    oxy, deoxy = _MOLAR_EXTINCTION[wavelength_nm]
    extinction = oxygenation * oxy + (1 - oxygenation) * deoxy
    return 2.303 * extinction * haemoglobin_g_per_l / _HAEMOGLOBIN_G_PER_MOL / 10


@stage
def grow(seed: int, count: int, radius_um: float, trunk_half_um: float = TRUNK_HALF_UM) -> Tree:
    """Grow the trees: winding trunks side by side, with branches and twigs.

    At every fork r³ = Σ r³, and both children leave at Murray's angles of least work.
    """
    pieces: list[FloatArray] = [np.zeros((0, 6))]
    parents = [np.zeros(0, dtype=np.int64)]
    heading = math.pi * (_marks(seed, "trunk 0", 1)[0] + 0.5)
    for tree in range(count):
        u = _marks(seed, f"trunk {tree}", 4)
        lean, swell = randomness.normal_quantiles(u[2:])
        aside = 140 * (u[1] - 0.5)
        if tree:  # alternately to either side of the first
            aside += (-1) ** tree * _SPACING_UM * ((tree + 1) // 2)
        trunk = _Shoot(
            name=f"{tree}",
            order=0,
            length_um=2 * trunk_half_um,
            y_um=aside * math.cos(heading),
            x_um=-aside * math.sin(heading),
            heading_rad=heading + (0.4 * lean if tree else 0),
            lean_rad=0.0,
            radius_um=radius_um * (math.exp(0.15 * swell) if tree else 1),
            side=(-1) ** tree,
            parent=-1,
        )
        _grow_vessel(seed, trunk, pieces, parents)
    return Tree(np.concatenate(pieces), np.concatenate(parents))


class _Shoot(NamedTuple):
    """A vessel about to grow: where, whereto and how wide. A trunk is given by its middle."""

    name: str
    order: int  # 0 trunk, 1 branch, 2 twig
    length_um: float
    y_um: float
    x_um: float
    heading_rad: float  # that it keeps to on the whole
    lean_rad: float  # by which it starts off that heading
    radius_um: float
    side: int  # of its first fork
    parent: int


_BRANCH_UM, _TWIG_UM = 720.0, 420.0  # their lengths
_FORKS = ((0.43, 0.53, 0.63), (0.25, 0.62), ())  # of a vessel's length: trunks fork about the field


def _marks(seed: int, name: str, count: int) -> FloatArray:
    return randomness.uniforms(randomness.stream(seed, "vessels", name), np.arange(count, dtype=np.uint64))


def _grow_vessel(
    seed: int, shoot: _Shoot, pieces: list[FloatArray], parents: list[NDArray[np.int64]]
) -> None:
    """Grow one vessel to its end, then whatever branches off it."""
    steps, order = int(shoot.length_um / _STEP_UM), shoot.order
    u = _marks(seed, f"forks {shoot.name}", 2 * len(_FORKS[order])).reshape(-1, 2)
    forks = [int(steps * (at + 0.08 * (u[k, 0] - 0.5))) for k, at in enumerate(_FORKS[order])]
    shares = 0.1 + 0.4 * u[:, 1]  # of r³, that leave through the branch
    sides = [shoot.side * (-1) ** k for k in range(len(forks))]
    length = np.arange(steps) * _STEP_UM
    winding = _winding(seed, shoot.name, length, 100.0 if order else 150.0)
    if order:
        winding += (shoot.lean_rad - winding[0]) * np.exp(-length / 60)
    course, radius = np.full(steps, shoot.heading_rad), np.full(steps, shoot.radius_um)
    for fork, share, side in zip(forks, shares, sides, strict=True):
        course[fork:] -= side * murray_angle_rad(1 - share) * -np.expm1(-length[: steps - fork] / 20 - 0.5)
        radius[fork:] *= (1 - share) ** (1 / 3)
    way = _STEP_UM * np.stack([np.sin(course + winding), np.cos(course + winding)], axis=1)
    nodes = np.pad(way.cumsum(axis=0), ((1, 0), (0, 0)))
    nodes += (shoot.y_um, shoot.x_um) - nodes[0 if order else steps // 2]
    first = sum(map(len, pieces))
    pieces.append(np.column_stack([nodes[:-1], nodes[1:], radius, radius]))
    parents.append(np.concatenate([[shoot.parent], np.arange(first, first + steps - 1)]))
    for k, (fork, share, side) in enumerate(zip(forks, shares, sides, strict=True)):
        branch = _Shoot(
            name=f"{shoot.name}.{k}",
            order=order + 1,
            length_um=_TWIG_UM if order else _BRANCH_UM,
            y_um=nodes[fork, 0],
            x_um=nodes[fork, 1],
            heading_rad=course[fork - 1] + side * murray_angle_rad(share),
            lean_rad=winding[fork - 1],
            radius_um=radius[fork - 1] * share ** (1 / 3),
            side=side,
            parent=first + fork - 1,
        )
        _grow_vessel(seed, branch, pieces, parents)


def murray_angle_rad(share: float) -> float:
    """Angle at which a child with this share of r³ leaves its parent (Murray's least work)."""
    own, other = share ** (1 / 3), (1 - share) ** (1 / 3)
    return math.acos((1 + own**4 - other**4) / (2 * own**2))


def _winding(seed: int, name: str, length_um: FloatArray, spacing_um: float) -> FloatArray:
    key = randomness.stream(seed, "vessels", f"winding {name}")
    return 0.30 * randomness.smooth_noise(key, length_um, spacing_um)


@stage
def imaged(tree: Tree, scale: float, distortion_per_mm2: float) -> Tree:
    """Put the vessels where the scope images them; their width, a per cent off, is left alone."""
    segments = tree.segments_um.copy()
    for y, x in ((0, 1), (2, 3)):
        ends = segments[:, y], segments[:, x]
        segments[:, y], segments[:, x] = imaged_um(*ends, scale, distortion_per_mm2)
    return Tree(segments, tree.parent)


def chord_map(
    tree: Tree, swelling: float, first_um: tuple[float, float], shape: tuple[int, int], step_um: float
) -> FloatArray:
    """Length of blood above every node of a grid, in µm: where trees cross, that of both."""
    total = np.zeros(shape)
    roots = np.flatnonzero(tree.parent < 0)
    for segments in np.split(tree.segments_um, roots[1:]):
        out = np.zeros(shape)
        kernels.chords(out, *first_um, step_um, segments, swelling)
        total += out
    return total


@stage
def shadow(
    canvas: Canvas,
    tree: Tree,
    depth_um: float,
    haemoglobin_g_per_l: float,
    oxygenation: float,
    focus_um: float,
    numerical_aperture: float,
    refractive_index: float,
    share_below: float,
) -> Shadow:
    """Cast the vessels' shadow as seen at the focal depth.

    On the way out a point of the image gathers a cone, so transmission at 525 nm is averaged over
    the disc that cone cuts at the vessels' depth; on the way in light is spread by scattering,
    0.7 of the distance (sd). Transmission follows from the chord through the round tube.

    Parameters
    ----------
    share_below : float
        Share of the light that comes from below the vessels, and can be shadowed.
    """
    distance = abs(focus_um - depth_um)
    disc_um = distance * math.tan(cone_angle_rad(numerical_aperture, refractive_index))
    levels = [
        _transmission(
            canvas,
            tree,
            swelling,
            blood_absorption_per_mm(525, haemoglobin_g_per_l, oxygenation),
            blood_absorption_per_mm(470, haemoglobin_g_per_l, oxygenation),
            disc_um,
            0.7 * distance,
        )
        for swelling in (0.0, *_SWELLINGS)
    ]
    rest, low, high = (1 - share_below * (1 - level) for level in levels)
    narrow, wide = _SWELLINGS
    slope_below, slope_above = (low - rest) / narrow, (high - rest) / wide
    curvature = (slope_above - slope_below) / (wide - narrow)
    maps = (rest, slope_below - narrow * curvature, curvature)
    return Shadow(*(m.ravel().astype(np.float32) for m in maps))


def _transmission(
    canvas: Canvas,
    tree: Tree,
    swelling: float,
    out_per_mm: float,
    in_per_mm: float,
    disc_um: float,
    spread_um: float,
) -> FloatArray:
    """Both passes' transmission on the nodes of level 1."""
    fine = 2 if disc_um > 14 * canvas.pixel_um else 1
    coarse = 2 if spread_um > 12 * canvas.pixel_um else 1
    way_out = _blurred(canvas, tree, swelling, out_per_mm, fine, disc_um, 0.0)
    way_in = _blurred(canvas, tree, swelling, in_per_mm, coarse, 0.0, spread_um)
    return _on_level_1(canvas, way_out, fine) * _on_level_1(canvas, way_in, coarse)


def _on_level_1(canvas: Canvas, nodes: FloatArray, level: int) -> FloatArray:
    for finer in range(level - 1, 0, -1):
        out = np.zeros(canvas.level_shape(finer))
        pyramid_kernels.subdivide(nodes, out)
        nodes = out
    return nodes


def _blurred(
    canvas: Canvas,
    tree: Tree,
    swelling: float,
    absorption_per_mm: float,
    level: int,
    disc_um: float,
    sd_um: float,
) -> FloatArray:
    from scipy import fft
    from scipy.special import j1

    step = canvas.pixel_um * 2.0**level
    apron = math.ceil((disc_um + 3 * sd_um) / step) + 2
    y, x = canvas.nodes_um(level)
    shape = (len(y) + 2 * apron, len(x) + 2 * apron)
    first = (y[0] - apron * step, x[0] - apron * step)
    blood = chord_map(tree, swelling, first, shape, step)
    shade = np.expm1(-absorption_per_mm / 1000 * blood).astype(np.float32)
    size = [fft.next_fast_len(n + apron, real=True) for n in shape]
    ky = 2 * np.pi * fft.fftfreq(size[0], step)[:, None]
    kx = 2 * np.pi * fft.rfftfreq(size[1], step)[None, :]
    k2 = (ky**2 + kx**2).astype(np.float32)
    blur = np.exp(-0.5 * k2 * (sd_um**2 + (0.5 * step) ** 2))
    if disc_um:
        q = np.sqrt(k2) * np.float32(disc_um)
        q[0, 0] = 1
        disc = 2 * j1(q) / q
        disc[0, 0] = 1
        blur *= disc
    blurred = fft.irfft2(fft.rfft2(shade, s=size) * blur, s=size)
    return 1 + blurred[apron : apron + len(y), apron : apron + len(x)].astype(float)


def swelling(
    seed: int,
    vasomotion: float,
    vasomotion_hz: float,
    heart: float,
    heart_hz: float,
    times_s: FloatArray,
) -> FloatArray:
    """Relative change of every vessel's radius at ascending instants, while the animal rests.

    Vasomotion is a slowly wandering rhythm of the given rms; the heart adds its pulse.
    """
    keys = [randomness.stream(seed, "vessels", f"vasomotion {part}") for part in "cs"]
    turn = 2 * np.pi * vasomotion_hz * times_s
    wander = 2.0 / vasomotion_hz
    slow = randomness.smooth_noise(keys[0], times_s, wander) * np.cos(turn)
    slow += randomness.smooth_noise(keys[1], times_s, wander) * np.sin(turn)
    return vasomotion * slow + heart * np.cos(motion.heart_phase(seed, heart_hz, times_s))


def answer_to_running(seed: int, running_fraction: float, bout_s: float, times_s: FloatArray) -> FloatArray:
    """How far vessels have widened with running, 0 to 1, at ascending instants.

    The running of the animal, passed through t exp(-t/τ)/τ²: it starts gently and peaks late.
    """
    lags = np.arange(0, 10 * _RESPONSE_S, _RESPONSE_STEP_S)
    weights = lags * np.exp(-lags / _RESPONSE_S)
    first = math.floor(times_s[0] / _RESPONSE_STEP_S)
    count = math.floor(times_s[-1] / _RESPONSE_STEP_S) - first + 2
    grid = (first - len(lags) + 1 + np.arange(count + len(lags) - 1)) * _RESPONSE_STEP_S
    ran = motion.running(seed, running_fraction, bout_s, grid)
    answer = np.convolve(ran, weights / weights.sum(), mode="valid")
    return np.interp(times_s, grid[len(lags) - 1 :], answer)


@dataclass(frozen=True, eq=False)
class Swellings(Result):
    """Mean relative change of radius over each exposure of one block of frames."""

    values: FloatArray  # (frames,)


@stage
def swellings(
    seed: int,
    vasomotion: float,
    vasomotion_hz: float,
    heart: float,
    heart_hz: float,
    running_dilation: float,
    running_fraction: float,
    bout_s: float,
    clock: Clock,
) -> Swellings:
    """Average the change of radius over eight midpoints of every exposure of a block."""
    times = clock.inside_s(8)
    values = swelling(seed, vasomotion, vasomotion_hz, heart, heart_hz, times)
    if running_dilation:
        values += running_dilation * answer_to_running(seed, running_fraction, bout_s, times)
    return Swellings(np.clip(values, *_SWELLINGS).reshape(clock.frames, 8).mean(axis=1))


NO_SHADOW = Shadow(*(np.zeros(0, dtype=np.float32) for _ in range(3)))
"""The shadow of no vessels."""
NO_SHADOW._seal("no shadow")
