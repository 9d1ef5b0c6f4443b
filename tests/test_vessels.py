"""Blood, trees and shadows: tables, Murray's law and Beer-Lambert."""

import math

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import motion, vessels
from minisim_core.canvas import Canvas
from minisim_core.scene import Scene

CANVAS = Canvas(160, 160, 8, 1.5)


def test_blood_absorbs_as_tabulated():
    for oxygenation, expected in ((0.65, 14.6), (0.80, 16.0), (0.95, 17.3)):
        assert vessels.blood_absorption_per_mm(470, 150, oxygenation) == pytest.approx(expected, abs=0.06)
    for oxygenation, expected in ((0.65, 17.3), (0.80, 17.0), (0.95, 16.7)):
        assert vessels.blood_absorption_per_mm(525, 150, oxygenation) == pytest.approx(expected, abs=0.06)
    assert vessels.blood_absorption_per_mm(470, 120, 0.8) == pytest.approx(
        0.8 * vessels.blood_absorption_per_mm(470, 150, 0.8)
    )


def test_transmission_through_a_vessel_is_as_tabulated():
    out, back = (vessels.blood_absorption_per_mm(w, 150, 0.8) / 1000 for w in (525, 470))
    for diameter, single, double in ((5, 0.92, 0.85), (10, 0.84, 0.73), (20, 0.71, 0.53), (50, 0.43, 0.20)):
        assert math.exp(-out * diameter) == pytest.approx(single, abs=0.015)
        assert math.exp(-(out + back) * diameter) == pytest.approx(double, abs=0.02)


# -- trees ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_every_fork_keeps_murrays_law(seed):
    tree = vessels.grow(seed, 3, 15.0)
    radius = tree.segments_um[:, 4]
    forks = 0
    for parent in np.unique(tree.parent[tree.parent >= 0]):
        children = np.flatnonzero(tree.parent == parent)
        assert (radius[children] ** 3).sum() == pytest.approx(radius[parent] ** 3, rel=0.01)
        forks += len(children) > 1
        assert len(children) <= 2
    assert forks == 3 * (3 + 3 * 2)  # three on every trunk, two on each of its branches


@pytest.mark.parametrize("seed", range(4))
def test_trees_are_connected_and_trunks_are_as_wide_as_asked(seed):
    tree = vessels.grow(seed, 3, 12.0)
    assert (tree.parent == -1).sum() == 3
    child = np.flatnonzero(tree.parent >= 0)
    assert (tree.parent[child] < child).all()
    ends, starts = tree.segments_um[tree.parent[child], 2:4], tree.segments_um[child, :2]
    np.testing.assert_allclose(starts, ends, atol=1e-9)
    roots = tree.segments_um[tree.parent == -1, 4]
    assert roots[0] == pytest.approx(12)
    assert (np.abs(np.log(roots / 12)) < 0.75).all()
    lengths = np.hypot(*(tree.segments_um[:, 2:4] - tree.segments_um[:, :2]).T)
    np.testing.assert_allclose(lengths, 12, atol=1e-9)


def test_more_trees_leave_the_first_where_it_was():
    one, two = vessels.grow(5, 1, 15.0), vessels.grow(5, 2, 15.0)
    np.testing.assert_array_equal(two.segments_um[: len(one.segments_um)], one.segments_um)
    assert len(vessels.grow(5, 0, 15.0).segments_um) == 0


def test_the_first_trunk_nearly_always_crosses_a_field_of_400_um():
    reach = [np.abs(vessels.grow(seed, 1, 15.0).segments_um[:, :2]).max(axis=1).min() for seed in range(200)]
    assert np.median(reach) < 100
    assert np.mean(np.array(reach) < 200) > 0.9


def test_children_leave_at_the_angles_of_least_work():
    assert vessels.murray_angle_rad(0.5) == pytest.approx(math.acos(2 ** (-1 / 3)))
    assert vessels.murray_angle_rad(1e-9) == pytest.approx(math.pi / 2, abs=0.01)
    assert vessels.murray_angle_rad(1 - 1e-9) == pytest.approx(0, abs=0.01)
    # forces balance: pulls proportional to r² along the parent and across it
    for share in (0.1, 0.3, 0.5):
        r1, r2 = (1 - share) ** (1 / 3), share ** (1 / 3)
        a1, a2 = vessels.murray_angle_rad(1 - share), vessels.murray_angle_rad(share)
        assert r1**2 * math.cos(a1) + r2**2 * math.cos(a2) == pytest.approx(1)
        assert r1**2 * math.sin(a1) == pytest.approx(r2**2 * math.sin(a2))


