"""Spikes and fluorescence against the published table, Campbell's theorem and brute force."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize, signal, special

import minisim_core as ms
from minisim_core import activity
from minisim_core.activity import Firing
from minisim_core.cells import Places
from minisim_core.clock import Clock
from minisim_core.kernels import firing

FIRING = Firing(
    rate_hz=0.3, rate_spread=0.5, burst_spikes=3.0, burst_interval_s=0.006, drive_sd=0.5, drive_time_s=3.0
)


def some_places(count, first=0):
    return Places(np.zeros((count, 3)), np.arange(first, first + count, dtype=np.uint64))


@pytest.fixture(autouse=True)
def _known_places(monkeypatch):
    """Let made-up places be known to the store by their identities."""
    original = ms.memory._token

    def token(value):
        return ("places", value.ids.tobytes()) if isinstance(value, Places) else original(value)

    monkeypatch.setattr(ms.memory, "_token", token)


def courses(seed, places, indicator, firing, rate_hz, exposure_s, frames):
    blocks = [
        activity.fluorescence(seed, places, indicator, firing, Clock(rate_hz, exposure_s, first)).fluorescence
        for first in range(0, frames, 64)
    ]
    return np.concatenate(blocks, axis=1)[:, :frames].astype(float)


# -- the indicator --------------------------------------------------------------------------

# ΔF/F after one spike: peak, time of peak and half decay from it in ms; peak of ten at once
TABLE = {
    "jGCaMP8f": (0.48, 6, 39, 4.9),
    "jGCaMP8m": (0.61, 7.5, 41, 5.0),
    "jGCaMP8s": (0.60, 16.5, 80, 4.1),
    "jGCaMP7f": (0.21, 34, 96, 4.5),
    "GCaMP6s": (0.105, 180, 835, 3.3),
    "GCaMP6f": (0.054, 43, 308, 1.9),
}


@pytest.mark.parametrize("indicator", TABLE)
def test_one_spike_is_the_published_response(indicator):
    peak, at, half, _ = TABLE[indicator]
    times = np.arange(0, 3, 5e-4)
    response = activity.spike_response(indicator, np.zeros(1), times)
    top = int(response.argmax())
    assert response[top] == pytest.approx(peak, abs=max(0.006, 0.02 * peak))
    assert times[top] * 1000 == pytest.approx(at, abs=max(1.5, 0.05 * at))
    fallen = times[top:][response[top:] < response[top] / 2][0] - times[top]
    after_spike = times[top:][response[top:] < response[top] / 2][0]
    assert min(abs(fallen * 1000 - half), abs(after_spike * 1000 - half)) < 0.06 * half


@pytest.mark.parametrize("indicator", TABLE)
def test_ten_spikes_at_once_are_the_published_response(indicator):
    """The table's burst of ten is ten spikes at one instant: at 50 Hz fast indicators fall in between."""
    times = np.arange(0, 2, 1e-3)
    together = activity.spike_response(indicator, np.zeros(10), times).max()
    assert together == pytest.approx(TABLE[indicator][3], abs=0.05)
    apart = peak_at_50_hz(indicator, 10) / together
    assert apart > 0.96 if indicator.startswith("GCaMP6") else 0.5 < apart < 0.8


# the fits as published: rise, decay, slow decay in ms and its ratio; F = Fm/(1 + exp(-b(x - x0))) + F0
PUBLISHED = {
    "jGCaMP8f": (1.85, 34.1, 263.7, 0.48, 6.10, 4.17, 0.391, -1.00),
    "jGCaMP8m": (2.46, 41.6, 245.8, 0.28, 7.45, 2.69, 0.360, -2.05),
    "jGCaMP8s": (5.65, 86.3, 465.5, 0.19, 7.46, 1.28, 0.344, -2.92),
    "jGCaMP7f": (16.2, 95.3, 398.2, 0.24, 6.84, 5.56, 0.423, -0.59),
    "GCaMP6s": (50.8, 1702, 1, 0, 3.33, 3.14, 1.33, -0.05),
    "GCaMP6f": (9.98, 683, 1, 0, 1.91, 3.20, 1.41, -0.02),
}


