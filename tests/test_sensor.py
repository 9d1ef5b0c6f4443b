"""The camera's parts: gains, patterns, its mean answer, and the V4's artefacts."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import minisim_core as ms
from minisim_core import sensor
from minisim_core.scene import Scene

FloatArray = NDArray[np.floating]
Small = Callable[..., ms.Experiment]
SHAPE = (200, 240)
READ_E, FULL_E = 10.0, 10_000.0
STRIPES, FLICKER, WARM_UP = {"stripe_counts": 3.0}, {"flicker_counts": 4.0}, {"warm_up_counts": 80.0}


def even_pattern(convert: sensor.Converter, shape: tuple[int, int] = SHAPE) -> sensor.Pattern:
    black = np.full(shape, convert.black_counts, dtype=np.float32)
    return sensor.Pattern(np.ones(shape, dtype=np.float32), black)


def frame(mean_e: float, number: int, convert: sensor.Converter, pixels: sensor.Pattern) -> FloatArray:
    out = np.empty(SHAPE, dtype=np.uint16)
    expected = np.full(SHAPE, mean_e, dtype=np.float32)
    sensor.expose(out, expected, pixels, (0, 0), 1, number, 0.0, READ_E, FULL_E, convert)
    return out.astype(float)


def test_the_table_of_the_v4_is_right() -> None:
    # electrons per 10-bit and 8-bit count and saturation, at the three gains
    for gain, ten, eight, saturation in (
        (1, 9.8, 39.1, 10_000),
        (2, 4.9, 19.6, 5_000),
        (3.5, 2.8, 11.2, 2_850),
    ):
        assert sensor.converter(gain, 10, FULL_E, 10).e_per_count == pytest.approx(ten, rel=0.01)
        assert sensor.converter(gain, 8, FULL_E, 10).e_per_count == pytest.approx(eight, rel=0.01)
        assert 1024 * sensor.converter(gain, 10, FULL_E, 10).e_per_count == pytest.approx(
            saturation, rel=0.01
        )


def test_twelve_bits_are_four_times_as_fine_and_as_wide_as_ten() -> None:
    ten, twelve = (sensor.converter(2.0, bits, FULL_E, 10.0) for bits in (10, 12))
    assert twelve.largest + 1 == 4 * (ten.largest + 1)
    assert twelve.black_counts == 4 * ten.black_counts
    assert ten.e_per_count == pytest.approx(4 * twelve.e_per_count)
    assert (twelve.counts_per_10_bit, ten.counts_per_10_bit) == (4, 1)


def test_gain_steps_are_offered_and_not_enforced(small: Small) -> None:
    exp = small(sensor={"gain": 2.7, "gain_steps": [1, 2, 4]})
    assert exp.sensor.gain == 2.7
    assert exp.sensor.gain_steps == (1, 2, 4)
    assert ms.Experiment.from_json(exp.to_json()) == exp
    assert small(sensor={"gain_steps": ()}).sensor.gain_steps == ()
    assert ms.Experiment().sensor.gain_steps == (1, 2, 3.5)


@pytest.mark.parametrize(
    "steps", [(2, 1), (1, 1), (0.5, 1), (1, 17), ("1", "2"), "12", 3, None, (1, math.nan), (True, 2), ((1,),)]
)
def test_gain_steps_that_cannot_be_are_refused(small: Small, steps: Any) -> None:
    with pytest.raises(
        ms.ParameterError, match=r"^sensor\.gain_steps = .* ascending gains between 1 and 16$"
    ):
        small(sensor={"gain_steps": steps})


# -- pattern -------------------------------------------------------------------------------------


def test_columns_share_a_level_and_rows_do_not() -> None:
    convert = sensor.converter(2.0, 12, FULL_E, 10.0)
    pixels = sensor.pattern(0, 3, 7, SHAPE, 0.0, 0.5, 0.3, convert.black_counts, 4.0)
    dark = np.mean([frame(0.0, k, convert, pixels) for k in range(40)], axis=0)
    left = ((READ_E / convert.e_per_count) ** 2 + 1 / 12) / 40 + (0.5 * 4) ** 2  # what differs in a column
    columns = dark.mean(axis=0).var() - left / SHAPE[0]
    assert math.sqrt(columns) == pytest.approx(0.3 * 4, rel=4 / math.sqrt(2 * SHAPE[1]))
    assert dark.mean(axis=1).var() == pytest.approx(left / SHAPE[1], rel=4 * math.sqrt(2 / SHAPE[0]))
    assert (dark - dark.mean(axis=0)).var() == pytest.approx(left, rel=0.05)


def test_the_pattern_belongs_to_the_absolute_pixel_and_scales_with_its_parameter() -> None:
    whole = sensor.pattern(4, 0, 0, (40, 50), 0.01, 0.5, 0.3, 10.0, 1.0)
    part = sensor.pattern(4, 5, 8, (20, 30), 0.01, 0.5, 0.3, 10.0, 1.0)
    np.testing.assert_array_equal(part.gain, whole.gain[5:25, 8:38])
    np.testing.assert_array_equal(part.offset, whole.offset[5:25, 8:38])
    double = sensor.pattern(4, 0, 0, (40, 50), 0.02, 1.0, 0.6, 10.0, 1.0)
    np.testing.assert_allclose(double.gain - 1, 2 * (whole.gain - 1), atol=1e-6)
    np.testing.assert_allclose(double.offset - 10, 2 * (whole.offset - 10), atol=1e-5)
    plain = sensor.pattern(4, 0, 0, (40, 50), 0.0, 0.0, 0.0, 10.0, 1.0)
    assert (plain.gain == 1).all()
    assert (plain.offset == 10).all()


@pytest.mark.parametrize("gain", [1.0, 2.0, 3.5])
def test_the_mean_answer_is_the_mean_of_noisy_ones(gain: float) -> None:
    convert = sensor.converter(gain, 12, FULL_E, 10.0)
    for level in (5.0, 400.0, 1900.0):
        out = np.empty(SHAPE, dtype=np.uint16)
        sensor.expose_mean(out, np.full(SHAPE, level, dtype=np.float32), 0.0, FULL_E, convert)
        noisy = frame(level, 0, convert, even_pattern(convert))
        assert out.mean() == pytest.approx(noisy.mean(), abs=0.5 + 4 * noisy.std() / math.sqrt(noisy.size))


# -- artefacts -----------------------------------------------------------------------------------


def share_on_the_axis(picture: FloatArray) -> float:
    """Share of a picture's energy within 3 cycles of the vertical axis, beyond 20 of the centre."""
    window = np.hanning(len(picture))[:, None] * np.hanning(len(picture))
    power = np.abs(np.fft.fft2(picture * window)) ** 2
    cycles = np.abs(np.fft.fftfreq(len(picture), 1 / len(picture)))
    return float(power[np.ix_(cycles > 20, cycles < 3)].sum() / power.sum())


