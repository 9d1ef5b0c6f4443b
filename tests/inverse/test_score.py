"""Scores of cases whose answer is known, and what is said when something is wrong."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, sparse

import minisim_core as ms
from minisim_core.inverse import matching, score
from minisim_core.inverse.score import Solution, solution

Array = NDArray[Any]
SHAPE = (48, 60)
CENTRES = [(8, 8), (8, 30), (20, 50), (30, 12), (34, 36), (40, 52)]
FRAMES = 80


def bumps(centres: list[tuple[float, float]], sigma: float = 2.0) -> Array:
    """Gaussian footprints, (K, H, W)."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    whole = [np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * sigma**2)) for a, b in centres]
    return np.where(np.array(whole) > 0.01, whole, 0).reshape(-1, *SHAPE)


def known(**changes: Any) -> Solution:
    """Six cells with their courses and a path."""
    rng = np.random.default_rng(3)
    spikes = rng.poisson(0.1, (len(CENTRES), FRAMES))
    arrays = {
        "C": 1 + spikes.cumsum(axis=1) % 3,
        "spikes": spikes,
        "shifts_px": rng.normal(0, 2, (FRAMES, 2)),
    }
    return solution(bumps(CENTRES), SHAPE, **(arrays | changes))


def test_the_truth_scores_perfectly() -> None:
    report = score.score(known(), known())
    for tally in (report.detectable, report.all_cells):
        assert (tally.cells, tally.cells_found, tally.estimates, tally.estimates_right) == (6, 6, 6, 6)
        assert (tally.recall, tally.precision, tally.f1) == (1, 1, 1)
    assert np.array_equal(report.pairs, np.repeat(np.arange(6)[:, None], 2, axis=1))
    assert report.trace_r is not None and report.spike_r is not None and report.motion is not None
    np.testing.assert_allclose([report.likeness, report.trace_r, report.spike_r], 1, rtol=1e-6)
    assert report.motion.rmse_px == 0 and report.motion.uncorrected_px > 1
    assert report.shift_px == (0, 0) and not report.notes


def test_counts_are_those_of_the_definition() -> None:
    """Cells 0-2 detectable, 3 and 4 not, 5 beyond the field; found: 0, 1, 3, 5, and one that is no cell."""
    could = np.array([True, True, True, False, False, False])
    counted = np.array([True, True, True, True, True, False])
    found = solution(bumps([CENTRES[3], CENTRES[0], (20, 30), CENTRES[5], CENTRES[1]]), SHAPE)
    report = score.score(found, known(), detectable=could, in_field=counted)
    assert report.pairs.tolist() == [[0, 3], [1, 0], [3, 5], [4, 1]]
    assert report.pair_detectable.tolist() == [False, True, False, True]
    assert report.detectable.recall == 2 / 3
    assert report.detectable.precision == 2 / 5  # 3 and 5 are true cells, but not these
    assert report.detectable.f1 == pytest.approx(2 * (2 / 3) * 0.4 / (2 / 3 + 0.4))
    assert report.all_cells.recall == 3 / 5  # cell 5 is not in the field ...
    assert report.all_cells.precision == 4 / 5  # ... but whoever finds it is right
    assert report.trace_r is None and report.spike_r is None and report.motion is None


def test_detectable_cells_choose_first() -> None:
    estimate = solution(bumps([(20, 21)]), SHAPE)
    truth = solution(bumps([(20, 20), (20, 21)]), SHAPE)
    faint_is_nearer = score.score(estimate, truth, detectable=np.array([True, False]), shift_px=None)
    assert faint_is_nearer.pairs.tolist() == [[0, 0]]
    assert score.score(estimate, truth, shift_px=None).pairs.tolist() == [[0, 1]]


@pytest.mark.parametrize("kind", ["cosine", "iou"])
def test_similarities_are_those_of_dense_arrays(kind: matching.Similarity) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.random((n, *SHAPE)) * (rng.random((n, *SHAPE)) < 0.2) for n in (4, 5))
    a[2] = 0
    got = matching.similarities(solution(a, SHAPE).footprints, solution(b, SHAPE).footprints, kind)
    for i, j in np.ndindex(4, 5):
        if i == 2:
            want = 0.0
        elif kind == "cosine":
            want = (a[i] * b[j]).sum() / np.linalg.norm(a[i]) / np.linalg.norm(b[j])
        else:
            ours, theirs = (m >= 0.3 * m.max() for m in (a[i], b[j]))
            want = (ours & theirs).sum() / (ours | theirs).sum()
        assert got[i, j] == pytest.approx(want, abs=1e-6)