def peak_at_50_hz(indicator, count):
    """Largest ΔF/F of the published kernel and sigmoid, found by an optimiser between the spikes."""
    rise, decay, slow, ratio, height, midpoint, slope, _ = PUBLISHED[indicator]

    def light(time_ms):
        age = time_ms - 20.0 * np.arange(count)
        age = age[age >= 0]
        drive = ((1 - np.exp(-age / rise)) * (np.exp(-age / decay) + ratio * np.exp(-age / slow))).sum()
        return height * (special.expit(slope * (drive - midpoint)) - special.expit(-slope * midpoint))

    last = 20.0 * (count - 1)
    edges = [*np.arange(0, last + 20, 20), *(last + np.geomspace(40, 1000, 12))]
    found = [
        optimize.minimize_scalar(
            lambda t: -light(t), bounds=between, method="bounded", options={"xatol": 1e-3}
        )
        for between in pairwise(edges)
    ]
    return -min(each.fun for each in found)


@pytest.mark.parametrize("indicator", TABLE)
def test_the_published_constant_makes_rest_one(indicator):
    *_, height, midpoint, slope, constant = PUBLISHED[indicator]
    assert height * special.expit(-slope * midpoint) + constant == pytest.approx(0, abs=0.006)


@pytest.mark.parametrize("spikes", [1, 2, 5, 10])
@pytest.mark.parametrize("indicator", TABLE)
def test_peaks_of_trains_at_50_hz_are_those_of_the_published_fit(indicator, spikes):
    """As a camera of 1000 frames/s sees them, through all that the engine does."""
    train, out = 0.1 + np.arange(spikes) / 50, np.empty((2, 1, 1600), dtype=np.float32)
    firing.fluorescence(out, np.array([0, spikes]), train, 0.0, 1e-3, 1e-3, *activity.response(indicator))
    peak = peak_at_50_hz(indicator, spikes)
    assert out[0].max() - 1 == pytest.approx(peak, rel=2e-3)
    if spikes == 1:
        assert peak == pytest.approx(TABLE[indicator][0], abs=max(0.006, 0.02 * peak))


@pytest.mark.parametrize("indicator", TABLE)
def test_more_spikes_give_more_light_up_to_saturation(indicator):
    times = np.arange(0, 2, 1e-3)
    peaks = [activity.spike_response(indicator, np.arange(n) / 50, times).max() for n in (1, 2, 5, 10, 100)]
    assert (np.diff(peaks) > 0).all()
    i = activity.INDICATORS[indicator]
    assert peaks[-1] <= i.peak * (1 - 1 / (1 + math.exp(i.slope * i.midpoint))) + 1e-9
    assert activity.spike_response(indicator, np.ones(1), np.array([0.5]))[0] == pytest.approx(0, abs=1e-12)


def test_a_forgotten_spike_no_longer_matters():
    for indicator in TABLE:
        late = np.array([activity.memory_s(indicator)])
        first = activity.spike_response(indicator, np.zeros(1), np.linspace(0, 1, 1000)).max()
        assert activity.spike_response(indicator, np.zeros(1), late)[0] < 2e-4 * first


# -- spikes ---------------------------------------------------------------------------------


def test_events_come_at_the_asked_rates():
    places = some_places(1500)
    for how in (FIRING, FIRING._replace(rate_hz=1.0, burst_spikes=1.0, drive_sd=0.0)):
        duration = 160.0
        found = activity.spikes_between(0, places, how, 0.0, duration)
        spread = math.exp((how.rate_spread * math.log(10)) ** 2 / 2)
        drive = activity.drive(0, how.drive_sd, how.drive_time_s, 0.0, duration).factor.mean()
        expected = how.rate_hz * spread * drive * how.burst_spikes * duration
        per_cell = np.diff(found.first)
        assert per_cell.mean() == pytest.approx(expected, abs=4 * per_cell.std() / math.sqrt(len(places)))
        assert np.median(per_cell) == pytest.approx(expected / spread, rel=0.1)


