"""Two-photon excitation against quadrature, against the reference, and through the whole engine."""

import numpy as np
import pytest
from scipy import integrate

import minisim_core as ms
from minisim_core.sectioning import Laser, rayleigh_um

LASER = Laser(90.0, 3.7)
CLEAR = {"scattering_per_mm": 0, "absorption_per_mm": 0}
LENS_ONLY = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")


def lit(z_um):
    return 1 / (1 + (z_um / LASER.rayleigh_um) ** 2)


@pytest.mark.parametrize("defocus_um", [-40.0, -3.0, 0.0, 5.0, 120.0])
@pytest.mark.parametrize("radius_um", [0.5, 6.0])
def test_a_ball_gets_the_mean_over_its_volume(defocus_um, radius_um):
    def disc(z):
        return np.pi * (radius_um**2 - (z - defocus_um) ** 2) * lit(z)

    low, high = defocus_um - radius_um, defocus_um + radius_um
    wanted = integrate.quad(disc, low, high)[0] / (4 / 3 * np.pi * radius_um**3)
    found = LASER.lights_balls(np.array([defocus_um]), np.array([radius_um]))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_layers_get_the_mean_over_their_thickness():
    middles, thickness = np.array([10.0, 88.0, 90.0, 300.0]), 8.0
    wanted = [
        integrate.quad(lambda z: lit(z - 90), m - thickness / 2, m + thickness / 2)[0] / thickness
        for m in middles
    ]
    np.testing.assert_allclose(LASER.lights_layers(middles, thickness), wanted, rtol=1e-9)


def test_all_layers_together_are_as_bright_as_one_of_pi_rayleigh_ranges():
    middles = np.arange(-50_000, 50_000, 4.0) + 92
    total = LASER.lights_layers(middles, 4.0).sum() * 4
    assert total == pytest.approx(np.pi * LASER.rayleigh_um, rel=1e-4)


def small_cell(depth_um: float, excitation: str) -> ms.Experiment:
    """One cell of 1 µm in clear tissue, at rest."""
    cells = {
        "positions_um": ((depth_um, 0, 0),), "radius_um": 1, "radius_sd_um": 0, "brightness_sd": 0,
        "labelling": "soma",
    }  # fmt: skip
    return ms.presets.get(
        "guide", field_um=120, duration_s=0.05, tissue=CLEAR, cells=cells, activity={"rate_hz": 0},
        illumination={"excitation": excitation}, off=LENS_ONLY,
    )  # fmt: skip


@pytest.mark.parametrize("depth_um", [70.0, 90.0, 97.0])
def test_a_small_cell_follows_the_reference_in_the_recording(depth_um):
    one, two = (
        np.asarray(ms.simulate(small_cell(depth_um, kind)).expected[0], float).sum()
        for kind in ("one-photon", "two-photon")
    )
    e = small_cell(depth_um, "two-photon")
    reference = ms.optics.two_photon_reference(
        depth_um - e.focus_um, e.scope.numerical_aperture, e.tissue.refractive_index
    )
    assert two / one == pytest.approx(float(reference), rel=0.03)  # the cell is not a point


def test_the_laser_s_range_is_the_reference_s():
    assert ms.optics.two_photon_reference(rayleigh_um(0.33, 1.36), 0.33, 1.36) == pytest.approx(0.5)


def test_haze_shrinks_to_a_thin_layer_and_its_owners_still_add_up():
    changes = {
        "field_um": 120,
        "duration_s": 0.2,
        "tissue": CLEAR,
        "neuropil": {"texture": 0},
        "off": ("vessels", "motion", "stray_light", "noise"),
    }
    one = ms.simulate(ms.presets.get("guide", **changes))
    two = ms.simulate(ms.presets.get("guide", **changes, illumination={"excitation": "two-photon"}))
    everywhere = np.ones(two.frames.shape[1:])
    parts = [r.explain(everywhere) for r in (one, two)]
    np.testing.assert_allclose(
        sum(parts[1].values()), np.asarray(two.expected[:], float).sum(axis=(1, 2)), rtol=1e-5
    )
    share = np.mean(parts[1]["neuropil"]) / np.mean(parts[0]["neuropil"])
    e = two.experiment
    layer = np.pi * rayleigh_um(e.scope.numerical_aperture, e.tissue.refractive_index)
    assert share == pytest.approx(layer / e.neuropil.depth_um, rel=0.03)  # tails leave the tissue


def test_scattering_does_not_mislead_a_scanned_laser(small):
    laser = {"excitation": "two-photon"}
    thin, thick = (
        ms.simulate(small(illumination=laser, tissue={"scattering_per_mm": per_mm})).expected[1]
        for per_mm in (10, 20)
    )
    np.testing.assert_array_equal(thin, thick)
