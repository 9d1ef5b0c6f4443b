"""Page 4, cross-talk: claim C13, demixing recovers what ROI averaging cannot, up to a density.

Motion is off: demixing starts where registration ends.
"""

from dataclasses import dataclass

import numpy as np
import pytest

import minisim_core as ms
from minisim_core.detectability import DETECTABLE_SNR
from minisim_core.inverse import demix, roi
from minisim_core.inverse.score import score, truth_of
from minisim_core.inverse.solution import solution

SEEDS = range(10)
FIELD_UM = 120  # a piece of the guide: a tenth of its cells a seed
DENSE_PER_MM3 = 1.2e5  # eight times the guide's; tests/benchmarks/density.py looks between the two
BRIGHT_SHARE = 0.05  # of frames, by which `truth.snr` judges a cell


@dataclass
class Outcome:
    """Correlations with the true fluorescence of the cells that were active enough to be judged."""

    demixed: np.ndarray
    roi: np.ndarray
    corrected: np.ndarray
    blind: np.ndarray
    blind_corrected: np.ndarray


def correlations(one, other):
    one, other = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    return (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))


def events(known: ms.truth.Truth) -> np.ndarray:
    """How often each cell's one-frame signal rises above the threshold of detection."""
    light = known.fluorescence[:] - 1
    count = max(1, round(BRIGHT_SHARE * light.shape[1]))
    bright = np.partition(light, light.shape[1] - count, axis=1)[:, -count:].mean(axis=1, keepdims=True)
    above = light * (known.snr[:, None] / np.maximum(bright, 1e-6)) > DETECTABLE_SNR
    return (above[:, 1:] & ~above[:, :-1]).sum(axis=1)


def outcome(seed: int, **changes) -> Outcome:
    rec = ms.simulate(
        ms.presets.get("guide", field_um=FIELD_UM, duration_s=60, seed=seed, **changes)
    ).without("motion")
    movie, known, truth = rec.frames[:], rec.truth, truth_of(rec)
    judged = known.detectable & (events(known) >= 2)
    cells = np.flatnonzero(judged)
    A = known.footprints.csc(cells)
    told = demix.with_footprints(movie, A).C if len(cells) else np.zeros((0, len(movie)))
    found = demix.blind(movie, pixel_um=rec.pixel_um, frame_rate_hz=rec.experiment.frame_rate_hz)
    report = score(
        solution(found.A, rec.shape[1:], C=found.C), truth,
        detectable=known.detectable, in_field=known.in_field, shift_px=None,
    )  # fmt: skip
    mine, theirs = report.pairs[judged[report.pairs[:, 1]]].T
    true = truth.traces
    return Outcome(
        correlations(told, true[cells]),
        correlations(roi.traces(movie, A), true[cells]),
        correlations(corrected(movie, A), true[cells]),
        correlations(found.C[mine], true[theirs]),
        correlations(corrected(movie, found.A)[mine], true[theirs]),
    )


def corrected(movie, A):
    """ROI less 0.7 of its annulus; a cell without room for a ring keeps its ROI."""
    around = roi.traces(movie, roi.annulus(A, movie.shape[1:]).pixels)
    return roi.neuropil_subtracted(roi.traces(movie, A), np.nan_to_num(around))


@pytest.fixture(scope="module")
def guide() -> list[Outcome]:
    return [outcome(seed) for seed in SEEDS]


def pooled(outcomes: list[Outcome], name: str) -> np.ndarray:
    return np.concatenate([getattr(one, name) for one in outcomes])


def found(outcomes: list[Outcome], least_r: float) -> float:
    """Share of the cells that blind demixing finds with at least such an r."""
    return float(np.sum(pooled(outcomes, "blind") >= least_r) / len(pooled(outcomes, "demixed")))


def test_c13_demixing_recovers_what_roi_averaging_cannot(guide):
    told, averaged = pooled(guide, "demixed"), pooled(guide, "roi")
    assert len(told) >= 100
    assert np.median(told) >= 0.8
    assert np.median(told) >= np.median(averaged) + 0.15


def test_c13_blind_demixing_does_so_too_for_the_cells_it_finds(guide):
    blind, averaged = pooled(guide, "blind"), pooled(guide, "roi")
    assert found(guide, -1) > 0.6
    assert np.median(blind) >= 0.8
    assert np.median(blind) >= np.median(averaged) + 0.15


def test_c13_blind_demixing_beats_roi_minus_annulus_on_four_cells_of_five(guide):
    assert np.mean(pooled(guide, "blind") > pooled(guide, "blind_corrected")) >= 0.8


def test_c13_demixing_fails_too_where_cells_are_dense(guide):
    # The LED is turned down as the tissue gets brighter, or the camera would saturate.
    preset = ms.presets.get("guide")
    dimmed = preset.illumination.led_mw * preset.cells.density_per_mm3 / DENSE_PER_MM3
    dense = [
        outcome(seed, cells={"density_per_mm3": DENSE_PER_MM3}, illumination={"led_mw": dimmed})
        for seed in SEEDS
    ]
    assert found(guide, 0.8) > 0.5
    assert found(dense, 0.8) < 0.5
