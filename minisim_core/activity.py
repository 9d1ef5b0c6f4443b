"""Spikes, calcium and fluorescence of every cell, in continuous time."""

from __future__ import annotations

from typing import Literal

from .parameters import Parameters, quantity

IndicatorName = Literal[
    "GCaMP6f", "GCaMP6s", "jGCaMP7f", "jGCaMP8f", "jGCaMP8m", "jGCaMP8s"
]


class Activity(Parameters):
    """How the cells fire and what their indicator makes of it."""

    indicator: IndicatorName = quantity("GCaMP6f", "the calcium indicator", label="Indicator")
    rate_hz: float = quantity(
        0.3,
        "median rate of events (bursts) across cells",
        low=0,
        high=20,
        log=True,
        unit="Hz",
        label="Event rate",
    )
    rate_spread: float = quantity(
        0.5,
        "spread of rates across cells (sd of log10)",
        low=0,
        high=1,
        step=0.05,
        source="firing rates are log-normal, Mizuseki & Buzsáki 2013",
    )
    burst_spikes: float = quantity(
        3.0, "mean number of spikes in an event", low=1, high=20, step=0.5, label="Spikes per event"
    )
    burst_interval_s: float = quantity(
        0.006, "mean interval between the spikes of an event", low=0.002, high=0.2, unit="s"
    )
    drive_sd: float = quantity(
        0.5,
        "strength of the slow drive all cells share (sd of the log rate)",
        low=0,
        high=1.5,
        step=0.05,
        label="Shared drive",
    )
    drive_time_s: float = quantity(
        3.0, "correlation time of the shared drive", low=0.2, high=60, step=0.1, unit="s"
    )
