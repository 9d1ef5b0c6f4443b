"""What the optics do to light, through the public functions alone."""

import math
from functools import cache

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import optics
from minisim_core.scope import collected_fraction

INDEX = 1.36
FOCUS_UM = 150.0
CLEAR = {"scattering_per_mm": 0, "absorption_per_mm": 0}
FLAT = {
    "field_curvature_um": 1e6, "aberration_growth_um_per_mm": 0, "aberration_growth_um_per_mm2": 0,
    "distortion_per_mm2": 0, "magnification_per_mm": 0,
}  # fmt: skip
BARE = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")

# Photon Monte Carlo, NA 0.33, source and focus at the same depth. Scattering, anisotropy and
# absorption; then for each depth the collected share of all light and its shares within some radii
# of the ideal image.
RADII_UM = (3.0, 5.0, 10.0, 20.0, 50.0)
SLICE = (
    (21.1, 0.86, 0.06),
    {
        10: (0.0679, (0.210, 0.216, 0.221, 0.227, 0.241)),
        50: (0.0688, (0.103, 0.121, 0.152, 0.188, 0.224)),
        100: (0.0689, (0.036, 0.046, 0.069, 0.108, 0.175)),
        150: (0.0683, (0.015, 0.020, 0.034, 0.063, 0.132)),
        200: (0.0683, (0.005, 0.007, 0.014, 0.030, 0.083)),
        300: (0.0651, (0.001, 0.001, 0.003, 0.008, 0.035)),
    },
)
BLOODY = (21.1, 0.86, 0.30), {
    10: (0.0434, 0.331), 50: (0.0440, 0.248), 100: (0.0438, 0.114),
    150: (0.0432, 0.050), 200: (0.0407, 0.021), 300: (0.0366, 0.004),
}  # fmt: skip
CORTEX = (10, 0.89, 0.26), {
    10: (0.0311, None), 50: (0.0320, 0.398), 100: (0.0322, 0.288), 150: (0.0312, 0.183),
    200: (0.0319, 0.122), 300: (0.0309, 0.047), 400: (0.0294, None),
}  # fmt: skip
TABLE = [(tissue, z, *row) for tissue, rows in (SLICE, BLOODY, CORTEX) for z, row in rows.items()]
FRESNEL = 0.97  # what the surface lets out, held by `scope.transmission`


def scene(tissue, z, **changes):
    """A V4 focused at a depth of one of the Monte Carlo's tissues."""
    values = dict(zip(("scattering_per_mm", "anisotropy", "absorption_per_mm"), tissue, strict=True))
    return ms.presets.get("guide", focus_um=z, tissue=values, **changes)


def clear(na=0.33, aberration_um=1.14, field_um=400, **changes):
    """A flat scope over clear tissue."""
    scope = FLAT | {"numerical_aperture": na, "aberration_um": aberration_um}
    return ms.presets.get("guide", focus_um=FOCUS_UM, field_um=field_um, tissue=CLEAR, scope=scope, **changes)


def slope(na):
    return math.tan(math.asin(na / INDEX))


# -- against the photon Monte Carlo ---------------------------------------------------------


@pytest.mark.filterwarnings("ignore::minisim_core.ModelRangeWarning")
def test_light_near_the_ideal_image_is_the_monte_carlos():
    errors = []
    for tissue, z, total, shares in TABLE:
        if shares is not None:
            radii = RADII_UM if tissue == SLICE[0] else (10.0,)
            expected = np.atleast_1d(shares) * total / collected_fraction(0.33, INDEX) / FRESNEL
            errors.extend(optics.point_response(scene(tissue, z), z).within(radii) - expected)
    errors = np.array(errors)
    print(f"rms {math.sqrt((errors**2).mean()):.3f}, largest {np.abs(errors).max():.3f} cones")
    assert len(errors) == 41
    assert np.abs(errors).max() < 0.07
    assert math.sqrt((errors**2).mean()) < 0.03
    assert abs(errors.mean()) < 0.01


@pytest.mark.parametrize(("tissue", "z", "total", "_shares"), TABLE)
def test_all_collected_light_is_the_monte_carlos(tissue, z, total, _shares):
    exp = scene(tissue, z)
    expected = total / collected_fraction(0.33, INDEX) / FRESNEL
    assert optics.collected(exp, z) == pytest.approx(expected, rel=0.06)
    assert optics.point_response(exp, z).collected == pytest.approx(optics.collected(exp, z), rel=1e-3)


