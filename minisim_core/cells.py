"""Where the cells are and what they look like: positions, marks, and projected bodies."""

from __future__ import annotations

from .parameters import Parameters, quantity


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
    concentration_um: float = quantity(
        30.0,
        "indicator concentration in the cytosol, in micromolar",
        low=0,
        high=1000,
        unit="µM",
        log=True,
        label="Indicator concentration",
    )
    bright_fraction_at_rest: float = quantity(
        0.10, "share of indicator molecules that are bright at rest", low=0.001, high=1
    )
