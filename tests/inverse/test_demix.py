"""Demixing of small made-up movies whose answer is known, and of one recording; and how it fails."""

import numpy as np
import pytest
from scipy import sparse

import minisim_core as ms
from minisim_core.inverse import demix, registration
from minisim_core.inverse.score import score_recording
from minisim_core.inverse.solution import solution

SHAPE = (48, 56)
FRAMES = 400
RATE_HZ = 20.0


def body(y: float, x: float, sd: float = 2.5) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    image = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sd**2))
    return np.where(image > 0.05, image, 0).astype(np.float32)


PLACES = ((14, 14), (14, 19), (34, 40), (24, 30))
BODIES = np.stack([body(*place) for place in PLACES])


def courses(rng: np.random.Generator, cells: int, frames: int = FRAMES) -> np.ndarray:
    """Rare jumps that decay over half a second."""
    jumps = (rng.random((cells, frames)) < 0.02) * rng.uniform(40, 120, (cells, frames))
    out = np.zeros_like(jumps)
    for t in range(1, frames):
        out[:, t] = 0.9 * out[:, t - 1] + jumps[:, t]
    return out


def smooth_haze(rng: np.random.Generator, frames: int = FRAMES) -> np.ndarray:
    y, x = np.indices(SHAPE) / max(SHAPE)
    slow = np.cumsum(rng.normal(size=(2, frames)), axis=1)
    slow -= slow.mean(axis=1, keepdims=True)
    return slow[0][:, None, None] * (1 + y) + slow[1][:, None, None] * (1 - x)


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray]:
    """A movie of four cells in haze with shot noise, and the cells' courses."""
    rng = np.random.default_rng(7)
    traces = courses(rng, len(BODIES))
    light = 200 + smooth_haze(rng) + np.tensordot(traces.T, BODIES, 1)
    return rng.poisson(light).astype(np.uint16), traces


