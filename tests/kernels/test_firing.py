"""Spikes against a plain Python twin, fluorescence against dense integration."""

import math

import numpy as np
import pytest

from minisim_core import activity
from minisim_core.kernels import chance, firing

KEYS = np.array([11, 12], dtype=np.uint64)
BLOCK_S, STEP_S = 8.0, 0.125


def fill(ids, rates, blocks=(0, 2), burst=3.0, room=5000, drive=None):
    first, count = blocks
    length = int((count * BLOCK_S) / STEP_S) + 4
    drive = np.ones(length) if drive is None else drive
    starts, times = np.full(len(ids) + 1, -1, dtype=np.int64), np.full(room, np.nan)
    found = firing.fill_spikes(
        starts, times, KEYS, np.array(ids, dtype=np.uint64), np.array(rates, dtype=float), first, count,
        BLOCK_S, drive, int(first * BLOCK_S / STEP_S) - 1, STEP_S, 1 / burst, 0.006,
    )  # fmt: skip
    assert starts[-1] == found
    return np.repeat(np.arange(len(ids)), np.diff(starts))[:room], times[:found], found


def wavy(blocks):
    steps = np.arange(int(blocks * BLOCK_S / STEP_S) + 4)
    return 1 + 0.8 * np.sin(steps / 9)


def twin(ids, rates, blocks, burst, drive):
    """Every candidate of the unit process in time and level, kept below the rate of its time."""
    rows = []
    first, count = blocks
    drive_first = int(first * BLOCK_S / STEP_S) - 1
    for n, (identity, rate) in enumerate(zip(ids, rates, strict=True)):
        for block in range(first, first + count):
            level = 0.0
            for k in range(2000):
                step = block * 65536 + 2 * k
                u = [chance.uniform(KEYS[0], np.uint64(identity), np.int64(step + c)) for c in (0, 1)]
                level -= math.log(u[0]) / BLOCK_S
                if level > rate * drive.max():
                    break
                time = block * BLOCK_S + BLOCK_S * u[1]
                at = time / STEP_S - drive_first
                if level >= rate * np.interp(at, np.arange(drive.size), drive):
                    continue
                for spike in range(40):
                    rows.append((n, time))
                    mark = (block * 32768 + k) * 128 + 2 * spike
                    u = [chance.uniform(KEYS[1], np.uint64(identity), np.int64(mark + c)) for c in (0, 1)]
                    if u[0] < 1 / burst:
                        break
                    time -= 0.006 * math.log(u[1])
    return np.array(sorted(rows))


@pytest.mark.parametrize("blocks", [(0, 2), (-3, 2), (7, 1)])
def test_spikes_equal_a_plain_twin(blocks):
    ids, rates, drive = [5, 2**63 + 1, 9], [0.8, 0.0, 3.0], wavy(blocks[1])
    cells, times, _ = fill(ids, rates, blocks, drive=drive)
    expected = twin(ids, rates, blocks, 3.0, drive)
    np.testing.assert_array_equal(cells, expected[:, 0])
    np.testing.assert_allclose(times, expected[:, 1], rtol=1e-12, atol=1e-12)


def test_spikes_are_sorted_by_cell_then_time():
    cells, times, _ = fill(range(30), [4.0] * 30, (0, 3), burst=8.0, room=40_000)
    assert (np.diff(cells) >= 0).all()
    for n in range(30):
        assert (np.diff(times[cells == n]) >= 0).all()


def test_too_little_room_still_returns_the_count():
    _, _, enough = fill(range(10), [2.0] * 10)
    cells, _, found = fill(range(10), [2.0] * 10, room=7)
    assert found == enough > 7
    assert len(cells) == 7


def test_a_higher_rate_adds_events_and_moves_none():
    few = fill(range(20), [0.5] * 20)
    many = fill(range(20), [1.5] * 20)
    before, after = set(zip(*few[:2], strict=True)), set(zip(*many[:2], strict=True))
    assert before < after


def test_later_blocks_do_not_depend_on_where_the_request_begins():
    whole, part = fill(range(9), [1.0] * 9, (0, 3)), fill(range(9), [1.0] * 9, (1, 1))
    inside = [(c, t) for c, t in zip(*whole[:2], strict=True)]
    assert set(zip(*part[:2], strict=True)) <= set(inside)