@pytest.mark.parametrize("seed", range(6))
def test_vessels_bend_smoothly_and_children_part_at_once(seed):
    tree = vessels.grow(seed, 4, 15.0)
    way = tree.segments_um[:, 2:4] - tree.segments_um[:, :2]
    heading = np.arctan2(way[:, 0], way[:, 1])
    child = np.flatnonzero(tree.parent >= 0)
    turn = np.abs((heading[child] - heading[tree.parent[child]] + np.pi) % (2 * np.pi) - np.pi)
    follows = tree.parent[child] == child - 1  # the same vessel goes on
    assert turn[follows].max() < 0.35
    assert np.percentile(turn[follows], 95) < 0.12
    assert turn[~follows].min() > 0.5


# -- shadows --------------------------------------------------------------------------------


def shade(focus=10.0, share=1.0, seed=0, canvas=CANVAS, radius=15.0):
    tree = vessels.grow(seed, 2, radius)
    return tree, vessels.shadow(canvas, tree, 10.0, 120.0, 0.8, focus, 0.33, 1.36, share)


def test_without_blur_the_shadow_is_beer_lambert_on_both_passes():
    tree, shadow = shade(focus=10.0)
    y, x = CANVAS.nodes_um(0)
    chord = vessels.chord_map(tree, 0.0, (float(y[0]), float(x[0])), (len(y), len(x)), 1.5)
    both = sum(vessels.blood_absorption_per_mm(w, 120.0, 0.8) for w in (470, 525)) / 1000
    exact = np.exp(-both * chord)
    assert exact.min() < 0.55
    # nodes two pixels apart, and their anti-aliasing, soften the very edge of a vessel
    seen = shadow.on_pixels(CANVAS)
    deep = chord > 20
    assert deep.sum() > 1000
    np.testing.assert_allclose(seen[deep], exact[deep], atol=0.045)
    assert np.abs(seen - exact).max() < 0.25
    assert seen.mean() == pytest.approx(exact.mean(), abs=0.003)
    outside = chord == 0
    assert (seen[outside] <= 1.03).all()


def test_blur_spreads_the_shadow_and_keeps_what_each_pass_takes():
    canvas = Canvas(300, 300, 8, 1.5)
    means, depths = [], []
    for focus in (10.0, 40.0, 90.0):
        _, shadow = shade(focus=focus, canvas=canvas)
        seen = shadow.on_pixels(canvas)
        depths.append(1 - seen.min())
        means.append(1 - seen.mean())
    assert depths[0] > depths[1] > depths[2] > 0
    # each pass keeps its mean; the product of the two loses only their overlap
    assert means[0] < means[2] < 1.5 * means[0]


