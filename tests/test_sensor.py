"""The camera as EMVA 1288 measures it: photon transfer, linearity, patterns."""

import math

import numpy as np
import pytest

from minisim_core import sensor

SHAPE = (200, 240)
READ_E, FULL_E = 10.0, 10_000.0
SETTINGS = [(gain, bits) for gain in (1.0, 2.0, 3.5) for bits in (8, 10, 12)]


def even_pattern(convert):
    return sensor.Pattern(
        np.ones(SHAPE, dtype=np.float32), np.full(SHAPE, convert.black_counts, dtype=np.float32)
    )


def frame(mean_e, number, convert, pixels, dark=0.0):
    out = np.empty(SHAPE, dtype=np.uint16)
    expected = np.full(SHAPE, mean_e, dtype=np.float32)
    sensor.expose(out, expected, pixels, (0, 0), 1, number, dark, READ_E, FULL_E, convert)
    return out.astype(float)


def levels(convert, count=10, top=0.85):
    return np.linspace(0.02, top, count) * (convert.largest - convert.black_counts) / convert.counts_per_e


def transfer(gain, bits, pixels=None):
    """Mean and temporal variance (half the variance of a difference) at several levels."""
    convert = sensor.converter(gain, bits, FULL_E, 10.0)
    pixels = pixels or even_pattern(convert)
    points = []
    for k, level in enumerate(levels(convert)):
        a, b = frame(level, 2 * k, convert, pixels), frame(level, 2 * k + 1, convert, pixels)
        points.append(((a + b).mean() / 2, (a - b).var() / 2))
    return convert, *np.array(points).T


@pytest.mark.parametrize(("gain", "bits"), SETTINGS)
def test_s1_the_slope_of_photon_transfer_is_the_gain(gain, bits):
    convert, mean, variance = transfer(gain, bits)
    slope, intercept = np.polyfit(mean, variance, 1, w=1 / variance)
    assert slope == pytest.approx(1 / convert.e_per_count, rel=0.02)
    black = convert.black_counts / 2**convert.dropped_bits
    dark_variance = (READ_E / convert.e_per_count) ** 2 + 1 / 12
    at_black = intercept + slope * (black - (0.375 if bits == 8 else 0))
    assert at_black == pytest.approx(dark_variance, abs=0.05 * dark_variance + 0.02 * slope * black + 0.03)


def test_the_table_of_the_v4_is_right():
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


@pytest.mark.parametrize(("gain", "bits"), SETTINGS)
def test_s2_counts_are_linear_in_light(gain, bits):
    convert = sensor.converter(gain, bits, FULL_E, 10.0)
    light = levels(convert, 12, 0.9)
    counts = np.array([frame(v, k, convert, even_pattern(convert)).mean() for k, v in enumerate(light)])
    assert np.corrcoef(light, counts)[0, 1] ** 2 > 0.9999
    slope, offset = np.polyfit(light, counts, 1)
    assert slope == pytest.approx(1 / convert.e_per_count, rel=2e-3)
    black = convert.black_counts / 2**convert.dropped_bits - (0.375 if bits == 8 else 0)
    assert offset == pytest.approx(black, abs=0.05 * 2 ** (max(bits, 10) - 10) + 0.02)


@pytest.mark.parametrize(("gain", "bits"), [(2.0, 10), (3.5, 10), (1.0, 12), (3.5, 8)])
def test_s7_a_dark_frame_has_the_black_level_and_the_read_noise(gain, bits):
    convert = sensor.converter(gain, bits, FULL_E, 10.0)
    dark = frame(0.0, 0, convert, even_pattern(convert))
    step = 2**convert.dropped_bits
    mean = convert.black_counts / step - (0.375 if bits == 8 else 0)
    sd = math.sqrt((READ_E / convert.e_per_count) ** 2 + 1 / 12)
    assert dark.mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(dark.size) + 0.005)
    assert dark.std() == pytest.approx(sd, rel=0.02)
    warm = frame(0.0, 0, convert, even_pattern(convert), dark=100.0)
    assert warm.mean() - dark.mean() == pytest.approx(100 / convert.e_per_count, abs=0.1)


