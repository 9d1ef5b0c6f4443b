"""The haze's kernel against plain NumPy."""

import numpy as np

from minisim_core.kernels import haze


def test_layers_are_blurred_by_their_tables_and_added_up():
    rng = np.random.default_rng(0)
    spectra = (rng.normal(size=(5, 8, 7)) + 1j * rng.normal(size=(5, 8, 7))).astype(np.complex64)
    transfers = rng.random((3, 5, 20)).astype(np.float32)
    place = rng.uniform(0, 19, (8, 7))
    below = np.minimum(place.astype(np.int32), 18)
    out = np.empty((3, 8, 7), dtype=np.complex64)
    haze.blur_layers(out, spectra, below, (place - below).astype(np.float32), transfers)
    for p in range(3):
        left = [np.interp(place, np.arange(20), table) for table in transfers[p]]
        np.testing.assert_allclose(out[p], (spectra * left).sum(axis=0), atol=1e-5)
