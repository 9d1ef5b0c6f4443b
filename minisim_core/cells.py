"""Where the cells are and what they look like: positions, marks, and projected bodies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import randomness
from .kernels import placement as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]
AVOGADRO = 6.02214076e23


BASAL = 6
"""The most basal dendrites that a cell may have: one in each sector around it."""

_APICAL_LENGTH, _APICAL_RADIUS = 1.3, 1.3  # over those of a basal dendrite
_APICAL_TILT_RAD = 0.7
_SHORTEST, _LONGEST = 0.6, 1.4  # over the mean length
_THINNEST = 0.3  # cross-section over the mean one
_CURL = 0.5  # largest sideways bend of a dendrite over its length


class Stained(NamedTuple):
    """The part of a cell that shines: a body, its darker middle, and dendrites."""

    radius_um: float
    radius_sd_um: float
    nucleus_fraction: float
    nucleus_brightness: float
    dendrite_count: float
    dendrite_length_um: float
    dendrite_radius_um: float

    @property
    def soma_volume_um3(self) -> float:
        """Mean volume of a body, its nucleus counting by its brightness."""
        mean_cube = 1 + 3 * (self.radius_sd_um / max(self.radius_um, 1e-9)) ** 2
        one = soma_volume_um3(self.radius_um, self.nucleus_fraction, self.nucleus_brightness)
        return float(one) * mean_cube

    @property
    def dendrite_volume_um3(self) -> float:
        """Mean volume of a cell's dendrites together."""
        apical, basal = _presence(self.dendrite_count)
        basals = basal * BASAL + apical * _APICAL_LENGTH * _APICAL_RADIUS**2
        return math.pi / 5 * self.dendrite_radius_um**2 * self.dendrite_length_um * basals

    @property
    def dendrite_reach_um(self) -> float:
        """How far a basal dendrite may reach from the soma."""
        return _LONGEST * self.dendrite_length_um


class Cells(Parameters):
    """The labelled neurons. Defaults: cytosolic GCaMP in layer 2/3-like tissue."""

    density_per_mm3: float = quantity(
        1.5e4,
        "labelled cells per mm³ within the depth range",
        low=0,
        high=1e6,
        unit="/mm³",
        log=True,
        label="Cell density",
    )
    depth_range_um: tuple[float, float] = quantity(
        (20.0, 250.0), "shallowest and deepest cell centre", unit="µm", label="Depth range"
    )
    positions_um: tuple[tuple[float, float, float], ...] | None = quantity(
        None, "explicit cell centres (z, y, x); overrides density and depth range", unit="µm"
    )
    minimum_distance_um: float = quantity(
        11,
        "no two cell centres are closer than this",
        low=0,
        high=50,
        step=0.5,
        unit="µm",
    )
    radius_um: float = quantity(
        6.0, "mean radius of a cell body", low=1, high=25, step=0.1, unit="µm", label="Cell radius"
    )
    radius_sd_um: float = quantity(
        0.8, "spread of the radius across cells", low=0, high=5, step=0.1, unit="µm"
    )
    elongation: float = quantity(
        0.15,
        "spread (log sd) of the ratio of long to short axis as seen from above",
        low=0,
        high=0.5,
        step=0.01,
    )
    labelling: Literal["cytosolic", "soma", "nuclear"] = quantity(
        "cytosolic",
        "what shines: cytosol with dendrites, somata only (with far less neuropil: lower its ratio, too), "
        "or nuclei only",
        label="Labelling",
    )
    nucleus_fraction: float = quantity(
        0.62, "radius of the nucleus over that of the cell", low=0, high=0.95, step=0.01
    )
    nucleus_brightness: float = quantity(
        0.3, "brightness of the nucleus over that of the cytosol", low=0, high=5, step=0.05
    )
    dendrite_count: float = quantity(
        4.0, "mean number of proximal dendrites, one of them apical", low=0, high=1 + BASAL, step=0.5
    )
    dendrite_length_um: float = quantity(
        20.0,
        "mean length over which a basal dendrite tapers to nothing; the apical one is longer",
        low=0,
        high=40,
        step=1,
        unit="µm",
    )
    dendrite_radius_um: float = quantity(
        1.5,
        "radius of a basal dendrite where it leaves the soma; the apical one is thicker",
        low=0,
        high=3,
        step=0.1,
        unit="µm",
    )
    brightness_sd: float = quantity(
        0.5,
        "spread of expression across cells (sd of the log)",
        low=0,
        high=1.5,
        step=0.05,
        label="Spread of expression",
    )
    concentration_micromolar: float = quantity(
        30.0,
        "indicator concentration in what is labelled",
        low=0,
        high=1000,
        unit="µM",
        log=True,
        label="Indicator concentration",
    )
    bright_fraction_at_rest: float = quantity(
        0.10, "share of indicator molecules that are bright at rest", low=0.001, high=1
    )

    @property
    def stained(self) -> Stained:
        """The part of a cell that the labelling lights up."""
        if self.labelling == "nuclear":
            n = self.nucleus_fraction
            return Stained(n * self.radius_um, n * self.radius_sd_um, 0.0, 1.0, 0.0, 0.0, 0.0)
        length = self.dendrite_length_um if self.labelling == "cytosolic" else 0.0
        return Stained(
            self.radius_um, self.radius_sd_um, self.nucleus_fraction, self.nucleus_brightness,
            self.dendrite_count, length, self.dendrite_radius_um,
        )  # fmt: skip


