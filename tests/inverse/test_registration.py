"""Shifts against shifts that were put in, on pictures made here and on the engine's recordings."""

import numpy as np
import pytest
from scipy import ndimage

import minisim_core as ms
from minisim_core.inverse.registration import Registration, register, residual

SIZE = 96


def texture(size: int = SIZE + 40) -> np.ndarray:
    """Blobs of the size of cells."""
    noise = np.random.default_rng(7).standard_normal((size, size))
    smooth = ndimage.gaussian_filter(noise, 2.5)
    return smooth / smooth.std()


def moved(shifts: np.ndarray) -> np.ndarray:
    """The texture seen through a field, the tissue displaced by each shift."""
    whole = texture()
    return np.stack([ndimage.shift(whole, shift, order=5)[20:-20, 20:-20] for shift in shifts])


def walk(count: int = 40, largest: float = 6) -> np.ndarray:
    times = np.arange(count)
    return largest * np.stack([np.sin(0.7 * times), np.cos(0.31 * times)], axis=1)


def rms(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(residual(found, truth) ** 2)))


@pytest.fixture(scope="module")
def found() -> Registration:
    return register(moved(walk()), pixel_um=2.0)


def test_a_shift_says_where_the_tissue_went() -> None:
    still, down_and_left = np.zeros((10, 2)), np.tile([3, -2], (10, 1))
    shifts = register(moved(np.concatenate([still, down_and_left]))).shifts_px
    np.testing.assert_allclose(shifts[10:] - shifts[:10], down_and_left, atol=0.051)


def test_shifts_are_found_to_a_fraction_of_a_pixel_and_in_um(found: Registration) -> None:
    assert rms(found.shifts_px, walk()) < 0.03
    assert found.reliable.all()
    np.testing.assert_array_equal(found.shifts_um, 2 * found.shifts_px)


def test_what_does_not_move_is_removed_by_the_band_pass() -> None:
    rows, columns = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    vignette = np.exp(-(rows**2 + columns**2) / (2 * 40**2))
    movie = 1000 * vignette * (1 + 0.03 * moved(walk()))
    assert rms(register(movie).shifts_px, walk()) < 0.1
    assert rms(register(movie, bandpass_px=None).shifts_px, walk()) > 1


def test_registered_frames_lie_on_each_other(found: Registration) -> None:
    movie = moved(walk())
    held = found.apply(movie)[:, *found.seen]
    assert held.dtype == np.float32
    spread = held.std(axis=0).mean()
    assert spread < 0.05
    assert movie[:, *found.seen].std(axis=0).mean() > 10 * spread
    np.testing.assert_array_equal(found.apply(movie[5:9], slice(5, 9)), found.apply(movie)[5:9])


def test_whole_shifts_are_undone_exactly_and_the_rest_repeats_the_edge() -> None:
    shifts = np.array([[0, 0], [2, -3]] * 5, dtype=float)
    still = np.zeros((SIZE, SIZE), dtype=np.float32)
    known = Registration(shifts, still, np.ones(10), 0.0, np.ones(10, dtype=bool), 9.6, None)
    movie = np.random.default_rng(3).random((10, SIZE, SIZE)).astype(np.float32)
    back = known.apply(movie)
    np.testing.assert_array_equal(back[0], movie[0])
    np.testing.assert_array_equal(back[1][:-2, 3:], movie[1][2:, :-3])
    np.testing.assert_array_equal(back[1][-1, 3:], movie[1][-1, :-3])
    assert known.seen == (slice(0, SIZE - 2), slice(3, SIZE))


def test_frames_that_match_nothing_are_told_apart_and_spoil_nothing() -> None:
    movie, truth = moved(walk()), walk()
    draw = np.random.default_rng(5)
    bad = [0, 1, 2, 17, 30]
    movie[[0, 1, 2]] = 40 * ndimage.gaussian_filter(draw.standard_normal((3, SIZE, SIZE)), (0, 2, 2))
    movie[17] = 5
    movie[30] = draw.standard_normal((SIZE, SIZE))
    found = register(movie)
    np.testing.assert_array_equal(np.flatnonzero(~found.reliable), bad)
    assert np.isnan(found.shifts_px[17]).all()
    good = found.reliable
    assert rms(found.shifts_px[good], truth[good]) < 0.03
    np.testing.assert_allclose(found.path_px[17], (found.path_px[16] + found.path_px[18]) / 2)
    np.testing.assert_array_equal(found.path_px[[0, 1, 2]], found.path_px[[3, 3, 3]])
    assert np.isfinite(found.apply(movie)).all()


