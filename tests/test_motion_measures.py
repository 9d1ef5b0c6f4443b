"""Measures of a moving picture: spectra of paths, a cell in a mean image, who owns a pixel."""

import numpy as np
import pytest

import minisim_core as ms

TIMES_S = np.arange(4000) / 400


def test_a_swing_along_any_line_gives_a_line_of_its_amplitude() -> None:
    swing = 3.0 * np.sin(2 * np.pi * 7 * TIMES_S)
    for angle in (0.0, 0.4, 1.2):
        path = np.stack([np.sin(angle) * swing, np.cos(angle) * swing], axis=1)
        found = ms.measures.path_spectrum(path, 400)
        top = int(np.argmax(found.amplitude))
        assert found.frequency_hz[top] == pytest.approx(7, abs=0.11)
        assert found.amplitude[top] == pytest.approx(3.0, rel=0.02)


def test_the_strongest_rhythm_leaves_drift_aside() -> None:
    path = np.stack([20 * np.sin(2 * np.pi * 0.2 * TIMES_S), np.sin(2 * np.pi * 5 * TIMES_S)], axis=1)
    assert ms.measures.strongest_rhythm_hz(path, 400) == pytest.approx(5, abs=0.11)
    with pytest.raises(ms.ParameterError, match="rate_hz = 2"):
        ms.measures.strongest_rhythm_hz(path[:100], 2)


@pytest.mark.parametrize("sd_um", [4.0, 6.0])
def test_a_spot_has_the_width_of_its_gaussian(sd_um: float) -> None:
    pixel_um = 1.5
    y, x = np.indices((80, 80)) * pixel_um
    image = 50 + 100 * np.exp(-((y - 62) ** 2 + (x - 58) ** 2) / (2 * sd_um**2))
    found = ms.measures.spot(image, (61 / pixel_um, 60 / pixel_um), pixel_um, reach_um=36)
    assert found.width_um == pytest.approx(2.355 * sd_um, rel=0.06)
    assert abs(float(found.offset_um[np.argmax(found.light)])) < 1
    with pytest.raises(ms.ParameterError, match="inside the image"):
        ms.measures.spot(image, (1, 40), pixel_um)


def test_a_pixel_over_a_cell_is_that_cells_while_nothing_moves() -> None:
    cells = {"positions_um": ((90.0, 0.0, -15.0), (90.0, 0.0, 15.0))}
    still = ms.simulate(ms.presets.get("guide", field_um=80, duration_s=1, cells=cells, off=("motion",)))
    for cell in (0, 1):
        row, column = np.rint(still.truth.centroids_px[cell]).astype(int).tolist()
        assert (ms.measures.main_owners(still.explain((row, column), cells=None)) == cell).all()
