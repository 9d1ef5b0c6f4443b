"""The brain's path: its rhythms, amplitudes, drift and bounds."""

import math

import numpy as np
import pytest
from scipy import ndimage, signal

import minisim_core as ms
from minisim_core import motion
from minisim_core.clock import Clock
from minisim_core.motion import Motion

STILL = dict(heart_um=0.0, breathing_um=0.0, stride_um=0.0, drift_um=0.0)
RATE = 400.0


def path(seed=0, seconds=60.0, rate=RATE, **changes):
    m = Motion(**changes)
    times = np.arange(0, seconds, 1 / rate)
    return times, motion.path(seed, m, times)


def spectrum(course, rate=RATE):
    course = course - course.mean(axis=0)
    window = np.hanning(len(course))[:, None]
    power = (np.abs(np.fft.rfft(course * window, axis=0)) ** 2).sum(axis=1)
    return np.fft.rfftfreq(len(course), 1 / rate), power


def band(frequency, power, centre, half):
    return power[np.abs(frequency - centre) <= half].mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_path_has_lines_at_heart_breathing_and_stride(seed):
    _, course = path(seed, 120.0, heart_um=1.0, breathing_um=1.0, stride_um=3.0, running_fraction=0.5)
    frequency, power = spectrum(course)
    for line in (3.0, 7.0, 10.5):
        near = band(frequency, power, line, 0.4)
        assert near > 5 * band(frequency, power, line + 1.75, 0.25)
        assert near > 5 * band(frequency, power, line - 1.5, 0.25)


@pytest.mark.parametrize(("part", "rate"), [("heart", 10.5), ("breathing", 3.0), ("stride", 7.0)])
def test_each_rhythm_beats_at_its_rate_and_has_its_amplitude(part, rate):
    _, course = path(3, 60.0, **(STILL | {f"{part}_um": 2.0, "running_fraction": 1.0}))
    frequency, power = spectrum(course)
    assert (frequency * power).sum() / power.sum() == pytest.approx(rate, rel=0.03)
    # zero to peak along the long axis, a quarter of it across
    axes = np.linalg.svd(course, full_matrices=False)[2]
    along, across = (course @ axis for axis in axes)
    assert math.sqrt(2) * along.std() == pytest.approx(2.0, rel=0.02)
    assert math.sqrt(2) * across.std() == pytest.approx(0.5, rel=0.03)
    # a stride that is a little slower or faster swings the brain a little more or less
    assert np.abs(along).max() == pytest.approx(2.0, rel=0.08 if part == "stride" else 0.01)
    assert course.mean(axis=0) == pytest.approx([0, 0], abs=0.02)


def test_a_rhythm_can_be_slowed_and_its_amplitude_only_scales():
    _, small = path(1, 20.0, **(STILL | {"breathing_um": 1.0}))
    _, large = path(1, 20.0, **(STILL | {"breathing_um": 2.5}))
    np.testing.assert_allclose(large, 2.5 * small, atol=1e-12)
    slower = STILL | {"stride_um": 1.0, "stride_hz": 5.0, "running_fraction": 1.0}
    frequency, power = spectrum(path(1, 60.0, **slower)[1])
    assert frequency[power.argmax()] == pytest.approx(5, abs=0.4)


def test_the_stride_is_there_only_while_running():
    times, course = path(0, 300.0, **(STILL | {"stride_um": 3.0}))
    gate = motion.running(0, 0.35, 5.0, times)
    reach = np.linalg.norm(course, axis=1)
    # the spring answers for a moment longer: what counts is the gate of the last half second
    lately = ndimage.maximum_filter1d(gate, 200, origin=99)
    ever = ndimage.minimum_filter1d(gate, 200, origin=99)
    assert reach[lately < 0.01].max() < 0.035
    assert (lately < 0.01).sum() > 10000
    assert reach[ever > 0.99].max() == pytest.approx(3, rel=0.08)


