"""Compile every kernel before a reader waits for it."""

from __future__ import annotations

import time


def warm() -> float:
    """Compile every kernel, or load it from the cache.

    Returns
    -------
    float
        Seconds it took.
    """
    from . import presets
    from .inverse import demix
    from .recording import simulate

    start = time.perf_counter()
    small = presets.get("guide", field_um=40, duration_s=0.2, activity={"bleaching_per_million_photons": 1.0})
    for changes in ({}, {"off": ("blur", "neuropil", "noise", "vessels", "motion")}):
        for bit_depth in (8, 10):
            recording = simulate(small.with_(sensor={"bit_depth": bit_depth}, **changes))
            recording.frames[0:1]
    simulate(small.with_(motion={"nonrigid_um": 0.5})).frames[0:1]
    recording = simulate(small)
    recording.explain((0, 0), frames=slice(0, 1))
    for name in ("footprints", "footprints_sharp"):
        getattr(recording.truth, name)[0]
    recording.truth.spikes[:, 0:1]
    _ = recording.truth.vessel_mask, recording.truth.snr
    flicker = simulate(small.with_(duration_s=2))
    demix.blind(
        flicker.frames, pixel_um=flicker.pixel_um, frame_rate_hz=20, bin_s=0.05, peak_to_noise=2,
        local_correlation=0, signal_to_noise=0,
    )  # fmt: skip
    demix.with_footprints(flicker.expected, recording.truth.footprints[:1])
    return time.perf_counter() - start