def test_bursts_are_geometric_and_their_intervals_exponential():
    cells, times, _ = fill(range(3000), [0.02] * 3000, (0, 4), burst=4.0, room=60_000)
    gaps = np.diff(times)[(np.diff(cells) == 0)]
    within = gaps[gaps < 0.12]
    events = len(times) - len(within)
    assert len(times) / events == pytest.approx(4, abs=4 * math.sqrt(12 / events))
    assert within.mean() == pytest.approx(0.006, rel=0.05)
    assert np.median(within) == pytest.approx(0.006 * math.log(2), rel=0.07)


# -- fluorescence ---------------------------------------------------------------------------


def course(indicator, trains, start, rate, exposure, frames):
    first = np.concatenate([[0], np.cumsum([len(t) for t in trains])])
    times = np.concatenate([np.sort(t) for t in trains])
    out = np.full((2, len(trains), frames), np.nan, dtype=np.float32)
    firing.fluorescence(out, first, times, start, 1 / rate, exposure, *activity.response(indicator))
    return out.astype(float)


def dense(indicator, train, start, rate, exposure, frames, points=3000):
    """Midpoint integration of the summed kernel and its sigmoid over every exposure."""
    i = activity.INDICATORS[indicator]
    begin = start + np.arange(frames) / rate
    t = begin[:, None] + (np.arange(points) + 0.5) / points * exposure
    x = np.zeros_like(t)
    for spike in train:
        age = np.maximum(t - spike, 0)
        one = (1 - np.exp(-age / i.rise_s)) * (
            np.exp(-age / i.decay_s) + i.slow_ratio * np.exp(-age / i.slow_s)
        )
        x += np.where(t >= spike, one, 0)
    light = 1 + i.peak * (
        1 / (1 + np.exp(-i.slope * (x - i.midpoint))) - 1 / (1 + math.exp(i.slope * i.midpoint))
    )
    return light.mean(axis=1), x.mean(axis=1)


@pytest.mark.parametrize("indicator", sorted(activity.INDICATORS))
@pytest.mark.parametrize(("rate", "fraction"), [(5, 1.0), (20, 1.0), (20, 0.2), (60, 1.0)])
def test_fluorescence_equals_dense_integration(indicator, rate, fraction):
    start, frames = 16.0, 12
    burst = start + 0.061 + 0.006 * np.arange(6)
    trains = [
        np.array([start - 0.003]),  # felt from before
        np.array([start + 0.12]),
        np.sort(np.concatenate([burst, [start - 1.0, start + 0.0, start + 0.26, start + 0.2601]])),
        np.array([]),
    ]
    out = course(indicator, trains, start, rate, fraction / rate, frames)
    for n, train in enumerate(trains):
        light, drive = dense(indicator, train, start, rate, fraction / rate, frames)
        np.testing.assert_allclose(out[0, n], light, rtol=0, atol=0.02 * max(light.max() - 1, 0.1))
        np.testing.assert_allclose(out[1, n], drive, rtol=0, atol=0.02 * max(drive.max(), 0.1))
    np.testing.assert_array_equal(out[0, 3], 1)


@pytest.mark.parametrize("indicator", ["GCaMP6f", "jGCaMP8m", "jGCaMP8s"])
def test_a_spike_just_before_an_exposure_is_integrated_as_well_as_one_inside(indicator):
    start = 16.0
    for age in (0.0025, 0.01, 0.025):
        train = np.sort(start - age + 0.006 * np.arange(5 if indicator == "GCaMP6f" else 1))
        light, _ = dense(indicator, train, start, 10, 0.1, 3)
        out = course(indicator, [train], start, 10, 0.1, 3)
        np.testing.assert_allclose(out[0, 0], light, rtol=0, atol=3e-3 * (light.max() - 1))


def test_frames_are_stitched_without_gaps_or_overlaps():
    train = [np.sort(np.random.default_rng(2).uniform(0, 3, 30))]
    slow = course("GCaMP6f", train, 0.0, 10, 0.1, 30)
    fast = course("GCaMP6f", train, 0.0, 40, 0.025, 120)
    np.testing.assert_allclose(fast.reshape(2, 1, 30, 4).mean(axis=3), slow, rtol=2e-3, atol=2e-3)


