"""Counter-based randomness against plain Python integers, scipy and statistics."""

import numpy as np
import pytest
from scipy import special, stats

from minisim_core import randomness
from minisim_core.kernels import chance

MASK = 2**64 - 1
GOLDEN, STEP = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
KEY = np.uint64(0x0123456789ABCDEF)


def mix(x):
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def bits(key, i, j):
    x = mix((key + i * GOLDEN + STEP) & MASK)
    return mix((x + j * STEP + GOLDEN) & MASK)


def uniform(key, i, j):
    return ((bits(key, i, j) >> 11) + 0.5) * 2.0**-53


@pytest.mark.parametrize("x", [0, 1, 12345678901234567890, MASK])
def test_mix_is_the_finaliser_of_splitmix64(x):
    assert int(chance.mix(np.uint64(x))) == mix(x)


@pytest.mark.parametrize("i", [0, 1, -1, -(2**62), 2**62])
@pytest.mark.parametrize("j", [0, 3, -7])
def test_bits_equal_python_integers_even_for_negative_indices(i, j):
    assert int(chance.bits(KEY, np.int64(i), np.int64(j))) == bits(int(KEY), i, j)


def test_filled_arrays_equal_the_scalar_twin():
    ids = np.array([0, 5, 2**63 + 9], dtype=np.uint64)
    expected = [uniform(int(KEY), int(i), 4) for i in ids]
    np.testing.assert_array_equal(randomness.uniforms(KEY, ids, 4), expected)
    np.testing.assert_allclose(randomness.normals(KEY, ids, 4), special.ndtri(expected), rtol=1e-13)


def test_part_of_an_endless_grid_is_the_same_wherever_it_begins():
    whole = randomness.normal_grid(KEY, -8, -8, 20, 20)
    np.testing.assert_array_equal(randomness.normal_grid(KEY, -2, 1, 5, 6), whole[6:11, 9:15])


def test_normal_quantile_equals_scipy_into_the_far_tails():
    p = np.concatenate(
        [10.0 ** np.arange(-300, -1, 7), np.linspace(0.001, 0.999, 2001), 1 - 2.0 ** -np.arange(4, 53)]
    )
    ours = randomness.normal_quantiles(p)
    np.testing.assert_allclose(ours, special.ndtri(p), rtol=1e-11, atol=1e-13)
    assert (np.diff(randomness.normal_quantiles(np.sort(p))) >= 0).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_variates_follow_their_laws(seed):
    key = randomness.stream(seed, "test", "quantity")
    ids = np.arange(50_000, dtype=np.uint64)
    u, z = randomness.uniforms(key, ids), randomness.normals(key, ids)
    assert 0 < u.min() < u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert stats.kstest(randomness.normal_grid(key, -100, -100, 200, 200).ravel(), "norm").pvalue > 0.01


def _serial_p_value(first, second):
    table, *_ = np.histogram2d(first, second, bins=16, range=[(0, 1), (0, 1)])
    return stats.chisquare(table.ravel()).pvalue


def test_neighbours_in_index_repeat_and_key_are_independent():
    ids = np.arange(60_001, dtype=np.uint64)
    u = randomness.uniforms(KEY, ids)
    pairs = {
        "index": (u[:-1], u[1:]),
        "second index": (u, randomness.uniforms(KEY, ids, 1)),
        "key": (u, randomness.uniforms(KEY + np.uint64(1), ids)),
        "seed": (
            randomness.uniforms(randomness.stream(0, "a", "b"), ids),
            randomness.uniforms(randomness.stream(1, "a", "b"), ids),
        ),
    }
    for name, (first, second) in pairs.items():
        assert _serial_p_value(first, second) > 1e-3, name
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(len(first)), name


def test_a_grid_has_no_correlation_between_rows_or_columns():
    z = randomness.normal_grid(KEY, -150, -150, 300, 300)
    limit = 4 / np.sqrt(z.size)
    for a, b in ((z[1:], z[:-1]), (z[:, 1:], z[:, :-1]), (z[1:, 1:], z[:-1, :-1])):
        assert abs((a * b).mean()) < limit


def test_streams_differ_in_seed_layer_and_quantity():
    names = [(s, layer, q) for s in (0, 1, 10) for layer in ("cells", "motion") for q in ("a", "b")]
    assert len({int(randomness.stream(*name)) for name in names}) == len(names)


# -- noise in continuous time ---------------------------------------------------------------


def test_smooth_noise_has_unit_variance_at_every_phase_and_the_promised_correlation():
    keys = [randomness.stream(seed, "test", "smooth") for seed in range(60)]
    times = np.arange(0, 400, 0.25)
    noise = np.stack([randomness.smooth_noise(key, times, 1.0) for key in keys])
    by_phase = noise.reshape(len(keys), -1, 4)
    np.testing.assert_allclose(by_phase.var(axis=(0, 1)), 1, atol=0.03)
    for lag in (1, 2, 4, 8):
        measured = (noise[:, lag:] * noise[:, :-lag]).mean()
        assert measured == pytest.approx(
            float(randomness.smooth_correlation(np.array([lag / 4]))[0]), abs=0.03
        )
    assert randomness.smooth_correlation(np.array([0.0, 4.5])) == pytest.approx([1, 0], abs=1e-12)


def test_smooth_noise_is_smooth_and_knows_no_window():
    times = np.linspace(-20, 20, 4001)
    noise = randomness.smooth_noise(KEY, times, 2.0)
    np.testing.assert_array_equal(randomness.smooth_noise(KEY, times[700:900], 2.0), noise[700:900])
    assert np.abs(np.diff(noise, 2)).max() < 50 * (0.01 / 2.0) ** 2


def test_slow_noise_is_an_ornstein_uhlenbeck_process_without_a_beginning():
    keys = [randomness.stream(seed, "test", "slow") for seed in range(40)]
    noise = np.stack([randomness.slow_noise(key, -100, 4000, 0.1, 1.0) for key in keys])
    assert noise.var() == pytest.approx(1, abs=0.05)
    for lag in (1, 5, 10, 20):
        measured = (noise[:, lag:] * noise[:, :-lag]).mean()
        assert measured == pytest.approx(np.exp(-lag * 0.1), abs=0.05)
    later = randomness.slow_noise(keys[0], 500, 60, 0.1, 1.0)
    np.testing.assert_allclose(later, noise[0, 600:660], atol=1e-12)