def test_rates_of_cells_are_log_normal():
    busy = FIRING._replace(rate_hz=3.0, burst_spikes=1.0, drive_sd=0.0)
    found = activity.spikes_between(3, some_places(800), busy, 0.0, 160.0)
    logs = np.log10(np.maximum(np.diff(found.first), 1) / 160)
    assert logs.mean() == pytest.approx(math.log10(3), abs=4 * 0.5 / math.sqrt(800))
    assert logs.std() == pytest.approx(0.5, rel=0.08)


def test_the_drive_has_mean_one_and_the_asked_spread():
    factors = np.concatenate([activity.drive(seed, 0.5, 3.0, 0.0, 400.0).factor for seed in range(40)])
    assert factors.mean() == pytest.approx(1, abs=0.03)
    assert np.log(factors).std() == pytest.approx(0.5, rel=0.05)
    early = activity.drive(2, 0.5, 3.0, 80.0, 88.0)
    late = activity.drive(2, 0.5, 3.0, 0.0, 88.0)
    skip = early.first_step - late.first_step
    np.testing.assert_allclose(early.factor, late.factor[skip : skip + len(early.factor)], rtol=1e-12)


def test_bursts_have_the_asked_mean_although_none_is_endless():
    for mean in (1.0, 3.0, 20.0):
        calm = FIRING._replace(
            rate_hz=0.05, rate_spread=0.0, burst_spikes=mean, burst_interval_s=0.002, drive_sd=0.0
        )
        found = activity.spikes_between(1, some_places(2000), calm, 0.0, 80.0)
        gaps = np.diff(found.time_s)[np.diff(found.cell) == 0]
        starts = 1 + np.flatnonzero(np.diff(found.cell) | (np.diff(found.time_s) > 0.05))
        lengths = np.diff([0, *starts, len(found.time_s)])
        assert lengths.mean() == pytest.approx(mean, rel=0.03)
        assert lengths.max() <= 2 * firing.LONGEST_BURST  # now and then two bursts touch
        if mean > 1:
            assert gaps[gaps < 0.05].mean() == pytest.approx(0.002, rel=0.05)


def test_the_drive_forgets_in_its_correlation_time():
    for time_s in (1.0, 3.0):
        logs = [np.log(activity.drive(seed, 0.5, time_s, 0.0, 800.0).factor) for seed in range(40)]
        steps = round(time_s / 0.125)
        together = np.mean([(x[steps:] + 0.125) * (x[:-steps] + 0.125) for x in logs])
        assert together / np.mean([(x + 0.125) ** 2 for x in logs]) == pytest.approx(math.exp(-1), abs=0.04)


def test_events_follow_the_drive():
    places = some_places(1500)
    found = activity.spikes_between(6, places, FIRING._replace(burst_spikes=1.0), 0.0, 160.0)
    counts = np.histogram(found.time_s, np.arange(0, 161, 2.0))[0]
    shared = activity.drive(6, FIRING.drive_sd, FIRING.drive_time_s, 0.0, 160.0)
    between = (shared.factor[1:] + shared.factor[:-1])[-shared.first_step :][:1280] / 2
    factor = between.reshape(80, 16).mean(axis=1)
    assert np.corrcoef(counts, factor)[0, 1] > 0.95
    # beyond what they share, cells fire as chance has it
    expected = counts.sum() * factor / factor.sum()
    assert ((counts - expected) ** 2 / expected).mean() == pytest.approx(1, abs=0.5)