@pytest.mark.parametrize("tissue", [SLICE[0], BLOODY[0], CORTEX[0]])
def test_collection_is_nearly_flat_in_depth(tissue):
    depths = np.linspace(0, 200, 41)
    cones = optics.collected(scene(tissue, 100), depths)
    assert cones.shape == depths.shape
    assert 2.1 < cones.min() and cones.max() < 4.75
    assert cones.max() / cones.min() < 1.12
    sharp = [optics.point_response(scene(tissue, z), z).within(10) for z in (10, 200)]
    assert sharp[0] / sharp[1] > 2.5  # while the light that makes an image goes


def test_excitation_rises_before_it_falls():
    exp = scene((15, 0.88, 0.30), 90)
    depths = np.linspace(0, 600, 121)
    lit = optics.excitation(exp, depths)
    assert lit[0] == pytest.approx(1, abs=0.01)
    assert 1 < lit.max() <= 1.05
    assert 50 <= depths[lit.argmax()] <= 150
    assert lit[-1] < 0.5
    assert optics.excitation(exp, 90).shape == ()
    for unlit in (exp.with_(off="dimming"), clear()):
        np.testing.assert_array_equal(optics.excitation(unlit, depths), 1)
        np.testing.assert_array_equal(optics.collected(unlit, depths), 1)


# -- against scalar diffraction -------------------------------------------------------------


@cache
def diffracted_radii_um(na, defocus_um, *, paraxial):
    """Radii that hold 50 and 80 % of a point's light, from the scalar diffraction integral.

    Born and Wolf's, with its quadratic phase; or Debye's, which keeps the sphere's own phase and the
    sine condition and is the same for small angles.
    """
    from scipy.special import j0

    k = 2 * math.pi / 0.525
    x, weight = np.polynomial.legendre.leggauss(400)
    x, weight = (x + 1) / 2, weight / 2
    if paraxial:
        q, pupil = k * na * x, np.exp(-0.5j * k * na**2 * defocus_um / INDEX * x**2) / (k * na) ** 2
        dq = k * na * weight
    else:
        theta = math.asin(na / INDEX) * x
        q = k * INDEX * np.sin(theta)
        pupil = np.exp(1j * k * INDEX * defocus_um * np.cos(theta)) / np.sqrt(np.cos(theta))
        dq = k * INDEX * np.cos(theta) * math.asin(na / INDEX) * weight
    r = np.linspace(0, max(1.6 * defocus_um * slope(na), defocus_um * slope(na) + 6 / na), 500)
    intensity = np.abs(j0(np.outer(r, q)) @ (pupil * q * dq)) ** 2
    ring = intensity * r
    light = np.concatenate([[0], np.cumsum((ring[1:] + ring[:-1]) / 2 * np.diff(r))])
    light /= (np.abs(pupil) ** 2 * q * dq).sum()  # Parseval
    return np.interp((0.5, 0.8), light, r)


def test_the_integral_in_focus_is_the_airy_pattern():
    half, most = diffracted_radii_um(0.33, 0, paraxial=True)
    assert half == pytest.approx(0.266 * 0.525 / 0.33, rel=0.01)
    assert most == pytest.approx(0.45 * 0.525 / 0.33, rel=0.02)


def radii_um(na, defocus_um):
    seen = optics.point_response(clear(na, aberration_um=0), FOCUS_UM + defocus_um)
    return np.array([seen.radius_um(0.5), seen.radius_um(0.8)])


@pytest.mark.parametrize("na", [0.20, 0.25, 0.33, 0.45, 0.55])
@pytest.mark.parametrize("defocus_um", [0, 3, 6, 10, 15, 22, 35, 50, 75, 100, 125, 150])
def test_encircled_light_is_that_of_scalar_diffraction(na, defocus_um):
    expected = diffracted_radii_um(na, defocus_um, paraxial=False)
    error = np.abs(radii_um(na, defocus_um) - expected)
    assert (error < np.maximum(0.10 * expected, 0.75)).all()


@pytest.mark.parametrize("na", [0.20, 0.25, 0.33])
@pytest.mark.parametrize("defocus_um", [0, 6, 15, 35, 75, 150])
def test_encircled_light_is_born_and_wolfs_while_angles_are_small(na, defocus_um):
    expected = diffracted_radii_um(na, defocus_um, paraxial=True)
    error = np.abs(radii_um(na, defocus_um) - expected)
    assert (error < np.maximum(0.10 * expected, 0.75)).all()


