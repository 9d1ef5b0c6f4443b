"""Sums of demixing against plain NumPy."""

import numpy as np
import pytest
from scipy import sparse

from minisim_core.kernels import demix

PIXELS, CELLS, FRAMES = 60, 7, 53


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def footprints(rng: np.random.Generator) -> sparse.csc_array:
    return sparse.csc_array(sparse.random_array((PIXELS, CELLS), density=0.3, rng=rng, dtype=np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_projection_is_a_product_with_the_footprints(rng, dtype):
    A = footprints(rng)
    movie = (rng.random((PIXELS, FRAMES)) * 200).astype(dtype)
    out = np.empty((CELLS, FRAMES), dtype=np.float32)
    demix.project(out, A.indptr, A.indices, A.data, movie)
    np.testing.assert_allclose(out, A.T @ movie.astype(float), rtol=1e-5)


def test_a_correlation_is_a_product_where_the_footprints_are(rng):
    A = footprints(rng)
    movie = rng.normal(size=(PIXELS, FRAMES)).astype(np.float32)
    traces = rng.normal(size=(CELLS, FRAMES)).astype(np.float32)
    out = np.empty(A.nnz, dtype=np.float32)
    demix.correlate(out, A.indptr, A.indices, movie, traces)
    cell = np.repeat(np.arange(CELLS), np.diff(A.indptr))
    np.testing.assert_allclose(out, (movie.astype(float) @ traces.T)[A.indices, cell], atol=1e-4)


def test_a_gram_matrix_is_the_weighted_product_of_all_pairs(rng):
    A, weights = footprints(rng), rng.random(PIXELS).astype(np.float32)
    rows = A.tocsr()
    out = np.empty((CELLS, CELLS))
    demix.gram(out, rows.indptr, rows.indices, rows.data, weights)
    dense = A.toarray().astype(float)
    np.testing.assert_allclose(out, dense.T @ (weights[:, None] * dense), rtol=1e-5)


def twin_of_courses(out, gram, projected, floor, sweeps):
    for _ in range(sweeps):
        for k in range(len(out)):
            rest = projected[k] - gram[k] @ out + gram[k, k] * out[k]
            out[k] = np.maximum(rest / gram[k, k], floor[k])


def test_courses_descend_like_the_twin_and_reach_non_negative_least_squares(rng):
    from scipy.optimize import nnls

    mixing = rng.random((30, CELLS))
    seen = mixing @ rng.normal(size=(CELLS, FRAMES))
    gram, projected = mixing.T @ mixing, (mixing.T @ seen).astype(np.float32)
    floor = np.array([0.0] * CELLS, dtype=np.float32)
    floor[-1] = -np.inf
    out, twin = np.zeros((CELLS, FRAMES), dtype=np.float32), np.zeros((CELLS, FRAMES))
    demix.courses(out, gram, projected, floor, 5)
    twin_of_courses(twin, gram, projected.astype(float), floor, 5)
    np.testing.assert_allclose(out, twin, atol=1e-4)
    floor[-1] = 0
    demix.courses(out, gram, projected, floor, 2000)
    best = np.array([nnls(mixing, column)[0] for column in seen.T]).T
    np.testing.assert_allclose(out, best, atol=2e-3)


def test_shapes_reach_non_negative_least_squares_in_every_pixel(rng):
    from scipy.optimize import nnls

    traces = rng.normal(size=(CELLS, FRAMES))
    A = footprints(rng).tocsr()
    movie = A.toarray() @ traces + rng.normal(size=(PIXELS, FRAMES))
    pixel = np.repeat(np.arange(PIXELS), np.diff(A.indptr))
    wanted = (movie @ traces.T)[pixel, A.indices].astype(np.float32)
    values = np.zeros(A.nnz, dtype=np.float32)
    demix.shapes(values, A.indptr, A.indices, wanted, traces @ traces.T, 200)
    best = np.zeros(A.nnz)
    for p in range(PIXELS):
        here = slice(A.indptr[p], A.indptr[p + 1])
        if A.indptr[p + 1] > A.indptr[p]:
            best[here] = nnls(traces[A.indices[here]].T, movie[p])[0]
    np.testing.assert_allclose(values, best, atol=1e-4)
