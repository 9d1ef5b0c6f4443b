"""Where cells are and what they are, over seeds."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

import minisim_core as ms
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


def test_a_hundred_thousand_cells_find_room():
    places = cells.place(0, 1e5, (0.0, 600.0), 11.0, 650.0)
    assert len(places) == pytest.approx(1e5 * 1e-9 * 600 * 1300**2, rel=0.01)
    nearest = cKDTree(places.positions_um).query(places.positions_um, k=2)[0][:, 1]
    assert nearest.min() >= 11


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


# -- dendrites and labels ------------------------------------------------------------------------


def with_dendrites(count=4.0, length_um=20.0, radius_um=1.5, density=1e5):
    places = cells.place(2, density, DEPTHS, 0.0, 200.0)
    return cells.grow(2, places, *SHAPE.values(), count, length_um, radius_um)


@pytest.mark.parametrize("count", [0.4, 1.0, 4.0, 7.0])
def test_cells_have_as_many_dendrites_as_asked(count):
    there = with_dendrites(count).root_radius_um > 0
    n = len(there)
    assert there.sum(axis=1).mean() == pytest.approx(count, abs=4 * 1.3 / math.sqrt(n))
    assert there[:, 0].mean() == pytest.approx(min(count, 1), abs=4 * 0.5 / math.sqrt(n))


def test_more_dendrites_leave_the_former_ones_where_they_are():
    few, many = with_dendrites(3.0), with_dendrites(5.0)
    old = few.root_radius_um > 0
    assert (many.root_radius_um > 0).sum() > 1.4 * old.sum()
    for name in ("root_um", "along_um", "bend_um", "root_radius_um"):
        np.testing.assert_array_equal(getattr(many, name)[old], getattr(few, name)[old])


def test_length_and_radius_only_scale_dendrites():
    a, b = with_dendrites(), with_dendrites(length_um=30.0, radius_um=0.75)
    np.testing.assert_allclose(b.along_um, 1.5 * a.along_um)
    np.testing.assert_allclose(b.bend_um, 1.5 * a.bend_um)
    np.testing.assert_allclose(b.root_radius_um, 0.5 * a.root_radius_um)
    np.testing.assert_array_equal(b.root_um, a.root_um)
    np.testing.assert_array_equal(b.radius_um, a.radius_um)


def test_a_cells_dendrites_do_not_depend_on_its_company():
    many, few = with_dendrites(density=5e4), with_dendrites(density=1e4)
    n = len(few.radius_um)
    assert n < len(many.radius_um) / 3
    for name in ("root_um", "along_um", "bend_um", "root_radius_um"):
        np.testing.assert_array_equal(getattr(many, name)[:n], getattr(few, name))


def test_dendrites_leave_from_the_surface_and_differ_from_cell_to_cell():
    bodies = with_dendrites(7.0)
    z, y, x = np.moveaxis(bodies.root_um, -1, 0)
    c, s = np.cos(bodies.orientation_rad)[:, None], np.sin(bodies.orientation_rad)[:, None]
    radius, stretch = bodies.radius_um[:, None], np.sqrt(bodies.axis_ratio)[:, None]
    u, v = (c * x + s * y) / stretch, (c * y - s * x) * stretch
    np.testing.assert_allclose(z**2 + u**2 + v**2, radius**2 * np.ones_like(z))
    np.testing.assert_allclose(np.cross(bodies.root_um, bodies.along_um), 0, atol=1e-9)
    np.testing.assert_allclose((bodies.along_um * bodies.bend_um).sum(-1), 0, atol=1e-9)
    z, y, x = np.moveaxis(bodies.along_um, -1, 0)
    assert (z[:, 0] < -0.7 * np.hypot(y, x)[:, 0]).all()  # the apical one rises
    azimuth = np.arctan2(y, x)
    for k in range(azimuth.shape[1]):
        counts = np.histogram(azimuth[:, k], bins=8, range=(-math.pi, math.pi))[0]
        assert np.abs(counts - len(z) / 8).max() < 4.5 * math.sqrt(len(z) / 8)
    apart = np.sort(azimuth[:, 1:], axis=1)
    assert np.diff(apart, axis=1).min() > 0.2 * 2 * math.pi / 6 - 1e-9


def test_volume_and_centre_of_dendrites_are_those_of_their_slices():
    bodies = with_dendrites(density=3e3)
    u = (np.arange(2000) + 0.5)[:, None, None, None] / 2000
    volume, moment = 0.0, 0.0
    for part in np.array_split(u, 20):
        radius = bodies.root_radius_um * (1 - part[..., 0]) ** 2
        slab = math.pi * radius**2 * np.linalg.norm(bodies.along_um, axis=-1) / 2000
        at = (bodies.root_um + part * bodies.along_um + part**2 * bodies.bend_um)[..., 1:]
        volume = volume + slab.sum(axis=(0, 2))
        moment = moment + (slab[..., None] * at).sum(axis=(0, 2))
    np.testing.assert_allclose(bodies.dendrite_volume_um3, volume, rtol=1e-4)
    some = volume > 0
    centre = moment[some] / volume[some, None]
    np.testing.assert_allclose(bodies.dendrite_centre_um[some], centre, atol=2e-3)


def test_the_mean_volumes_are_those_of_many_cells():
    for count in (0.5, 4.0):
        stained = cells.Cells(dendrite_count=count).stained
        places = cells.place(2, 1e5, DEPTHS, 0.0, 300.0)
        bodies = cells.grow(
            2, places, stained.radius_um, stained.radius_sd_um, 0.15, count, stained.dendrite_length_um,
            stained.dendrite_radius_um,
        )  # fmt: skip
        for mean, volumes in (
            (stained.dendrite_volume_um3, bodies.dendrite_volume_um3),
            (stained.soma_volume_um3, cells.soma_volume_um3(bodies.radius_um, 0.62, 0.3)),
        ):
            assert mean == pytest.approx(volumes.mean(), abs=4 * volumes.std() / math.sqrt(len(volumes)))


def test_by_default_dendrites_send_a_modest_share_of_the_light():
    stained = cells.Cells().stained
    share = stained.dendrite_volume_um3 / (stained.dendrite_volume_um3 + stained.soma_volume_um3)
    assert 0.1 < share < 0.25


def test_molecules_fill_what_is_labelled():
    places = cells.place(2, 2e4, DEPTHS, 0.0, 200.0)

    def per_cell(**changes):
        group = cells.Cells(brightness_sd=0.0, **changes)
        s = group.stained
        bodies = cells.grow(
            2, places, s.radius_um, s.radius_sd_um, group.elongation, s.dendrite_count, s.dendrite_length_um,
            s.dendrite_radius_um,
        )  # fmt: skip
        content = s.nucleus_fraction, s.nucleus_brightness, 0.0, 30.0, 0.1
        return bodies, cells.express(2, places, bodies, *content).bright_molecules

    per_um3 = 30e-6 * 6.02214076e23 * 1e-15 * 0.1
    whole, molecules = per_cell()
    soma, soma_molecules = per_cell(labelling="soma")
    nuclear, nuclear_molecules = per_cell(labelling="nuclear")
    ball = 4 / 3 * math.pi * whole.radius_um**3
    np.testing.assert_array_equal(soma.radius_um, whole.radius_um)
    np.testing.assert_allclose(nuclear.radius_um, 0.62 * whole.radius_um)
    assert soma.root_radius_um.size == nuclear.root_radius_um.size == 0
    np.testing.assert_allclose(soma_molecules, per_um3 * ball * (1 - 0.7 * 0.62**3))
    np.testing.assert_allclose(molecules - soma_molecules, per_um3 * whole.dendrite_volume_um3, rtol=1e-9)
    np.testing.assert_allclose(nuclear_molecules, per_um3 * ball * 0.62**3)
    assert (whole.dendrite_volume_um3 > 0).mean() > 0.95


def test_without_length_radius_or_number_there_are_no_dendrites(small):
    plain = ms.simulate(small(cells={"labelling": "soma"})).frames[3]
    for nothing in ("dendrite_count", "dendrite_length_um", "dendrite_radius_um"):
        assert np.array_equal(ms.simulate(small(cells={nothing: 0})).frames[3], plain)
    assert not np.array_equal(ms.simulate(small()).frames[3], plain)


@pytest.mark.parametrize("labelling", ["cytosolic", "soma", "nuclear"])
def test_what_is_labelled_is_what_is_seen(small, labelling):
    cell = {"positions_um": ((90.0, 0.0, 0.0),), "elongation": 0, "radius_sd_um": 0, "labelling": labelling}
    truth = ms.simulate(small(cells=cell)).truth
    y0, x0, patch = truth.footprints_sharp[0]
    y, x = (c + (y0, x0)[k] - truth.centroids_px[0][k] for k, c in enumerate(np.indices(patch.shape)))
    away = np.hypot(y, x) * ms.simulate(small()).pixel_um
    assert patch.sum() == pytest.approx(1, abs=0.01)
    reach = {"cytosolic": math.inf, "soma": 6.0, "nuclear": 0.62 * 6.0}[labelling]
    assert not patch[away > reach + 1.1].any()
    if labelling == "nuclear":
        assert patch.max() == patch[away < 1.2].max()  # a full ball, not a ring
    if labelling == "soma":
        assert patch[away < 1.2].max() < patch.max()
    if labelling == "cytosolic":
        assert 0.03 < patch[away > 7.1].sum() < 0.3


def test_with_no_nucleus_a_nuclear_label_shows_nothing(small):
    exp = small(cells={"labelling": "nuclear", "nucleus_fraction": 0}, off=("neuropil", "stray_light"))
    for rec in (ms.simulate(exp), ms.simulate(exp).only("cells")):
        assert not rec.expected[2].any()
