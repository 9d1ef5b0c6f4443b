"""Candidates in endless tissue against a plain Python twin, and their keeping apart."""

import math

import numpy as np
import pytest

from minisim_core.kernels import chance, placement

KEY = np.uint64(77)
TILE = np.array([50.0, 100.0, 100.0])


def fill(first, last, density, key=KEY):
    first, last = np.array(first, dtype=np.int64), np.array(last, dtype=np.int64)
    return placement.candidates(key, first, last, TILE, density)


def twin(first, last, density):
    rows = []
    for z in range(first[0], last[0]):
        for y in range(first[1], last[1]):
            for x in range(first[2], last[2]):
                tile = (z << 42) + ((y + 2**20) << 21) + x + 2**20
                level, k = 0.0, 0
                while True:
                    draw = [chance.uniform(KEY, np.int64(tile), np.int64(4 * k + c)) for c in range(4)]
                    level -= math.log(draw[0]) / TILE.prod()
                    if level > density:
                        break
                    rows.append([*(np.array([z, y, x]) + draw[1:]) * TILE, level])
                    k += 1
    return np.array(rows)


def test_candidates_agree_with_a_plain_twin():
    first, last = (0, -2, -1), (2, 1, 2)
    positions, levels, ids = fill(first, last, 2e-5)
    expected = twin(first, last, 2e-5)
    np.testing.assert_allclose(np.column_stack([positions, levels]), expected, rtol=1e-13)
    assert len(np.unique(ids)) == len(ids)


def test_there_is_room_for_more_candidates_than_expected():
    # about one candidate is expected, so that of many boxes some hold several times as many
    counts = [len(fill((0, 0, k), (1, 1, k + 1), 2e-6)[0]) for k in range(20000)]
    assert max(counts) >= 8
    few = [len(fill((0, 0, k), (1, 1, k + 1), 2e-5)[0]) for k in np.flatnonzero(np.array(counts) >= 6)]
    assert min(few) > 5


def test_a_higher_density_appends_and_moves_nothing():
    sparse = fill((0, -3, -3), (4, 3, 3), 1e-5)
    dense = fill((0, -3, -3), (4, 3, 3), 3e-5)
    kept = dense[1] <= 1e-5
    for before, after in zip(sparse, dense, strict=True):
        np.testing.assert_array_equal(before, after[kept])


def test_candidates_are_a_poisson_process():
    density = 1.5e-5
    counts = []
    for key in range(20):
        positions, _, _ = fill((0, -4, -4), (2, 4, 4), density, np.uint64(key))
        cell = np.floor(positions / TILE).astype(int) + np.array([0, 4, 4])
        counts.append(np.bincount(np.ravel_multi_index(cell.T, (2, 8, 8)), minlength=128))
    counts = np.concatenate(counts)
    mean = density * TILE.prod()
    assert counts.mean() == pytest.approx(mean, abs=4 * math.sqrt(mean / counts.size))
    assert counts.var() / mean == pytest.approx(1, abs=4 * math.sqrt(2 / counts.size))


def test_keep_apart_equals_brute_force_over_earlier_candidates():
    rng = np.random.default_rng(3)
    for count, distance in ((1, 5.0), (400, 9.0), (400, 40.0)):
        positions = rng.uniform(-60, 60, (count, 3)) * [0.4, 1, 1]
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
        crowded = (apart < distance) & np.tri(count, k=-1, dtype=bool)
        np.testing.assert_array_equal(placement.keep_apart(positions, distance), ~crowded.any(axis=1))


def test_a_tiny_distance_in_a_wide_tissue_needs_little_memory():
    rng = np.random.default_rng(4)
    positions = rng.uniform(-2000, 2000, (300, 3)) * [0.1, 1, 1]
    positions[200] = positions[100] + 0.004
    kept = placement.keep_apart(positions, 0.01)
    assert np.flatnonzero(~kept).tolist() == [200]
    assert placement.keep_apart(positions, 5e-324).all()
