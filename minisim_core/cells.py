"""Where the cells are and what they look like: positions, marks, and projected bodies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import randomness
from .kernels import placement as kernels
from .memory import Result, stage
from .parameters import Parameters, quantity

FloatArray = NDArray[np.floating]
AVOGADRO = 6.02214076e23


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
    nucleus_fraction: float = quantity(
        0.62, "radius of the nucleus over that of the cell", low=0, high=0.95, step=0.01
    )
    nucleus_brightness: float = quantity(
        0.3, "brightness of the nucleus over that of the cytosol", low=0, high=5, step=0.05
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
        "indicator concentration in the cytosol",
        low=0,
        high=1000,
        unit="µM",
        log=True,
        label="Indicator concentration",
    )
    bright_fraction_at_rest: float = quantity(
        0.10, "share of indicator molecules that are bright at rest", low=0.001, high=1
    )


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
    """The outline of each cell."""

    radius_um: FloatArray  # (N,)
    axis_ratio: FloatArray  # (N,) long over short, as seen from above
    orientation_rad: FloatArray  # (N,)


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
    count = kernels.count_candidates(key, first, last, _TILE_UM, level)
    positions, levels = np.empty((count, 3)), np.empty(count)
    ids = np.empty(count, dtype=np.uint64)
    kernels.fill_candidates(positions, levels, ids, key, first, last, _TILE_UM, level)
    order = np.argsort(levels, kind="stable")
    positions, ids = positions[order], ids[order]
    wanted = ((positions >= low) & (positions <= high)).all(axis=1)
    if minimum_distance_um > 0 and count:
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
def grow(seed: int, places: Places, radius_um: float, radius_sd_um: float, elongation: float) -> Bodies:
    """Give each cell its size and its outline."""
    radius = np.maximum(radius_um + radius_sd_um * _marks(seed, places, "radius"), 0.3 * radius_um)
    turn = randomness.uniforms(randomness.stream(seed, "cells", "orientation"), places.ids)
    ratio = np.exp(np.abs(elongation * _marks(seed, places, "elongation")))
    return Bodies(radius_um=radius, axis_ratio=ratio, orientation_rad=math.pi * turn)


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
    factor of mean 1.
    """
    factor = np.exp(brightness_sd * _marks(seed, places, "brightness") - brightness_sd**2 / 2)
    volume_l = cytosol_volume_um3(bodies.radius_um, nucleus_fraction, nucleus_brightness) * 1e-15
    molecules = concentration_micromolar * 1e-6 * AVOGADRO * volume_l
    return Expression(molecules * bright_fraction_at_rest * factor)


def _marks(seed: int, places: Places, quantity: str) -> FloatArray:
    return randomness.normals(randomness.stream(seed, "cells", quantity), places.ids)


def cytosol_volume_um3(
    radius_um: FloatArray | float, nucleus_fraction: float, nucleus_brightness: float
) -> FloatArray:
    """Volume of a cell in which the nucleus counts by its brightness."""
    shell = 1 - (1 - nucleus_brightness) * nucleus_fraction**3
    return np.asarray(4 / 3 * math.pi * np.asarray(radius_um) ** 3 * shell)
