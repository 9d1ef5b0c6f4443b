"""Images of cells: physical laws, two routes, and conservation of light."""

import math

import numpy as np
import pytest

from minisim_core import cells, images, tissue
from minisim_core.canvas import LEVELS, Canvas
from minisim_core.scope import Lens, OffAxis, collected_fraction, cone_angle_rad
from minisim_core.tissue import CLEAR, NARROW_EXPONENT, WIDE_EXPONENT, Medium

PIXEL_UM = 4.8 / 3.161
SLOPE = math.tan(math.asin(0.33 / 1.36))
ON_AXIS = OffAxis(1e6, 0.0, 0.0, 0.0, 1.0)
CORTEX = Medium(15.0, 0.88, 0.30)


class Shown:
    """One cell, drawn."""

    def __init__(
        self, z=0.0, y=0.0, x=0.0, *, focus=0.0, radius=2.0, nucleus=(0.0, 1.0), aberration=1.14,
        growth=(0.0, 0.0), curvature=1e6, distortion=0.0, scale=1.0, medium=CLEAR, blur=True, dimming=True,
        field=401, pixel_um=PIXEL_UM, near=1.0, far=0.0, elongation=0.0, seed=0, na=0.33,
    ):  # fmt: skip
        self.canvas = Canvas(field, field, 0, pixel_um)
        places = cells.place_explicitly(((float(z), float(y), float(x)),))
        body = cells.grow(seed, places, float(radius), 0.0, elongation)
        self.images = images.cell_images(
            self.canvas, places, body, *nucleus, Lens(na, 1.36, float(focus), float(aberration)),
            OffAxis(float(curvature), *growth, distortion, scale), medium, blur, dimming,
        )  # fmt: skip
        self.picture = images.picture(self.canvas, self.images, np.array([near]), np.array([far])).astype(
            float
        )
        y, x = self.canvas.nodes_um(0)
        self.y, self.x = y[:, None], x[None, :]
        self.total = self.picture.sum()

    @property
    def centre(self):
        return tuple((self.picture * axis).sum() / self.total for axis in (self.y, self.x))

    @property
    def variances(self):
        return tuple(
            (self.picture * (axis - c) ** 2).sum() / self.total
            for axis, c in zip((self.y, self.x), self.centre, strict=True)
        )

    def within(self, radius_um):
        return self.picture[np.hypot(self.y, self.x) <= radius_um].sum()


DEFOCUS = [0, 3, 8, 15, 25, 40, 60, 90, 130, 180]


@pytest.mark.parametrize("radius", [1.0, 6.0])
def test_t1_the_total_is_the_same_at_every_defocus(radius):
    totals = [Shown(z, radius=radius).total for z in DEFOCUS]
    np.testing.assert_allclose(totals, 1, atol=1e-3)


@pytest.mark.parametrize(("z", "spacing"), [(0, 2), (30, 4), (120, 4)])
def test_t2_a_uniform_plane_of_sources_looks_uniform_at_every_defocus(z, spacing):
    canvas = Canvas(64, 64, 0, PIXEL_UM)
    reach = 32 + math.ceil((z * SLOPE + 15) / PIXEL_UM)
    side = np.arange(-reach, reach + 1, spacing) * PIXEL_UM
    places = cells.place_explicitly(tuple((float(z), float(a), float(b)) for a in side for b in side))
    body = cells.grow(0, places, 6.0, 0.0, 0.0)
    lens = Lens(0.33, 1.36, 0.0, 1.14)
    drawn = images.cell_images(canvas, places, body, 0.0, 1.0, lens, ON_AXIS, CLEAR, True, True)
    picture = images.picture(canvas, drawn, np.ones(len(places)), np.zeros(len(places)))
    assert picture.mean() == pytest.approx(1 / spacing**2, rel=1e-3)
    assert picture.std() / picture.mean() < 0.01


@pytest.mark.parametrize("z", DEFOCUS[1:])
def test_t6_the_second_moment_grows_as_the_disc_says(z):
    rest = Shown(0).variances
    for axis, before in zip(Shown(z).variances, rest, strict=True):
        assert axis == pytest.approx(before + (z * SLOPE) ** 2 / 4, rel=0.004)


def test_the_second_moment_in_focus_is_body_lens_and_pixel():
    shown = Shown(0, radius=6.0, nucleus=(0.62, 0.3))
    body = float(images.body_variance_um2(np.array(6.0), np.array(1.0), 0.62, 0.3))
    for axis in shown.variances:
        assert axis == pytest.approx(
            body + Lens(0.33, 1.36, 0.0, 1.14).blur_um ** 2 + PIXEL_UM**2 / 12, rel=0.01
        )


def test_t4_the_peak_falls_with_the_square_of_the_defocus():
    far = np.array([25, 40, 60, 90, 130, 180])
    peaks = np.array([Shown(z, radius=1.0).picture.max() for z in far])
    expected = PIXEL_UM**2 / (math.pi * (far * SLOPE) ** 2)
    # wide discs have softened edges and are narrower by up to 3.5 % to keep their variance
    np.testing.assert_allclose(peaks, expected, rtol=0.07)


