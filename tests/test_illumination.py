"""Excitation, vignetting and stray light against quadrature and the ray trace."""

import math

import numpy as np
import pytest
from scipy import integrate

import minisim_core as ms
from minisim_core import illumination
from minisim_core.canvas import Canvas
from minisim_core.illumination import Beam, Illumination
from minisim_core.scene import Scene

EVEN = Beam(math.inf, 0.0, 0.0)


@pytest.mark.parametrize("beam", [Beam(600.0, 30.0, -40.0), Beam(200.0, 0.0, 300.0), EVEN])
@pytest.mark.parametrize("sd", [1.0, 20.0, 400.0])
def test_a_lit_plane_is_the_convolution_of_beam_and_blur(beam, sd):
    half = 500.0
    at = np.array([-700.0, -480.0, -10.0, 0.0, 333.0, 505.0])
    image = illumination.lit_plane(at, at, sd, beam, half)

    def line(s, offset):
        def light(u):
            lit = (
                1.0 if math.isinf(beam.width_um) else math.exp(-((u - offset) ** 2) / (2 * beam.width_um**2))
            )
            return lit * math.exp(-((s - u) ** 2) / (2 * sd**2)) / (sd * math.sqrt(2 * math.pi))

        low, high = max(-half, s - 9 * sd), min(half, s + 9 * sd)
        return integrate.quad(light, low, high, epsabs=1e-11, limit=200)[0] if low < high else 0.0

    expected = np.outer([line(s, beam.offset_y_um) for s in at], [line(s, beam.offset_x_um) for s in at])
    np.testing.assert_allclose(image, expected, atol=1e-8)


def test_an_endless_even_plane_is_even():
    at = np.linspace(-100, 100, 5)
    np.testing.assert_allclose(illumination.lit_plane(at, at, 30.0, EVEN, 1e5), 1)


def test_the_plane_inside_and_outside_a_square_add_up():
    at, beam = np.linspace(-300, 300, 7), Beam(400.0, 20.0, 10.0)
    inner, outer = (illumination.lit_plane(at, at, 80.0, beam, half) for half in (250.0, 1500.0))
    assert (outer >= inner).all()
    assert outer[3, 3] - inner[3, 3] < 0.02 < outer[0, 0] - inner[0, 0]


def test_static_fields_are_their_formulas_at_known_radii():
    canvas = Canvas(401, 301, 7, 2.0)
    fields = illumination.static_fields(canvas, Beam(600.0, 30.0, -40.0), 0.385, 1700.0, 450.0)
    excitation, vignetting, glow = (f.map for f in (fields.excitation, fields.vignetting, fields.glow))
    assert excitation.shape == vignetting.shape == glow.shape == (401, 301)
    assert np.unravel_index(excitation.argmax(), (401, 301)) == (200 + 15, 150 - 20)
    assert excitation.max() == pytest.approx(1)
    assert vignetting[200, 150] == vignetting.max() == 1
    for row, column in ((200, 150), (200, 250), (0, 0), (350, 20)):
        y, x = (row - 200) * 2.0, (column - 150) * 2.0
        r2 = y**2 + x**2
        assert excitation[row, column] == pytest.approx(math.exp(-((y - 30) ** 2 + (x + 40) ** 2) / 720_000))
        assert vignetting[row, column] == pytest.approx(math.exp(-0.385 * r2 / 1e6))
        assert glow[row, column] == pytest.approx(1700 * math.exp(-r2 / (2 * 450**2)))


def test_vignetting_is_the_ray_traced_fall_off():
    # relative flux at field heights in mm, and at the sensor's corner
    table = {0.0: 1.00, 0.2: 0.97, 0.4: 0.94, 0.5: 0.92, 0.6: 0.87, 0.65: 0.85}
    for height, expected in table.items():
        assert math.exp(-Illumination().vignetting_per_mm2 * height**2) == pytest.approx(expected, abs=0.02)


def test_excitations_per_second_are_the_light_budget():
    # 0.2 mW on 0.79 mm²: 6e8 photons per second and µm², 11 excitations per second and molecule
    emitted = illumination.excitations_per_s(0.2, 0.79, 470)
    assert emitted / illumination.QUANTUM_YIELD == pytest.approx(11, rel=0.05)
    assert emitted / illumination.QUANTUM_YIELD / illumination.CROSS_SECTION_UM2 == pytest.approx(
        6e8, rel=0.05
    )
    assert illumination.excitations_per_s(0.4, 0.79, 470) == pytest.approx(2 * emitted)


def test_a_resting_soma_of_the_guide_shines_nine_thousand_electrons():
    scene = Scene(ms.presets.get("guide"))
    typical = np.median(scene.rest_electrons / np.exp(-0.125))  # the median of a log-normal of mean 1
    assert typical == pytest.approx(8800, rel=0.2)
    assert scene.rest_electrons.sum() == pytest.approx(
        scene.electrons_per_molecule * scene.bright_molecules.sum()
    )


def test_light_is_proportional_to_power_and_exposure():
    base = Scene(ms.presets.get("guide"))
    for change, factor in (
        ({"illumination": {"led_mw": 0.8}}, 2),
        ({"frame_rate_hz": 10}, 2),
        ({"sensor": {"exposure_fraction": 0.25}}, 0.25),
    ):
        changed = Scene(base.experiment.with_(**change))
        assert changed.electrons_per_molecule == pytest.approx(factor * base.electrons_per_molecule)
        np.testing.assert_allclose(changed.stray.map, factor * base.stray.map, rtol=1e-6)