def r(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([np.corrcoef(one, other)[0, 1] for one, other in zip(a, b, strict=True)])


# -- known footprints ---------------------------------------------------------------------------------


def test_known_footprints_give_courses_and_noise_as_they_are(made):
    movie, traces = made
    found = demix.with_footprints(movie, BODIES)
    assert len(found) == 4 and found.C.min() >= 0
    assert r(found.C, traces).min() > 0.97
    active = traces > 20
    for course, true, at in zip(found.C, traces, active, strict=True):
        assert np.polyfit(true[at], course[at], 1)[0] == pytest.approx(1, abs=0.1)
    # The stated noise is that of the estimate, on top of the haze's own error.
    error = np.array([(c - t)[t > 20].std() for c, t in zip(found.C, traces, strict=True)])
    assert (error / found.noise).max() < 1.4 and (error / found.noise).min() > 0.7
    assert found.notes == () and len(found.doubtful) == 0
    assert "4 cells" in found.text()


def test_what_was_taken_apart_adds_up_to_the_movie_less_its_noise(made):
    movie, _ = made
    left = movie[50:60] - demix.with_footprints(movie, BODIES).frames(slice(50, 60))
    assert abs(left.mean()) < 0.5
    assert left.std() == pytest.approx(np.sqrt(movie.mean()), rel=0.1)


def test_all_kinds_of_footprints_and_movies_give_the_same(made):
    movie, _ = made
    first = demix.with_footprints(movie[:100], BODIES)
    columns = sparse.csc_array(BODIES.reshape(4, -1).T)
    np.testing.assert_allclose(demix.with_footprints(movie[:100], columns).C, first.C, rtol=1e-5)
    floats = demix.with_footprints(movie[:100].astype(np.float32), BODIES)
    np.testing.assert_allclose(floats.C, first.C, rtol=1e-3, atol=1e-2)


def test_noise_is_measured_where_it_is_not_known():
    rng = np.random.default_rng(1)
    light = np.linspace(100, 800, SHAPE[1])
    movie = 3 + 0.25 * rng.poisson(np.broadcast_to(light, (300, *SHAPE))) + rng.normal(0, 2, (300, *SHAPE))
    seen = demix.survey(movie)
    expected = 0.25**2 * light + 4
    np.testing.assert_allclose(seen.variance.reshape(SHAPE).mean(axis=0), expected, rtol=0.05)
    known = demix.survey(movie, noise=demix.NoiseLine(0.25, 4 - 0.25 * 3))
    np.testing.assert_allclose(known.variance.reshape(SHAPE).mean(axis=0), expected, rtol=0.01)


def test_weights_follow_the_noise(made):
    movie, traces = made
    rng = np.random.default_rng(2)
    loud = movie.astype(np.float32)
    loud[:, :, 14:] += rng.normal(0, 60, loud[:, :, 14:].shape)
    quiet_half = np.where(np.arange(SHAPE[1]) < 14, 1.0, 0.0)
    weighted = demix.survey(loud)
    # A line through brightness cannot know of noise that follows a place; a pixel that is left out can.
    loud[3, :, 14:] = np.nan
    left_out = demix.with_footprints(loud, BODIES[:1], rank=1)
    assert not demix.survey(loud).valid.reshape(SHAPE)[:, quiet_half == 0].any()
    assert weighted.valid.all()
    assert (
        r(left_out.C, traces[:1])[0]
        > r(demix.with_footprints(np.nan_to_num(loud), BODIES[:1]).C, traces[:1])[0]
    )


def test_coinciding_footprints_are_named(made):
    movie, _ = made
    again = np.concatenate([BODIES, BODIES[1:2]])
    found = demix.with_footprints(movie, again)
    assert found.condition > 1e4
    assert found.doubtful.tolist() == [1, 4]
    said = found.text()
    assert "ill-conditioned" in said and "cells 1 and 4" in said


def test_a_cell_covered_by_several_is_named():
    rng = np.random.default_rng(5)
    parts = np.stack([body(20, 20 + dx, 2.0) for dx in (-3, 0, 3)])
    covered = parts.sum(axis=0)[None] + 0.02 * body(22, 21)[None]
    A = np.concatenate([parts, covered])
    movie = rng.poisson(200 + np.tensordot(courses(rng, 4).T, A, 1))
    found = demix.with_footprints(movie, A)
    assert 3 in found.doubtful and len(found.conditioning.pairs) == 0
    assert "masked" in found.text()


def test_overlap_raises_the_stated_noise_as_theory_has_it(made):
    movie, _ = made
    apart, together = (demix.with_footprints(movie, BODIES[[0, other]], rank=0).noise[0] for other in (2, 1))
    one, two = (image / np.linalg.norm(image) for image in BODIES[:2])
    assert together / apart == pytest.approx(1 / np.sqrt(1 - (one * two).sum() ** 2), rel=0.01)


def test_haze_that_flickers_apart_is_not_left_to_the_cells():
    recording = ms.simulate(ms.presets.get("guide", duration_s=20)).without("motion")
    cells = np.flatnonzero(recording.truth.detectable)
    true, footprints = recording.truth.fluorescence[cells], recording.truth.footprints.csc(cells)
    few, enough = (demix.with_footprints(recording.frames[:], footprints, rank=rank) for rank in (3, None))
    assert len(enough.f) > len(few.f)
    assert np.median(r(enough.C, true)) > max(0.92, np.median(r(few.C, true)) + 0.02)


def test_pixels_that_registration_left_empty_are_left_out_and_counted(made):
    movie, traces = made
    shifted = movie.astype(np.float32)
    shifted[10:20, :, :3] = np.nan
    found = demix.with_footprints(shifted, BODIES)
    assert f"{3 * SHAPE[0]} pixels" in found.notes[0]
    assert np.isfinite(found.C).all() and r(found.C, traces).min() > 0.97


# -- blind --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def blind(made) -> demix.Demixed:
    return demix.blind(made[0], pixel_um=1.5, frame_rate_hz=RATE_HZ)


def test_blind_finds_the_cells_and_nothing_else(made, blind):
    _, traces = made
    assert len(blind) == 4
    likeness = np.einsum("kp,np->kn", *(m / np.linalg.norm(m, axis=1, keepdims=True) for m in (
        blind.A.toarray().T, BODIES.reshape(4, -1),
    )))  # fmt: skip
    best = likeness.argmax(axis=1)
    assert sorted(best) == [0, 1, 2, 3] and likeness.max(axis=1).min() > 0.8
    assert r(blind.C, traces[best]).min() > 0.9
    np.testing.assert_allclose(blind.A.sum(axis=0), 1, rtol=1e-4)


def test_blind_adds_up_to_the_movie_less_its_noise(made, blind):
    movie, _ = made
    left = movie[50:80] - blind.frames(slice(50, 80))
    assert abs(left.mean()) < 0.5
    assert left.std() < 1.15 * np.sqrt(movie.mean())


def test_blind_scores_on_a_recording():
    rec = ms.simulate(ms.presets.get("guide", field_um=150, duration_s=30, seed=3)).without("motion")
    found = demix.blind(rec.frames, pixel_um=rec.pixel_um, frame_rate_hz=20)
    report = score_recording(rec, solution(found.A, rec.shape[1:], C=found.C))
    assert report.detectable.recall > 0.5
    assert report.all_cells.precision > 0.7


def test_moving_recordings_are_demixed_once_they_are_registered():
    moving, registered = [], []
    for seed in (1, 2, 3):
        rec = ms.simulate(ms.presets.get("guide", field_um=130, duration_s=40, seed=seed))
        movie = rec.frames[:]
        moved = registration.register(movie)
        rows, columns = moved.seen
        for reports, seen in ((moving, movie), (registered, moved.apply(movie))):
            some = seen[:, rows, columns]
            estimate = demix.blind(some, pixel_um=rec.pixel_um, frame_rate_hz=20)
            whole = np.zeros((len(estimate), *rec.shape[1:]), dtype=np.float32)
            whole[:, rows, columns] = estimate.A.toarray().T.reshape(-1, *some.shape[1:])
            reports.append(score_recording(rec, solution(whole, rec.shape[1:], C=estimate.C)))

    def precision(reports, among):
        tallies = [getattr(report, among) for report in reports]
        return sum(t.estimates_right for t in tallies) / sum(t.estimates for t in tallies)

    def median_r(reports):
        return np.median(np.concatenate([report.trace_r[report.pair_detectable] for report in reports]))

    # What moves makes pixels flicker at every edge: false cells, and courses that follow the motion.
    for among in ("detectable", "all_cells"):
        assert precision(registered, among) > precision(moving, among) + 0.2
    found, there = (sum(getattr(r.detectable, n) for r in registered) for n in ("cells_found", "cells"))
    assert found > 0.5 * there
    assert median_r(registered) > max(0.85, median_r(moving) + 0.1)


def test_progress_rises_to_one_and_may_stop_the_work(made):
    movie, _ = made
    told: list[float] = []
    demix.blind(movie, pixel_um=1.5, frame_rate_hz=RATE_HZ, progress=told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1)
    told.clear()
    demix.with_footprints(movie, BODIES, progress=told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1)

    def stop(share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demix.blind(movie, pixel_um=1.5, frame_rate_hz=RATE_HZ, progress=stop)


def test_a_movie_of_noise_holds_no_cell_and_says_so():
    noise = np.random.default_rng(0).poisson(200, (FRAMES, *SHAPE))
    found = demix.blind(noise, pixel_um=1.5, frame_rate_hz=RATE_HZ)
    assert len(found) == 0 and found.C.shape == (0, FRAMES)
    assert "no cell was found" in found.text()
    np.testing.assert_allclose(found.frames(slice(0, 1))[0], noise.mean(axis=0), rtol=1e-5)


# -- refusals -----------------------------------------------------------------------------------------

BAD_MOVIES = {
    "(T, H, W)": np.zeros((10, 20)),
    "at least 3 frames": np.zeros((0, *SHAPE)),
    "constant": np.full((200, *SHAPE), 7, dtype=np.uint8),
    "no pixel is finite": np.full((200, *SHAPE), np.nan),
}


@pytest.mark.parametrize("said", BAD_MOVIES)
def test_movies_that_hold_nothing_are_refused_with_a_sentence(said):
    movie = BAD_MOVIES[said]
    with pytest.raises(ms.ParameterError, match="movie") as refusal:
        demix.with_footprints(movie, BODIES)
    assert said in str(refusal.value)
    with pytest.raises(ms.ParameterError, match="movie"):
        demix.blind(movie, pixel_um=1.5, frame_rate_hz=RATE_HZ)


def test_footprints_without_a_valid_pixel_are_named(made):
    movie = made[0][:50].astype(np.float32)
    with pytest.raises(ms.ParameterError, match="cell 4 has no weight"):
        demix.with_footprints(movie, np.concatenate([BODIES, np.zeros((1, *SHAPE))]))
    movie[0, 5:24, 5:12] = np.nan
    lone = np.zeros((2, *SHAPE))
    lone[0, 6:9, 6:9], lone[1, 30:33, 30:33] = 1, 1
    with pytest.raises(ms.ParameterError, match="cell 0 has no weight"):
        demix.with_footprints(movie, lone)
    with pytest.raises(ms.ParameterError, match="no footprint"):
        demix.with_footprints(movie, BODIES[:0])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"pixel_um": 0}, "pixel_um"),
        ({"frame_rate_hz": np.nan}, "frame_rate_hz"),
        ({"soma_um": 1}, "demix.soma_um"),
        ({"somas": 1}, "somas"),
        ({"bin_s": 2.0}, "movie"),
    ],
)
def test_settings_out_of_their_limits_are_named(made, options, name):
    with pytest.raises(ms.ParameterError, match=name):
        demix.blind(made[0], **({"pixel_um": 1.5, "frame_rate_hz": RATE_HZ} | options))
    with pytest.raises(ms.ParameterError, match="rank"):
        demix.with_footprints(made[0], BODIES, rank=-1)
    with pytest.raises(ms.ParameterError, match="soma_px"):
        demix.with_footprints(made[0], BODIES, soma_px=1)