@pytest.mark.parametrize(("na", "slope"), [(0.20, 0.149), (0.30, 0.226), (0.45, 0.351), (0.55, 0.442)])
def test_the_disc_and_the_collection_are_the_tables(na, slope):
    assert math.tan(cone_angle_rad(na, 1.36)) == pytest.approx(slope, abs=6e-4)
    shares = {0.20: 0.0054, 0.30: 0.0123, 0.45: 0.0282, 0.55: 0.0427}
    assert collected_fraction(na, 1.36) == pytest.approx(shares[na], abs=1e-4)
    wide, rest = Shown(50, na=na), Shown(0, na=na)
    radius = 2 * math.sqrt(wide.variances[0] - rest.variances[0])
    assert radius / 50 == pytest.approx(slope, rel=0.01)


def test_above_and_below_the_focus_blur_alike():
    above, below = Shown(60, focus=90), Shown(120, focus=90)
    np.testing.assert_allclose(above.picture, below.picture, atol=1e-7)
    assert above.images.defocus_um[0] == -30
    assert below.images.defocus_um[0] == 30


@pytest.mark.parametrize("z", [0, 20, 70, 150])
@pytest.mark.parametrize(("radius", "nucleus"), [(2.0, (0.0, 1.0)), (6.0, (0.62, 0.3))])
def test_no_cell_rings(z, radius, nucleus):
    shown = Shown(z, 0.7, -0.4, radius=radius, nucleus=nucleus)
    assert shown.picture.min() > -0.003 * shown.picture.max()


@pytest.mark.parametrize("z", [0, 20, 60, 150])
@pytest.mark.parametrize("blur", [True, False])
def test_the_centre_of_mass_is_where_it_was_asked(z, blur):
    rng = np.random.default_rng(z)
    for y, x in rng.uniform(-20, 20, (4, 2)):
        shown = Shown(z, y, x, radius=6.0, elongation=0.2, seed=int(z), blur=blur)
        assert shown.centre == pytest.approx((y, x), abs=0.02 * PIXEL_UM)


def test_without_blur_the_body_is_sharp_whatever_its_defocus():
    near, far = Shown(0, radius=6.0, blur=False), Shown(150, radius=6.0, blur=False)
    np.testing.assert_array_equal(near.picture, far.picture)
    assert near.total == pytest.approx(1, abs=1e-5)
    assert not near.picture[np.hypot(near.y, near.x) > 6 + PIXEL_UM].any()


def test_the_sharp_route_and_the_fourier_route_agree_when_blur_is_tiny():
    sharp = Shown(0, 0.3, -0.5, radius=9.0, nucleus=(0.62, 0.3), blur=False, elongation=0.2)
    fourier = Shown(0, 0.3, -0.5, radius=9.0, nucleus=(0.62, 0.3), aberration=0.27, na=0.9, elongation=0.2)
    np.testing.assert_allclose(fourier.picture, sharp.picture, atol=0.06 * sharp.picture.max())
    assert np.abs(fourier.picture - sharp.picture).sum() < 0.04
    for a, b in zip(fourier.variances, sharp.variances, strict=True):
        assert a == pytest.approx(b + 0.09, rel=0.02)


def test_levels_change_without_a_jump():
    shown = [Shown(z, radius=6.0) for z in np.arange(20, 200, 3.0)]
    levels = np.array([s.images.level[0] for s in shown])
    assert len(set(levels)) >= 3
    for at in np.flatnonzero(np.diff(levels)):
        before, between, after = (Shown(20 + 3.0 * z, radius=6.0) for z in (at, at + 0.5, at + 1))
        middle = (before.picture + after.picture) / 2
        assert np.abs(between.picture - middle).sum() < 0.06
        assert before.within(10) / after.within(10) == pytest.approx(
            (after.images.defocus_um[0] / before.images.defocus_um[0]) ** 2, rel=0.1
        )


# -- the lens -------------------------------------------------------------------------------


def test_a_cell_on_the_bowl_is_sharp_and_one_on_the_axis_plane_is_not():
    on_bowl = Shown(90 - 300**2 / (2 * 1684), 0, 300, focus=90, curvature=1684, field=601)
    off_bowl = Shown(90, 0, 300, focus=90, curvature=1684, field=601)
    rest = Shown(90, focus=90)
    assert on_bowl.images.defocus_um[0] == pytest.approx(0)
    assert on_bowl.variances[0] == pytest.approx(rest.variances[0], rel=0.01)
    assert off_bowl.variances[0] == pytest.approx(rest.variances[0] + (26.72 * SLOPE) ** 2 / 4, rel=0.02)


def test_pincushion_moves_the_image_outwards():
    shown = Shown(0, 180, -240, distortion=0.06, field=601)
    assert shown.centre == pytest.approx((180 * (1 + 0.06 * 0.09), -240 * (1 + 0.06 * 0.09)), abs=0.03)


