"""Blood, trees and shadows: tables, Murray's law and Beer-Lambert."""

import math

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import vessels
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
    assert forks == 9  # three on every trunk


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
    assert exact.min() < 0.5
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
    small, rest, large = (shadow.on_pixels(canvas, s)[100] for s in (-0.25, 0.0, 0.25))
    assert half_width(large) > 1.12 * half_width(rest) > 1.25 * half_width(small)
    assert large.min() < rest.min() < small.min()
    for swelling in (-0.25, 0.25, 0.1):
        swollen = vessels.Tree(tree.segments_um * [1, 1, 1, 1, 1 + swelling, 1 + swelling], tree.parent)
        swollen._seal(("swollen", swelling))
        exact = vessels.shadow(canvas, swollen, 10.0, 120.0, 0.8, 20.0, 0.33, 1.36, 1.0).on_pixels(canvas)
        np.testing.assert_allclose(
            shadow.on_pixels(canvas, swelling), exact, atol=0.002 if abs(swelling) == 0.25 else 0.06
        )


@pytest.mark.parametrize("seed", range(5))
def test_c09_the_guides_vessels_have_the_contrast_of_real_ones(seed):
    exp = ms.presets.get("guide", seed=seed, duration_s=0.1).with_(off=("motion", "noise"))
    bright = ms.simulate(exp.with_(off=("motion", "noise", "vessels"))).expected[0]
    seen = ms.simulate(exp)
    contrast = 1 - seen.expected[0] / bright
    darkest = np.percentile(contrast[seen.truth.vessel_mask], 90)
    assert 0.10 < darkest < 0.35


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
