"""Cell bodies: the Fourier route against real space, and the sharp route against Monte Carlo."""

import math

import numpy as np
import pytest
from scipy import signal

from minisim_core import cells, cores, images
from minisim_core.kernels import bodies

SIZE = bodies.SIZE


def ellipsoid(y, x, radius, ratio, turn, nucleus, brightness):
    """Projected ellipsoid with a nucleus at some points, unnormalised."""
    u = (math.cos(turn) * x + math.sin(turn) * y) / (radius * math.sqrt(ratio))
    v = (math.cos(turn) * y - math.sin(turn) * x) / (radius / math.sqrt(ratio))
    q = u**2 + v**2
    light = np.sqrt(np.maximum(1 - q, 0)) - (1 - brightness) * np.sqrt(np.maximum(nucleus**2 - q, 0))
    return light


def no_dendrites(count=1):
    none = np.zeros((count, 0, 3))
    return none, none, none, none[..., 0]


def fourier(
    row, column, node_um, pixel_um, on_pixels, radius, ratio, turn, nucleus, brightness, disc, sigma,
    dendrite_share=0.0, dendrites=None,
):  # fmt: skip
    spectra = np.empty((1, SIZE, SIZE // 2 + 1), dtype=np.complex128)
    each = (np.array([float(v)]) for v in (row, column, node_um))
    shape = (np.array([float(v)]) for v in (radius, ratio, turn, dendrite_share))
    blur = (np.array([float(v)]) for v in (disc, sigma))
    bodies.core_spectra(
        spectra, *each, pixel_um, np.array([on_pixels]), *shape, *(dendrites or no_dendrites()), *blur,
        cores.soma_table(nucleus, brightness), cores.disc_table(), cores.PER_UNIT,
    )  # fmt: skip
    return np.fft.irfft2(spectra, s=(SIZE, SIZE))[0]


def real_space(
    row, column, node_um, pixel_um, radius, ratio, turn, nucleus, brightness, disc, sigma, over=10
):
    """The same image by convolution on a fine grid: body * disc * Gaussian * pixel."""
    step = node_um / over
    half = 16 * over
    axis = np.arange(-half, half + 1) * step
    y, x = axis[:, None], axis[None, :]
    image = ellipsoid(y, x, radius, ratio, turn, nucleus, brightness)
    kernels = [np.exp(-0.5 * (y**2 + x**2) / sigma**2)]
    if disc:
        # the share of each fine node inside the disc
        fine = np.clip((disc - np.hypot(y, x)) / step + 0.5, 0, 1)
        kernels.append(fine)
    width = pixel_um / step
    box = np.clip(width / 2 + 0.5 - np.abs(np.arange(-half, half + 1)), 0, 1)
    for kernel in kernels:
        image = signal.fftconvolve(image, kernel / kernel.sum(), mode="same")
    image = signal.fftconvolve(image, np.outer(box, box) / box.sum() ** 2, mode="same")
    image /= image.sum()
    pixel_y, pixel_x = (np.arange(SIZE) - row) * node_um, (np.arange(SIZE) - column) * node_um
    at = [np.round(p / step).astype(int) + half for p in (pixel_y, pixel_x)]
    inside = [(a >= 0) & (a < len(axis)) for a in at]
    out = np.zeros((SIZE, SIZE))
    out[np.ix_(*inside)] = image[np.ix_(at[0][inside[0]], at[1][inside[1]])]
    return out * over**2


CASES = {
    "round": (6.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.2),
    "long and turned": (6.0, 1.4, 0.7, 0.62, 0.3, 0.0, 1.2),
    "defocused": (6.0, 1.2, -0.4, 0.62, 0.3, 9.0, 1.2),
    "blurred by the lens": (5.0, 1.1, 2.0, 0.5, 0.0, 3.0, 3.0),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("row", "column"), [(16.0, 16.0), (15.6, 16.3)])
def test_the_fourier_route_equals_convolution_in_real_space(case, row, column):
    shape = CASES[case]
    patch = fourier(row, column, 1.5, 1.5, True, *shape)
    expected = real_space(row, column, 1.5, 1.5, *shape)
    assert patch.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(patch, expected, atol=0.006 * expected.max())
    assert patch.min() > -0.003 * patch.max()


def test_on_a_spline_level_the_spline_goes_through_the_image():
    shape = (6.0, 1.2, 0.3, 0.62, 0.3, 24.0, 2.5)
    coefficients = fourier(16.2, 15.7, 3.0, 1.5, False, *shape)
    expected = real_space(16.2, 15.7, 3.0, 1.5, *shape)
    w = np.array([1, 4, 1]) / 6
    at_nodes = signal.convolve2d(coefficients, np.outer(w, w), mode="same", boundary="wrap")
    np.testing.assert_allclose(at_nodes, expected, atol=0.01 * expected.max())
    assert coefficients.sum() == pytest.approx(1, abs=1e-6)


def test_the_centre_of_mass_is_where_it_was_asked():
    patch = fourier(15.37, 16.81, 1.5, 1.5, True, *CASES["defocused"])
    y, x = np.indices(patch.shape)
    assert (patch * y).sum() == pytest.approx(15.37, abs=0.01)
    assert (patch * x).sum() == pytest.approx(16.81, abs=0.01)


@pytest.mark.parametrize("nucleus", [(0.0, 1.0), (0.62, 0.3)])
def test_a_sharp_body_equals_points_thrown_into_the_ellipsoid(nucleus):
    radius, ratio, turn, row, column = 6.0, 1.3, 0.5, 15.6, 16.25
    out = np.zeros((1, SIZE, SIZE))
    values = (np.array([v]) for v in (row, column, 1.5, radius, ratio, turn))
    bodies.sharp_bodies(out, *values, *no_dendrites(), *nucleus)
    rng = np.random.default_rng(0)
    ball = rng.uniform(-1, 1, (1_500_000, 3))
    ball = ball[(ball**2).sum(axis=1) < 1]
    weight = np.where((ball**2).sum(axis=1) < nucleus[0] ** 2, nucleus[1], 1.0)
    along, across = ball[:, 0] * radius * math.sqrt(ratio), ball[:, 1] * radius / math.sqrt(ratio)
    x = along * math.cos(turn) - across * math.sin(turn)
    y = along * math.sin(turn) + across * math.cos(turn)
    edges = np.arange(SIZE + 1) - 0.5
    expected, *_ = np.histogram2d(y / 1.5 + row, x / 1.5 + column, bins=(edges, edges), weights=weight)
    expected /= expected.sum()
    assert out[0].sum() == pytest.approx(1)
    chance = np.sqrt(expected / len(ball))
    assert (np.abs(out[0] - expected) < 5 * chance + 0.002 * expected.max()).all()


def test_the_variance_of_a_body_is_the_one_that_is_used_for_its_blur():
    for radius, ratio, nucleus, brightness in (
        (6.0, 1.0, 0.0, 1.0),
        (6.0, 1.4, 0.62, 0.3),
        (5.0, 1.1, 0.7, 2.0),
    ):
        axis = np.linspace(-9, 9, 721)
        light = ellipsoid(axis[:, None], axis[None, :], radius, ratio, 0.0, nucleus, brightness)
        both = (light * (axis[:, None] ** 2 + axis[None, :] ** 2)).sum() / light.sum() / 2
        ours = images.body_variance_um2(np.array([radius]), np.array([ratio]), nucleus, brightness)[0]
        assert ours == pytest.approx(both, rel=1e-3)


# -- dendrites --------------------------------------------------------------------------------


def one_cell(seed, *, radius=6.0, elongation=0.3, dendrites=(7.0, 14.0, 1.5)):
    """One cell's outline and dendrites, as the kernels take them, and the share of the latter."""
    body = cells.grow(seed, cells.place_explicitly(((0.0, 0.0, 0.0),)), radius, 0.0, elongation, *dendrites)
    outline = body.radius_um, body.axis_ratio, body.orientation_rad
    branches = body.root_um, body.along_um, body.bend_um, body.root_radius_um
    return outline, branches, cores.dendrite_shares(body, 0.62, 0.3)


def points_inside(outline, branches, count, rng):
    """Points (z, y, x) thrown evenly into the solid: soma and dendrites, and their brightness."""
    radius, ratio, turn = (float(v[0]) for v in outline)
    ball = rng.uniform(-1, 1, (count, 3))
    ball = ball[(ball**2).sum(axis=1) < 1]
    weight = np.where((ball**2).sum(axis=1) < 0.62**2, 0.3, 1.0) * 4 / 3 * math.pi * radius**3 / len(ball)
    u, v = ball[:, 1] * radius * math.sqrt(ratio), ball[:, 2] * radius / math.sqrt(ratio)
    c, s = math.cos(turn), math.sin(turn)
    parts, weights = [np.column_stack([ball[:, 0] * radius, u * s + v * c, u * c - v * s])], [weight]
    for root, along, bend, thickness in zip(*(b[0] for b in branches), strict=True):
        if thickness == 0:
            continue
        # slices at right angles to `along`, sheared by the bend: Cavalieri's solid
        n = count // 20
        u = rng.uniform(0, 1, n)
        forward = along / np.linalg.norm(along)
        first = np.cross(forward, [0.36, 0.48, 0.8])
        first /= np.linalg.norm(first)
        second = np.cross(forward, first)
        away = thickness * (1 - u) ** 2 * np.sqrt(rng.uniform(0, 1, n))
        angle = rng.uniform(0, 2 * math.pi, n)
        across = np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second
        parts.append(root + u[:, None] * along + u[:, None] ** 2 * bend + away[:, None] * across)
        area = math.pi * (thickness * (1 - u) ** 2) ** 2
        weights.append(area * np.linalg.norm(along) / n)
    return np.concatenate(parts), np.concatenate(weights)


def histogram(points, weights, row, column, node_um):
    edges = np.arange(SIZE + 1) - 0.5
    light, *_ = np.histogram2d(
        points[:, 1] / node_um + row, points[:, 2] / node_um + column, bins=(edges, edges), weights=weights
    )
    return light / weights.sum()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_sharp_cell_is_the_projection_of_its_solid(seed):
    outline, branches, share = one_cell(seed)
    row, column = np.array([15.6]), np.array([16.25])
    out = np.zeros((1, SIZE, SIZE))
    bodies.sharp_bodies(out, row, column, np.array([1.5]), *outline, *branches, 0.62, 0.3)
    points, weights = points_inside(outline, branches, 3_000_000, np.random.default_rng(seed))
    expected = histogram(points, weights, 15.6, 16.25, 1.5)
    assert 0.1 < share[0] < 0.45
    assert out[0].sum() == pytest.approx(1)
    np.testing.assert_allclose(out[0], expected, atol=0.04 * expected.max())
    assert (out[0] - expected).std() < 0.003 * expected.max()
    soma_only = np.zeros((1, SIZE, SIZE))
    bodies.sharp_bodies(soma_only, row, column, np.array([1.5]), *outline, *no_dendrites(), 0.62, 0.3)
    outside = soma_only[0] == 0
    assert out[0][outside].sum() == pytest.approx(expected[outside].sum(), rel=0.02)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("disc", "sigma"), [(0.0, 1.2), (3.0, 1.2)])
def test_a_blurred_cell_is_the_projection_of_its_solid_blurred(seed, disc, sigma):
    outline, branches, share = one_cell(seed)
    patch = fourier(
        15.6, 16.25, 1.5, 1.5, True, *(v[0] for v in outline), 0.62, 0.3, disc, sigma, share[0], branches
    )
    rng = np.random.default_rng(seed)
    points, weights = points_inside(outline, branches, 3_000_000, rng)
    points[:, 1:] += sigma * rng.normal(size=(len(points), 2))
    away, angle = disc * np.sqrt(rng.uniform(size=len(points))), rng.uniform(0, 2 * math.pi, len(points))
    points[:, 1] += away * np.sin(angle)
    points[:, 2] += away * np.cos(angle)
    expected = histogram(points, weights, 15.6, 16.25, 1.5)
    assert patch.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(patch, expected, atol=0.03 * expected.max())
    assert (patch - expected).std() < 0.0025 * expected.max()


def test_beads_do_not_show():
    """Along a thin, straight dendrite at the sharpest level, light only falls."""
    outline, *_ = one_cell(0, radius=1.0, elongation=0.0)
    branches = (
        np.array([[[0.0, 0.0, -18.0]]]), np.array([[[0.0, 0.0, 40.0]]]), np.zeros((1, 1, 3)),
        np.array([[0.8]]),
    )  # fmt: skip
    patch = fourier(16, 16, 1.5, 1.5, True, *(v[0] for v in outline), 0, 1, 0.0, 1.14, 1.0, branches)
    along = patch.sum(axis=0)[6:28]
    assert (np.diff(along) < 1e-3 * along.max()).all()
    assert (np.abs(np.diff(np.log(along[:12]), 2)) < 0.05).all()


def test_the_sum_over_beads_equals_a_plain_twin():
    rng = np.random.default_rng(1)
    for count in (1, 4, 23):
        beads = rng.uniform(0, 1, (4, count)) * np.array([[20.0], [20.0], [0.6], [1.0]]) - [
            [10],
            [10],
            [0],
            [0],
        ]
        sums = np.empty((SIZE + 2, SIZE + 8), dtype=np.float32)
        bodies.sum_beads(sums, beads, 1.5)
        k = 2 * math.pi * np.arange(SIZE // 2 + 1)[:, None] / (SIZE * 1.5)
        damp = np.exp(-0.5 * k**2 * beads[2])
        down, across = (
            np.concatenate([np.cos(k * at), np.sin(k * at)]) * np.concatenate([damp, damp])
            for at in beads[:2]
        )
        np.testing.assert_allclose(sums[:, : SIZE + 2], (down * beads[3]) @ across.T, atol=3e-6 * count)
        assert not sums[:, SIZE + 2 :].any()


@pytest.mark.parametrize("node_um", [1.5, 6.0])
def test_beads_have_the_dendrites_light_and_centre(node_um):
    _, branches, _ = one_cell(4)
    root, along, bend, thickness = (b[0] for b in branches)
    beads = np.empty((4, 400))
    count = bodies.string_beads(beads, root, along, bend, thickness, node_um)
    assert beads[3, :count].sum() == pytest.approx(1)
    u = (np.arange(4000) + 0.5)[:, None, None] / 4000
    weight = ((1 - u) ** 4)[..., 0] * thickness**2 * np.linalg.norm(along, axis=1)
    for axis in (1, 2):
        at = (root + u * along + u**2 * bend)[..., axis]
        mean = (weight * at).sum() / weight.sum()
        assert (beads[3, :count] * beads[axis - 1, :count]).sum() == pytest.approx(mean, abs=0.15)


def test_a_dendrite_that_does_not_fit_fades_inside_the_patch():
    outline, branches, share = one_cell(0, dendrites=(7.0, 40.0, 1.5))
    out = np.zeros((1, SIZE, SIZE))
    place = np.array([15.5]), np.array([16.4]), np.array([1.5])
    bodies.sharp_bodies(out, *place, *outline, *branches, 0.62, 0.3)
    assert out.sum() == pytest.approx(1)
    edge = np.concatenate([out[0, 0], out[0, -1], out[0, :, 0], out[0, :, -1]])
    assert edge.max() < 0.01 * out.max()
    patch = fourier(
        15.5, 16.4, 1.5, 1.5, True, *(v[0] for v in outline), 0.62, 0.3, 0.0, 1.2, share[0], branches
    )
    assert patch.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(np.concatenate([patch[0], patch[:, 0]])).max() < 0.01 * patch.max()


# -- trimming -------------------------------------------------------------------------------


def twin_box(patch, threshold, row_limits, column_limits):
    y, x = np.nonzero(np.abs(patch) > threshold * patch.max())
    y0, y1 = max(y.min(), row_limits[0]), min(y.max() + 1, row_limits[1])
    x0, x1 = max(x.min(), column_limits[0]), min(x.max() + 1, column_limits[1])
    return (y0, y1, x0, x1) if y1 > y0 and x1 > x0 else (0, 0, 0, 0)


def test_trim_and_pack_equal_plain_twins():
    patches = np.stack([fourier(16, 16, 1.5, 1.5, True, *shape) for shape in CASES.values()])
    limits = np.array([[0, 32], [14, 32], [0, 17], [30, 32]]), np.array([[0, 32], [0, 16], [13, 32], [0, 32]])
    box, totals = np.empty((4, 4), dtype=np.int64), np.empty(4)
    bodies.trim(patches, 1e-3, box, totals, *limits)
    sizes = (box[:, 1] - box[:, 0]) * (box[:, 3] - box[:, 2])
    first = np.concatenate([[0], np.cumsum(sizes)])
    values = np.empty(first[-1], dtype=np.float32)
    bodies.pack(patches, box, np.array([1.0, 2.0, 3.0, 4.0]), first, values)
    for n, patch in enumerate(patches):
        y0, y1, x0, x1 = twin_box(patch, 1e-3, limits[0][n], limits[1][n])
        assert tuple(box[n]) == (y0, y1, x0, x1)
        expected = (n + 1) * patch[y0:y1, x0:x1].ravel()
        np.testing.assert_allclose(values[first[n] : first[n + 1]], expected, rtol=1e-6)
        a, b, c, d = twin_box(patch, 1e-3, (0, SIZE), (0, SIZE))
        assert totals[n] == pytest.approx(patch[a:b, c:d].sum())
    assert sizes[3] == 0  # its limits lie outside what it lights