_TILE_UM = np.array([50.0, 100.0, 100.0])


@dataclass(frozen=True, eq=False)
class Places(Result):
    """Where the cells are, and who they are."""

    positions_um: FloatArray  # (N, 3): z, y, x
    ids: NDArray[np.uint64]  # (N,)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Bodies(Result):
    """The outline of each cell: an ellipsoid and up to K dendrites.

    A dendrite is the curve root + u along + u² bend, u in 0..1, whose radius falls from
    `root_radius_um` (0 where there is none) to nothing as (1 - u)², in slices across `along`.
    """

    radius_um: FloatArray  # (N,)
    axis_ratio: FloatArray  # (N,) long over short, as seen from above
    orientation_rad: FloatArray  # (N,)
    root_um: FloatArray  # (N, K, 3) z, y, x from the cell's centre
    along_um: FloatArray  # (N, K, 3)
    bend_um: FloatArray  # (N, K, 3)
    root_radius_um: FloatArray  # (N, K)

    @property
    def dendrite_volume_um3(self) -> FloatArray:
        """Volume of each cell's dendrites, (N,)."""
        return _dendrite_volumes_um3(self).sum(axis=1)  # type: ignore[no-any-return]

    @property
    def dendrite_centre_um(self) -> FloatArray:
        """Centre (y, x) of each cell's dendrites as seen from above, from the soma's, (N, 2)."""
        volumes = _dendrite_volumes_um3(self)[..., None]
        at = self.root_um + self.along_um / 6 + self.bend_um / 21
        return (volumes * at[..., 1:]).sum(axis=1) / np.maximum(volumes.sum(axis=1), 1e-30)  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Expression(Result):
    """How bright each cell is at rest."""

    bright_molecules: FloatArray  # (N,)


