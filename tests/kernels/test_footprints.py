"""One cell drawn in a window against the whole canvas, and the low-pass by cosines against scipy's."""

import numpy as np
import pytest
from scipy import ndimage

import minisim_core as ms
from minisim_core.images import picture
from minisim_core.kernels import footprints
from minisim_core.scene import Scene


@pytest.fixture(scope="module")
def scene():
    """Cells sharp and blurred, inside and across the edge, small and wide."""
    at = [(90.0, 0.0, 5.0), (20.0, 10.0, -8.0), (200.0, -30.0, 20.0), (90.0, 59.0, 59.0), (60.0, -70.0, 0.0)]
    return Scene(ms.presets.get("guide", field_um=120, cells={"positions_um": at}))


@pytest.mark.parametrize("window", [(0, 0, 60, 70), (30, 41, 50, 37), (75, 3, 44, 90)])
def test_a_cell_in_a_window_is_a_part_of_its_picture(scene, window):
    top, left, height, width = window
    images = scene.images
    assert len(np.unique(images.level)) > 1
    for n in range(len(images)):
        alone = np.where(np.arange(len(images)) == n, 1.0, 0.0)
        whole = picture(scene.canvas, images, alone, np.zeros(len(images)))
        out = np.zeros((height, width), dtype=np.float32)
        footprints.draw_cell(out, top, left, n, images.arrays, scene.grid)
        want = whole[top : top + height, left : left + width]
        np.testing.assert_allclose(out, want, atol=2e-6 * whole.max())


@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_a_product_is_added_from_the_first_columns(count):
    rng = np.random.default_rng(count)
    a, b = rng.normal(size=(5, 12)).astype(np.float32), rng.normal(size=(count, 7)).astype(np.float32)
    out = np.ones((5, 7), dtype=np.float32)
    footprints.add_product(out, a, b)
    np.testing.assert_allclose(out, 1 + a[:, :count] @ b, rtol=1e-4, atol=1e-5)


def test_a_footprint_ends_where_it_falls_below_its_floor():
    rng = np.random.default_rng(1)
    image = np.zeros((9, 12), dtype=np.float32)
    image[2:6, 3:11] = rng.uniform(0.2, 1, (4, 8))
    image[4, 5], image[8, 0] = 10.0, 0.5
    want = np.where(image > 1, image, 0)
    assert footprints.crop(image.copy(), 0.1) == (4, 5, 5, 6)
    y, x = np.nonzero(image > 0.3)
    assert footprints.crop(image, 0.03) == (y.min(), y.max() + 1, x.min(), x.max() + 1)
    footprints.crop(image, 0.1)
    assert np.array_equal(image, want)
    assert footprints.crop(np.zeros((3, 4), dtype=np.float32), 0.1) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("shape", "sigma"), [((40, 55), 6.0), ((17, 90), 9.9), ((6, 5), 9.9), ((64, 64), 2.5)]
)
def test_what_haze_can_imitate_is_a_gaussian_low_pass(shape, sigma):
    rng = np.random.default_rng(2)
    precision = rng.uniform(0.5, 1, shape).astype(np.float32)
    window = np.zeros(shape)
    top, left = shape[0] // 3, shape[1] // 4
    image = rng.uniform(0, 1, (shape[0] // 2, shape[1] // 2)).astype(np.float32)
    window[top : top + image.shape[0], left : left + image.shape[1]] = image
    want = ((window - ndimage.gaussian_filter(window, sigma)) ** 2 * precision).sum()
    got = footprints.power_beyond_haze(image, top, left, precision, sigma)
    assert got == pytest.approx(want, rel=1e-3)
