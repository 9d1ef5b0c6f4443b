"""How the brain turns and bends: its size, smoothness and bounds, and what a tracker sees of it."""

import math

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import deformation
from minisim_core.clock import Clock
from minisim_core.motion import Motion
from minisim_core.scene import Scene

STILL = dict(heart_um=0.0, breathing_um=0.0, stride_um=0.0, drift_um=0.0)
HALF_UM = 460.0
V4_PIXEL_UM = 1.52
GRID = deformation.grid(80.0, HALF_UM, HALF_UM)


def flows(seed=0, first=0, nonrigid_um=1.0, rotation_deg=0.0, running=1.0, grid=GRID, rate=20.0):
    return deformation.flows(
        seed, nonrigid_um, rotation_deg, running, 5.0, grid, Clock(rate, 1 / rate, first)
    ).knots_um


def lattice(step_um, half_um=HALF_UM):
    axis = np.arange(-half_um, half_um + 1, step_um)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(1, -1, 2)


def seen(knots, points, grid=GRID):
    return deformation.seen_at_um(grid, knots, np.broadcast_to(points, (len(knots), *points.shape[1:])))


@pytest.fixture(scope="module")
def many():
    """Knots of far-apart frames of several recordings."""
    parts = [flows(seed, 64 * 40 * k)[::16] for seed in range(12) for k in range(8)]
    return np.concatenate(parts)


def test_the_rms_is_as_asked_while_running_and_less_at_rest(many):
    distance = (seen(many, lattice(40.0)) ** 2).sum(axis=2)
    assert math.sqrt(distance.mean()) == pytest.approx(1, rel=0.04)
    resting = np.concatenate(
        [flows(seed, 64 * 40 * k, running=0.0)[::32] for seed in range(12) for k in range(8)]
    )
    distance = (seen(resting, lattice(40.0)) ** 2).sum(axis=2)
    assert math.sqrt(distance.mean()) == pytest.approx(0.6, rel=0.04)


@pytest.mark.parametrize("length_um", [50.0, 80.0, 160.0])
@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (math.sqrt(0.5), math.sqrt(0.5))])
def test_the_correlation_length_is_the_stated_one(length_um, direction):
    grid = deformation.grid(length_um, HALF_UM, HALF_UM)
    knots = np.concatenate([flows(s, 64 * 40 * k, grid=grid)[::32] for s in range(10) for k in range(6)])
    points = lattice(0.3 * length_um, HALF_UM - length_um)
    here, there = (seen(knots, points + far * np.array(direction), grid) for far in (0.0, length_um))
    correlation = (here * there).sum() / np.sqrt((here**2).sum() * (there**2).sum())
    assert correlation == pytest.approx(1 / math.e, abs=0.04)


def test_the_residual_stays_within_three_pixels(many):
    """At the highest setting, over the whole sensor, about the field's own mean."""
    come = seen(many, lattice(20.0))
    residual = come - come.mean(axis=1, keepdims=True)
    largest = np.linalg.norm(residual, axis=2).max()
    assert 1.5 < largest / V4_PIXEL_UM <= 3
    assert np.abs(come).max() < deformation.bound_um(Motion(nonrigid_um=1.0), HALF_UM)


def test_the_bound_holds_for_the_steepest_knots():
    m = Motion(nonrigid_um=0.5, looseness=2.0)
    amplitude = m.looseness * 1.4 * m.nonrigid_um / flows_per_knot()
    sign = np.where(np.arange(GRID.reach_x * 2 + 1) > GRID.reach_x, 1.0, -1.0)
    steep = np.broadcast_to(amplitude * sign, (1, 2 * GRID.reach_y + 1, len(sign)))
    bound = deformation.bound_um(m, HALF_UM)
    assert 0.6 * bound < np.abs(seen(steep, lattice(5.0))).max() <= bound


def flows_per_knot():
    """Rms flow of knots uniform in (-1, 1), by drawing them."""
    knots = np.random.default_rng(0).uniform(-1, 1, (400, 2 * GRID.reach_y + 1, 2 * GRID.reach_x + 1))
    in_time = math.sqrt(151 / 315)
    return math.sqrt((seen(knots, lattice(60.0)) ** 2).sum(axis=2).mean()) * in_time


