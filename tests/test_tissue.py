"""The tissue's laws against two photon Monte Carlo tables, limits and algebra."""

import math

import numpy as np
import pytest

from minisim_core import tissue
from minisim_core.scope import collected_fraction
from minisim_core.tissue import NARROW_EXPONENT, WIDE_EXPONENT, Medium

CONE = collected_fraction(0.33, 1.36) * 0.97
"""Geometric collection, with the surface's Fresnel loss that the scope's transmission holds."""

RADII_UM = np.array([3.0, 5.0, 10.0, 20.0, 50.0])

# Photon Monte Carlo, NA 0.33, source and focus at depth z: z, collected share of the emitted light,
# unscattered share of it, and its shares within some radii of the ideal image.
SLICE = Medium(21.1, 0.86, 0.06)
SLICE_TABLE = [
    (10, 0.0679, 0.175, (0.210, 0.216, 0.221, 0.227, 0.241)),
    (50, 0.0688, 0.070, (0.103, 0.121, 0.152, 0.188, 0.224)),
    (100, 0.0689, 0.024, (0.036, 0.046, 0.069, 0.108, 0.175)),
    (150, 0.0683, 0.009, (0.015, 0.020, 0.034, 0.063, 0.132)),
    (200, 0.0683, 0.003, (0.005, 0.007, 0.014, 0.030, 0.083)),
    (300, 0.0651, 0.001, (0.001, 0.001, 0.003, 0.008, 0.035)),
]
# z, collected, unscattered, share within 10 µm
BLOODY = Medium(21.1, 0.86, 0.30)
BLOODY_TABLE = [
    (10, 0.0434, 0.262, 0.331),
    (50, 0.0440, 0.114, 0.248),
    (100, 0.0438, 0.040, 0.114),
    (150, 0.0432, 0.015, 0.050),
    (200, 0.0407, 0.004, 0.021),
    (300, 0.0366, 0.001, 0.004),
]
CORTEX = Medium(10, 0.89, 0.26)
CORTEX_TABLE = [
    (10, 0.0311, 0.408, None),
    (50, 0.0320, 0.269, 0.398),
    (100, 0.0322, 0.158, 0.288),
    (150, 0.0312, 0.089, 0.183),
    (200, 0.0319, 0.054, 0.122),
    (300, 0.0309, 0.020, 0.047),
    (400, 0.0294, 0.008, None),
]
ALL = [
    (m, row)
    for m, table in ((SLICE, SLICE_TABLE), (BLOODY, BLOODY_TABLE), (CORTEX, CORTEX_TABLE))
    for row in table
]


def fate_at(z, medium):
    return tissue.Fate(*(float(v[0]) for v in tissue.fate(np.array([float(z)]), medium.transport())))


def within(radius_um, f):
    """Light within a radius of the ideal image, in cones."""
    narrow = tissue.spread_within(radius_um, f.narrow_radius_um, NARROW_EXPONENT)
    wide = tissue.spread_within(radius_um, f.wide_radius_um, WIDE_EXPONENT)
    return f.ballistic + f.narrow * narrow + f.wide * wide


@pytest.mark.parametrize(("z", "collected", "_unscattered", "shares"), SLICE_TABLE)
def test_light_near_the_ideal_image_is_the_monte_carlos(z, collected, _unscattered, shares):
    ours = within(RADII_UM, fate_at(z, SLICE))
    expected = np.array(shares) * collected / CONE
    np.testing.assert_allclose(ours, expected, atol=0.07)
    assert np.sqrt(np.mean((ours - expected) ** 2)) < 0.04


def test_the_fit_is_as_good_as_it_says_over_the_whole_table():
    errors = []
    for medium, (z, collected, _, shares) in ALL:
        radii = RADII_UM if medium is SLICE else np.array([10.0])
        if shares is not None:
            errors += list(within(radii, fate_at(z, medium)) - np.atleast_1d(shares) * collected / CONE)
    errors = np.array(errors)
    assert len(errors) == 41
    assert math.sqrt((errors**2).mean()) < 0.025
    assert abs(errors.mean()) < 0.01