def test_pairs_sum_to_the_most() -> None:
    """Against all orders of a small problem."""
    rng = np.random.default_rng(1)
    likeness = rng.random((5, 5))
    found = matching.match(likeness, 0.3, np.ones(5, dtype=bool))
    worth = np.where(likeness >= 0.3, likeness, 0)
    rows, columns = optimize.linear_sum_assignment(-worth)
    assert found.similarity.sum() == pytest.approx(worth[rows, columns].sum())
    assert (found.similarity >= 0.3).all()
    greedy = np.array([[0.9, 0.8], [0.85, 0.1]])  # the best pair alone would cost the other
    assert matching.match(greedy, 0.2, np.ones(2, dtype=bool)).pairs.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("by", [(0, 0), (3, -5), (-4, 6)])
@pytest.mark.parametrize("kind", ["cosine", "iou"])
def test_the_frame_of_the_pipeline_is_found(by: tuple[int, int], kind: matching.Similarity) -> None:
    estimate = solution(np.roll(bumps([*CENTRES[1:5], (20, 30)]), by, axis=(1, 2)), SHAPE)
    report = score.score(estimate, known(), similarity=kind)
    assert report.shift_px == (-by[0], -by[1])
    assert report.all_cells.cells_found == 4
    told = score.score(estimate, known(), similarity=kind, shift_px=(-by[0], -by[1]))
    assert np.array_equal(told.pairs, report.pairs)
    if by != (0, 0):
        assert score.score(estimate, known(), similarity=kind, shift_px=None).all_cells.cells_found == 0


def test_what_is_moved_out_of_the_field_is_gone_or_comes_round() -> None:
    columns = solution(bumps([(8, 8)]), SHAPE).footprints
    for around in (False, True):
        got = matching.moved(columns, SHAPE, (-10, 4), around=around).toarray().reshape(SHAPE)
        want = np.roll(columns.toarray().reshape(SHAPE), (-10, 4), axis=(0, 1))
        if not around:
            want[-10:] = 0
        np.testing.assert_array_equal(got, want)


def test_scale_and_offset_do_not_matter_where_they_should_not() -> None:
    truth = known()
    assert truth.traces is not None and truth.spikes is not None and truth.shifts_px is not None
    estimate = known(
        C=7 * truth.traces - 3, spikes=0.2 * truth.spikes, shifts_px=truth.shifts_px + np.array([5, -8])
    )
    report = score.score(estimate, truth)
    assert report.motion is not None
    np.testing.assert_allclose(np.array([report.trace_r, report.spike_r, report.spike_similarity]), 1)
    assert report.motion.rmse_px == pytest.approx(0, abs=1e-12)
    shifted = score.score(known(spikes=truth.spikes + 1.0), truth)
    assert shifted.spike_r is not None and shifted.spike_similarity is not None
    np.testing.assert_allclose(shifted.spike_r, 1)
    assert (shifted.spike_similarity < 0.8).all()  # spikes have a zero


def test_numbers_are_those_of_numpy() -> None:
    rng = np.random.default_rng(5)
    truth = known()
    C, spikes, shifts = rng.random((6, FRAMES)), rng.random((6, FRAMES)), rng.normal(0, 1, (FRAMES, 2))
    report = score.score(known(C=C, spikes=spikes, shifts_px=shifts), truth, bin_frames=7)
    assert report.trace_r is not None and report.spike_r is not None and report.spike_similarity is not None
    for i in range(6):
        assert report.trace_r[i] == pytest.approx(np.corrcoef(C[i], truth.traces[i])[0, 1])
        a, b = (s[i, :77].reshape(11, 7).sum(axis=1) for s in (spikes, truth.spikes))
        assert report.spike_r[i] == pytest.approx(np.corrcoef(a, b)[0, 1])
        assert report.spike_similarity[i] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    away = shifts - truth.shifts_px
    assert report.motion is not None
    assert report.motion.rmse_px == pytest.approx(np.sqrt(away.var(axis=0).mean()))
    assert report.motion.uncorrected_px == pytest.approx(np.sqrt(truth.shifts_px.var(axis=0).mean()))


