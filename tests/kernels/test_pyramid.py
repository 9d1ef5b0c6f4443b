"""The pyramid of splines against scipy's B-splines and plain scatter and gather."""

import numpy as np
import pytest
from scipy.interpolate import BSpline

from minisim_core.canvas import LEVELS, RUNG, Canvas, views
from minisim_core.kernels import pyramid

BETA = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)


def beta(x):
    return np.nan_to_num(BETA(x))


def spline_at_pixels(coefficients, shape, level):
    """Evaluate a level's spline at the pixels, with scipy alone."""

    def along(count, nodes):
        return beta(np.arange(count)[:, None] / 2**level - (np.arange(nodes)[None, :] - pyramid.PAD))

    y, x = along(shape[0], coefficients.shape[0]), along(shape[1], coefficients.shape[1])
    return y @ coefficients @ x.T


def to_pixels(canvas, buffer):
    levels = views(buffer, canvas)
    for level in range(LEVELS - 1, 1, -1):
        pyramid.subdivide(levels[level], levels[level - 1])
    pyramid.expand(levels[1], levels[0])
    return levels[0].copy()


@pytest.mark.parametrize("level", [1, 2, 3, 5])
@pytest.mark.parametrize(("height", "width"), [(37, 52), (64, 33)])
def test_a_coarse_spline_reaches_the_pixels_exactly(level, height, width):
    canvas = Canvas(height, width, 4, 1.5)
    buffer = np.zeros(canvas.level_offsets[-1])
    coefficients = np.random.default_rng(level).normal(size=canvas.level_shape(level))
    views(buffer, canvas)[level][:] = coefficients
    expected = spline_at_pixels(coefficients, canvas.level_shape(0), level)
    np.testing.assert_allclose(to_pixels(canvas, buffer), expected, atol=1e-6)


def test_levels_add_up():
    canvas = Canvas(40, 48, 2, 1.5)
    rng = np.random.default_rng(0)
    buffer = rng.normal(size=canvas.level_offsets[-1])
    buffer[: canvas.level_offsets[1]] = 0
    parts = [v.copy() for v in views(buffer, canvas)]
    expected = sum(spline_at_pixels(parts[level], parts[0].shape, level) for level in range(1, LEVELS))
    np.testing.assert_allclose(to_pixels(canvas, buffer), expected, atol=2e-6)


@pytest.mark.parametrize(("height", "width"), [(37, 52), (36, 33)])
def test_gather_and_collapse_are_transposes(height, width):
    canvas = Canvas(height, width, 3, 1.5)
    rng = np.random.default_rng(1)
    for level in range(1, 5):
        coarse, fine = (
            rng.normal(size=canvas.level_shape(level)),
            rng.normal(size=canvas.level_shape(level - 1)),
        )
        down, up = np.zeros_like(fine), np.zeros_like(coarse)
        if level == 1:
            pyramid.expand(coarse, down)
            pyramid.collapse(fine, up)
        else:
            pyramid.subdivide(coarse, down)
            pyramid.gather(fine, up)
        assert (down * fine).sum() == pytest.approx((coarse * up).sum(), rel=1e-6)


def test_the_pixels_are_shaded_by_a_spline_of_their_own():
    canvas = Canvas(37, 52, 3, 1.5)
    rng = np.random.default_rng(2)
    light, shadow = rng.random((2, *canvas.level_shape(1)))
    pixels = rng.random(canvas.level_shape(0))
    expected = (pixels + spline_at_pixels(light, pixels.shape, 1)) * spline_at_pixels(shadow, pixels.shape, 1)
    pyramid.develop(light, shadow, pixels)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def random_cells(canvas, count, seed):
    """Patches and splats of made-up cells, some of whose splats stick out."""
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 3, count)
    rows, columns = rng.integers(0, 6, count), rng.integers(1, 7, count)
    top = (rng.random(count) * (canvas.level_rows[level] - rows)).astype(np.int64)
    left = (rng.random(count) * (canvas.level_columns[level] - columns)).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(rows * columns)[:-1]])
    values = rng.normal(size=(rows * columns).sum()).astype(np.float32)
    y, x = rng.uniform(-60, canvas.rows + 60, count), rng.uniform(-60, canvas.columns + 60, count)
    weights = rng.random((count, LEVELS)).astype(np.float32)
    weights[:, 0] = 0
    return (level, top, left, rows, columns, first, values), (*splats(canvas, y, x), weights), (y, x)