@pytest.mark.parametrize(("medium", "row"), [(m, r) for m, r in ALL if m is not SLICE and r[3]])
def test_light_within_ten_um_is_the_monte_carlos_in_other_tissues(medium, row):
    z, collected, _, share = row
    assert within(10.0, fate_at(z, medium)) == pytest.approx(share * collected / CONE, abs=0.07)


@pytest.mark.parametrize(("medium", "row"), ALL)
def test_unscattered_and_total_light_are_the_monte_carlos(medium, row):
    z, collected, unscattered, _ = row
    f = fate_at(z, medium)
    assert f.ballistic == pytest.approx(unscattered * collected / CONE, abs=0.03)
    assert f.ballistic + f.narrow + f.wide == pytest.approx(collected / CONE, rel=0.06)


def test_total_collection_lies_between_2_1_and_4_7_cones_over_the_fitted_range():
    depths = np.linspace(0, 400, 81)
    for scattering in (10, 15, 21.1):
        for absorption in (0.06, 0.15, 0.30):
            f = tissue.fate(depths, Medium(scattering, 0.88, absorption).transport())
            total = f.ballistic + f.narrow + f.wide
            shallow = total[depths <= 200]
            assert shallow.min() > 1.9
            assert shallow.max() < 4.8
            assert (np.diff(total) <= 1e-12).all()  # what the depth takes, nothing gives back


def test_light_moves_from_the_ballistic_to_the_scattered_part_with_depth():
    depths = np.linspace(0, 400, 81)
    for medium in (SLICE, BLOODY, CORTEX):
        f = tissue.fate(depths, medium.transport())
        assert f.ballistic[0] == pytest.approx(1)
        assert f.narrow[0] == pytest.approx(0)
        assert (np.diff(f.ballistic) < 0).all()
        assert (np.diff(f.wide) < 0).all()
        assert (np.diff(f.narrow_radius_um) > 0).all()
        assert (np.diff(f.wide_radius_um) > 0).all()
        assert (np.diff(f.narrow[depths <= 50]) > 0).all()


def test_more_absorption_collects_less_and_more_scattering_keeps_less_sharp():
    depths = np.linspace(10, 300, 30)

    def total(medium):
        f = tissue.fate(depths, medium.transport())
        return f.ballistic + f.narrow + f.wide

    assert (total(Medium(15, 0.88, 0.10)) > total(Medium(15, 0.88, 0.30))).all()
    weak, strong = (tissue.fate(depths, Medium(s, 0.88, 0.3).transport()) for s in (10, 20))
    assert (weak.ballistic > strong.ballistic).all()
    assert (weak.narrow_radius_um < strong.narrow_radius_um).all()


@pytest.mark.parametrize(("medium", "low", "high"), [(SLICE, 61, 66), (Medium(10, 0.89, 0.26), 125, 134)])
def test_light_within_ten_um_fades_as_the_guide_claims(medium, low, high):
    near, deep = within(10.0, fate_at(50, medium)), within(10.0, fate_at(150, medium))
    length = 100 / math.log(near / deep)
    assert 0.85 * low < length < 1.15 * high


def test_clear_tissue_keeps_everything_in_place_and_absorption_alone_only_dims():
    depths = np.array([0.0, 50, 400])
    f = tissue.fate(depths, Medium(0, 0.9, 0).transport())
    np.testing.assert_array_equal(f.ballistic, 1)
    np.testing.assert_array_equal([f.narrow, f.wide], 0)
    np.testing.assert_array_equal(tissue.fluence(depths, tissue.CLEAR.transport()), 1)
    assert tissue.surface_fluence(tissue.CLEAR.transport()) == 1
    ink = Medium(0, 0, 0.5).transport()
    np.testing.assert_allclose(tissue.fate(depths, ink).ballistic, np.exp(-1.015 * 0.5 * depths / 1000))
    np.testing.assert_allclose(tissue.fluence(depths, ink), np.exp(-0.5 * depths / 1000))