def test_a_silent_estimate_scores_0_and_a_silent_truth_is_undefined() -> None:
    truth = known()
    C = np.array(truth.traces)
    C[1] = 0.1 + 0.2  # constant but for rounding
    report = score.score(known(C=C), truth)
    assert report.trace_r is not None and report.trace_r[1] == 0 and report.trace_r[0] == pytest.approx(1)
    silent = score.score(truth, known(C=C, spikes=np.zeros((6, FRAMES))))
    assert silent.trace_r is not None and np.isnan(silent.trace_r[1])
    assert silent.spike_similarity is not None and np.isnan(silent.spike_similarity).all()
    assert silent.as_dict()["trace_r"][1] is None
    assert "5 cells and 1 whose truth is constant" in silent.text()
    assert "r undefined over detectable pairs" in silent.text()


def test_an_empty_estimate_is_said_to_be_empty() -> None:
    nothing = solution(np.zeros((0, *SHAPE)), SHAPE, C=np.zeros((0, FRAMES)), spikes=np.zeros((0, FRAMES)))
    report = score.score(nothing, known())
    assert (report.detectable.recall, report.detectable.precision, report.detectable.f1) == (0, 0, 0)
    assert "holds no cells" in report.text() and "0 of 6 found" in report.text()
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False))["all_cells"]["recall"] == 0


def test_empty_footprints_and_undetectable_cells_are_said() -> None:
    A = bumps(CENTRES[:3])
    A[1] = 0
    report = score.score(solution(A, SHAPE), known(), detectable=np.zeros(6, dtype=bool))
    assert report.all_cells.cells_found == 2 and report.all_cells.precision == 2 / 3
    assert report.detectable.recall == 0
    assert report.notes == (
        "1 of 3 estimated footprints are empty and match nothing.",
        "No cell of this recording is detectable: recall over them is given as 0.",
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda d: -d, "the opposite sign (ours"),
        (lambda d: d[:, ::-1], "y and x exchanged (ours"),
        (lambda d: -d[:, ::-1], "the opposite sign and y and x exchanged"),
    ],
)
def test_shifts_of_another_convention_are_noticed(wrong: Callable[[Array], Array], said: str) -> None:
    truth = known()
    rng = np.random.default_rng(0)
    estimate = known(shifts_px=wrong(truth.shifts_px) + rng.normal(0, 0.2, (FRAMES, 2)))
    [note] = score.score(estimate, truth).notes
    assert said in note


def test_footprints_elsewhere_say_what_chance_finds() -> None:
    """A field tiled by cells: whatever is estimated is some cell; a field of one cell: never."""
    tiles = [(y, x) for y in range(2, 48, 4) for x in range(2, 60, 4)]
    estimate = solution(bumps([(10, 10), (22, 34)]), SHAPE)
    everywhere = score.score(estimate, solution(bumps(tiles, 3.0), SHAPE), shift_px=None)
    assert everywhere.all_cells.by_chance == 1
    assert score.score(estimate, solution(bumps([(10, 10)]), SHAPE)).all_cells.by_chance == 0


def test_one_footprint_in_any_form_is_the_same() -> None:
    dense = bumps(CENTRES)
    flat = dense.reshape(len(dense), -1)
    patches = [(2, 3, one[2:45, 3:57].astype(np.float32)) for one in dense]
    forms = [dense, dense.tolist(), sparse.csc_array(flat.T), sparse.csr_matrix(flat), sparse.coo_array(flat)]
    whole = [solution(form, SHAPE).footprints.toarray() for form in forms]
    for other in whole:
        np.testing.assert_allclose(other, flat.T, rtol=1e-6)
    cut = np.zeros_like(dense)
    cut[:, 2:45, 3:57] = dense[:, 2:45, 3:57]
    np.testing.assert_allclose(
        solution(patches, SHAPE).footprints.toarray().T.reshape(dense.shape), cut, rtol=1e-6
    )
    below = solution(dense - 0.5, SHAPE).footprints
    np.testing.assert_allclose(below.toarray().T, np.maximum(flat - 0.5, 0), atol=1e-7)
    masks = solution(dense > 0.5, SHAPE).footprints
    assert set(masks.data) == {1.0}


