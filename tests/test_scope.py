"""The lens against the ray trace of the V4's published prescription."""

import math

import numpy as np
import pytest

from minisim_core.scope import (
    EMISSION_UM,
    Lens,
    Scope,
    focal_surface_um,
    imaged_um,
    lens_blur_um,
    tissue_um2,
)

INDEX = 1.36
HEIGHT_UM = np.arange(7) * 100.0
SPOT_UM = np.array([5.1, 5.5, 6.9, 8.9, 11.5, 14.7, 18.0])  # rms at the sensor, both axes together
MAGNIFICATION = np.array([3.163, 3.169, 3.178, 3.192, 3.209, 3.229])  # from 0.1 mm on
BEST_FOCUS_UM = np.array([640, 640, 635, 625, 605, 585, 565])  # in air, to the nearest 5 µm


def test_blur_across_the_field_is_the_ray_traced_spot():
    v4 = Scope()
    ours = lens_blur_um(HEIGHT_UM**2, v4.aberration_um, v4.off_axis(INDEX, 90))
    np.testing.assert_allclose(ours, SPOT_UM / 3.16 / math.sqrt(2), atol=0.05)


def test_distortion_is_the_ray_traced_magnification():
    v4 = Scope()
    y, x = imaged_um(0.6 * HEIGHT_UM, -0.8 * HEIGHT_UM, 1.0, v4.distortion_per_mm2)
    ours = v4.magnification * np.hypot(y, x)[1:] / HEIGHT_UM[1:]
    np.testing.assert_allclose(ours, MAGNIFICATION, atol=1e-3)
    np.testing.assert_allclose(y[1:] / x[1:], -0.75)


@pytest.mark.parametrize("distortion_per_mm2", [-0.5, 0.0, 0.06, 0.5])
def test_distortion_can_be_undone(distortion_per_mm2):
    y, x = imaged_um(0.6 * HEIGHT_UM, -0.8 * HEIGHT_UM, 1.01, distortion_per_mm2)
    before = tissue_um2(y**2 + x**2, 1.01, distortion_per_mm2)
    np.testing.assert_allclose(np.sqrt(before), HEIGHT_UM, atol=1e-3)


def test_the_focal_bowl_is_the_ray_traced_best_focus():
    surface = focal_surface_um(HEIGHT_UM**2, 90.0, Scope().field_curvature_um)
    # tissue stretches depths by its index
    np.testing.assert_allclose(surface - 90, INDEX * (BEST_FOCUS_UM - 640), atol=5 * INDEX)
    assert (np.diff(surface) < 0).all()


@pytest.mark.parametrize(("working_um", "magnification"), [(875, 3.11), (758, 3.15), (500, 3.24)])
def test_magnification_goes_with_the_working_distance_as_ray_traced(working_um, magnification):
    v4 = Scope(magnification=3.15)
    focus_um = v4.nominal_focus_um + INDEX * (working_um - 758)
    ours = v4.magnification * v4.off_axis(INDEX, focus_um).scale
    assert ours == pytest.approx(magnification, abs=0.005)


def test_nothing_scales_at_the_nominal_focus_or_when_switched_off():
    assert Scope(nominal_focus_um=120).off_axis(INDEX, 120).scale == 1
    assert Scope(magnification_per_mm=0).off_axis(INDEX, 300).scale == 1


@pytest.mark.parametrize("na", [0.2, 0.33, 0.55])
def test_a_perfect_lens_is_as_wide_as_the_airy_pattern(na):
    from scipy.special import j0, j1

    sd = Lens(na, INDEX, 0.0, 0.0).blur_um
    v = math.pi * 2 * na / EMISSION_UM * sd * math.sqrt(2 * math.log(2))  # at the Gaussian's half radius
    assert 1 - j0(v) ** 2 - j1(v) ** 2 == pytest.approx(0.5, abs=0.01)
    assert Lens(na, INDEX, 0.0, 3.0).blur_um == pytest.approx(math.hypot(3.0, sd))
