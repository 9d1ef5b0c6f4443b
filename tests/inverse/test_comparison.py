"""Three ways to read a cell beside the truth."""

import numpy as np
import pytest

import minisim_core as ms
from minisim_core.inverse import comparison, roi


@pytest.fixture(scope="module")
def recording() -> ms.Recording:
    return ms.simulate(ms.presets.get("guide", field_um=120, duration_s=20, off=("motion",)))


def brightest(recording: ms.Recording) -> int:
    return int(np.argmax(np.where(recording.truth.detectable, recording.truth.snr, 0)))


def test_a_region_is_read_as_its_mean_less_its_ring_and_demixed(recording: ms.Recording) -> None:
    cell = brightest(recording)
    region = ms.measures.body_mask(recording, cell)
    found = comparison.readings(recording, region, cell)
    movie = recording.frames[:]
    np.testing.assert_allclose(found.region, movie[:, region].mean(axis=1))
    np.testing.assert_allclose(found.truth, recording.truth.fluorescence[cell])
    around = (found.region - found.corrected) / roi.COEFFICIENT
    assert movie.min() < around.min() and around.max() < found.region.max()
    assert found.r("truth") == pytest.approx(1)
    assert found.r("demixed") > 0.9
    assert found.r("demixed") > found.r("region")


def test_a_cell_too_faint_to_find_is_not_demixed(recording: ms.Recording) -> None:
    faint = int(np.flatnonzero(recording.truth.in_field & ~recording.truth.detectable)[0])
    region = ms.measures.body_mask(recording, brightest(recording))
    found = comparison.readings(recording, region, faint)
    assert found.demixed is None and np.isnan(found.r("demixed"))
    with pytest.raises(ms.ParameterError, match="must hold a pixel"):
        comparison.readings(recording, np.zeros_like(region), faint)


def test_comparing_reads_every_detectable_cell_and_says_how_far_it_is(recording: ms.Recording) -> None:
    shares: list[float] = []
    found = comparison.compare(recording, shares.append)
    assert found.cells.tolist() == np.flatnonzero(recording.truth.detectable).tolist()
    assert np.isfinite(found.told).all() and np.isfinite(found.region).all()
    assert np.median(found.told) > np.median(found.region)
    assert np.isfinite(found.blind).sum() <= found.estimates
    assert found.followed("told") == pytest.approx(np.mean(found.told >= comparison.FOLLOWED_R))
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_what_progress_raises_ends_the_work(recording: ms.Recording) -> None:
    def stop(share: float) -> None:
        if share > 0.3:
            raise ms.Cancelled("enough")

    with pytest.raises(ms.Cancelled):
        comparison.compare(recording, stop)


def test_constant_rows_have_no_correlation() -> None:
    rows = np.array([[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]])
    found = comparison.correlations(rows, np.array([[2.0, 4.0, 8.0], [1.0, 2.0, 3.0]]))
    assert found[0] == pytest.approx(1) and np.isnan(found[1])