def test_spikes_do_not_know_the_stretch_they_are_asked_for():
    places = some_places(50)
    busy = FIRING._replace(rate_hz=2.0)
    whole = activity.spikes_between(2, places, busy, -10.0, 40.0)
    for start, stop in ((0.0, 3.0), (7.9, 8.1), (15.0, 33.0)):
        part = activity.spikes_between(2, places, busy, start, stop)
        for n in range(len(places)):
            a, b = (x.time_s[x.first[n] : x.first[n + 1]] for x in (whole, part))
            assert (np.diff(a) >= 0).all()
            inside = [t[(t >= start) & (t < stop)] for t in (a, b)]
            np.testing.assert_array_equal(*inside)


def test_spikes_do_not_know_the_frame_rate():
    trains = []
    for rate in (5, 20, 60):
        exp = ms.presets.get("guide", duration_s=12, frame_rate_hz=rate, field_um=100)
        truth = ms.simulate(exp).truth
        trains.append((truth.spike_cell, truth.spike_time_s))
        counted = np.asarray(truth.spikes).sum(axis=1)
        np.testing.assert_array_equal(counted, np.bincount(truth.spike_cell, minlength=len(counted)))
    for cell, time in trains[1:]:
        np.testing.assert_array_equal(cell, trains[0][0])
        np.testing.assert_array_equal(time, trains[0][1])


# -- fluorescence ---------------------------------------------------------------------------


@pytest.mark.parametrize("indicator", TABLE)
def test_light_does_not_know_the_frame_rate(indicator):
    """Mean and variance of F agree within 2 % at 10, 20 and 60 frames/s, exposed for the whole frame.

    The variance is that of F averaged over the same tenths of a second. As it is sampled, a shorter
    frame shows more of a fast transient, as a camera does: only for the slowest indicator the
    variance per frame agrees within 2 %, too.
    """
    places, seconds = some_places(200), 19
    by_rate = {
        rate: courses(1, places, indicator, FIRING, rate, 1 / rate, seconds * rate) for rate in (10, 20, 60)
    }
    fast = by_rate[60]
    for light in by_rate.values():
        assert (light - 1).mean() == pytest.approx((fast - 1).mean(), rel=2e-3)
        tenths, fast_tenths = (x.reshape(len(places), seconds * 10, -1).mean(axis=2) for x in (light, fast))
        assert tenths.var() == pytest.approx(fast_tenths.var(), rel=5e-3)
        np.testing.assert_allclose(tenths, fast_tenths, atol=0.02)
        if indicator == "GCaMP6s":
            assert light.var() == pytest.approx(fast.var(), rel=0.02)