def splats(canvas, y, x):
    base_y, base_x = np.zeros((len(y), LEVELS), dtype=np.int64), np.zeros((len(y), LEVELS), dtype=np.int64)
    along_y = np.zeros((len(y), LEVELS, 4), dtype=np.float32)
    along_x = np.zeros_like(along_y)
    pyramid.spline_weights(base_y, along_y, np.asarray(y, dtype=float), canvas.level_rows)
    pyramid.spline_weights(base_x, along_x, np.asarray(x, dtype=float), canvas.level_columns)
    return canvas.level_offsets[:-1] + base_y * canvas.level_columns + base_x, along_y, along_x


def test_patches_are_added_where_they_belong_and_weighed_by_the_transpose():
    canvas = Canvas(40, 44, 3, 1.5)
    patches, _, _ = random_cells(canvas, 25, 0)
    level, top, left, rows, columns, first, values = patches
    amplitudes = np.random.default_rng(1).normal(size=25)
    amplitudes[3] = 0
    buffer = np.zeros(canvas.level_offsets[-1])
    args = (canvas.level_offsets, canvas.level_columns, *patches)
    # first the cores on coarser levels, then those on the pixels
    for part in (level > 0, level == 0):
        pyramid.add_patches(buffer, np.where(part, amplitudes, 0), *args)
    expected = np.zeros_like(buffer)
    for n in range(25):
        patch = values[first[n] : first[n] + rows[n] * columns[n]].reshape(rows[n], columns[n])
        target = views(expected, canvas)[level[n]]
        target[top[n] : top[n] + rows[n], left[n] : left[n] + columns[n]] += amplitudes[n] * patch
    np.testing.assert_allclose(buffer, expected, atol=1e-6)
    weights, out = np.random.default_rng(2).normal(size=buffer.size), np.zeros(25)
    pyramid.dot_patches(weights, out, *args)
    assert (out * amplitudes).sum() == pytest.approx((buffer * weights).sum(), rel=1e-5)


def test_splats_are_products_of_splines_even_where_they_stick_out():
    canvas = Canvas(40, 44, 3, 1.5)
    _, (base, along_y, along_x, weights), (y, x) = random_cells(canvas, 30, 5)
    amplitudes = np.random.default_rng(3).normal(size=30)
    buffer = np.zeros(canvas.level_offsets[-1])
    args = (weights, base, along_y, along_x, canvas.level_columns, 1, LEVELS)
    pyramid.add_splats(buffer, amplitudes, *args)
    for level in range(1, LEVELS):
        rows, columns = (np.arange(n) - pyramid.PAD for n in canvas.level_shape(level))
        expected = np.zeros(canvas.level_shape(level))
        for n in range(30):
            expected += (
                amplitudes[n]
                * weights[n, level]
                * np.outer(beta(y[n] / 2**level - rows), beta(x[n] / 2**level - columns))
            )
        np.testing.assert_allclose(views(buffer, canvas)[level], expected, atol=1e-5)
    probe, out = np.random.default_rng(4).normal(size=buffer.size), np.zeros(30)
    pyramid.dot_splats(probe, out, *args)
    assert (out * amplitudes).sum() == pytest.approx((buffer * probe).sum(), rel=1e-4)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("position", [(100.0, 90.0), (97.31, 103.77)])
def test_a_splat_keeps_mass_place_and_width(level, position):
    canvas = Canvas(200, 190, 0, 1.0)
    base, along_y, along_x = splats(canvas, [position[0]], [position[1]])
    weights = np.zeros((1, LEVELS), dtype=np.float32)
    weights[0, level] = 1 / 4**level
    buffer = np.zeros(canvas.level_offsets[-1])
    pyramid.add_splats(buffer, np.ones(1), weights, base, along_y, along_x, canvas.level_columns, 1, LEVELS)
    image = to_pixels(canvas, buffer)
    y, x = np.indices(image.shape)
    assert image.sum() == pytest.approx(1, abs=2e-6)
    for axis, at in ((y, position[0]), (x, position[1])):
        assert (image * axis).sum() == pytest.approx(at, abs=1e-3)
        assert (image * (axis - at) ** 2).sum() == pytest.approx((RUNG * 2**level) ** 2, rel=1e-4)
