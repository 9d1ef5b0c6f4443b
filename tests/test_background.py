"""Neuropil and surround: levels, edges, texture, time courses, and sums over discrete cells."""

import math

import numpy as np
import pytest
from scipy.interpolate import BSpline

import minisim_core as ms
from minisim_core import background, cells, surround
from minisim_core.canvas import FAR_LEVEL, Canvas
from minisim_core.illumination import Beam
from minisim_core.images import body_variance_um2, cell_images, picture
from minisim_core.scene import Scene
from minisim_core.scope import Lens, OffAxis
from minisim_core.tissue import CLEAR, WIDE_EXPONENT, Medium, fate, fluence, spread_within

HAZE_ONLY = ("out_of_focus", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")


def haze_experiment(field_um=400, seed=0, off=HAZE_ONLY, **neuropil):
    """The guide's neuropil without any cell."""
    exp = ms.presets.get("guide", seed=seed, field_um=field_um, duration_s=0.05)
    return exp.with_(cells={"positions_um": ()}, neuropil=neuropil, off=off)


def haze_frame(*args, **kwargs):
    return ms.simulate(haze_experiment(*args, **kwargs)).expected[0].astype(float)


def inside_square(half_um, half_radius_um):
    """Share of a law's light that starts within a square around where it lands."""
    turn = (np.arange(400) + 0.5) / 400 * math.pi / 4
    return float(np.mean(spread_within(half_um / np.cos(turn), half_radius_um, WIDE_EXPONENT)))


def test_the_mean_level_of_the_haze_is_the_sum_over_its_layers():
    frame = haze_frame(texture=0.0, fluctuation=0.0)
    scene = Scene(haze_experiment())
    medium = scene.medium.transport()
    z = np.linspace(0, 400, 201)[:-1] + 1.0
    light, shine = fate(z, medium), fluence(z, medium)
    reached = np.array([inside_square(background.HORIZON_UM, r) for r in light.wide_radius_um])
    expected = (shine * (light.ballistic + light.narrow + light.wide * reached)).mean()
    assert frame.mean() == pytest.approx(scene.haze_electrons * expected, rel=0.03)


def test_the_haze_is_proportional_to_its_ratio_to_the_cells():
    once, twice = (haze_frame(ratio=r) for r in (5.0, 10.0))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)
    exp = haze_experiment(ratio=5.0)
    scene = Scene(exp.with_(cells={"positions_um": None, "labelling": "soma"}))
    assert Scene(exp).haze_electrons == scene.haze_electrons  # dendrites do not count
    low, high = exp.cells.depth_range_um
    area = (2 * scene.drawn_half_um) ** 2
    resting = scene.bright_molecules.sum() / area
    per_um2 = scene.haze_electrons / scene.electrons_per_molecule / exp.pixel_um**2
    assert per_um2 == pytest.approx(5 * resting, rel=4 * 0.7 / math.sqrt(len(scene.places)))
    assert high > low


def test_even_haze_has_no_dark_edge():
    frame = haze_frame(texture=0.0, fluctuation=0.0)
    assert np.ptp(frame) / frame.mean() < 0.03
    edge = np.concatenate(
        [frame[:10].ravel(), frame[-10:].ravel(), frame[:, :10].ravel(), frame[:, -10:].ravel()]
    )
    assert edge.mean() == pytest.approx(frame[120:144, 120:144].mean(), rel=0.02)


@pytest.mark.parametrize("off", [HAZE_ONLY, tuple(n for n in HAZE_ONLY if n != "illumination")])
def test_a_field_is_the_middle_of_a_wider_one(off):
    narrow, wide = (haze_frame(field, off=off, fluctuation=0.0) for field in (400, 800))
    before = (np.array(wide.shape) - narrow.shape) // 2
    inner = wide[before[0] : before[0] + narrow.shape[0], before[1] : before[1] + narrow.shape[1]]
    np.testing.assert_allclose(narrow, inner, rtol=0.01)
    assert narrow.mean() == pytest.approx(inner.mean(), rel=0.002)


def test_the_guides_haze_is_uneven_by_two_to_five_percent():
    rms = []
    for seed in range(6):
        frame = haze_frame(seed=seed, fluctuation=0.0)
        rms.append(frame.std() / frame.mean())
    assert all(0.015 < value < 0.055 for value in rms)
    assert 0.02 < np.mean(rms) < 0.05


