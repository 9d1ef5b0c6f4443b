"""The warp of the tissue's picture against plain NumPy and scipy, and against its own transpose."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import BSpline

from minisim_core.kernels import warp

BETA = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)
PLACE = (2.3, 2.1, 1 / 13.7)  # row and column of pixel (0, 0) and width of a pixel, in knots
INSET = 9


def flow_twin(knots, shape, place=PLACE):
    """(∂ψ/∂x, -∂ψ/∂y) at every pixel, from scipy's B-splines."""
    first_row, first_column, step = place

    def basis(first, pixels, count, order):
        at = (first + step * np.arange(pixels))[:, None] - np.arange(count)[None, :]
        return np.nan_to_num(BETA.derivative(order)(at) if order else BETA(at))

    y = [basis(first_row, shape[0], knots.shape[0], order) for order in (0, 1)]
    x = [basis(first_column, shape[1], knots.shape[1], order) for order in (0, 1)]
    return y[0] @ knots @ x[1].T, -y[1] @ knots @ x[0].T


def keys(f):
    """Cubic convolution (Keys 1981) at distance f."""
    f = np.abs(f)
    near = 1.5 * f**3 - 2.5 * f**2 + 1
    far = -0.5 * f**3 + 2.5 * f**2 - 4 * f + 2
    return np.where(f < 1, near, np.where(f < 2, far, 0))


def warp_twin(canvas, down, across, inset=INSET):
    out = np.zeros(canvas.shape)
    for y in range(inset, canvas.shape[0] - inset):
        for x in range(inset, canvas.shape[1] - inset):
            wy = keys(np.arange(canvas.shape[0]) - (y - down[y, x]))
            wx = keys(np.arange(canvas.shape[1]) - (x - across[y, x]))
            out[y, x] = wy @ canvas @ wx
    return out


def drawn(seed, sd=2.0):
    return np.random.default_rng(seed).normal(0, sd, (9, 10)).astype(np.float32)


def warped(canvas, knots, place=PLACE, inset=INSET):
    out = np.full(canvas.shape, 7, dtype=np.float32)
    warp.warp(out, canvas.astype(np.float32), knots, *place, inset)
    return out


@pytest.mark.parametrize("columns", [60, 61, 75])
def test_a_row_of_flow_is_the_splines_derivative(columns):
    knots = drawn(0)
    down, across = np.empty(columns, dtype=np.float32), np.empty(columns, dtype=np.float32)
    expected = flow_twin(knots.astype(float), (64, columns))
    for y in (0, 13, 14, 63):
        warp.row_of_flow(down, across, knots, PLACE[0] + PLACE[2] * y, *PLACE[1:])
        np.testing.assert_allclose(down, expected[0][y], atol=3e-6)
        np.testing.assert_allclose(across, expected[1][y], atol=3e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_warp_equals_numpy(seed):
    canvas, knots = np.random.default_rng(seed).random((50, 57)), drawn(seed)
    down, across = flow_twin(knots.astype(float), canvas.shape)
    assert 1.5 < max(np.abs(down).max(), np.abs(across).max()) < INSET - 2
    out = warped(canvas, knots)
    inside = (slice(INSET, -INSET),) * 2
    np.testing.assert_allclose(out[inside], warp_twin(canvas, down, across)[inside], atol=2e-5)
    untouched = np.ones(canvas.shape, dtype=bool)
    untouched[inside] = False
    assert (out[untouched] == 7).all()


def test_without_flow_nothing_changes():
    canvas = np.random.default_rng(3).random((50, 57)).astype(np.float32)
    out = warped(canvas, np.full((9, 10), 3, dtype=np.float32))
    inside = (slice(INSET, -INSET),) * 2
    np.testing.assert_allclose(out[inside], canvas[inside], rtol=1e-6, atol=1e-5)


def test_an_even_picture_stays_even():
    out = warped(np.full((50, 57), 1000.0), drawn(4))
    np.testing.assert_allclose(out[INSET:-INSET, INSET:-INSET], 1000, rtol=1e-6)


def test_a_uniform_flow_is_a_shift():
    """ψ that grows along x by 2.4 a knot moves the picture down by 2.4 pixels."""
    canvas = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(50, 57)), 3)
    knots = (2.4 * np.arange(10)[None, :] + 1.3 * np.arange(9)[:, None]).astype(np.float32)
    expected = ndimage.shift(canvas, (2.4, -1.3), order=5)
    out = warped(canvas, knots)
    inside = (slice(INSET, -INSET),) * 2
    np.testing.assert_allclose(out[inside], expected[inside], atol=0.01 * np.abs(canvas).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_warping_back_is_the_transpose(dtype):
    rng = np.random.default_rng(6)
    canvas, weights, knots = rng.random((50, 57)), rng.normal(size=(50, 57)), drawn(6)
    weights[:, 20:24] = 0
    back = np.zeros(canvas.shape, dtype=dtype)
    warp.warp_back(weights.astype(dtype), back, knots, *PLACE, INSET)
    inside = (slice(INSET, -INSET),) * 2
    forth = (warped(canvas, knots)[inside] * weights[inside]).sum()
    assert (back * canvas).sum() == pytest.approx(forth, abs=1e-5 * np.abs(weights).sum())