GOOD: dict[str, Any] = {"A": bumps(CENTRES), "C": np.zeros((6, FRAMES)), "shifts_px": np.zeros((FRAMES, 2))}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"A": np.zeros((6, 60, 48))}, r"A of shape \(6, 60, 48\) is refused: it must be \(cells, 48, 60\)"),
        ({"A": np.zeros((6, 48))}, r"A of shape \(6, 48\) is refused"),
        ({"A": sparse.csc_array((100, 6))}, r"one side must be the 2880 pixels of a field of 48 × 60"),
        ({"A": np.full((6, *SHAPE), np.nan)}, "A is refused: 17280 of its 17280 numbers are not finite"),
        ({"A": np.full((6, *SHAPE), 1j)}, "complex128 is refused: it must hold real numbers"),
        ({"A": [(0, 0, np.ones((49, 3)))]}, "the patch of cell 0 leaves the field of 48 × 60"),
        ({"C": np.zeros((5, FRAMES))}, r"C of shape \(5, 80\) is refused: A holds 6 cells"),
        ({"C": np.full((6, FRAMES), np.inf)}, "C is refused: 480 of its 480 numbers are not finite"),
        ({"C": "many"}, "C is refused: it must be an array of numbers"),
        ({"spikes": np.zeros((6, 79))}, "numbers of frames differ: C 80, spikes 79, shifts_px 80"),
        (
            {"shifts_px": np.zeros((2, FRAMES))},
            r"shifts_px of shape \(2, 80\) is refused: it must be \(frames, 2\)",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_a_sentence(changes: dict[str, Any], said: str) -> None:
    arrays = GOOD | changes
    with pytest.raises(ms.ParameterError, match=said):
        solution(arrays.pop("A"), SHAPE, **arrays)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threshold": 0}, "threshold = 0 is refused"),
        ({"bin_frames": 0}, "bin_frames = 0 is refused"),
        ({"similarity": "dice"}, "similarity = 'dice' is refused: it must be 'cosine' or 'iou'"),
        ({"shift_px": "guess"}, "shift_px = 'guess' is refused"),
        ({"detectable": np.ones(5, dtype=bool)}, r"detectable of shape \(5,\)"),
        ({"in_field": np.ones(6)}, "in_field of shape .* type float64"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ms.ParameterError, match=said):
        score.score(known(), known(), **options)


def test_another_recording_is_refused_in_a_sentence() -> None:
    half = {"C": np.zeros((6, 40)), "spikes": None, "shifts_px": None}
    with pytest.raises(ms.ParameterError, match="C has 40 frames and the recording 80"):
        score.score(known(**half), known())
    with pytest.raises(ms.ParameterError, match="field of 8 × 9 px is not the recording's, 48 × 60 px"):
        score.score(solution(np.zeros((1, 8, 9)), (8, 9)), known())


def test_a_recording_scores_its_own_truth(small: Callable[..., ms.Experiment]) -> None:
    recording = ms.simulate(small(duration_s=4))
    truth = recording.truth
    cells = np.flatnonzero(truth.detectable)
    perfect = solution(
        [truth.footprints[int(i)] for i in cells],
        recording.shape[1:],
        C=truth.fluorescence[cells],
        spikes=truth.spikes[cells],
        shifts_px=truth.motion_um / recording.pixel_um,
    )
    report = score.score_recording(recording, perfect)
    assert len(cells) and np.array_equal(report.pairs[:, 1], cells)
    assert report.detectable.recall == report.detectable.precision == report.all_cells.precision == 1
    assert report.all_cells.recall == len(cells) / truth.in_field.sum()
    assert report.bin_frames == 2 and report.motion is not None and report.motion.rmse_px < 1e-12
    assert report.trace_r is not None
    np.testing.assert_allclose(report.trace_r, 1)