@pytest.mark.parametrize("rows", [264, 608])
def test_stripes_lie_on_the_vertical_axis_beyond_twenty_cycles(rows: int) -> None:
    for seed in range(5):
        profile = sensor.stripes(seed, np.arange(rows, dtype=float), 12.3)
        assert share_on_the_axis(np.repeat(profile[:, None], rows, axis=1)) > 0.999
        assert profile.std() == pytest.approx(1, rel=0.1)


def test_stripes_scroll_down_and_keep_their_shape() -> None:
    rows = np.arange(608.0)
    before, after = sensor.stripes(3, rows, 5.0), sensor.stripes(3, rows, 5.4)
    np.testing.assert_allclose(after[6:], before[:-6], atol=1e-9)  # 15 rows per second
    assert not np.allclose(after, before, atol=0.5)
    np.testing.assert_allclose(sensor.stripes(3, rows[100:200], 5.0), before[100:200], atol=1e-9)


def test_flicker_is_faster_than_three_hertz_and_has_unit_variance() -> None:
    times = np.arange(0, 400, 0.02)
    course = sensor.flicker(0, times)
    frequency = np.fft.rfftfreq(len(times), 0.02)
    power = np.abs(np.fft.rfft(course)) ** 2
    assert power[(frequency > 3) & (frequency < 9)].sum() > 0.99 * power.sum()
    assert course.std() == pytest.approx(1, rel=0.1)
    np.testing.assert_allclose(sensor.flicker(0, times[500:510]), course[500:510], atol=1e-9)


def test_warming_up_takes_its_time() -> None:
    at = sensor.warmth(np.array([0.0, 300.0, 600.0, 1e5]), 600.0)
    np.testing.assert_allclose(at, [0, 1 - math.sqrt(0.05), 0.95, 1], atol=1e-9)


def levels(exp: ms.Experiment, frames: slice = slice(None)) -> FloatArray:
    """What an artefact adds to each row's mean count, (frames, rows)."""
    still = exp.with_(sensor=dict.fromkeys(("stripe_counts", "flicker_counts", "warm_up_counts"), 0))
    with_it, without_it = (ms.simulate(e).frames[frames].astype(float) for e in (exp, still))
    return np.asarray((with_it - without_it).mean(axis=2))


DARK: dict[str, Any] = {"bit_depth": 12, "black_level": 100, "read_noise_e": 3}