# -- T1 to T6: nothing is lost by defocus ---------------------------------------------------

DEFOCUS_UM = [-150, -70, -20, -5, 0, 5, 12, 30, 66, 100, 150]


def moments(seen):
    """Variances of an image along y and x, in µm²."""
    image = seen.image / seen.image.sum()
    y, x = ((np.arange(n) - c) * seen.pixel_um for n, c in zip(image.shape, seen.center_px, strict=True))
    return (image.sum(axis=1) * y**2).sum(), (image.sum(axis=0) * x**2).sum()


@pytest.mark.parametrize("na", [0.20, 0.33, 0.55])
def test_t1_the_total_is_the_same_at_every_defocus(na):
    for defocus in DEFOCUS_UM:
        seen = optics.point_response(clear(na), FOCUS_UM + defocus, y_um=3.1, x_um=-1.7)
        assert seen.image.sum() == pytest.approx(1, abs=1e-3)
        assert seen.collected == pytest.approx(1, abs=1e-3)


def lattice(depths_um, pitch_px, reach_px, pixel_um):
    """Cells on a lattice in planes: for its mean over whole periods, even light."""
    side = (np.arange(-reach_px, reach_px + 1, pitch_px) + 0.25) * pixel_um
    return tuple((float(z), float(y), float(x)) for z in depths_um for y in side for x in side)


def mean_and_unevenness(depths_um):
    pixel = clear().pixel_um
    like = {"radius_um": 2, "radius_sd_um": 0, "elongation": 0, "brightness_sd": 0, "labelling": "soma"}
    exp = clear(
        field_um=64 * pixel,
        cells={"positions_um": lattice(depths_um, 4, 96, pixel), **like},
        activity={"rate_hz": 0},
        off=BARE,
    )
    light = ms.simulate(exp).expected[0]
    assert light.shape == (64, 64)
    return light.mean(dtype=float), light.std(dtype=float) / light.mean(dtype=float)


def test_t2_and_t3_the_image_of_a_uniform_plane_does_not_depend_on_its_depth():
    # T3, no transfer along the optical axis, is the same statement for planes of any spacing
    in_focus, _ = mean_and_unevenness([FOCUS_UM])
    for depth in (30.0, 90.0, 130.0, 144.0, 170.0, 230.0):
        mean, unevenness = mean_and_unevenness([depth])
        assert mean == pytest.approx(in_focus, rel=1e-3)
        if abs(depth - FOCUS_UM) > 50:
            assert unevenness < 0.01


def test_t4_the_peak_falls_with_the_square_of_the_defocus():
    for na in (0.25, 0.33, 0.45):
        for defocus in (30, 45, 60, 90, 120, 150):
            seen = optics.point_response(clear(na), FOCUS_UM + defocus)
            expected = seen.pixel_um**2 / (math.pi * (defocus * slope(na)) ** 2)
            assert seen.image.max() == pytest.approx(expected, rel=0.07)


def test_t5_a_slab_shines_as_it_is_thick():
    means = [mean_and_unevenness(FOCUS_UM + 10.0 * np.arange(count))[0] for count in (2, 4, 8)]
    assert means[1] / means[0] == pytest.approx(2, rel=1e-3)
    assert means[2] / means[0] == pytest.approx(4, rel=1e-3)


@pytest.mark.parametrize("na", [0.20, 0.33, 0.55])
def test_t6_the_second_moment_grows_as_the_disc_says(na):
    rest = moments(optics.point_response(clear(na), FOCUS_UM))
    for defocus in (-120, -40, 8, 25, 66, 140):
        seen = optics.point_response(clear(na), FOCUS_UM + defocus)
        for after, before in zip(moments(seen), rest, strict=True):
            assert after == pytest.approx(before + (defocus * slope(na)) ** 2 / 4, rel=0.005, abs=0.08)


# -- one path with the cells ----------------------------------------------------------------


def test_a_point_is_imaged_as_a_small_cell_is():
    place = (150.0, 40.0, -55.0)
    like = {"radius_um": 2, "radius_sd_um": 0, "elongation": 0, "labelling": "soma", "nucleus_fraction": 0}
    exp = ms.presets.get("guide", cells={"positions_um": (place,), **like}, activity={"rate_hz": 0}, off=BARE)
    cell = ms.simulate(exp)
    point = optics.point_response(exp, place[0], y_um=place[1], x_um=place[2])
    np.testing.assert_allclose(point.center_px, cell.truth.centroids_px[0])
    light = cell.expected[0].astype(float)
    light *= point.image.sum() / light.sum()
    y, x = np.indices(light.shape)
    distance = np.hypot(y - point.center_px[0], x - point.center_px[1]) * point.pixel_um
    for radius in (20, 40, 80, 150):
        inside = distance <= radius
        assert point.image[inside].sum() == pytest.approx(light[inside].sum(), rel=0.02)
        assert point.within(radius) == pytest.approx(point.image[inside].sum(), rel=0.02)