def test_only_light_from_below_is_shadowed():
    _, whole = shade(focus=60.0)
    _, half = shade(focus=60.0, share=0.5)
    for all_of_it, part in zip(
        (1 - whole.constant, whole.linear, whole.quadratic), (1 - half.constant, half.linear, half.quadratic),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(part, 0.5 * all_of_it, atol=1e-5)


def half_width(profile):
    """Width of a dip at half its depth."""
    depth = 1 - profile
    return np.count_nonzero(depth > depth.max() / 2)


def test_a_swollen_vessel_is_wider_not_only_darker():
    tree = vessels.Tree(np.array([[-500.0, 0.0, 500.0, 0.0, 12.0, 12.0]]), np.array([-1]))
    tree._seal("one straight vessel")
    canvas = Canvas(200, 200, 8, 0.5)
    shadow = vessels.shadow(canvas, tree, 10.0, 120.0, 0.8, 20.0, 0.33, 1.36, 1.0)
    small, rest, large = (shadow.on_pixels(canvas, s)[100] for s in (-0.3, 0.0, 0.3))
    assert half_width(large) > 1.12 * half_width(rest) > 1.25 * half_width(small)
    assert large.min() < rest.min() < small.min()
    scaled = (1 - rest) * (1 - large.min()) / (1 - rest.min())
    assert np.abs(1 - large - scaled).max() > 0.1, "no multiplied mask looks like a wider vessel"
    for swelling in (-0.3, 0.4, 0.1):
        swollen = vessels.Tree(tree.segments_um * [1, 1, 1, 1, 1 + swelling, 1 + swelling], tree.parent)
        swollen._seal(("swollen", swelling))
        exact = vessels.shadow(canvas, swollen, 10.0, 120.0, 0.8, 20.0, 0.33, 1.36, 1.0).on_pixels(canvas)
        seen = shadow.on_pixels(canvas, swelling)
        np.testing.assert_allclose(seen, exact, atol=0.06 if swelling == 0.1 else 0.002)


def straight(radius_um):
    tree = vessels.Tree(np.array([[-900.0, 0.0, 900.0, 0.0, radius_um, radius_um]]), np.array([-1]))
    tree._seal(("one straight vessel", radius_um))
    return tree


@pytest.mark.parametrize("diameter_um", [20.0, 30.0, 50.0])
def test_a_straight_tube_in_focus_lets_through_what_its_chord_does(diameter_um):
    canvas = Canvas(200, 200, 8, 0.5)
    tree = straight(diameter_um / 2)
    seen = vessels.shadow(canvas, tree, 10.0, 150.0, 0.8, 10.0, 0.33, 1.36, 1.0)
    seen = seen.on_pixels(canvas)[100]
    x = canvas.nodes_um(0)[1]
    chord = 2 * np.sqrt(np.maximum((diameter_um / 2) ** 2 - x**2, 0))
    tabulated = {20.0: 0.53, 30.0: 0.38, 50.0: 0.20}[diameter_um]
    assert seen[np.argmin(np.abs(x))] == pytest.approx(tabulated, abs=0.02)
    exact = np.exp(-(16.0 + 17.0) / 1000 * chord)
    inside = np.abs(x) < diameter_um / 2 - 2
    np.testing.assert_allclose(seen[inside], exact[inside], atol=0.02)
    np.testing.assert_allclose(seen[np.abs(x) > diameter_um / 2 + 2], 1, atol=0.02)


def test_where_trees_cross_light_passes_both():
    down = straight(10.0).segments_um
    across = down[:, [1, 0, 3, 2, 4, 5]]
    tree = vessels.Tree(np.concatenate([down, across]), np.array([-1, -1]))
    fork = vessels.Tree(tree.segments_um, np.array([-1, 0]))
    grid = ((-40.0, -40.0), (41, 41), 2.0)
    for trees, blood in ((tree, 40.0), (fork, 20.0)):
        chords = vessels.chord_map(trees, 0.0, *grid)
        assert chords[20, 20] == pytest.approx(blood)
        assert chords[0, 20] == chords[20, 0] == pytest.approx(20)


@pytest.mark.parametrize(
    ("focus_um", "tolerance"), [(40.0, 0.025), (60.0, 0.015), (90.0, 0.01), (135.0, 0.012)]
)
def test_the_parabola_holds_at_every_swelling(focus_um, tolerance):
    tree, shadow = shade(focus=focus_um, seed=2)
    for swelling in (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4):
        swollen = vessels.Tree(tree.segments_um * [1, 1, 1, 1, 1 + swelling, 1 + swelling], tree.parent)
        swollen._seal(("two swollen trees", swelling))
        exact = vessels.shadow(CANVAS, swollen, 10.0, 120.0, 0.8, focus_um, 0.33, 1.36, 1.0)
        seen = shadow.on_pixels(CANVAS, swelling)
        np.testing.assert_allclose(seen, exact.on_pixels(CANVAS), atol=tolerance)


def test_truth_transmission_is_beer_lambert_before_blur():
    exp = ms.presets.get("guide", duration_s=0.1)
    truth, scene = ms.simulate(exp).truth, Scene(exp)
    v = exp.vessels
    out = vessels.blood_absorption_per_mm(525, v.haemoglobin_g_per_l, v.oxygenation)
    back = vessels.blood_absorption_per_mm(470, v.haemoglobin_g_per_l, v.oxygenation)
    passes = (truth.vessel_transmission_ex, truth.vessel_transmission_em)
    excitation, emission = (np.log(transmission[truth.vessel_mask]) for transmission in passes)
    ratio = excitation / emission
    assert np.median(ratio) == pytest.approx(back / out, rel=1e-3)
    widest = 2 * scene.tree.segments_um[:, 4].max()
    assert truth.vessel_transmission_em.min() >= math.exp(-out / 1000 * widest) - 1e-6
    assert (truth.vessel_transmission_em[~truth.vessel_mask] == 1).all()
    assert not ms.simulate(exp.with_(off=("vessels",))).truth.vessel_mask.any()


# -- swelling -------------------------------------------------------------------------------


def test_vasomotion_and_pulse_have_their_rates_and_amplitudes():
    times = np.arange(0, 2000, 1 / 60)
    slow = vessels.swelling(0, 0.06, 0.1, 0.0, 10.5, times)
    pulse = vessels.swelling(0, 0.0, 0.1, 0.008, 10.5, times)
    assert slow.std() == pytest.approx(0.06, rel=0.12)
    assert np.abs(pulse).max() == pytest.approx(0.008, rel=1e-3)
    for course, rate, width in ((slow, 0.1, 0.03), (pulse, 10.5, 0.4)):
        power = np.abs(np.fft.rfft(course - course.mean())) ** 2
        frequency = np.fft.rfftfreq(len(course), 1 / 60)
        assert power[np.abs(frequency - rate) < width].sum() > 0.7 * power.sum()
    np.testing.assert_allclose(
        vessels.swelling(0, 0.06, 0.1, 0.008, 10.5, times[:100]), slow[:100] + pulse[:100], atol=1e-12
    )


RUNNING = (0.35, 5.0)


def test_vessels_widen_late_and_gently_when_the_animal_runs():
    times = np.arange(0, 1500, 0.05)
    ran = motion.running(3, *RUNNING, times)
    answer = vessels.answer_to_running(3, *RUNNING, times)
    assert 0 <= answer.min() < 0.05
    assert 0.9 < answer.max() <= 1
    assert answer.mean() == pytest.approx(ran.mean(), abs=0.01)
    lags = np.arange(80)
    follows = [np.corrcoef(ran[: len(ran) - 80], answer[lag : len(ran) - 80 + lag])[0, 1] for lag in lags]
    assert 1.0 < 0.05 * np.argmax(follows) < 2.0
    assert np.abs(np.diff(answer)).max() < 0.5 * np.abs(np.diff(ran)).max()
    np.testing.assert_allclose(vessels.answer_to_running(3, 1.0, 5.0, times[:50]), 1)
    np.testing.assert_allclose(vessels.answer_to_running(3, *RUNNING, times[7000:7100]), answer[7000:7100])


def course(**changes):
    exp = ms.presets.get("guide", field_um=60, duration_s=20)
    return Scene(exp.with_(**changes)).block(2).swelling


def test_running_adds_its_share_to_the_radius():
    still, always = ({"running_fraction": share} for share in (0, 1))
    none = course(vessels={"running_dilation": 0})
    np.testing.assert_array_equal(course(motion=still), none)
    np.testing.assert_allclose(course(motion=always), none + 0.1, atol=1e-12)
    np.testing.assert_array_equal(course(vessels={"running_dilation": 0}, motion=always), none)


def test_holding_the_picture_still_does_not_calm_the_vessels():
    np.testing.assert_array_equal(course(off=("motion",)), course())
    assert not course(off=("vessels",)).any()


def test_radius_stays_where_the_parabola_was_fitted():
    wild = course(vessels={"vasomotion": 0.2, "running_dilation": 0.3, "heart": 0.05})
    assert -0.3 <= wild.min()
    assert wild.max() <= 0.4


def test_trunks_leave_a_wide_sensor_at_both_ends():
    rec = ms.simulate(ms.presets.get("minilfov-cortex"))
    tree = Scene(rec.experiment).tree
    half_y, half_x = (np.array(rec.shape[1:]) * rec.pixel_um / 2).tolist()
    breaks = np.flatnonzero(tree.parent != np.arange(len(tree.parent)) - 1)  # where a vessel begins
    for first in np.flatnonzero(tree.parent < 0):
        last = (*breaks[breaks > first], len(tree.parent))[0] - 1
        for y, x in (tree.segments_um[first, :2], tree.segments_um[last, 2:4]):
            assert abs(y) > half_y or abs(x) > half_x
