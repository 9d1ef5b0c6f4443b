"""What is measured on a recording equals what the recording was made with."""

from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import measures

NO_TISSUE_MOTION = ("motion", "neuropil", "vessels")


def still(small: Any, **changes: Any) -> ms.Recording:
    """Repeated frames of light that stands still: silent cells, a still brain."""
    sensor = {"gain": 2.0, "bit_depth": 10} | changes.pop("sensor", {})
    given = {"off": ("motion", "vessels", "neuropil"), "activity": {"rate_hz": 0}} | changes
    return ms.simulate(small(sensor=sensor, **given))


# -- spectra ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [3.0, 3.037, 7.01])
def test_a_sine_of_amplitude_a_is_a_line_of_height_a(rate_hz: float) -> None:
    times = np.arange(400) / 20
    found = measures.spectrum(5 + 0.02 * times + 2.5 * np.sin(2 * np.pi * rate_hz * times), 20)
    assert found.amplitude.max() == pytest.approx(2.5, rel=5e-3)
    assert found.frequency_hz[found.amplitude.argmax()] == pytest.approx(rate_hz, abs=0.05)
    assert found.frequency_hz[0] > 0
    assert found.frequency_hz[-1] == 10


def test_a_long_trace_is_averaged_over_stretches() -> None:
    noise = np.random.default_rng(0).normal(size=24000)
    whole, parts = measures.spectrum(noise, 20, 1200), measures.spectrum(noise, 20, 20)
    assert len(parts.frequency_hz) == 200
    scatter = [np.std(a) / np.mean(a) for a in (parts.amplitude[5:-5], whole.amplitude[5:-5])]
    assert scatter[0] < 0.2 * scatter[1]


@pytest.mark.parametrize("trace", [np.zeros(8), np.full(40, np.nan), np.zeros((40, 2))])
def test_a_trace_that_is_none_is_refused(trace: np.ndarray) -> None:
    with pytest.raises(ms.ParameterError, match="at least 16 finite numbers"):
        measures.spectrum(trace, 20)


@pytest.mark.parametrize(("rate_hz", "fps", "seen"), [(7, 20, 7), (7, 10, 3), (7, 5, 2), (10.5, 20, 9.5)])
def test_a_line_lies_where_a_sampled_sine_has_it(rate_hz: float, fps: float, seen: float) -> None:
    frequency_hz, share = measures.sampled_line(rate_hz, fps, 1 / fps)
    fine = np.arange(40 * 3000) / 3000
    exposed = np.sin(2 * np.pi * rate_hz * fine).reshape(-1, round(3000 / fps)).mean(axis=1)
    found = measures.spectrum(exposed, fps)
    assert frequency_hz == pytest.approx(seen)
    assert found.frequency_hz[found.amplitude.argmax()] == pytest.approx(seen, abs=0.03)
    assert found.amplitude.max() == pytest.approx(share, rel=0.01)


# -- over the field --------------------------------------------------------------------------


def test_a_radial_profile_returns_the_function_it_was_drawn_with() -> None:
    y, x = ((np.arange(n) - (n - 1) / 2) * 1.5 for n in (80, 61))
    image = np.exp(-(y[:, None] ** 2 + x**2) / 2 / 40**2)
    found = measures.radial_profile(image, 1.5, 6)
    np.testing.assert_allclose(found.mean, np.exp(-(found.radius_um**2) / 2 / 40**2), atol=5e-3)
    assert (np.diff(found.radius_um) > 0).all()
    assert found.radius_um[-1] < np.hypot(y[-1], x[-1]) + 1e-9


def test_a_profile_needs_an_image() -> None:
    with pytest.raises(ms.ParameterError, match="image of shape"):
        measures.radial_profile(np.zeros(5), 1)


# -- the camera ------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_a_histogram_counts_every_pixel_once(bits: int) -> None:
    scale = 2**bits - 1
    frame = np.random.default_rng(1).integers(0, scale, (50, 40)).astype(np.uint16)
    frame[:5] = scale
    found = measures.histogram(frame, bits)
    assert found.pixels.sum() == frame.size
    assert len(found.counts) == 256
    assert found.full_scale == scale
    assert found.saturated == pytest.approx(0.1)
    mean = (found.counts * found.pixels).sum() / frame.size
    assert mean == pytest.approx(frame.mean(), abs=found.width / 2)


@pytest.mark.parametrize(("gain", "bits"), [(1.0, 10), (2.0, 8), (3.5, 12)])
def test_the_slope_of_photon_transfer_is_the_gain(small: Any, gain: float, bits: int) -> None:
    recording = still(small, sensor={"gain": gain, "bit_depth": bits}, duration_s=4)
    slope, intercept = measures.photon_transfer(recording).line
    black, e_per_count, _ = recording.counts_to_e
    s = recording.experiment.sensor
    assert slope == pytest.approx(1 / e_per_count, rel=0.05)
    dark = (s.read_noise_e**2 + s.dark_current_e_per_s / 20) / e_per_count**2 + 1 / 12
    at_light = np.nanmean(measures.photon_transfer(recording).mean)
    assert intercept + slope * black == pytest.approx(dark, abs=0.1 * slope * at_light)


