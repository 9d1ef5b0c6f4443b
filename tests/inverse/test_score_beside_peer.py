"""Our score beside the metrics of the nearest peer, minisim 1.0.3, run in its own environment.

The same: cosine; intersection over union where footprints are masks; the best one-to-one pairs; Pearson's
r of traces and spikes; motion with a free origin. What differs, on purpose:

- a mask is all pixels above 0.3 of the peak here, and the brightest that hold 90 % of the weight there: a
  cell seen through tissue has much of its weight in a wide faint skirt, which then is most of the mask;
- pairs below the threshold are no pairs before we match, and are struck out afterwards there;
- a constant estimate has r = 0 here (it found nothing) and none there;
- the frame of the pipeline is found by correlating all footprints here, and by centroids there, which cells
  found on one side only pull away.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_core.inverse import matching, score

WORKER = Path(__file__).parents[1] / "benchmarks" / "_peer_metrics_worker.py"


def peer_python() -> str:
    """The peer's interpreter: named by MINISIM_PEER_PYTHON, or where the benchmarks keep it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    kept = cache / "minisim-guide" / "peer" / "bin" / "python"
    return os.environ.get("MINISIM_PEER_PYTHON") or (str(kept) if kept.exists() else "")


pytestmark = pytest.mark.skipif(
    not peer_python(),
    reason="the peer is not here: python -m tests.benchmarks.run makes its environment, or name its "
    "interpreter in MINISIM_PEER_PYTHON",
)


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    """Half of a small scene's detectable cells, worn by noise and a threshold, and three that are none."""
    recording = ms.simulate(ms.presets.get("guide", field_um=200, duration_s=10))
    shape, truth = recording.shape[1:], recording.truth
    rng = np.random.default_rng(0)
    true = np.flatnonzero(truth.detectable)
    A_true = truth.footprints.csc(true).toarray().T.reshape(-1, *shape)
    found = np.arange(0, len(true), 2)
    A = A_true[found] * rng.uniform(0.5, 1.5, (len(found), *shape))
    A[A < 0.1 * A.max(axis=(1, 2), keepdims=True)] = 0
    none = np.zeros((3, *shape))
    none[[0, 1, 2], [3, 40, 70], [70, 5, 40]] = 1
    cells, frames = len(found) + 3, recording.shape[0]
    return {
        "A": np.concatenate([A, none]),
        "A_true": A_true,
        "C": rng.normal(0, 1, (cells, frames)).cumsum(axis=1),
        "C_true": truth.fluorescence[:][true].astype(float),
        "spikes": rng.random((cells, frames)),
        "spikes_true": truth.spikes[:][true].astype(float),
        "shifts_px": truth.motion_um / recording.pixel_um + rng.normal(3, 0.2, (frames, 2)),
        "shifts_px_true": truth.motion_um / recording.pixel_um,
        "pairs": np.stack([np.arange(len(found)), found], axis=1),
    }


def ask_peer(arrays: dict[str, Any]) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "both.npz", **arrays)
        command = [peer_python(), str(WORKER), str(Path(folder) / "both.npz")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.fixture(scope="module")
def peer(arrays: dict[str, Any]) -> dict[str, Any]:
    return ask_peer(arrays)


def both(arrays: dict[str, Any]) -> tuple[score.Solution, score.Solution]:
    def side(end: str) -> score.Solution:
        A, *courses = (arrays[name + end] for name in ("A", "C", "spikes", "shifts_px"))
        return score.solution(A, A.shape[1:], C=courses[0], spikes=courses[1], shifts_px=courses[2])

    return side(""), side("_true")


def test_cosines_and_pairs_are_the_same(arrays: dict[str, Any], peer: dict[str, Any]) -> None:
    estimate, truth = both(arrays)
    ours = matching.similarities(estimate.footprints, truth.footprints, "cosine")
    np.testing.assert_allclose(ours, peer["cosine"]["similarity"], atol=1e-6)
    sure = {(i, j) for i, j in peer["cosine"]["pairs"] if ours[i, j] >= 0.6}
    report = score.score(estimate, truth, shift_px=None)
    assert {tuple(pair) for pair in report.pairs.tolist()} == sure
    assert len(sure) == len(arrays["pairs"])


def test_masks_overlap_the_same(arrays: dict[str, Any]) -> None:
    masks = arrays | {name: (arrays[name] > 0.2 * arrays[name].max(axis=(1, 2), keepdims=True)) * 1.0
                      for name in ("A", "A_true")}  # fmt: skip
    theirs = ask_peer(masks)
    estimate, truth = both(masks)
    ours = matching.similarities(estimate.footprints, truth.footprints, "iou")
    np.testing.assert_allclose(ours, theirs["iou"]["similarity"], atol=1e-6)
    report = score.score(estimate, truth, similarity="iou", shift_px=None)
    assert {tuple(pair) for pair in report.pairs.tolist()} == {
        (i, j) for i, j in theirs["iou"]["pairs"] if ours[i, j] >= 0.6
    }


def test_skirts_make_the_difference_of_the_two_masks(arrays: dict[str, Any], peer: dict[str, Any]) -> None:
    """The same cells, their skirts cut off by a threshold: alike to us, no longer alike to the peer."""
    estimate, truth = both(arrays)
    i, j = arrays["pairs"].T
    ours = matching.similarities(estimate.footprints, truth.footprints, "iou")[i, j]
    theirs = np.array(peer["iou_energy"]["similarity"])[i, j]
    assert np.median(ours) > 0.6 > 0.5 > np.median(theirs)


def test_courses_and_motion_are_the_same(arrays: dict[str, Any], peer: dict[str, Any]) -> None:
    estimate, truth = both(arrays)
    report = score.score(estimate, truth, shift_px=None)
    assert report.pairs.tolist() == arrays["pairs"].tolist()
    assert report.trace_r is not None and report.spike_r is not None and report.motion is not None
    np.testing.assert_allclose(report.trace_r, peer["trace_r"], atol=1e-9)
    np.testing.assert_allclose(report.spike_r, peer["spike_r"], atol=1e-9)
    assert report.motion.rmse_px == pytest.approx(peer["motion"], abs=1e-9)


def test_a_constant_estimate_is_0_to_us_and_undefined_there(arrays: dict[str, Any]) -> None:
    still = arrays | {"C": np.ones_like(arrays["C"])}
    assert np.isnan(ask_peer(still)["trace_r"]).all()
    report = score.score(*both(still), shift_px=None)
    assert report.trace_r is not None and not report.trace_r.any()


def test_a_shared_shift_is_found_by_us_where_some_cells_were_missed(arrays: dict[str, Any]) -> None:
    away = arrays | {"A": np.roll(arrays["A"], (3, -2), axis=(1, 2))}
    assert score.score(*both(away)).shift_px == (-3, 2)
    theirs = ask_peer(away)["cosine"]["auto_shift"]
    assert theirs != [-3, 2]