def test_texture_keeps_the_mean_and_has_the_asked_contrast_and_grain():
    grain = background.texture(3, 0.5, 20.0, 60.0, 700.0)
    fields = np.fft.irfft2(grain.spectra, s=(grain.size, grain.size))
    assert fields.shape[0] == 3
    assert np.abs(fields.mean()) < 0.03
    assert fields.std() == pytest.approx(0.5, rel=0.08)
    assert fields.min() > -1
    spacing = background._GRID_UM
    for steps in (1, 2, 3):
        # log-normal of a Gaussian field with correlation exp(-d²/4 size²)
        gauss = math.log1p(0.25) * math.exp(-((steps * spacing) ** 2) / (4 * 20**2))
        measured = (fields[:, steps:] * fields[:, :-steps]).mean()
        assert measured == pytest.approx(math.expm1(gauss), abs=0.03)
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.1


def test_windows_together_have_unit_variance_everywhere():
    scene = Scene(haze_experiment())
    for maps in (haze.maps for haze in scene.haze):
        np.testing.assert_allclose(
            (maps[1:].astype(float) ** 2).sum(axis=0), maps[0].astype(float) ** 2, rtol=1e-4
        )


def _long_courses(seed, blocks=16, **neuropil):
    """Haze at three far-apart nodes over its mean, and the population's light, at 2 frames per second."""
    exp = ms.presets.get("guide", seed=seed, field_um=None, frame_rate_hz=2)
    exp = exp.with_(neuropil=neuropil, cells={"positions_um": ()})
    scene = Scene(exp)
    near = scene.haze[0].maps
    nodes = np.array([0, near.shape[1] // 2 + 40, near.shape[1] - 1])
    weights = near[:, nodes] / near[0, nodes]
    haze = np.concatenate([scene.block(b).haze for b in range(blocks)], axis=1) / scene.haze_electrons
    population = np.concatenate([scene.block(b).beyond for b in range(blocks)])
    return weights.T.astype(float) @ haze, population


def test_the_haze_shifts_as_asked_and_follows_the_population():
    fluctuation, coupling = [], []
    for seed in range(4):
        local, population = _long_courses(seed)
        fluctuation.append(local.std(axis=1))
        coupling += [np.corrcoef(course, population)[0, 1] for course in local]
    assert np.mean(fluctuation) == pytest.approx(0.035, rel=0.15)
    assert np.mean(coupling) == pytest.approx(0.75, abs=0.07)
    assert min(coupling) > 0.5


def test_uncoupled_haze_shifts_place_by_place():
    local, population = _long_courses(1, coupling=0.0)
    for course in local:
        assert abs(np.corrcoef(course, population)[0, 1]) < 0.3
    assert np.abs(np.corrcoef(local) - np.eye(3)).max() < 0.3
    coupled, population = _long_courses(1, coupling=1.0)
    for course in coupled:
        assert np.corrcoef(course, population)[0, 1] > 0.999


# -- the surround ---------------------------------------------------------------------------

CANVAS = Canvas(160, 160, 8, 1.5185)
GUIDE = Medium(15.0, 0.88, 0.30)
LENS = Lens(0.33, 1.36, 90.0, 1.14)
OFF_AXIS = OffAxis(1684.0, 5.1, 6.6, 0.0, 1.0)
BODY = (0.62, 0.3)


def at_pixels(nodes):
    beta = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)

    def along(count, size):
        at = np.arange(count)[:, None] / 2**FAR_LEVEL - (np.arange(size)[None, :] - 2)
        return np.nan_to_num(beta(at))

    shape = CANVAS.level_shape(0)
    return along(shape[0], nodes.shape[0]) @ nodes @ along(shape[1], nodes.shape[1]).T


def crowd(depths, spacing_um, half_um):
    """Cells on a jittered lattice outside a square."""
    rng = np.random.default_rng(0)
    side = np.arange(-1500 + spacing_um / 2, 1500, spacing_um)
    y, x = (a.ravel() for a in np.meshgrid(side, side, indexing="ij"))
    outside = (np.abs(y) > half_um) | (np.abs(x) > half_um)
    y, x = y[outside], x[outside]
    z = rng.uniform(*depths, len(y))
    return np.column_stack([z, y, x])


@pytest.mark.parametrize("beam", [Beam(math.inf, 0.0, 0.0), Beam(600.0, 30.0, -40.0)])
@pytest.mark.parametrize("depths", [(20.0, 120.0), (110.0, 160.0)])
def test_the_surround_is_the_sum_of_many_discrete_cells(beam, depths):
    half, spacing = 200.0, 20.0
    positions = crowd(depths, spacing, half)
    total = np.zeros(CANVAS.level_shape(0))
    y, x = CANVAS.nodes_um(0)
    lit = beam.at(y[:, None], x[None, :])
    for part in np.array_split(positions, 12):
        places = cells.place_explicitly(tuple(map(tuple, part)))
        body = cells.grow(0, places, 6.0, 0.0, 0.0)
        images = cell_images(CANVAS, places, body, *BODY, LENS, OFF_AXIS, GUIDE, True, True)
        ones, none = np.ones(len(part)), np.zeros(len(part))
        total += lit * picture(CANVAS, images, ones, none)
        total += picture(CANVAS, images, none, beam.at(part[:, 1], part[:, 2]))
    variance = float(body_variance_um2(np.array(6.0), np.array(1.0), *BODY))
    around = surround.surround(CANVAS, half, depths, variance, 15.0, LENS, 1684.0, GUIDE, beam, True)
    per_um3 = 1 / (spacing**2 * (depths[1] - depths[0]))
    light = (around.in_focus + around.out_of_focus).astype(float) * per_um3 * CANVAS.pixel_um**2
    ours = at_pixels(light)
    assert ours.mean() == pytest.approx(total.mean(), rel=0.05)
    middle = slice(60, 116)
    assert ours[middle, middle].mean() == pytest.approx(total[middle, middle].mean(), rel=0.05)
    assert ours[:10].mean() == pytest.approx(total[:10].mean(), rel=0.08)


def test_clear_tissue_sends_nothing_in_from_outside():
    even = Beam(math.inf, 0.0, 0.0)
    for medium, dimming in ((GUIDE, False), (CLEAR, True)):
        around = surround.surround(
            CANVAS, 200.0, (20.0, 250.0), 7.0, 15.0, LENS, 1684.0, medium, even, dimming
        )
        assert np.abs(around.in_focus).max() == 0
        assert np.abs(around.out_of_focus).max() == 0


def test_the_surround_is_split_at_the_focal_surface():
    even = Beam(math.inf, 0.0, 0.0)

    def split(focus):
        lens = LENS._replace(focus_um=focus)
        around = surround.surround(CANVAS, 200.0, (80.0, 100.0), 7.0, 15.0, lens, 1e6, GUIDE, even, True)
        inner, outer = around.in_focus.mean(), around.out_of_focus.mean()
        return inner / (inner + outer)

    assert split(90.0) == pytest.approx(1)
    assert split(105.0) == pytest.approx(0.5, abs=0.02)
    assert split(200.0) == pytest.approx(0)


def test_half_of_the_light_at_the_centre_starts_outside_a_400_um_field():
    # a uniform plane: 45-53 % of what the centre pixel collects starts inside the field
    medium = GUIDE.transport()
    for z in (50.0, 90.0, 150.0):
        f = fate(np.array([z]), medium)
        inside = f.ballistic + f.narrow * 0.97 + f.wide * inside_square(200.0, f.wide_radius_um[0])
        everything = f.ballistic + f.narrow + f.wide
        assert 0.40 < float(inside[0] / everything[0]) < 0.75


@pytest.mark.parametrize(("field_um", "low", "high"), [(401, 0.45, 0.53), (None, 0.61, 0.70)])
@pytest.mark.parametrize("depth_um", [50, 90, 150])
def test_the_engine_takes_half_of_the_light_from_outside_a_400_um_field(field_um, low, high, depth_um):
    """Of an even layer's light at the middle of the field; shares from a photon Monte Carlo."""
    off = ("illumination", "vignetting", "motion", "vessels", "noise", "neuropil", "stray_light")
    exp = ms.presets.get("guide", field_um=field_um, focus_um=depth_um, duration_s=0.05, off=off)
    layer = {"density_per_mm3": 1e5, "depth_range_um": (depth_um - 5, depth_um + 5), "brightness_sd": 0}
    rec = ms.simulate(exp.with_(cells=layer, activity={"rate_hz": 0.01}))
    roi = np.zeros(rec.shape[1:])
    middle = slice(roi.shape[0] // 2 - 50, roi.shape[0] // 2 + 50)
    roi[middle, middle] = 1
    parts = rec.explain(roi, cells=None)
    position = rec.truth.positions_um
    inside = (np.abs(position[:, 1:]) < (field_um or 923) / 2).all(axis=1)
    light = np.array([parts[f"cell:{i}"][0] for i in range(len(position))])
    share = light[inside].sum() / (light.sum() + parts["distant_tissue"][0])
    assert low - 0.02 < share < high + 0.02


# -- the focal bowl -------------------------------------------------------------------------


def test_the_texture_is_focused_along_the_bowl():
    scene = Scene(haze_experiment(field_um=None))
    n, curvature = scene.experiment.neuropil, scene.experiment.scope.field_curvature_um
    grain = background.texture(0, n.texture, n.texture_size_um, n.depth_um, 700.0)

    def seen(focus_um, curvature_um):
        lens = scene.lens._replace(focus_um=focus_um)
        haze = background.near_haze(
            scene.canvas, grain, scene.patches, n.depth_um, n.patch_um, lens, curvature_um, scene.medium
        )
        return haze.mean.astype(float)

    bowl, flat = seen(90.0, curvature), seen(90.0, 1e9)
    y, x = scene.canvas.nodes_um(background.neuropil_level(scene.canvas.pixel_um))
    lift = (y[:, None] ** 2 + x[None, :] ** 2) / (2 * curvature)
    rms = flat.std()
    assert np.abs(bowl - flat)[lift < 1].max() < 0.05 * rms
    for above in (20.0, 45.0, 70.0, 100.0):
        there = np.abs(lift - above) < 3
        at_its_depth = seen(90.0 - above, 1e9)
        off = np.abs(bowl - at_its_depth)[there]
        assert np.sqrt(np.mean(off**2)) < 0.03 * rms
        assert np.sqrt(np.mean(off**2)) < 0.4 * np.sqrt(np.mean((flat - at_its_depth)[there] ** 2))


# -- no lattice, no tiling ------------------------------------------------------------------


def unevenness(picture, period_px):
    """How much more strongly a picture bends at some phase of a period than on average: 1 is even."""
    count = round(period_px)
    found = []
    for along in (picture, picture.T):
        bend = (np.diff(along, 2, axis=1) ** 2).mean(axis=0)
        phase = (np.arange(len(bend)) % period_px / period_px * count).astype(int)
        by_phase = np.array([bend[phase == k].mean() for k in range(count)])
        found.append(by_phase.max() / by_phase.mean())
    return max(found)


@pytest.mark.parametrize("preset", ["guide", "v4-ca1"])
def test_no_grid_shows_in_the_mean_or_in_the_fluctuation(preset):
    off = ("motion", "noise", "vessels")
    exp = ms.presets.get(preset, duration_s=10, frame_rate_hz=2, off=off)
    movie = ms.simulate(exp.with_(cells={"positions_um": ()})).expected[:20].astype(float)
    mean, sd = movie.mean(axis=0), movie.std(axis=0)
    periods = (2.0, 4.0, 8.0, 16.0, background._GRID_UM / exp.pixel_um)
    for image in (mean, sd, sd / mean):
        assert max(unevenness(image, period) for period in periods) < 1.3
    nodes = np.arange(mean.shape[0])
    coarse = nodes[:: 2**3]
    across = np.array([np.interp(nodes, coarse, row) for row in mean[:: 2**3, :: 2**3]])
    bilinear = np.array([np.interp(nodes, coarse, column) for column in across.T]).T
    assert unevenness(bilinear, 8.0) > 4, "the measure sees the lattice of straight interpolation"


@pytest.mark.parametrize("preset", ["guide", "v4-ca1"])
def test_the_texture_never_repeats_within_the_canvas(preset):
    scene = Scene(ms.presets.get(preset, off=("motion", "noise")))
    y, x = scene.canvas.nodes_um(background.neuropil_level(scene.canvas.pixel_um))
    n = scene.experiment.neuropil
    grain = scene.grain
    assert grain.size * background._GRID_UM > max(np.ptp(y), np.ptp(x)) + 6 * n.texture_size_um