def test_photon_transfer_of_moving_light_is_the_same(small: Any) -> None:
    moving = ms.simulate(small(sensor={"bit_depth": 10}, duration_s=4))
    slope, _ = measures.photon_transfer(moving).line
    assert slope == pytest.approx(1 / moving.counts_to_e[1], rel=0.06)


def test_photon_transfer_adds_up_over_parts(small: Any) -> None:
    recording = still(small)
    whole = measures.photon_transfer(recording)
    parts = measures.photon_transfer(recording, slice(0, 8)) + measures.photon_transfer(
        recording, slice(8, None)
    )
    np.testing.assert_array_equal(whole.pixels, parts.pixels)
    np.testing.assert_allclose(whole.squares, parts.squares)
    assert whole.pixels.sum() == 10 * recording.frames[0].size


def test_saturated_pixels_do_not_bend_the_line(small: Any) -> None:
    bright = still(small, illumination={"led_mw": 8}, sensor={"gain": 3.0}, duration_s=3)
    transfer = measures.photon_transfer(bright)
    clipped = transfer.filled & (transfer.clipped > 0)
    assert clipped.any()
    assert transfer.linear.sum() >= 2
    assert transfer.variance[clipped].min() < 0.5 * transfer.variance[transfer.linear].max()
    assert transfer.line[0] == pytest.approx(1 / bright.counts_to_e[1], rel=0.1)


def test_without_noise_there_is_no_slope(small: Any) -> None:
    quiet = still(small, off=("noise", *NO_TISSUE_MOTION))
    assert abs(measures.photon_transfer(quiet).line[0]) < 1e-3


def test_photon_transfer_needs_two_frames(small: Any) -> None:
    with pytest.raises(ms.ParameterError, match="at least two frames"):
        measures.photon_transfer(ms.simulate(small()), slice(0, 1))


# -- cells -----------------------------------------------------------------------------------


def test_detectability_by_depth_counts_the_truth(small: Any) -> None:
    recording = ms.simulate(small(field_um=120))
    truth, bins = recording.truth, measures.detectability_by_depth(recording, 25)
    assert bins.cells.sum() == truth.in_field.sum()
    assert bins.detectable.sum() == truth.detectable.sum() > 0
    depth = truth.positions_um[:, 0]
    there = truth.in_field & (depth >= 75) & (depth < 100)
    assert bins.median_snr[3] == pytest.approx(np.median(truth.snr[there]))
    assert bins.share[3] == truth.detectable[there].mean()


def test_owners_sum_to_the_light_of_the_region(small: Any) -> None:
    recording = ms.simulate(small())
    mask = np.zeros(recording.frames.shape[1:], dtype=bool)
    mask[20:29, 15:26] = True
    traces = measures.owner_traces(recording, mask, slice(2, 9))
    light = (np.asarray(recording.expected[2:9], dtype=float) * mask).sum(axis=(1, 2))
    np.testing.assert_allclose(sum(traces.values()), light, rtol=1e-5)
    assert {"own", "neighbours", "out_of_focus", "neuropil"} <= traces.keys()


def test_a_body_owns_its_own_pixels(small: Any) -> None:
    alone = ms.simulate(
        small(cells={"positions_um": [(90, 0, 0), (90, 20, 20)]}, off=NO_TISSUE_MOTION, duration_s=2)
    )
    for cell in (0, 1):
        mask = measures.body_mask(alone, cell)
        y, x = alone.truth.centroids_px[cell]
        assert mask[round(y), round(x)]
        assert 20 < mask.sum() * alone.pixel_um**2 < 250
        assert measures.strongest_owner(alone, mask) == cell
        assert measures.owner_traces(alone, mask)["own"].min() > 0


def test_the_brightest_cell_is_in_focus_and_active(small: Any) -> None:
    recording = ms.simulate(small(field_um=150, duration_s=5, off=NO_TISSUE_MOTION))
    cell = measures.brightest_cell(recording)
    assert cell is not None
    truth = recording.truth
    assert truth.near_focus[cell]
    owned = recording.explain(np.ones(recording.frames.shape[1:]), cells=None)
    inner = (abs(truth.centroids_px - 49) < 36).all(axis=1) & truth.near_focus
    rises = {i: np.ptp(owned[f"cell:{i}"]) for i in np.flatnonzero(inner)}
    assert rises[cell] >= 0.9 * max(rises.values())


def test_an_empty_field_has_no_brightest_cell(small: Any) -> None:
    empty = ms.simulate(small(cells={"positions_um": [(300, 0, 0)]}))
    assert measures.brightest_cell(empty) is None
