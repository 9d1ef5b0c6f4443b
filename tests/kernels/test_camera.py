"""The camera kernel: normals, photon counting and exposure against scipy."""

import math

import numpy as np
import pytest
from scipy import special, stats

from minisim_core import randomness, sensor
from minisim_core.kernels import camera

SHAPE = (400, 500)


def exposed(
    mean_e, *, frame=0, seed=0, read=10.0, scale=8.0, full_well=10_000.0, black=200.0, shape=SHAPE, dark=0.0
):
    """Counts per electron, of an even picture."""
    pixels = sensor.Pattern(np.ones(shape, dtype=np.float32), np.full(shape, black, dtype=np.float32))
    out = np.empty(shape, dtype=np.uint32)
    expected = np.full(shape, mean_e, dtype=np.float32)
    convert = sensor.Converter(scale, black, 2**24 - 1, 0)
    sensor.expose(out, expected, pixels, (0, 0), seed, frame, dark, read, full_well, convert)
    return (out.astype(float) - black) / scale


def row_of_normals(row, columns=50_001, first_column=0):
    keys = camera.frame_keys(np.uint64(123), 4)
    h, z, _ = camera.row_room(columns)
    camera.fill_normals(z, h, row, first_column, keys, False)
    return z[:columns].astype(float), h[:columns]


def test_a_normal_is_the_quantile_of_half_the_bits_of_a_hash():
    for row in (6, 7):
        z, h = row_of_normals(row)
        half = (h >> 16 if row % 2 == 0 else h & 0xFFFF).astype(float)
        middle = special.ndtri((half + 0.5) * 2.0**-16)
        common = np.abs(middle) < 3.2973
        np.testing.assert_allclose(z[common], middle[common], atol=1.5e-4)
        low, high = special.ndtri(half * 2.0**-16), special.ndtri((half + 1) * 2.0**-16)
        assert ((z > low - 1e-3) & (z < high + 1e-3)).all()  # the rare ones lie inside their slice
        assert (~common).sum() == pytest.approx(50_001 * 64 / 2**16, abs=30)


def test_rows_that_share_their_bits_are_the_same_drawn_together_or_alone():
    keys = camera.frame_keys(np.uint64(123), 4)
    h, z, _ = camera.row_room(500)
    for row in range(6, 12):
        camera.fill_normals(z, h, row, 30, keys, row > 6)
        np.testing.assert_array_equal(z[:500], row_of_normals(row, 500, 30)[0])


def test_normals_of_pixels_are_normal_in_the_middle_and_the_tails():
    key = randomness.stream(0, "test", "pixels")
    z = np.empty((1000, 800), dtype=np.float32)
    camera.fill_normal_pixels(z, key, 3, 5)
    flat = z.ravel().astype(float)
    assert stats.kstest(flat, "norm").pvalue > 0.01
    for limit in (2.0, 3.0, 3.5, 4.0):
        for beyond in ((flat > limit).sum(), (flat < -limit).sum()):
            expected = flat.size * stats.norm.sf(limit)
            assert abs(beyond - expected) < 4 * math.sqrt(expected), limit
    part = np.empty((30, 40), dtype=np.float32)
    camera.fill_normal_pixels(part, key, 13, 25)
    np.testing.assert_array_equal(part, z[10:40, 20:60])


@pytest.mark.parametrize("mean", [0.01, 0.5, 2.0, 10.0, 19.99])
def test_photons_are_counted_by_inversion(mean):
    u = np.random.default_rng(0).random(2000)
    ours = np.array([camera.count_photons(mean, v) for v in u])
    np.testing.assert_array_equal(ours, stats.poisson.ppf(u, mean))


@pytest.mark.parametrize("mean", [0.5, 2.0, 10.0])
def test_dim_pixels_are_poisson(mean):
    counts = exposed(mean, read=0.0).round().astype(int).ravel()
    top = int(stats.poisson.ppf(1 - 50 / counts.size, mean))
    observed = np.bincount(np.minimum(counts, top), minlength=top + 1)
    probability = stats.poisson.pmf(np.arange(top), mean)
    probability = np.append(probability, 1 - probability.sum())
    assert stats.chisquare(observed, probability * counts.size).pvalue > 0.01


def _moments(values):
    return values.mean(), values.var(), stats.skew(values)


@pytest.mark.parametrize("mean", [3.0, 21.0, 100.0, 1000.0])
@pytest.mark.parametrize("read", [0.0, 10.0])
def test_a_pixel_has_the_mean_variance_and_skewness_of_poisson_and_read_noise(mean, read):
    values = np.concatenate([exposed(mean, frame=f, read=read, black=2000.0).ravel() for f in range(2)])
    n = values.size
    variance = mean + read**2
    skewness = mean / variance**1.5
    got = _moments(values)
    assert got[0] == pytest.approx(mean, abs=4 * math.sqrt(variance / n) + 2e-3)
    assert got[1] == pytest.approx(variance, rel=4 * math.sqrt((2 + 1 / mean) / n) + 1e-3)
    assert got[2] == pytest.approx(skewness, abs=4 * math.sqrt(6 / n) * (1 + skewness) ** 2 + 0.01 * skewness)