def test_scattering_that_goes_straight_on_scatters_nothing():
    f = fate_at(100, Medium(20, 1.0, 0.0))
    assert (f.narrow, f.wide) == (0, 0)


# -- spreading laws -------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [NARROW_EXPONENT, WIDE_EXPONENT])
def test_the_mixture_of_gaussians_is_the_spreading_law(exponent):
    log_s, share = tissue._mixture(exponent)
    sd, mass = 2.0 ** ((log_s[1:] + log_s[:-1]) / 2), np.diff(share)
    r = np.geomspace(0.01, 100, 200)
    mixed = mass @ (1 - np.exp(-(r[None, :] ** 2) / (2 * sd[:, None] ** 2))) + share[0]
    np.testing.assert_allclose(mixed, 1 - 2.0 ** -(r**exponent), atol=1e-3)
    assert (mass >= 0).all()


@pytest.mark.parametrize("exponent", [NARROW_EXPONENT, WIDE_EXPONENT])
def test_the_spectrum_is_the_hankel_transform_of_the_law(exponent):
    from scipy.special import j0

    half = 40.0
    # equal shares of the light, each at its radius
    share = (np.arange(400_000) + 0.5) / 400_000
    radius = half * (-np.log2(1 - share)) ** (1 / exponent)
    k = np.array([1e-4, 0.003, 0.01, 0.03, 0.1])
    expected = [j0(v * radius).mean() for v in k]
    np.testing.assert_allclose(tissue.spread_spectrum(k, half, exponent), expected, atol=2e-3)


def test_shares_of_narrower_gaussians_are_a_distribution():
    sd = np.geomspace(1e-3, 1e5, 100)
    share = tissue.narrower_share(sd, np.array(30.0), NARROW_EXPONENT)
    assert (np.diff(share) >= 0).all()
    assert share[0] == pytest.approx(0, abs=1e-3)
    assert share[-1] == 1
    np.testing.assert_array_equal(tissue.narrower_share(np.array([0.0, 5.0]), np.zeros(2), 1.05), 1)
    assert tissue.spread_within(30.0, 30.0, 1.05) == pytest.approx(0.5)
    assert tissue.spread_within(np.array([0.0, 9.0]), 0.0, 1.05) == pytest.approx([1, 1])


# -- excitation -----------------------------------------------------------------------------

FLUENCE_DEPTHS_UM = np.array([10.0, 90, 210, 410, 610, 1010])


@pytest.mark.parametrize(
    ("medium", "table"),
    [(BLOODY, [2.06, 2.15, 1.78, 1.14, 0.66, 0.19]), (CORTEX, [1.32, 1.36, 1.31, 1.09, 0.81, 0.35])],
)
def test_fluence_is_the_monte_carlos(medium, table):
    coefficients = medium.transport()
    ours = tissue.surface_fluence(coefficients) * tissue.fluence(FLUENCE_DEPTHS_UM, coefficients)
    np.testing.assert_allclose(ours, table, rtol=0.01)


def test_fluence_between_the_tables_lies_between_them_and_rises_before_it_falls():
    weak, middle, strong = (m.transport() for m in (CORTEX, Medium(15, 0.88, 0.30), BLOODY))
    for depth in FLUENCE_DEPTHS_UM:
        at = np.array([depth])
        absolute = [
            float(tissue.surface_fluence(m) * tissue.fluence(at, m)[0]) for m in (weak, middle, strong)
        ]
        assert min(absolute[0], absolute[2]) <= absolute[1] <= max(absolute[0], absolute[2])
    profile = tissue.fluence(np.linspace(10, 600, 119), middle)
    assert 50 <= 10 + 5 * profile.argmax() <= 150
    assert 1 < profile.max() <= 1.05
    assert (np.diff(profile[profile.argmax() :]) <= 0).all()