@pytest.mark.parametrize("rate_hz", [1.0, 4.0, 6.0, 7.0, 12.0])
def test_the_brain_swings_as_a_damped_spring_does(rate_hz):
    """Gain and phase against scipy's oscillator of 6 Hz and half critical damping."""
    times = np.arange(0, 2, 1 / 333)
    w0 = 2 * np.pi * 6.0
    _, (at_rate, at_seven) = signal.freqs([w0**2], [1, w0, w0**2], 2 * np.pi * np.array([rate_hz, 7.0]))
    turn = 2 * np.pi * rate_hz * times
    swing = motion.swung(lambda t: np.stack([np.cos(2 * np.pi * rate_hz * t), 0 * t], axis=1), times)
    expected = (at_rate * np.exp(1j * turn)).real / abs(at_seven)
    np.testing.assert_allclose(swing[:, 0], expected, atol=0.003)
    np.testing.assert_array_equal(swing[:, 1], 0)
    assert motion.elastic_response(rate_hz) == pytest.approx(at_rate)


def test_a_sudden_push_overshoots_and_settles():
    times = np.arange(-0.2, 1.5, 1 / 400)
    swing = motion.swung(lambda t: np.stack([(t >= 0).astype(float)] * 2, axis=1), times)[:, 0]
    steady = swing[-1]
    assert not swing[times < -0.01].any()
    assert swing.max() / steady == pytest.approx(1 + math.exp(-math.pi * 0.5 / math.sqrt(0.75)), abs=0.003)
    assert times[swing.argmax()] == pytest.approx(1 / (2 * 6 * math.sqrt(0.75)), abs=0.004)


def test_a_stride_near_the_springs_own_rate_moves_the_brain_more():
    reach = {}
    for rate_hz in (3.0, 5.0, 7.0, 12.0):
        _, course = path(0, 60.0, **(STILL | {"stride_um": 2.0, "stride_hz": rate_hz, "running_fraction": 1}))
        reach[rate_hz] = np.linalg.norm(course, axis=1).max()
    for rate_hz, largest in reach.items():
        gain = abs(motion.elastic_response(rate_hz) / motion.elastic_response(7.0))
        assert largest == pytest.approx(2.0 * gain, rel=0.12)
    assert reach[5.0] > reach[3.0] > reach[7.0] > reach[12.0]


@pytest.mark.parametrize("fraction", [0.1, 0.35, 0.8])
def test_the_animal_runs_the_asked_share_of_the_time(fraction):
    times = np.arange(0, 1000, 0.5)
    share = np.array([motion.running(seed, fraction, 5.0, times).mean() for seed in range(30)])
    assert share.mean() == pytest.approx(fraction, abs=4 * share.std() / math.sqrt(30) + 0.005)
    for always in (0.0, 1.0):
        np.testing.assert_array_equal(motion.running(0, always, 5.0, times), always)


def test_bouts_grow_with_the_length_asked():
    times = np.arange(0, 4000, 0.1)
    means = []
    for bout in (3.0, 10.0):
        lengths = []
        for seed in range(4):
            on = motion.running(seed, 0.35, bout, times) > 0.5
            edges = np.flatnonzero(np.diff(on.astype(int)))
            starts, stops = edges[~on[edges]], edges[on[edges]]
            stops = stops[stops > starts[0]]
            lengths.append((stops - starts[: len(stops)]) * 0.1)
        means.append(np.concatenate(lengths).mean())
        assert 0.75 * bout < means[-1] < 1.35 * bout
    assert means[1] / means[0] == pytest.approx(10 / 3, rel=0.15)


def test_drift_has_the_asked_sd_over_ten_minutes():
    sd = []
    for seed in range(150):
        _, course = path(seed, 600.0, 0.5, **(STILL | {"drift_um": 3.0}))
        sd.append(course.std(axis=0))
    sd = np.array(sd)
    assert math.sqrt((sd**2).mean()) == pytest.approx(3, rel=0.05)
    assert sd.mean() == pytest.approx(3, rel=0.10)


def test_drift_is_slow():
    _, course = path(0, 600.0, 10.0, **(STILL | {"drift_um": 3.0}))
    assert np.abs(np.diff(course, axis=0)).max() * 10 < 2.0  # µm per second