def test_light_beyond_the_picture_is_counted():
    near, far = (optics.point_response(scene((15, 0.88, 0.3), 90, field_um=f), 90) for f in (60, 400))
    assert near.image.sum() < 0.5 * near.collected
    for radius in (5, 30, 100, 500, 2000):
        assert near.within(radius) == pytest.approx(far.within(radius), rel=0.01)
    assert near.within(1e5) == pytest.approx(near.collected)
    assert near.within(0) == pytest.approx(0, abs=1e-3)


def test_switches_are_respected():
    exp = scene((15, 0.88, 0.3), 90, scope=FLAT)
    perfect = optics.point_response(exp.with_(off=("blur", "dimming")), 150)
    assert perfect.within(2 * perfect.pixel_um) == pytest.approx(1, abs=0.05)
    assert perfect.image.max() == pytest.approx(0.25, abs=1e-3)  # the axis is a corner of four pixels
    sharp = optics.point_response(exp.with_(off="blur"), 150)
    assert sharp.collected == pytest.approx(float(optics.collected(exp, 150)), rel=1e-3)
    assert sharp.image.max() > 10 * optics.point_response(exp, 150).image.max()
    clear_tissue = optics.point_response(exp.with_(off="dimming"), 150)
    assert clear_tissue.collected == pytest.approx(1, abs=1e-3)


def test_a_response_is_read_only_and_of_the_frames_shape():
    exp = scene((15, 0.88, 0.3), 90, field_um=81)
    seen = optics.point_response(exp, 100)
    assert seen.image.shape == exp.shape_px
    assert seen.image.dtype == np.float64
    assert seen.pixel_um == exp.pixel_um
    assert not seen.image.flags.writeable
    assert seen.within([[1.0, 2.0, 4.0]]).shape == (1, 3)
    assert seen.within(seen.radius_um(0.3)) == pytest.approx(0.3 * seen.collected, rel=1e-3)


def test_refusals_name_the_parameter():
    exp = clear(field_um=100)
    for depth in (-1, 601, math.nan):
        with pytest.raises(ms.ParameterError, match=r"depth_um = .* between 0 and 600 µm"):
            optics.point_response(exp, depth)
    with pytest.raises(ms.ParameterError, match=r"y_um, x_um = 0, 51 .* 100.* µm wide"):
        optics.point_response(exp, 100, x_um=51)
    with pytest.raises(ms.ParameterError, match="share = 1 is refused"):
        optics.point_response(exp, 100).radius_um(1)


# -- the aperture ---------------------------------------------------------------------------


def test_the_aperture_changes_cells_and_haze_alike():
    """Every source of the tissue sends light in proportion to the collected cone."""
    off = ("out_of_focus", "vessels", "motion", "noise", "stray_light")
    near, wide = (
        ms.simulate(scene((15, 0.88, 0.3), 90, scope=FLAT | {"numerical_aperture": na})) for na in (0.2, 0.4)
    )
    cones = collected_fraction(0.4, INDEX) / collected_fraction(0.2, INDEX)
    field = np.ones(near.shape[1:])
    parts = [r.without(*off[1:]).explain(field, frames=slice(0, 1)) for r in (near, wide)]
    cells = [sum(v for k, v in p.items() if "cell" in k or k == "distant_tissue") for p in parts]
    assert cells[1] / cells[0] == pytest.approx(cones, rel=0.01)
    assert parts[1]["neuropil"] / parts[0]["neuropil"] == pytest.approx(cones, rel=0.01)
    sharp = [r.without(*off, "blur", "neuropil").expected[0].astype(float) for r in (near, wide)]
    np.testing.assert_allclose(sharp[1], cones * sharp[0], rtol=0.02)


# -- focus and magnification ----------------------------------------------------------------


