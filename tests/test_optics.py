"""What the optics do to light, through the public functions."""

import math

import numpy as np

from minisim_core import optics


def test_the_two_photon_reference_is_a_lorentzian_of_its_rayleigh_range():
    z = np.array([0.0, 1.0, 5.0])
    rayleigh = 1.33 * 0.92 / (math.pi * 0.5**2)
    np.testing.assert_allclose(optics.two_photon_reference(z, 0.5), 1 / (1 + (z / rayleigh) ** 2))