def test_count_spikes_is_a_histogram_over_frame_periods():
    rng = np.random.default_rng(0)
    cells, times = rng.integers(0, 6, 500), rng.uniform(-1, 6, 500)
    out = np.zeros((6, 80), dtype=np.uint16)
    firing.count_spikes(out, cells, times, 0.5, 0.05)
    expected, *_ = np.histogram2d(cells, times, bins=(np.arange(7), 0.5 + 0.05 * np.arange(81)))
    np.testing.assert_array_equal(out, expected)


def test_joined_spikes_are_those_of_all_blocks_sorted():
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 120, (3, 7))
    blocks = [[np.sort(rng.uniform(b, b + 1.2, k)) for k in counts[b]] for b in range(3)]
    times = np.concatenate([train for block in blocks for train in block])
    starts = np.concatenate([[0], np.cumsum(counts)])
    first_by_block = np.stack([starts[7 * b : 7 * b + 8] for b in range(3)])
    out, first = np.full(len(times), np.nan), np.zeros(8, dtype=np.int64)
    firing.join_spikes(out, first, times, first_by_block)
    for n in range(7):
        expected = np.sort(np.concatenate([block[n] for block in blocks]))
        np.testing.assert_array_equal(out[first[n] : first[n + 1]], expected)
    assert first[-1] == len(times)


# -- doses and bleaching --------------------------------------------------------------------


@pytest.mark.parametrize("indicator", ["GCaMP6f", "jGCaMP8s"])
def test_mean_light_is_the_mean_of_its_samples(indicator):
    rng = np.random.default_rng(4)
    trains = [np.sort(rng.uniform(10, 20, k)) for k in (0, 1, 25)]
    first = np.concatenate([[0], np.cumsum([len(t) for t in trains])])
    out = np.empty((3, 4), dtype=np.float32)
    response = activity.response(indicator)
    firing.mean_light(out, first, np.concatenate(trains), 15.0, 1.0, 5, *response)
    times = 15 + (np.arange(20) + 0.5) / 5
    for n, train in enumerate(trains):
        light = 1 + activity.spike_response(indicator, train, times)
        np.testing.assert_allclose(out[n], light.reshape(4, 5).mean(axis=1), atol=1e-5)


@pytest.mark.parametrize("indicator", sorted(activity.INDICATORS))
def test_mean_light_of_many_events_is_that_of_the_frames(indicator):
    rng = np.random.default_rng(5)
    trains = [np.sort(rng.uniform(0, 64, rng.poisson(40))) for _ in range(60)]
    frames = course(indicator, trains, 0.0, 10, 0.1, 640)[0] - 1
    first = np.concatenate([[0], np.cumsum([len(t) for t in trains])])
    rates, weights, *_ = response = activity.response(indicator)
    out = np.empty((60, 64), dtype=np.float32)
    samples = math.ceil(1 / (weights / rates).sum())
    firing.mean_light(out, first, np.concatenate(trains), 0.0, 1.0, samples, *response)
    assert (out - 1).mean() == pytest.approx(frames.mean(), rel=0.02)
    one = frames.mean(axis=1)
    np.testing.assert_allclose((out - 1).mean(axis=1), one, atol=0.3 * one.mean())


def test_fading_solves_its_equation():
    rng = np.random.default_rng(6)
    emission, loss = rng.uniform(1, 6, (5, 30)).astype(np.float32), rng.uniform(0, 0.01, 5)
    share, out = rng.uniform(0.3, 1, 5), np.empty((5, 31))
    firing.fade(out, share, emission, loss, 1 / 40, 1.0)
    fine, now = 500, share.copy()
    for t in range(30):
        np.testing.assert_allclose(out[:, t], now, rtol=1e-6)
        for _ in range(fine):  # the midpoint rule
            change = loss * emission[:, t]
            middle = now + (-change * now + (1 - now) / 40) / fine / 2
            now = now + (-change * middle + (1 - middle) / 40) / fine
    np.testing.assert_allclose(out[:, 30], now, rtol=1e-6)
    firing.fade(out, np.ones(5), emission, np.zeros(5), 1 / 40, 1.0)
    np.testing.assert_array_equal(out, 1)