@pytest.mark.parametrize("changes", [STRIPES, FLICKER, WARM_UP])
@pytest.mark.parametrize("bits", [10, 12])
def test_artefacts_shift_the_black_level_in_10_bit_counts(
    small: Small, changes: dict[str, float], bits: int
) -> None:
    exp = small(duration_s=4, sensor=DARK | changes | {"bit_depth": bits, "warm_up_s": 2})
    added = levels(exp) / (4 if bits == 12 else 1)
    times = np.arange(80) / 20 + 0.05  # frames are read out when the exposure ends
    rows = Scene(exp).sensor_origin_px[0] + np.arange(added.shape[1], dtype=float)
    wanted = {
        "stripe_counts": lambda v: v * np.array([sensor.stripes(0, rows, t) for t in times]),
        "flicker_counts": lambda v: v * sensor.flicker(0, times)[:, None],
        "warm_up_counts": lambda v: v * sensor.warmth(times, 2)[:, None],
    }
    ((name, counts),) = changes.items()
    np.testing.assert_allclose(added, np.broadcast_to(wanted[name](counts), added.shape), atol=0.5)


def test_artefacts_add_up_and_each_is_proportional_to_its_parameter(small: Small) -> None:
    exp = small(duration_s=1, sensor=DARK)
    each = [levels(exp.with_(sensor=changes)) for changes in (STRIPES, FLICKER, WARM_UP)]
    together = levels(exp.with_(sensor=STRIPES | FLICKER | WARM_UP))
    np.testing.assert_allclose(together, sum(each), atol=0.7)
    twice = levels(exp.with_(sensor={"stripe_counts": 6.0}))
    np.testing.assert_allclose(twice, 2 * each[0], atol=0.7)


ALL = STRIPES | FLICKER | WARM_UP


def test_artefacts_belong_to_the_layer_noise_and_touch_no_light(small: Small) -> None:
    plain, marred = ms.simulate(small()), ms.simulate(small(sensor=ALL))
    assert np.array_equal(marred.expected[...], plain.expected[...])
    assert np.array_equal(marred.without("noise").frames[...], plain.without("noise").frames[...])
    assert not np.array_equal(marred.frames[...], plain.frames[...])


def test_a_marred_frame_is_a_function_of_its_number(small: Small) -> None:
    exp = small(duration_s=4, sensor=ALL)
    whole = ms.simulate(exp).frames[...]
    again = ms.simulate(exp.with_(duration_s=9))
    for number in (79, 64, 63, 0):
        assert np.array_equal(again.frames[number], whole[number])
    assert np.array_equal(again.frames[10:30:3], whole[10:30:3])


def test_artefacts_belong_to_the_sensor_and_to_the_hour(small: Small) -> None:
    exp = small(sensor=DARK | ALL)
    narrow, wide = (levels(exp.with_(field_um=f), slice(4)) for f in (80, 120))
    at = (wide.shape[1] - narrow.shape[1]) // 2
    np.testing.assert_allclose(narrow, wide[:, at : at + narrow.shape[1]], atol=0.6)
    # a frame that is read out at the same instant finds the same levels at another frame rate
    slow = levels(exp.with_(frame_rate_hz=10), slice(2))
    np.testing.assert_allclose(slow, levels(exp, slice(1, 4, 2)), atol=0.6)


def test_a_recordings_stripes_are_where_they_are_seen_in_real_ones(small: Small) -> None:
    plain, marred = (
        ms.simulate(small(field_um=401, sensor=DARK | {"stripe_counts": counts})).frames[3].astype(float)
        for counts in (0.0, 1.5)
    )
    assert share_on_the_axis(marred - plain) > 0.97, "the rest is rounding"
    ripple = [np.diff(picture.mean(axis=1)).std() for picture in (plain, marred)]
    assert ripple[1] > 2 * ripple[0]


# -- dropped frames ------------------------------------------------------------------------------


def kept(fraction: float, exposures: int = 4000, seed: int = 0) -> NDArray[np.intp]:
    arrivals = sensor.Arrivals(seed, exposures, fraction)
    return arrivals.exposures(np.arange(len(arrivals)))


def test_without_drops_every_exposure_is_a_frame() -> None:
    assert np.array_equal(kept(0), np.arange(4000))


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5])
def test_as_many_frames_are_dropped_as_asked_and_each_by_itself(fraction: float) -> None:
    lost = np.ones(4000, dtype=bool)
    lost[kept(fraction)] = False
    sd = math.sqrt(fraction * (1 - fraction) / 4000)
    assert lost.mean() == pytest.approx(fraction, abs=4 * sd)
    assert (lost[1:] & lost[:-1]).mean() == pytest.approx(fraction**2, abs=4 * fraction / math.sqrt(4000))


def test_more_drops_lose_more_and_a_longer_recording_begins_with_the_shorter() -> None:
    assert set(kept(0.3)) < set(kept(0.2)) < set(kept(0.1))
    assert np.array_equal(kept(0.2, 9000)[: len(kept(0.2))], kept(0.2))
    assert not np.array_equal(kept(0.2, seed=1), kept(0.2))


def test_the_first_frame_always_arrives() -> None:
    for seed in range(30):
        assert kept(0.9, 1, seed).tolist() == [0]
        assert kept(0.9, 8, seed)[0] == 0
