"""Blood vessels: trees of round tubes before the cells, absorbing light on its way in and out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import motion, randomness
from .canvas import FAR_LEVEL, Canvas
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
        120,
        "haemoglobin in the blood",
        low=0,
        high=200,
        step=5,
        unit="g/L",
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
        source="awake arteriole spectrum, Sci Rep 2025 s41598-025-20221-4",
    )
    heart: float = quantity(
        0.008, "pulse of the heart (amplitude over mean radius)", low=0, high=0.05, step=0.001
    )


_STEP_UM = 12.0  # length of a straight piece
_HALF_LENGTH_UM = 1500.0  # a trunk reaches this far from where it is sown
_SWELLINGS = (-0.25, 0.0, 0.25)  # at which shadows are computed; between them, a parabola
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
def grow(seed: int, count: int, radius_um: float) -> Tree:
    """Grow the trees: a winding trunk each, forking so that r³ = Σ r³ (Murray)."""
    segments: list[tuple[float, ...]] = []
    parents: list[int] = []
    for tree in range(count):
        _grow_trunk(seed, tree, radius_um, segments, parents)
    return Tree(np.array(segments, dtype=float).reshape(-1, 6), np.array(parents, dtype=np.int64))


def _marks(seed: int, tree: int, quantity: str, count: int, normal: bool = True) -> FloatArray:
    key = randomness.stream(seed, "vessels", f"{quantity} {tree}")
    ids = np.arange(count, dtype=np.uint64)
    return randomness.normals(key, ids) if normal else randomness.uniforms(key, ids)


def _grow_trunk(
    seed: int, tree: int, radius_um: float, segments: list[tuple[float, ...]], parents: list[int]
) -> None:
    u = _marks(seed, tree, "trunk", 6, normal=False)
    heading = math.pi * (u[0] + 0.5)  # any direction, mostly not straight down the columns
    aside = (u[1] - 0.5) * 2 * (70 if tree == 0 else 800)
    side = heading + math.pi / 2
    radius = radius_um * math.exp(0.15 * _marks(seed, tree, "radius", 1)[0] * (tree > 0))
    steps = int(2 * _HALF_LENGTH_UM / _STEP_UM)
    # forks near the middle of the field, then wherever they fall
    forks = [int(steps * (0.5 + 0.1 * (f - 0.7) + 0.05 * (u[2 + f] - 0.5))) for f in range(3)]
    turns = _winding(seed, tree, "winding", steps)
    # sown so that its middle lies where it should, however it winds
    before = heading + turns[: steps // 2]
    y = aside * math.sin(side) - _STEP_UM * float(np.sin(before).sum())
    x = aside * math.cos(side) - _STEP_UM * float(np.cos(before).sum())
    parent = -1
    for n in range(steps):
        child = radius
        if n in forks:
            f = forks.index(n)
            share = 0.25 + 0.25 * u[2 + f]  # of r³ that leaves through the branch
            branch, child = radius * share ** (1 / 3), radius * (1 - share) ** (1 / 3)
            turn = (0.75 + 0.35 * u[3 + f]) * (1 if (f + tree) % 2 else -1)
            _grow_branch(seed, tree, f, (y, x, heading + turns[n] + turn, branch), parent, segments, parents)
        direction = heading + turns[n]
        y2, x2 = y + _STEP_UM * math.sin(direction), x + _STEP_UM * math.cos(direction)
        segments.append((y, x, y2, x2, child, child))
        parents.append(parent)
        parent, y, x, radius = len(segments) - 1, y2, x2, child


def _grow_branch(
    seed: int,
    tree: int,
    number: int,
    start: tuple[float, float, float, float],
    parent: int,
    segments: list[tuple[float, ...]],
    parents: list[int],
) -> None:
    y, x, heading, radius = start
    steps = 70
    turns = _winding(seed, tree, f"winding of branch {number}", steps)
    for n in range(steps):
        direction = heading + turns[n] - turns[0]
        y2, x2 = y + _STEP_UM * math.sin(direction), x + _STEP_UM * math.cos(direction)
        segments.append((y, x, y2, x2, radius, radius))
        parents.append(parent)
        parent, y, x = len(segments) - 1, y2, x2


def _winding(seed: int, tree: int, quantity: str, steps: int) -> FloatArray:
    key = randomness.stream(seed, "vessels", f"{quantity} {tree}")
    length: FloatArray = np.arange(steps) * _STEP_UM
    return 0.30 * randomness.smooth_noise(key, length, 150.0)


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
    """Length of blood above every node of a grid, in µm."""
    out = np.zeros(shape)
    kernels.chords(out, *first_um, step_um, tree.segments_um, swelling)
    return out


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
    spread_um = 0.7 * distance
    levels = [
        _transmission(
            canvas,
            tree,
            swelling,
            blood_absorption_per_mm(525, haemoglobin_g_per_l, oxygenation),
            blood_absorption_per_mm(470, haemoglobin_g_per_l, oxygenation),
            disc_um,
            spread_um,
        )
        for swelling in _SWELLINGS
    ]
    low, rest, high = (1 - share_below * (1 - level) for level in levels)
    s = _SWELLINGS[2]
    maps = (rest, (high - low) / (2 * s), (high + low - 2 * rest) / (2 * s * s))
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
    coarse = int(np.clip(np.floor(np.log2(max(spread_um / canvas.pixel_um, 1))), 1, FAR_LEVEL))
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
    """Relative change of every vessel's radius at ascending instants.

    Vasomotion is a slowly wandering rhythm of the given rms; the heart adds its pulse.
    """
    keys = [randomness.stream(seed, "vessels", f"vasomotion {part}") for part in "cs"]
    turn = 2 * np.pi * vasomotion_hz * times_s
    wander = 2.0 / vasomotion_hz
    slow = randomness.smooth_noise(keys[0], times_s, wander) * np.cos(turn)
    slow += randomness.smooth_noise(keys[1], times_s, wander) * np.sin(turn)
    pulse = np.cos(motion.heart_phase(seed, heart_hz, times_s))
    return np.clip(vasomotion * slow + heart * pulse, -0.3, 0.3)


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
    clock: Clock,
) -> Swellings:
    """Average the change of radius over eight midpoints of every exposure of a block."""
    values = swelling(seed, vasomotion, vasomotion_hz, heart, heart_hz, clock.inside_s(8))
    return Swellings(values.reshape(clock.frames, 8).mean(axis=1))


NO_SHADOW = Shadow(*(np.zeros(0, dtype=np.float32) for _ in range(3)))
"""The shadow of no vessels."""
NO_SHADOW._seal("no shadow")