def test_equal_exposures_see_the_same_variance_at_any_frame_rate():
    """Frames as long as 1/60 s, taken at 10, 20 and 60 Hz, are samples of one process."""
    places, seconds = some_places(300), 60
    every = courses(4, places, "GCaMP6f", FIRING, 60, 1 / 60, seconds * 60)
    for rate in (10, 20):
        light = courses(4, places, "GCaMP6f", FIRING, rate, 1 / 60, seconds * rate)
        np.testing.assert_allclose(light, every[:, :: 60 // rate], atol=5e-3)
        assert (light - 1).mean() == pytest.approx((every - 1).mean(), rel=0.02)
        assert light.var() == pytest.approx(every.var(), rel=0.02)


def test_fluorescence_is_the_spikes_response_averaged_over_the_exposure():
    places = some_places(12)
    light = courses(2, places, "jGCaMP7f", FIRING, 20, 0.02, 64)
    found = activity.spikes_between(2, places, FIRING, -10.0, 3.2)
    times = np.arange(64)[:, None] / 20 + (np.arange(200) + 0.5) / 200 * 0.02
    for n in range(len(places)):
        train = found.time_s[found.first[n] : found.first[n + 1]]
        dense = activity.spike_response("jGCaMP7f", train, times.ravel()).reshape(times.shape).mean(axis=1)
        np.testing.assert_allclose(light[n] - 1, dense, atol=0.01 * max(dense.max(), 0.1))


def test_blocks_join_without_a_seam():
    places = some_places(60)
    shifted = activity.fluorescence(5, places, "GCaMP6s", FIRING, Clock(20.0, 0.05, 32)).fluorescence
    whole = courses(5, places, "GCaMP6s", FIRING, 20.0, 0.05, 128)
    np.testing.assert_allclose(shifted, whole[:, 32:96], atol=5e-3)


# -- the population -------------------------------------------------------------------------


@pytest.mark.parametrize("indicator", ["GCaMP6f", "jGCaMP8m"])
def test_the_population_is_the_mean_of_many_cells(indicator):
    about = activity.population(indicator, FIRING)
    rate, frames = 4.0, 64 * 4
    measured, derived = [], []
    for seed in range(6):
        light = courses(seed, some_places(400), indicator, FIRING, rate, 1 / rate, frames)
        measured.append((light - 1).mean(axis=0))
        middles = np.arange(frames) / rate + 0.5 / rate
        derived.append(activity.population_course(seed, about, FIRING.drive_sd, FIRING.drive_time_s, middles))
    measured, derived = np.array(measured), np.array(derived)
    assert derived.mean() == pytest.approx(measured.mean(), rel=0.15)
    together = np.corrcoef(measured.ravel(), derived.ravel())[0, 1]
    alone = [np.corrcoef(a, b)[0, 1] for a, b in zip(measured, derived, strict=True)]
    assert together >= 0.9
    assert np.median(alone) >= 0.9
    assert np.polyfit(derived.ravel(), measured.ravel(), 1)[0] == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("indicator", ["GCaMP6f", "GCaMP6s", "jGCaMP7f", "jGCaMP8f"])
def test_mean_light_at_a_steady_rate_is_that_of_thrown_events(indicator, rate):
    rng = np.random.default_rng(0)
    seconds, step = 6000.0, 0.004
    starts = rng.uniform(0, seconds, rng.poisson(rate * seconds))
    spikes = np.repeat(starts, rng.geometric(1 / 3, len(starts)))
    grid = np.bincount((spikes / step).astype(int), minlength=int(seconds / step)).astype(float)
    age = (np.arange(int(activity.memory_s(indicator) / step)) + 0.5) * step
    rates, weights = activity.exponentials(indicator)
    drive = signal.fftconvolve(grid, np.exp(-np.outer(age, rates)) @ weights)[: len(grid)]
    i = activity.INDICATORS[indicator]
    rest = 1 / (1 + math.exp(i.slope * i.midpoint))
    light = i.peak * (1 / (1 + np.exp(-i.slope * (drive - i.midpoint))) - rest)
    parts = light.reshape(50, -1).mean(axis=1)
    ours = activity._light_at_rate(indicator, np.array([rate]), 3.0)[0]
    assert ours == pytest.approx(light.mean(), abs=3 * parts.std() / math.sqrt(50) + 0.03 * light.mean())


def test_mean_and_spread_of_the_population_are_those_of_its_course():
    about = activity.population("GCaMP6f", FIRING)
    times = np.arange(0, 300, 0.25)
    drawn = np.concatenate([activity.population_course(s, about, 0.5, 3.0, times) for s in range(20)])
    assert drawn.mean() == pytest.approx(about.mean, rel=0.08)
    assert drawn.std() == pytest.approx(about.sd, rel=0.12)


def test_a_population_without_a_drive_is_still():
    still = FIRING._replace(drive_sd=0.0)
    about = activity.population("GCaMP6f", still)
    course = activity.population_course(0, about, 0.0, 3.0, np.arange(0, 20, 0.5))
    assert np.ptp(course) < 1e-9
    assert course[0] == pytest.approx(about.mean, rel=0.02)