@stage
def place(
    seed: int,
    density_per_mm3: float,
    depth_range_um: tuple[float, float],
    minimum_distance_um: float,
    half_width_um: float,
) -> Places:
    """Draw the cells of a square column of tissue around the optical axis.

    Candidates fill an endless tissue as a Poisson process; each carries a mark, its density
    level. A density takes the candidates below its level, of which those with an earlier one
    too near are dropped (Matérn's second process, level corrected so that the density asked for
    results). Cells come in the order of their marks: a denser tissue begins with the sparser one.

    Parameters
    ----------
    seed : int
    density_per_mm3 : float
    depth_range_um : (float, float)
    minimum_distance_um : float
    half_width_um : float
        Half the width of the column.
    """
    key = randomness.stream(seed, "cells", "places")
    level = _level(density_per_mm3 * 1e-9, minimum_distance_um)
    low = np.array([depth_range_um[0], -half_width_um, -half_width_um])
    high = np.array([depth_range_um[1], half_width_um, half_width_um])
    first = np.floor((low - minimum_distance_um) / _TILE_UM).astype(np.int64)
    last = np.floor((high + minimum_distance_um) / _TILE_UM).astype(np.int64) + 1
    first[0] = max(first[0], 0)
    positions, levels, ids = kernels.candidates(key, first, last, _TILE_UM, level)
    order = np.argsort(levels, kind="stable")
    positions, ids = positions[order], ids[order]
    wanted = ((positions >= low) & (positions <= high)).all(axis=1)
    if minimum_distance_um > 0 and len(ids):
        wanted &= kernels.keep_apart(positions, float(minimum_distance_um))
    return Places(positions[wanted], ids[wanted])


def _level(density_per_um3: float, minimum_distance_um: float) -> float:
    """Return the density of candidates of which the asked-for density survives the thinning."""
    ball = 4 / 3 * math.pi * minimum_distance_um**3
    if ball == 0 or density_per_um3 == 0:
        return density_per_um3
    return -math.log1p(-density_per_um3 * ball) / ball


@stage
def place_explicitly(positions_um: tuple[tuple[float, float, float], ...]) -> Places:
    """Put the cells where they are told to be; a cell's place in the list is its identity."""
    return Places(
        np.array(positions_um, dtype=float).reshape(-1, 3),
        np.arange(len(positions_um), dtype=np.uint64),
    )


@stage
def grow(
    seed: int,
    places: Places,
    radius_um: float,
    radius_sd_um: float,
    elongation: float,
    dendrite_count: float = 0.0,
    dendrite_length_um: float = 0.0,
    dendrite_radius_um: float = 0.0,
) -> Bodies:
    """Give each cell its size, its outline and its dendrites."""
    radius = np.maximum(radius_um + radius_sd_um * _marks(seed, places, "radius"), 0.3 * radius_um)
    turn = math.pi * randomness.uniforms(randomness.stream(seed, "cells", "orientation"), places.ids)
    ratio = np.exp(np.abs(elongation * _marks(seed, places, "elongation")))
    if min(dendrite_count, dendrite_length_um, dendrite_radius_um) == 0:
        none = np.zeros((len(places), 0, 3))
        return Bodies(radius, ratio, turn, none, none, none, none[..., 0])
    thickness, direction, sideways, length = _dendrites(seed, places, dendrite_count)
    long, short = radius * np.sqrt(ratio), radius / np.sqrt(ratio)
    dz, dy, dx = direction.transpose(2, 0, 1)
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    to_surface = (dz / radius[:, None]) ** 2 + ((c * dx + s * dy) / long[:, None]) ** 2
    to_surface += ((c * dy - s * dx) / short[:, None]) ** 2
    return Bodies(
        radius_um=radius,
        axis_ratio=ratio,
        orientation_rad=turn,
        root_um=direction / np.sqrt(to_surface)[..., None],
        along_um=dendrite_length_um * length[..., None] * direction,
        bend_um=dendrite_length_um * length[..., None] * sideways,
        root_radius_um=dendrite_radius_um * thickness,
    )


def _presence(dendrite_count: float) -> tuple[float, float]:
    """Chance of the apical dendrite, and of each basal one, for a mean number of dendrites."""
    return min(dendrite_count, 1.0), max(dendrite_count - 1, 0.0) / BASAL