def test_focusing_deeper_shows_more_tissue_in_the_same_pixels():
    places = ((90.0, 150.0, -120.0), (90.0, 0.0, 0.0))
    exp = ms.presets.get("guide", cells={"positions_um": places}, scope={"nominal_focus_um": 100})
    middle = (np.array(exp.shape_px) - 1) / 2
    seen = {}
    for focus in (0, 100, 200):
        rec = ms.simulate(exp.with_(focus_um=focus))
        assert rec.shape[1:] == exp.shape_px
        assert rec.pixel_um == exp.pixel_um
        seen[focus] = rec.truth.centroids_px - middle
        np.testing.assert_allclose(seen[focus][1], 0, atol=1e-9)
    for focus in (0, 200):
        change = seen[focus][0] / seen[100][0] - 1
        np.testing.assert_allclose(change, -0.34 * (focus - 100) / 1000 / INDEX / 3.161)
        assert 0.005 < abs(change[0]) < 0.012


def test_cells_and_vessels_stay_together_whatever_the_focus():
    from minisim_core.scene import Scene

    exp = ms.presets.get("guide")
    trunk = Scene(exp).tree.segments_um
    inside = trunk[np.abs(trunk[:, :4]).max(axis=1) < 180]
    assert len(inside) > 10
    places = tuple((10.0, float(y), float(x)) for y, x in inside[:, :2])
    for focus in (20, 90, 250):
        rec = ms.simulate(exp.with_(focus_um=focus, cells={"positions_um": places}))
        row, column = np.rint(rec.truth.centroids_px).astype(int).T
        assert rec.truth.vessel_mask[row, column].all()
        ends = Scene(rec.experiment).imaged_tree.segments_um[np.isin(trunk[:, 0], inside[:, 0]), :2]
        middle = (np.array(exp.shape_px) - 1) / 2
        np.testing.assert_allclose(rec.truth.centroids_px, ends / rec.pixel_um + middle, atol=1e-9)


def test_steps_of_the_electronic_lens_are_depths_in_tissue():
    exp = ms.presets.get("guide")
    assert optics.focus_from_ewl(exp, 0) == exp.scope.nominal_focus_um
    assert optics.focus_from_ewl(exp, -10) == pytest.approx(90 + 18.7 * INDEX)
    # the published range: 0.475 mm of working distance in 254 steps
    reach = [optics.focus_from_ewl(exp, steps) for steps in (-127, 127)]
    assert reach[0] - reach[1] == pytest.approx(475 * INDEX, rel=0.001)
    for focus in (0, 90, 133, 400):
        steps = optics.ewl_from_focus(exp, focus)
        assert optics.focus_from_ewl(exp, steps) == pytest.approx(focus, abs=1.87 * INDEX / 2)
    assert optics.ewl_from_focus(exp.with_(focus_um=140)) == round(-50 / 1.87 / INDEX)
    low, high = optics.ewl_limits(exp)
    assert (low, high) == (-121, 35)
    for steps in (low, high):
        exp.with_(focus_um=optics.focus_from_ewl(exp, steps))
    for steps in (low - 1, high + 1):
        with pytest.raises(ms.ParameterError, match="focus_um"):
            exp.with_(focus_um=optics.focus_from_ewl(exp, steps))


def test_what_the_electronic_lens_cannot_do_is_said():
    exp = ms.presets.get("guide")
    with pytest.raises(ms.ParameterError, match=r"steps = 128 .* from -127 to 127"):
        optics.focus_from_ewl(exp, 128)
    short = exp.with_(scope={"ewl_steps": 20})
    with pytest.raises(ms.ParameterError, match=r"focus_um = 300 .* from 39.14 to 140.9 µm"):
        optics.ewl_from_focus(short, 300)
    assert optics.ewl_limits(short) == (-20, 20)
    without = ms.presets.get("ninscope-cortex")
    for ask in (optics.ewl_from_focus, optics.ewl_limits):
        with pytest.raises(ms.ParameterError, match="NINscope has no electronic lens"):
            ask(without)


# -- references -----------------------------------------------------------------------------


def test_defocus_loses_nothing_to_the_picture():
    share = optics.light_against_defocus(clear(), np.array([-90.0, -30, 0, 40, 100]))
    np.testing.assert_allclose(share, 1, atol=1e-3)


def test_the_two_photon_reference_is_a_lorentzian_of_its_rayleigh_range():
    z = np.array([0.0, 1.0, 5.0])
    rayleigh = 1.33 * 0.92 / (math.pi * 0.5**2)
    np.testing.assert_allclose(optics.two_photon_reference(z, 0.5), 1 / (1 + (z / rayleigh) ** 2))
