"""Motion, shadow and shade of one frame against plain NumPy."""

import numpy as np
import pytest
from scipy import ndimage

from minisim_core.kernels import stack


def taps_of(path_y, path_x, size=64):
    path = np.stack([np.atleast_1d(path_y), np.atleast_1d(path_x)], axis=1).astype(float)
    return stack.path_taps(np.zeros((size, size), dtype=np.float32), path)


def move(canvas, margin, shape, path_y, path_x, shade=1.0, stray=0.0):
    out = np.full(shape, np.nan, dtype=np.float32)
    stack.move_and_light(
        out, canvas.astype(np.float32), margin, taps_of(path_y, path_x),
        even(shape, shade), even(shape, stray),
    )  # fmt: skip
    return out


def even(shape, value):
    return np.full(shape[0], value, dtype=np.float32), np.ones(shape[1], dtype=np.float32)


def profiles(rng, shape):
    return tuple(rng.random(n, dtype=np.float32) for n in shape)


def test_taps_sum_to_one_and_lie_within_their_box():
    rng = np.random.default_rng(0)
    for spread in (0.0, 0.3, 4.0, 12.0):
        path = rng.normal(0, spread, (2, 64)).clip(-25, 25) + 0.2
        taps, _, _, rows, columns = taps_of(*path)
        assert taps.sum(dtype=float) == pytest.approx(1, abs=2e-6)
        assert not taps[rows:].any()
        assert not taps[:, columns:].any()


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-7, 5)])
def test_a_shift_by_whole_pixels_is_exact(shift):
    canvas = np.random.default_rng(1).normal(size=(60, 64)).astype(np.float32)
    moved = move(canvas, 12, (36, 40), *shift)
    y, x = 12 - shift[0], 12 - shift[1]
    np.testing.assert_array_equal(moved, canvas[y : y + 36, x : x + 40])


def test_parabolas_are_shifted_exactly_so_motion_adds_no_blur_of_its_own():
    rng = np.random.default_rng(2)
    path = rng.uniform(-6, 6, (2, 64))
    y, x = np.arange(60)[:, None] - 30.0, np.arange(64)[None, :] - 32.0

    def parabola(y, x):
        return 2 + 0.3 * y - 0.2 * x + 0.05 * y**2 - 0.03 * x**2 + 0.04 * x * y

    moved = move(parabola(y, x), 12, (36, 40), *path)
    expected = np.mean([parabola(y - dy, x - dx) for dy, dx in path.T], axis=0)[12:48, 12:52]
    np.testing.assert_allclose(moved, expected, atol=2e-4)


def test_a_path_is_the_average_of_its_single_shifts():
    rng = np.random.default_rng(3)
    canvas, path = rng.random((60, 64)), rng.normal(0, 2, (2, 16))
    together = move(canvas, 14, (32, 36), *path)
    single = np.mean([move(canvas, 14, (32, 36), dy, dx) for dy, dx in path.T], axis=0)
    np.testing.assert_allclose(together, single, atol=2e-6)


def test_a_smooth_picture_is_shifted_as_scipy_shifts_it():
    canvas = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(80, 80)), 3)
    moved = move(canvas, 15, (50, 50), 2.37, -1.81)
    expected = ndimage.shift(canvas, (2.37, -1.81), order=5)[15:65, 15:65]
    np.testing.assert_allclose(moved, expected, atol=0.01 * np.abs(canvas).max())


@pytest.mark.parametrize("columns_mod", range(4))
def test_moving_equals_scipys_correlation_with_the_taps(columns_mod):
    rng = np.random.default_rng(5)
    canvas = rng.random((70, 71)).astype(np.float32)
    path_y, path_x = (
        rng.uniform(-3, 4, 64),
        np.concatenate([rng.uniform(-2, 2, 62), [-2.0, 2.5 + columns_mod]]),
    )
    taps, top, left, rows, columns = taps_of(path_y, path_x)
    shade, stray = profiles(rng, (40, 41)), profiles(rng, (40, 41))
    out = np.empty((40, 41), dtype=np.float32)
    stack.move_and_light(out, canvas, 15, (taps, top, left, rows, columns), shade, stray)
    expected = np.zeros((40, 41))
    for i in range(rows):
        for j in range(columns):
            y, x = 15 + top + i, 15 + left + j
            expected += float(taps[i, j]) * canvas[y : y + 40, x : x + 41]
    np.testing.assert_allclose(out, expected * np.outer(*shade) + np.outer(*stray), atol=1e-5)


def test_move_back_is_the_transpose():
    rng = np.random.default_rng(6)
    motion = taps_of(*rng.normal(0, 2, (2, 64)))
    canvas, weights = rng.random((60, 61)), rng.normal(size=(30, 31))
    weights[4:9] = 0
    shade = profiles(rng, (30, 31))
    out = np.empty((30, 31), dtype=np.float32)
    nothing = even((30, 31), 0)
    stack.move_and_light(out, canvas.astype(np.float32), 15, motion, shade, nothing)
    back = np.zeros((60, 61))
    stack.move_back(weights, back, 15, motion, shade)
    assert (back * canvas).sum() == pytest.approx((weights * out).sum(), rel=1e-5)


def test_the_shadow_is_a_parabola_in_the_swelling():
    maps = np.random.default_rng(7).normal(size=(3, 72)).astype(np.float32)
    for swelling in (0.0, -0.2, 0.13):
        out = np.empty(72, dtype=np.float32)
        stack.shadow_now(out, *maps, swelling)
        np.testing.assert_allclose(out, maps[0] + swelling * maps[1] + swelling**2 * maps[2], atol=1e-6)


def test_a_haze_is_its_mean_times_the_sum_of_its_windows():
    rng = np.random.default_rng(8)
    mean, along_y, along_x = rng.random((11, 13)), rng.random((3, 11)), rng.random((4, 13))
    along_y[0, 4:] = 0
    course = rng.normal(size=13)
    out = np.ones((11, 13), dtype=np.float32)
    stack.add_haze(out, tuple(a.astype(np.float32) for a in (mean, along_y, along_x)), course)
    shifting = along_y.T @ course[1:].reshape(3, 4) @ along_x
    np.testing.assert_allclose(out, 1 + mean * (course[0] + shifting), atol=1e-5)