def test_the_flow_neither_gathers_nor_thins_tissue(many):
    points, e = lattice(53.0, 400.0), 0.01
    down = (
        seen(many[:9], points + np.array([e, 0]))[..., 0] - seen(many[:9], points - np.array([e, 0]))[..., 0]
    )
    across = (
        seen(many[:9], points + np.array([0, e]))[..., 1] - seen(many[:9], points - np.array([0, e]))[..., 1]
    )
    assert np.abs(down).max() / (2 * e) > 0.01
    np.testing.assert_allclose(down + across, 0, atol=1e-9)


def test_the_flow_is_smooth_in_time():
    knots = flows(rate=100.0)
    steps = np.linalg.norm(np.diff(seen(knots, lattice(60.0)), axis=0), axis=2)
    assert steps.max() < 0.2  # µm in 10 ms


def test_a_turn_turns_about_the_axis_and_leaves_the_mean():
    knots = np.concatenate([flows(s, 64 * 40 * k, 0.0, 0.3)[::16] for s in range(15) for k in range(12)])
    points = lattice(100.0)
    come = seen(knots, points)
    y, x = points[0].T
    angle = (come[..., 0] * x - come[..., 1] * y).sum(axis=1) / (x**2 + y**2).sum()
    assert math.degrees(angle.std()) == pytest.approx(0.3, rel=0.1)
    rigid = angle[:, None, None] * np.stack([x, -y], axis=1)
    np.testing.assert_allclose(come, rigid, atol=1e-9)
    axis = np.linspace(-200, 200, 77)
    np.testing.assert_allclose(deformation.mean_um(GRID, knots, axis, axis), 0, atol=1e-9)


def test_the_mean_is_that_of_the_pixels(many):
    y, x = np.linspace(-100, 130, 31), np.linspace(-220, 150, 47)
    points = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(1, -1, 2)
    expected = seen(many[:5], points).mean(axis=1)
    np.testing.assert_allclose(deformation.mean_um(GRID, many[:5], y, x), expected, atol=1e-12)


def test_tissue_is_seen_where_it_has_come_to(many):
    rest = lattice(130.0, 400.0)[0]
    come = deformation.of_tissue_um(GRID, 3 * many[:6], rest)
    np.testing.assert_allclose(deformation.seen_at_um(GRID, 3 * many[:6], rest + come), come, atol=1e-9)


# -- in a recording ------------------------------------------------------------------------------


def bending(**motion):
    m = {"nonrigid_um": 0.8, "rotation_deg": 0.2, "running_fraction": 1.0} | motion
    return ms.presets.get("guide", field_um=240, duration_s=5, motion=m)


CELLS = ((90.0, -70.0, -60.0), (90.0, 10.0, 75.0), (90.0, 80.0, -20.0))


def centroids(rec, places_px):
    """Centre of the light around each place, (T, P, 2) pixels."""
    found = []
    for frame in rec.expected:
        here = []
        for y, x in places_px:
            top, left = round(y) - 20, round(x) - 20
            patch = frame[top : top + 41, left : left + 41].astype(float)
            rows, columns = np.mgrid[top : top + 41, left : left + 41]
            here.append([(patch * rows).sum(), (patch * columns).sum()] / patch.sum())
        found.append(here)
    return np.array(found)


@pytest.mark.parametrize("rigid", [STILL, {}], ids=["bending alone", "and shifting"])
def test_three_tracked_points_move_as_the_truth_says(rigid):
    exp = bending(**rigid).with_(cells={"positions_um": CELLS}, duration_s=4)
    rec = ms.simulate(exp).only("blur", "motion")
    still = rec.without("motion")
    places = rec.truth.centroids_px
    centre = (np.array(rec.shape[1:]) - 1) / 2
    truth = rec.truth.displacement_um((places - centre) * rec.pixel_um)
    moved = centroids(rec, places) - centroids(still, places)[:1]
    assert np.abs(moved - truth / rec.pixel_um).max() < 0.1
    # the three do not move together: the rest that no shift explains is seen, too
    apart = truth - rec.truth.motion_um[:, None]
    assert np.abs(apart[:, 0] - apart[:, 1]).max() > 0.5 * rec.pixel_um
    assert np.abs((moved - moved.mean(axis=1, keepdims=True)).std(axis=0)).max() > 0.15


def test_a_cell_keeps_its_light():
    exp = bending().with_(cells={"positions_um": CELLS})
    rec = ms.simulate(exp).only("blur", "motion")
    still = rec.without("motion")
    light, rest = (r.expected[:40].sum(axis=(1, 2), dtype=float) for r in (rec, still))
    np.testing.assert_allclose(light, rest, rtol=1e-3)