@pytest.mark.parametrize("looseness", [1.0, 2.0])
def test_the_bound_is_never_exceeded(looseness):
    m = dict(
        heart_um=1.0, breathing_um=2.0, stride_um=6.0, drift_um=5.0, looseness=looseness, running_fraction=1.0
    )  # fmt: skip
    bound = motion.bound_um(Motion(**m))
    reached = 0.0
    for seed in range(12):
        _, course = path(seed, 600.0, 31.0, **m)
        reached = max(reached, np.abs(course).max())
    assert 0.4 * bound < reached <= bound


def test_a_loose_headbar_scales_all_motion():
    _, tight = path(4, 10.0)
    _, loose = path(4, 10.0, looseness=2.0)
    np.testing.assert_allclose(loose, 2 * tight)
    assert not path(4, 5.0, looseness=0.0)[1].any()


def test_exposures_sample_the_one_path():
    m, clock = Motion(), Clock(20.0, 0.03, 128)
    inside = motion.exposure_paths(6, m, clock, 48).path_um
    assert inside.shape == (64, 48, 2)
    for frame in (0, 17, 63):
        times = (128 + frame) / 20 + (np.arange(48) + 0.5) / 48 * 0.03
        np.testing.assert_allclose(inside[frame], motion.path(6, m, times), atol=1e-9)


@pytest.mark.parametrize("exposure_s", [0.002, 0.05, 0.2, 2.0])
@pytest.mark.parametrize(
    "changes", [{}, {"stride_um": 20.0, "stride_hz": 5.0, "looseness": 3.0, "running_fraction": 1.0}]
)
def test_an_exposure_is_sampled_often_enough_for_its_path(exposure_s, changes):
    """At least 300 points per second, none more than half a pixel from the next."""
    m, pixel_um = Motion(**changes), 1.5
    points = motion.points_per_exposure(m, exposure_s, pixel_um)
    assert points / exposure_s >= 300
    clock = Clock(1 / exposure_s, exposure_s, 64)
    steps = np.diff(motion.exposure_paths(1, m, clock, points).path_um, axis=1)
    assert np.linalg.norm(steps, axis=2).max() <= 0.5 * pixel_um


def test_usual_exposures_cost_no_more_points():
    for name in ms.presets.names():
        exp = ms.presets.get(name)
        assert motion.points_per_exposure(exp.motion, exp.exposure_s, exp.pixel_um) == 64


def test_a_stride_is_seen_through_the_exposure_and_the_frame_rate():
    striding = STILL | {"stride_um": 3.0, "running_fraction": 1.0}
    true_sd = path(2, 60.0, **striding)[1].std(axis=0).max()
    for rate, alias in ((5.0, 2.0), (10.0, 3.0), (20.0, 7.0), (30.0, 7.0)):
        clocks = [Clock(rate, 1 / rate, first) for first in range(0, int(rate * 120), 64)]
        paths = [motion.exposure_paths(2, Motion(**striding), clock, 80).path_um for clock in clocks]
        means = np.concatenate(paths).mean(axis=1)
        frequency, power = spectrum(means, rate)
        assert (frequency * power).sum() / power.sum() == pytest.approx(alias, abs=0.35)
        assert means.std(axis=0).max() / true_sd == pytest.approx(abs(np.sinc(7 / rate)), abs=0.05)


def test_the_guides_scene_runs_within_its_first_ten_seconds():
    exp = ms.presets.get("guide")
    times = np.arange(0, 10, 0.01)
    gate = motion.running(exp.seed, exp.motion.running_fraction, exp.motion.bout_s, times)
    assert 0.1 < (gate > 0.9).mean() < 0.9


def test_the_guides_scene_moves_about_ten_um():
    exp = ms.presets.get("guide", duration_s=300)
    reach = []
    for seed in range(6):
        times = np.arange(0, 300, 0.05)
        reach.append(np.linalg.norm(motion.path(seed, exp.motion, times), axis=1))
    assert np.percentile(np.concatenate(reach), 99) == pytest.approx(10, rel=0.3)