def test_a_frame_beyond_the_largest_shift_is_not_reliable() -> None:
    shifts = np.zeros((20, 2))
    shifts[4] = 9, 0
    found = register(moved(shifts), largest_px=4)
    np.testing.assert_array_equal(np.flatnonzero(~found.reliable), [4])


def test_noise_is_not_registered() -> None:
    noise = np.random.default_rng(11).standard_normal((100, SIZE, SIZE))
    assert register(noise).reliable.mean() < 0.5


def test_a_movie_of_which_nothing_is_reliable_is_not_moved_back(found: Registration) -> None:
    none = Registration(
        found.shifts_px, found.template, found.match, 1.0, np.zeros(40, dtype=bool), 9.6, None
    )
    with pytest.raises(ms.ParameterError, match="better than by chance"):
        none.apply(moved(walk()))


def test_a_lazy_movie_is_registered_as_its_frames_are(small) -> None:
    recording = ms.simulate(small())
    lazy, array = register(recording.frames), register(recording.frames[...])
    np.testing.assert_array_equal(lazy.shifts_px, array.shifts_px)


def test_progress_rises_to_one_and_may_stop_the_work() -> None:
    told: list[float] = []
    register(moved(walk()), progress=told.append)
    assert told == sorted(told)
    assert told[0] > 0 and told[-1] == 1

    class StoppedError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        register(moved(walk()), progress=stop)


def test_the_origin_of_either_path_does_not_count() -> None:
    off = residual(walk() + np.array([3, -5]), walk())
    np.testing.assert_allclose(off, 0, atol=1e-12)
    holed = walk()
    holed[3] = np.nan
    assert np.isnan(residual(holed, walk())[3]).all()
    np.testing.assert_allclose(np.delete(residual(holed, walk()), 3, axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_guide_moving_ten_um_is_found_within_a_tenth_of_a_pixel(seed: int) -> None:
    experiment = ms.presets.get("guide", seed=seed, duration_s=10)
    reach = np.abs(ms.simulate(experiment).truth.motion_um).max()
    recording = ms.simulate(experiment.with_(motion={"looseness": min(3, 10 / reach)}))
    truth = recording.truth.motion_um
    found = register(recording.frames[...], pixel_um=recording.pixel_um)
    assert np.abs(truth).max() > 9
    assert found.reliable.all()
    assert rms(found.shifts_um, truth) / recording.pixel_um < 0.1


MOVIE = np.zeros((10, 40, 40))
WITH_NAN = np.random.default_rng(0).random((10, 40, 40))
WITH_NAN[6, 3, 3] = np.nan


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: register(MOVIE[0]), r"movie of shape \(40, 40\) is refused"),
        (lambda: register(MOVIE[:7]), "at least 8 frames of 24 x 24"),
        (lambda: register(MOVIE[:, :20]), "at least 8 frames of 24 x 24"),
        (lambda: register(MOVIE), "nothing to see in any frame"),
        (lambda: register(WITH_NAN), "frame 6 holds NaN or infinity"),
        (lambda: register(MOVIE, bandpass_px=(4, 2)), r"bandpass_px = \(4, 2\) is refused"),
        (lambda: register(MOVIE, largest_px=11), "largest_px = 11 is refused.*, 10"),
        (lambda: register(MOVIE, upsampling=0), "upsampling = 0 is refused"),
        (lambda: register(MOVIE, pixel_um=0), "pixel_um = 0 is refused"),
        (lambda: register(moved(walk(8))).shifts_um, "was not told pixel_um"),
        (lambda: register(moved(walk(8))).apply(MOVIE), r"it must be \(8, 96, 96\)"),
        (lambda: residual(np.ones((3, 2)), np.ones((4, 2))), r"found of shape \(3, 2\)"),
        (lambda: residual(np.full((3, 2), np.nan), np.ones((3, 2))), "must hold shifts"),
    ],
)
def test_what_cannot_be_registered_is_refused_in_a_sentence(wrong, says: str) -> None:
    with pytest.raises(ms.ParameterError, match=says):
        wrong()
