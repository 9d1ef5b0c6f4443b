"""A deconvolution that is not ours, OASIS, finds the spikes behind our cells' light."""

import numpy as np
import pytest
from oasis.functions import deconvolve

import minisim_core as ms
from minisim_core.inverse.score import score, solution

SEEDS = range(6)
BIN_FRAMES = 2  # 0.1 s at 20 Hz
SHAPE = (8, 8)


@pytest.fixture(scope="module")
def deconvolved() -> dict[str, np.ndarray]:
    """Median correlation with the true spikes, (seeds,), by what was done to the noisy traces.

    Cells fire twice or more in 60 s. Noise is white, its sd the mean light of their brightest 5 % of
    frames over the SNR: what `truth.snr` means. Nothing of our indicator is told to OASIS.
    """
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        truth = ms.simulate(ms.presets.get("guide", seed=seed, field_um=120, duration_s=60)).truth
        spikes = truth.spikes[:60].astype(float)
        active = np.flatnonzero(spikes.sum(axis=1) >= 2)[: np.prod(SHAPE)]
        light = truth.fluorescence[:60].astype(float)[active]
        bright = np.sort(light, axis=1)[:, -light.shape[1] // 20 :].mean(axis=1, keepdims=True) - 1
        white = np.random.default_rng(seed).normal(size=light.shape)
        cells = np.eye(np.prod(SHAPE))[: len(active)].reshape(-1, *SHAPE)
        known = solution(cells, SHAPE, spikes=spikes[active])

        def median_r(estimate: np.ndarray, cells=cells, known=known) -> float:
            report = score(
                solution(cells, SHAPE, spikes=estimate), known, bin_frames=BIN_FRAMES, shift_px=None
            )
            assert report.spike_r is not None and len(report.spike_r) == len(cells) > 30
            return float(np.median(report.spike_r))

        for snr in (3, 5, 20):
            noisy = light + white * bright / snr
            events = np.array([deconvolve(trace, penalty=1).s for trace in noisy])
            found.setdefault(f"SNR {snr}", []).append(median_r(events))
            found.setdefault(f"rise, SNR {snr}", []).append(
                median_r(np.maximum(np.diff(noisy, axis=1, prepend=noisy[:, :1]), 0))
            )
        found.setdefault("other cells", []).append(median_r(np.roll(events, 1, axis=0)))
    return {name: np.array(values) for name, values in found.items()}


def test_spikes_are_found_at_the_threshold_of_detection(deconvolved: dict[str, np.ndarray]) -> None:
    assert (deconvolved["SNR 5"] > 0.5).all() and (deconvolved["SNR 5"] < 0.8).all()
    assert (deconvolved["SNR 5"] > 1.6 * deconvolved["rise, SNR 5"]).all()


def test_better_light_gives_better_spikes(deconvolved: dict[str, np.ndarray]) -> None:
    assert (deconvolved["SNR 3"] > 0.4).all()
    assert (deconvolved["SNR 5"] > deconvolved["SNR 3"]).all()
    assert (deconvolved["SNR 20"] > deconvolved["SNR 5"]).all()
    assert (deconvolved["SNR 20"] > 0.6).all()


def test_another_cell_s_spikes_do_not_fit(deconvolved: dict[str, np.ndarray]) -> None:
    """But for the drive that all cells share."""
    assert (np.abs(deconvolved["other cells"]) < 0.1).all()
