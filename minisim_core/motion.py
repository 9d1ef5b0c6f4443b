"""The brain's path under the scope: heart, breathing, stride and drift, in continuous time."""

from __future__ import annotations

from .parameters import Parameters, quantity


class Motion(Parameters):
    """Rigid motion in the plane. Amplitudes are zero-to-peak in their state."""

    heart_um: float = quantity(
        0.3, "amplitude of the heartbeat", low=0, high=5, step=0.05, unit="µm", label="Heartbeat"
    )
    heart_hz: float = quantity(
        10.5,
        "heart rate",
        low=1,
        high=15,
        step=0.1,
        unit="Hz",
        source="9.7-12.7 Hz awake, Sci Rep 2025 s41598-025-20221-4",
    )
    breathing_um: float = quantity(
        0.7, "amplitude of breathing", low=0, high=10, step=0.1, unit="µm", label="Breathing"
    )
    breathing_hz: float = quantity(
        3.0, "breathing rate", low=0.5, high=12, step=0.1, unit="Hz"
    )
    stride_um: float = quantity(
        3.0, "amplitude of the stride while running", low=0, high=20, step=0.1, unit="µm",
        label="Stride",
    )
    stride_hz: float = quantity(7.0, "stride rate", low=1, high=15, step=0.1, unit="Hz")
    drift_um: float = quantity(
        3.0, "slow drift (sd over ten minutes)", low=0, high=20, step=0.1, unit="µm", label="Drift"
    )
    running_fraction: float = quantity(
        0.35, "share of the time spent running", low=0, high=1, step=0.05
    )
    bout_s: float = quantity(5.0, "typical length of a running bout", low=1, high=120, unit="s")
    looseness: float = quantity(
        1.0,
        "how loosely the headbar holds: scales all motion",
        low=0,
        high=3,
        step=0.05,
        label="Loose headbar",
    )