def test_deeper_focus_shrinks_the_image_about_the_axis():
    shown = Shown(0, 180, -240, scale=0.98, distortion=0.06, field=601)
    stretch = 0.98 * (1 + 0.06 * 0.09)
    assert shown.centre == pytest.approx((180 * stretch, -240 * stretch), abs=0.03)


def test_the_image_widens_away_from_the_axis():
    growth = (5.1, 6.6)
    shown, rest = Shown(0, 300, 0, growth=growth, field=601), Shown(0, 0, 0, growth=growth)
    for off, on in zip(shown.variances, rest.variances, strict=True):
        assert off - on == pytest.approx((5.1 * 0.3) ** 2 + (6.6 * 0.09) ** 2, rel=0.02)


# -- scattered light on the ladder ----------------------------------------------------------


def thrown(half_radius_um, exponent, variance_um2, count=400_000):
    """Distances from the centre of photons spread by the law and by a Gaussian core."""
    rng = np.random.default_rng(1)
    radius = half_radius_um * (-np.log2(1 - rng.random(count))) ** (1 / exponent)
    turn = rng.uniform(0, 2 * math.pi, count)
    y = radius * np.sin(turn) + rng.normal(0, math.sqrt(variance_um2), count)
    x = radius * np.cos(turn) + rng.normal(0, math.sqrt(variance_um2), count)
    return np.hypot(y, x)


@pytest.mark.parametrize("z", [30, 60, 100, 160, 240])
@pytest.mark.parametrize("defocus", [0, 50])
def test_narrow_light_on_the_ladder_follows_the_law(z, defocus):
    shown = Shown(z, focus=z - defocus, medium=CORTEX)
    f = tissue.fate(np.array([float(z)]), CORTEX.transport())
    shine = tissue.fluence(np.array([float(z)]), CORTEX.transport())[0]
    # the body, the lens and the disc: a Gaussian of the same variance is near enough here
    variance = Shown(z, focus=z - defocus).variances[0]
    scattered = thrown(f.narrow_radius_um[0], NARROW_EXPONENT, variance)
    clear = Shown(z, focus=z - defocus)
    for radius in (5, 10, 20, 40, 80, 160):
        exact = f.ballistic[0] * clear.within(radius) + f.narrow[0] * (scattered <= radius).mean()
        assert shown.within(radius) / shine == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("z", [30, 100, 240])
def test_wide_light_on_the_ladder_follows_the_law(z):
    shown = Shown(z, focus=z, medium=CORTEX, near=0.0, far=1.0, field=601, pixel_um=4.0)
    f = tissue.fate(np.array([float(z)]), CORTEX.transport())
    shine = tissue.fluence(np.array([float(z)]), CORTEX.transport())[0]
    for radius in (50, 100, 200, 400, 800, 1100):
        exact = tissue.spread_within(float(radius), f.wide_radius_um[0], WIDE_EXPONENT)
        assert shown.within(radius) / shine / f.wide[0] == pytest.approx(float(exact), abs=0.03)


def test_shares_on_the_ladder_add_up_to_all_the_light():
    variance, half = np.geomspace(1, 3000, 30), np.geomspace(0.5, 900, 30)
    near = images.near_shares(variance[:, None].repeat(30, 1).ravel(), np.tile(half, 30), PIXEL_UM)
    far = images.far_shares(half, PIXEL_UM)
    for shares in (near, far):
        assert (shares >= -1e-12).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    assert near.shape == (900, LEVELS)


@pytest.mark.parametrize("z", [20, 90, 200])
def test_all_light_of_a_cell_is_on_its_levels(z):
    shown = Shown(z, focus=90, medium=CORTEX, radius=6.0)
    images, area = shown.images, 4.0 ** np.arange(LEVELS)
    f = tissue.fate(np.array([float(z)]), CORTEX.transport())
    shine = tissue.fluence(np.array([float(z)]), CORTEX.transport())[0]
    core = images.values.sum(dtype=float) * 4.0 ** images.level[0]
    near = core + (images.near[0] * area).sum()
    far = (images.far[0] * area).sum()
    assert near == pytest.approx(shine * (f.ballistic[0] + f.narrow[0]), rel=1e-3)
    assert far == pytest.approx(shine * f.wide[0], rel=1e-3)


def test_clear_tissue_has_neither_near_nor_far_scatter():
    for shown in (Shown(100), Shown(100, medium=CORTEX, dimming=False)):
        assert not shown.images.near.any()
        assert not shown.images.far.any()
        assert shown.total == pytest.approx(1, abs=1e-3)


def test_a_cell_outside_the_canvas_sends_in_what_a_wider_canvas_shows():
    wide = Shown(130, 10.0, 95.0, focus=90, medium=CORTEX, radius=6.0, field=201, far=1.0)
    small = Shown(130, 10.0, 95.0, focus=90, medium=CORTEX, radius=6.0, field=121, far=1.0)
    inner = wide.picture[40:161, 40:161]
    # pixels of 121 and of 201 lie on the same places; coarse nodes do not
    np.testing.assert_allclose(small.picture, inner, atol=0.05 * inner.max())
    assert small.total == pytest.approx(inner.sum(), rel=0.02)
