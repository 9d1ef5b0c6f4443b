"""Where cells are and what they are, over seeds."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from minisim_core import cells

DEPTHS = (20.0, 250.0)


@pytest.mark.parametrize(("density", "distance"), [(1.5e4, 11.0), (1e5, 11.0), (4e4, 0.0), (2e5, 8.0)])
def test_the_density_is_the_one_asked_for(density, distance):
    volume = (DEPTHS[1] - DEPTHS[0]) * 400**2 * 1e-9
    counts = np.array([len(cells.place(seed, density, DEPTHS, distance, 200.0)) for seed in range(30)])
    expected = density * volume
    # keeping apart only makes counts more even than Poisson's
    assert counts.mean() == pytest.approx(expected, abs=3 * math.sqrt(expected / len(counts)))
    assert counts.var() < 2 * expected


@pytest.mark.parametrize("distance", [5.0, 11.0, 14.0])
def test_no_two_cells_are_closer_than_asked(distance):
    places = cells.place(1, 6e4, DEPTHS, distance, 250.0)
    nearest = cKDTree(places.positions_um).query(places.positions_um, k=2)[0][:, 1]
    assert nearest.min() >= distance
    assert nearest.min() < 1.2 * distance  # some come as near as they may


def test_cells_lie_inside_and_fill_the_asked_volume_evenly():
    places = cells.place(3, 5e4, DEPTHS, 11.0, 300.0)
    low, high = np.array([20, -300, -300]), np.array([250, 300, 300])
    assert ((places.positions_um >= low) & (places.positions_um <= high)).all()
    share = (places.positions_um - low) / (high - low)
    for axis in range(3):
        counts = np.histogram(share[:, axis], bins=5, range=(0, 1))[0]
        assert np.abs(counts - len(places) / 5).max() < 4 * math.sqrt(len(places) / 5)


def _rows(places):
    return {tuple(row) for row in places.positions_um}


def test_without_a_distance_a_denser_tissue_begins_with_the_sparser_one():
    sparse, dense = (cells.place(5, d, DEPTHS, 0.0, 200.0) for d in (1e4, 3e4))
    np.testing.assert_array_equal(dense.positions_um[: len(sparse)], sparse.positions_um)
    np.testing.assert_array_equal(dense.ids[: len(sparse)], sparse.ids)


def test_with_a_distance_a_denser_tissue_still_begins_with_the_sparser_one():
    sparse, dense = (cells.place(5, d, DEPTHS, 11.0, 200.0) for d in (1e4, 3e4))
    assert len(dense) > 2 * len(sparse)
    np.testing.assert_array_equal(dense.positions_um[: len(sparse)], sparse.positions_um)


def test_field_and_depth_only_crop():
    wide = cells.place(7, 3e4, (20.0, 250.0), 11.0, 300.0)
    narrow = cells.place(7, 3e4, (80.0, 200.0), 11.0, 150.0)
    z, y, x = wide.positions_um.T
    inside = (z >= 80) & (z <= 200) & (np.abs(y) <= 150) & (np.abs(x) <= 150)
    np.testing.assert_array_equal(wide.positions_um[inside], narrow.positions_um)
    np.testing.assert_array_equal(wide.ids[inside], narrow.ids)


def test_seeds_differ_and_nothing_comes_of_nothing():
    assert not _rows(cells.place(0, 1e4, DEPTHS, 11.0, 200.0)) & _rows(
        cells.place(1, 1e4, DEPTHS, 11.0, 200.0)
    )
    assert len(cells.place(0, 0.0, DEPTHS, 11.0, 200.0)) == 0


SHAPE = dict(radius_um=6.0, radius_sd_um=0.8, elongation=0.15)
CONTENT = dict(
    nucleus_fraction=0.62, nucleus_brightness=0.3, brightness_sd=0.5, concentration_micromolar=30.0,
    bright_fraction_at_rest=0.1,
)  # fmt: skip


def grown(places=None, **content):
    """Bodies and bright molecules."""
    places = cells.place(2, 1e5, DEPTHS, 0.0, 300.0) if places is None else places
    bodies = cells.grow(2, places, *SHAPE.values())
    return bodies, cells.express(2, places, bodies, *(CONTENT | content).values()).bright_molecules


def test_bodies_have_the_asked_sizes_and_outlines():
    bodies, _ = grown()
    n = len(bodies.radius_um)
    assert bodies.radius_um.mean() == pytest.approx(6, abs=4 * 0.8 / math.sqrt(n))
    assert bodies.radius_um.std() == pytest.approx(0.8, rel=0.05)
    assert bodies.axis_ratio.min() >= 1
    assert np.log(bodies.axis_ratio).mean() == pytest.approx(0.15 * math.sqrt(2 / math.pi), rel=0.05)
    counts = np.histogram(bodies.orientation_rad, bins=8, range=(0, math.pi))[0]
    assert np.abs(counts - n / 8).max() < 4 * math.sqrt(n / 8)


def test_mean_brightness_is_concentration_times_volume():
    bodies, molecules = grown()
    radius = 6 + 0.8 * np.random.default_rng(0).normal(size=400_000)
    shell = 4 / 3 * math.pi * radius**3 * (1 - 0.7 * 0.62**3)
    expected = 30e-6 * 6.02214076e23 * shell.mean() * 1e-15 * 0.1
    spread = molecules.std() / math.sqrt(len(molecules))
    assert molecules.mean() == pytest.approx(expected, abs=4 * spread)
    logs = np.log(molecules / bodies.radius_um**3)
    assert logs.std() == pytest.approx(0.5, rel=0.05)


def test_marks_are_independent_and_scale_with_their_spread():
    (bodies, molecules), (_, wider) = grown(), grown(brightness_sd=1.0)
    limit = 4 / math.sqrt(len(bodies.radius_um))
    expression = np.log(molecules / bodies.radius_um**3)
    for a, b in (
        (bodies.radius_um, expression),
        (bodies.radius_um, bodies.orientation_rad),
        (np.log(bodies.axis_ratio), expression),
    ):
        assert abs(np.corrcoef(a, b)[0, 1]) < limit
    stretched = np.log(wider / bodies.radius_um**3)
    assert np.corrcoef(expression, stretched)[0, 1] == pytest.approx(1)
    assert stretched.std() == pytest.approx(2 * expression.std())


def test_a_cells_marks_do_not_depend_on_its_company():
    many = cells.place(2, 5e4, DEPTHS, 0.0, 200.0)
    few = cells.place(2, 1e4, DEPTHS, 0.0, 200.0)
    (a, many_molecules), (b, few_molecules) = grown(many), grown(few)
    np.testing.assert_array_equal(a.radius_um[: len(few)], b.radius_um)
    np.testing.assert_array_equal(many_molecules[: len(few)], few_molecules)
