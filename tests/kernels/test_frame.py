"""One frame of expected light against plain NumPy and scipy, and against its own transpose."""

import math

import numpy as np
import pytest
from scipy.interpolate import BSpline

import minisim_core as ms
from minisim_core import explanation, render, sensor
from minisim_core.canvas import FAR_LEVEL
from minisim_core.images import picture
from minisim_core.scene import Scene

BETA = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)


@pytest.fixture(scope="module")
def scene():
    experiment = ms.presets.get("guide", field_um=120, duration_s=2, seed=4).with_(vessels={"count": 3})
    return Scene(experiment)


def spline_at_pixels(coefficients, shape, level):
    def along(count, nodes):
        at = np.arange(count)[:, None] / 2**level - (np.arange(nodes)[None, :] - 2)
        return np.nan_to_num(BETA(at))

    y, x = along(shape[0], coefficients.shape[0]), along(shape[1], coefficients.shape[1])
    return y @ coefficients @ x.T


def keys(f):
    """Cubic convolution (Keys 1981) at distance f."""
    f = np.abs(f)
    near = 1.5 * f**3 - 2.5 * f**2 + 1
    far = -0.5 * f**3 + 2.5 * f**2 - 4 * f + 2
    return np.where(f < 1, near, np.where(f < 2, far, 0))


def moved(canvas, margin, shape, path):
    """Mean over the path of the canvas, shifted by cubic convolution."""
    total = np.zeros(shape)
    for dy, dx in path:
        rows, columns = np.arange(canvas.shape[0]), np.arange(canvas.shape[1])
        y = keys(rows[None, :] - (np.arange(shape[0])[:, None] + margin - dy))
        x = keys(columns[None, :] - (np.arange(shape[1])[:, None] + margin - dx))
        total += y @ canvas @ x.T
    return total / len(path)


def twin(scene, block, at):
    """The whole of line 16 to 19 of the image model, layer by layer."""
    canvas, light = scene.canvas, block.fluorescence[:, at].astype(float)
    near, far = scene.amplitudes
    shape = canvas.level_shape(0)
    near_light = picture(canvas, scene.images, near * light, np.zeros(len(near))).astype(float)
    far_light = picture(canvas, scene.images, np.zeros(len(near)), far * light)
    level, course = scene.haze_arrays[0], block.haze[:, at]
    wide = scene.beyond * block.beyond[at]
    if len(course):
        haze_near, haze_far = (haze.maps for haze in scene.haze)
        nodes = (course @ haze_near).reshape(canvas.level_shape(level))
        near_light += spline_at_pixels(nodes, shape, level)
        wide = wide + (course @ haze_far).reshape(canvas.level_shape(FAR_LEVEL))
    far_light = far_light + spline_at_pixels(wide, shape, FAR_LEVEL)
    y, x = canvas.nodes_um(0)
    tissue = near_light + far_light / scene.beam.at(y[:, None], x[None, :])
    if scene.shadow.constant.size:
        s = block.swelling[at]
        nodes = scene.shadow.constant + s * scene.shadow.linear + s**2 * scene.shadow.quadratic
        tissue = tissue * spline_at_pixels(nodes.reshape(canvas.level_shape(1)), shape, 1)
    out = moved(tissue, canvas.margin_px, (canvas.height_px, canvas.width_px), block.path_px[at])
    return out * scene.shade.map + scene.stray.map


def rendered(scene, block, at):
    out = np.empty((scene.canvas.height_px, scene.canvas.width_px), dtype=np.float32)
    render.expect(scene, block, at, out)
    return out


@pytest.mark.parametrize("at", [0, 17])
@pytest.mark.parametrize(
    "off", [(), ("illumination",), ("motion", "vessels"), ("out_of_focus", "dimming", "neuropil")]
)
def test_a_frame_equals_the_image_model_in_plain_numpy(scene, off, at):
    scene = Scene(scene.experiment.with_(off=off))
    block = scene.block(0)
    np.testing.assert_allclose(rendered(scene, block, at), twin(scene, block, at), rtol=1e-3)


def test_pulling_back_is_the_transpose_of_rendering(scene):
    block = scene.block(0)
    weights = np.random.default_rng(0).normal(size=(scene.canvas.height_px, scene.canvas.width_px))
    cells, beyond, haze = explanation._one_frame(scene, block, 5, weights)
    parts = cells.sum() + beyond + haze + (weights * scene.stray.map).sum()
    whole = (weights * rendered(scene, block, 5)).sum()
    scale = np.abs(weights * rendered(scene, block, 5)).sum()
    assert parts == pytest.approx(whole, abs=1e-5 * scale)


def test_each_cell_owns_what_it_alone_adds(scene):
    weights = np.zeros((scene.canvas.height_px, scene.canvas.width_px))
    weights[20:55, 15:60] = np.random.default_rng(1).random((35, 45))
    block = scene.block(0)
    owned, _, _ = explanation._one_frame(scene, block, 3, weights)
    strongest, faintest = owned.argmax(), int(np.argsort(owned)[len(owned) // 3])
    with_all = (weights * rendered(scene, block, 3)).sum(dtype=float)
    for cell in (strongest, faintest):
        light = block.fluorescence.copy()
        light[cell] += 1000  # far beyond rounding
        more = (weights * rendered(scene, block._replace(fluorescence=light), 3)).sum(dtype=float)
        share = owned[cell] / block.fluorescence[cell, 3] * 1000
        assert more - with_all == pytest.approx(share, rel=1e-3)


def test_light_is_linear_in_every_source(scene):
    block = scene.block(0)
    doubled = block._replace(
        fluorescence=2 * block.fluorescence, haze=2 * block.haze, beyond=2 * block.beyond
    )
    once, twice = rendered(scene, block, 2) - scene.stray.map, rendered(scene, doubled, 2) - scene.stray.map
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)
    assert math.isfinite(float(twice.sum()))


def test_a_photograph_is_the_exposure_of_the_expected_light(scene):
    block, e, s = scene.block(0), scene.experiment, scene.experiment.sensor
    for frame in (0, 21):
        fused, plain = np.empty((2, scene.canvas.height_px, scene.canvas.width_px), dtype=np.uint8)
        render.count(scene, block, frame, fused)
        sensor.expose(
            plain, rendered(scene, block, frame), scene.pattern, scene.sensor_origin_px, e.seed, frame,
            s.dark_current_e_per_s * e.exposure_s, s.read_noise_e, s.full_well_e, scene.converter,
        )  # fmt: skip
        np.testing.assert_array_equal(fused, plain)