def test_a_bent_frame_is_the_still_one_fetched_from_where_tissue_rests():
    """The whole way to `expected` against scipy's spline interpolation of the still picture."""
    from scipy import ndimage

    # dendrites are as fine as the pixels, where two kinds of interpolation differ
    exp = bending(**STILL).with_(cells={"labelling": "soma"})
    rec = ms.simulate(exp).only("out_of_focus", "blur", "dimming", "neuropil", "motion")
    still, scene = rec.without("motion"), Scene(rec.experiment)
    height, width = rec.shape[1:]
    y, x = ((np.arange(n) - (n - 1) / 2) * rec.pixel_um for n in (height, width))
    points = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(1, -1, 2)
    for frame in (0, 33):
        come = deformation.seen_at_um(scene.flow_grid, scene.flows_um(0)[frame][None], points)[0]
        rest = np.indices((height, width)) - come.T.reshape(2, height, width) / rec.pixel_um
        picture = still.expected[frame].astype(float)
        expected = ndimage.map_coordinates(picture, rest, order=5, mode="mirror")
        inside = (slice(10, -10),) * 2
        error = rec.expected[frame][inside] - expected[inside]
        assert np.abs(error).max() < 0.03 * picture.std()
        assert np.abs(picture - expected)[inside].max() > 0.3 * picture.std()


def test_the_recordings_motion_is_the_mean_of_its_displacements():
    rec = ms.simulate(bending())
    height, width = rec.shape[1:]
    y, x = ((np.arange(n) - (n - 1) / 2) * rec.pixel_um for n in (height, width))
    points = np.stack(np.meshgrid(y[::3], x[::3], indexing="ij"), axis=-1).reshape(-1, 2)
    mean = rec.truth.displacement_um(points, slice(0, 90, 15)).mean(axis=1)
    np.testing.assert_allclose(mean, rec.truth.motion_um[:90:15], atol=0.02)


def test_displacements_may_be_asked_of_one_point_or_many():
    truth = ms.simulate(bending()).truth
    many = truth.displacement_um([(10.0, 20.0), (-50.0, 3.0)], slice(60, 70, 3))
    assert many.shape == (4, 2, 2)
    np.testing.assert_array_equal(truth.displacement_um((10.0, 20.0), slice(60, 70, 3)), many[:, 0])
    rigid = ms.simulate(bending(nonrigid_um=0.0, rotation_deg=0.0)).truth
    np.testing.assert_array_equal(rigid.displacement_um((10.0, 20.0)), rigid.motion_um)
    off = ms.simulate(bending()).without("motion").truth
    assert not off.displacement_um((10.0, 20.0)).any()
    for wrong in ([1.0, 2.0, 3.0], [[math.nan, 0.0]], 3.0):
        with pytest.raises(ms.ParameterError, match="points_um"):
            truth.displacement_um(wrong)


def test_off_is_exactly_off():
    exp = bending(nonrigid_um=0.0, rotation_deg=0.0).with_(field_um=60)
    frames = ms.simulate(exp).frames[:20]
    for same in ({"nonrigid_length_um": 200.0}, {"looseness": 1.0}):
        assert np.array_equal(ms.simulate(exp.with_(motion=same)).frames[:20], frames)
    still = ms.simulate(bending(looseness=0.0).with_(field_um=60))
    assert np.array_equal(still.expected[3], still.without("motion").expected[3])
    assert Scene(exp).block(0).flow_px.size == 0


def test_the_same_tissue_bends_alike_in_any_field_and_at_any_frame_rate():
    exp = bending()
    points = [(30.0, -20.0), (-60.0, 55.0)]
    here = ms.simulate(exp).truth.displacement_um(points)
    narrow = ms.simulate(exp.with_(field_um=150)).truth.displacement_um(points)
    np.testing.assert_allclose(narrow, here, atol=1e-9)
    slow = ms.simulate(exp.with_(frame_rate_hz=10)).truth.displacement_um(points)
    np.testing.assert_allclose(slow, (here[::2] + here[1::2]) / 2, atol=0.02)
    longer = ms.simulate(exp.with_(duration_s=20)).truth.displacement_um(points, slice(0, 100))
    np.testing.assert_array_equal(longer, here)


def test_a_loose_headbar_scales_turning_and_bending():
    points = lattice(60.0, 100.0)[0]
    tight, loose = (ms.simulate(bending(**STILL, looseness=k)).truth for k in (1.0, 2.0))
    ratio = loose.displacement_um(points).std() / tight.displacement_um(points).std()
    assert ratio == pytest.approx(2, rel=0.02)