def test_s4_doubling_the_gain_doubles_signal_and_slope():
    once, mean_1, variance_1 = transfer(1.0, 12)
    twice, mean_2, variance_2 = transfer(2.0, 12)
    slopes = [np.polyfit(m, v, 1, w=1 / v)[0] for m, v in ((mean_1, variance_1), (mean_2, variance_2))]
    assert slopes[1] / slopes[0] == pytest.approx(2, rel=0.03)
    light = 2000.0
    counts = [frame(light, 0, c, even_pattern(c)).mean() - c.black_counts for c in (once, twice)]
    assert counts[1] / counts[0] == pytest.approx(2, rel=1e-3)


def real_pattern(convert, prnu=0.01, dsnu=0.5, column=0.3):
    counts = (convert.largest + 1) / 1024
    return sensor.pattern(0, 3, 7, SHAPE, prnu, dsnu, column, convert.black_counts, counts)


def test_s5_differences_remove_the_fixed_pattern_and_single_frames_do_not():
    convert, mean, variance = transfer(
        2.0, 12, real_pattern(sensor.converter(2.0, 12, FULL_E, 10.0), prnu=0.02)
    )
    assert np.polyfit(mean, variance, 1, w=1 / variance)[0] == pytest.approx(
        1 / convert.e_per_count, rel=0.02
    )
    level = levels(convert)[-1]
    single = frame(level, 0, convert, real_pattern(convert, prnu=0.02)).var()
    assert single > 1.5 * variance[-1]


@pytest.mark.parametrize("bits", [10, 12])
def test_patterns_are_recovered_from_averaged_frames(bits):
    convert = sensor.converter(2.0, bits, FULL_E, 10.0)
    pixels = real_pattern(convert)
    scale, frames = (convert.largest + 1) / 1024, 60
    dark = np.mean([frame(0.0, k, convert, pixels) for k in range(frames)], axis=0)
    half = np.mean([frame(2500.0, 100 + k, convert, pixels) for k in range(frames)], axis=0)
    dark_noise = ((READ_E / convert.e_per_count) ** 2 + 1 / 12) / frames
    half_noise = dark_noise + 2500 / convert.e_per_count**2 / frames
    columns = dark.mean(axis=0)
    assert columns.std() == pytest.approx(0.3 * scale, rel=0.2)
    rest = dark - columns
    assert math.sqrt(rest.var() - dark_noise) == pytest.approx(0.5 * scale, rel=0.04)
    gain = (half - dark) / (half - dark).mean()
    noise = (half_noise + dark_noise) / (half - dark).mean() ** 2
    assert math.sqrt(gain.var() - noise) == pytest.approx(0.01, rel=0.04)


def test_the_pattern_belongs_to_the_absolute_pixel_and_scales_with_its_parameter():
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


def test_s3_beyond_the_full_well_there_is_no_variance_left():
    convert = sensor.converter(1.0, 8, FULL_E, 10.0)
    saturated = np.stack([frame(11_500.0, k, convert, real_pattern(convert)) for k in range(3)])
    assert (saturated == 255).all()


@pytest.mark.parametrize("gain", [1.0, 2.0, 3.5])
def test_the_mean_answer_is_the_mean_of_noisy_ones(gain):
    convert = sensor.converter(gain, 12, FULL_E, 10.0)
    for level in (5.0, 400.0, 1900.0):
        out = np.empty(SHAPE, dtype=np.uint16)
        sensor.expose_mean(out, np.full(SHAPE, level, dtype=np.float32), 0.0, FULL_E, convert)
        noisy = frame(level, 0, convert, even_pattern(convert))
        assert out.mean() == pytest.approx(noisy.mean(), abs=0.5 + 4 * noisy.std() / math.sqrt(noisy.size))