def test_nothing_jumps_where_counting_ends():
    below = exposed(camera.FEW_E - 0.05, read=4.0, black=2000.0).ravel()
    above = exposed(camera.FEW_E + 0.05, read=4.0, black=2000.0).ravel()
    n = below.size
    sd = math.sqrt(camera.FEW_E + 16)
    assert above.mean() - below.mean() == pytest.approx(0.1, abs=4 * sd * math.sqrt(2 / n))
    assert above.var() / below.var() == pytest.approx(1, abs=4 * math.sqrt(4 / n) + 0.003)
    assert stats.skew(above) == pytest.approx(stats.skew(below), abs=4 * math.sqrt(12 / n))
    for percent in (0.1, 2, 50, 98, 99.9):
        assert np.percentile(above, percent) == pytest.approx(np.percentile(below, percent), abs=0.6)


def test_nothing_jumps_where_the_full_well_begins_to_matter():
    full = 10_000.0
    border = full - 8 * math.sqrt(full)
    below, above = (exposed(border + d, full_well=full).ravel() for d in (-1.0, 1.0))
    n = below.size
    sd = math.sqrt(border + 100)
    assert above.mean() - below.mean() == pytest.approx(2, abs=4 * sd * math.sqrt(2 / n))
    assert above.var() / below.var() == pytest.approx(1, abs=4 * math.sqrt(4 / n))


@pytest.mark.parametrize("mean", [9_800.0, 10_000.0, 10_200.0])
def test_the_full_well_clips_electrons_before_read_noise(mean):
    full, read = 10_000.0, 10.0
    values = exposed(mean, full_well=full, read=read).ravel()
    rng = np.random.default_rng(0)
    expected = np.minimum(rng.poisson(mean, 400_000), full) + rng.normal(0, read, 400_000)
    assert values.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / math.sqrt(values.size))
    assert values.std() == pytest.approx(expected.std(), rel=0.02)


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (10, np.uint16), (12, np.uint16)])
@pytest.mark.parametrize("gain", [1.0, 3.5])
def test_a_saturated_pixel_is_exactly_full_scale(bits, dtype, gain):
    convert = sensor.converter(gain, bits, 10_000.0, 10.0)
    pixels = sensor.pattern(
        0, 0, 0, SHAPE, 0.006, 0.35, 0.12, convert.black_counts, (convert.largest + 1) / 1024
    )
    out = np.empty(SHAPE, dtype=dtype)
    sensor.expose(
        out, np.full(SHAPE, 12_000.0, dtype=np.float32), pixels, (0, 0), 0, 3, 1.5, 10.0, 10_000.0, convert
    )
    assert (out == 2**bits - 1).all()


def _correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a * b).mean() / (a.std() * b.std())


@pytest.mark.parametrize("mean", [2.0, 300.0])
def test_noise_is_white_in_space_time_and_seed(mean):
    image = exposed(mean)
    limit = 4.5 / math.sqrt(image.size)
    for a, b in (
        (image[1:], image[:-1]), (image[:, 1:], image[:, :-1]), (image[1:, 1:], image[:-1, :-1]),
        (image, exposed(mean, frame=1)), (image, exposed(mean, frame=64)), (image, exposed(mean, seed=1)),
        (image[1:], exposed(mean, frame=1)[:-1]),
    ):  # fmt: skip
        assert abs(_correlation(a, b)) < limit


def test_photons_and_read_noise_of_a_dim_pixel_are_independent():
    quiet, noisy = exposed(4.0, read=0.0), exposed(4.0, read=10.0)
    assert abs(_correlation(quiet, noisy - quiet)) < 4.5 / math.sqrt(quiet.size)
    assert (noisy - quiet).std() == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize("mean", [2.0, 300.0])
def test_noise_belongs_to_the_absolute_pixel(mean):
    convert = sensor.Converter(8.0, 100.0, 2**16 - 1, 0)

    def render(origin, shape):
        out = np.empty(shape, dtype=np.uint16)
        pixels = sensor.Pattern(np.ones(shape, dtype=np.float32), np.full(shape, 100, dtype=np.float32))
        sensor.expose(
            out, np.full(shape, mean, dtype=np.float32), pixels, origin, 5, 2, 0.0, 3.0, 1e4, convert
        )
        return out

    np.testing.assert_array_equal(render((10, 20), (30, 40)), render((0, 0), (64, 80))[10:40, 20:60])


def test_the_mean_frame_is_the_plain_formula():
    rng = np.random.default_rng(0)
    expected = rng.uniform(0, 12_000, (50, 60)).astype(np.float32)
    for gain, bits, dtype in (
        (1.0, 8, np.uint8),
        (2.0, 8, np.uint8),
        (3.5, 10, np.uint16),
        (1.0, 12, np.uint16),
    ):
        convert = sensor.converter(gain, bits, 10_000.0, 10.0)
        out = np.empty(expected.shape, dtype=dtype)
        sensor.expose_mean(out, expected, 1.5, 10_000.0, convert)
        counts = (
            np.minimum(expected.astype(float) + 1.5, 10_000) * convert.counts_per_e + convert.black_counts
        )
        twin = np.clip(np.rint(counts), 0, convert.largest).astype(int) >> convert.dropped_bits
        differs = out != twin
        assert differs.mean() < 2e-3  # a float32 next to a rounding border
        assert np.abs(out.astype(int) - twin).max() <= 1