def _dendrites(
    seed: int, places: Places, dendrite_count: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Draw how thick the dendrites are, where they point, how they bend, and how long they are.

    Thickness and length are relative; a thickness of 0 means that there is none.

    The first is apical and rises towards the surface, at most `_APICAL_TILT_RAD` off the axis; the
    others are basal: each has a sector of its own around the cell and lies flat or points down.
    """

    def draw(quantity: str) -> FloatArray:
        key = randomness.stream(seed, "cells", f"dendrite {quantity}")
        return np.stack([randomness.uniforms(key, places.ids, k) for k in range(1 + BASAL)], axis=1)

    apical = np.arange(1 + BASAL) == 0
    present = draw("mark") < np.where(apical, *_presence(dendrite_count))
    section = _THINNEST + 2 * (1 - _THINNEST) * draw("thickness")  # of mean 1
    thickness = np.where(present, np.sqrt(section) * np.where(apical, _APICAL_RADIUS, 1.0), 0.0)
    azimuth, height = draw("azimuth"), draw("height")
    sector = np.arange(1 + BASAL) + 0.8 * azimuth + BASAL * azimuth[:, :1]
    angle = 2 * math.pi * np.where(apical, azimuth, sector / BASAL)
    z = np.where(apical, -np.cos(_APICAL_TILT_RAD * np.sqrt(height)), 0.9 * height - 0.2)
    flat = np.sqrt(1 - z**2)
    c, s = np.cos(angle), np.sin(angle)
    direction = np.stack([z, flat * s, flat * c], axis=-1)
    across = np.stack([np.zeros_like(z), c, -s], axis=-1)
    over = np.stack([flat, -z * s, -z * c], axis=-1)
    turn, lift = (_CURL * (2 * draw(name) - 1)[..., None] for name in ("turn", "lift"))
    length = (_SHORTEST + (_LONGEST - _SHORTEST) * draw("length")) * np.where(apical, _APICAL_LENGTH, 1.0)
    return thickness, direction, turn * across + lift * over, length


def _dendrite_volumes_um3(bodies: Bodies) -> FloatArray:
    """Volume of every dendrite, (N, K); a slight bend does not change it."""
    length = np.sqrt((bodies.along_um**2).sum(axis=-1))
    return math.pi / 5 * bodies.root_radius_um**2 * length  # type: ignore[no-any-return]


@stage
def express(
    seed: int,
    places: Places,
    bodies: Bodies,
    nucleus_fraction: float,
    nucleus_brightness: float,
    brightness_sd: float,
    concentration_micromolar: float,
    bright_fraction_at_rest: float,
) -> Expression:
    """Give each cell its molecules.

    Concentration x volume (the nucleus counting by its brightness) x bright fraction x a log-normal
    factor of mean 1. Dendrites hold the cytosol's concentration.
    """
    factor = np.exp(brightness_sd * _marks(seed, places, "brightness") - brightness_sd**2 / 2)
    volume = soma_volume_um3(bodies.radius_um, nucleus_fraction, nucleus_brightness)
    each = molecules(concentration_micromolar, volume + bodies.dendrite_volume_um3)
    return Expression(each * bright_fraction_at_rest * factor)


def molecules(concentration_micromolar: float, volume_um3: FloatArray | float) -> FloatArray:
    """Molecules in a volume."""
    return np.asarray(concentration_micromolar * 1e-6 * AVOGADRO * 1e-15 * np.asarray(volume_um3))


def _marks(seed: int, places: Places, quantity: str) -> FloatArray:
    return randomness.normals(randomness.stream(seed, "cells", quantity), places.ids)


def soma_volume_um3(
    radius_um: FloatArray | float, nucleus_fraction: float, nucleus_brightness: float
) -> FloatArray:
    """Volume of a soma in which the nucleus counts by its brightness."""
    shell = 1 - (1 - nucleus_brightness) * nucleus_fraction**3
    return np.asarray(4 / 3 * math.pi * np.asarray(radius_um) ** 3 * shell)
