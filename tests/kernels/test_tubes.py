"""Chords through tubes against the geometry of cylinders, capsules and cones."""

import math

import numpy as np
import pytest

from minisim_core.kernels import tubes


def chords(segments, shape=(41, 61), first=(-20.0, -30.0), step=1.0, swelling=0.0):
    out = np.zeros(shape)
    tubes.chords(out, *first, step, np.array(segments, dtype=float), swelling)
    y = first[0] + step * np.arange(shape[0])[:, None]
    x = first[1] + step * np.arange(shape[1])[None, :]
    return out, y, x


def test_a_long_slanted_cylinder_has_the_chord_of_its_distance():
    turn = 0.6
    far = 200 * np.array([math.sin(turn), math.cos(turn)])
    out, y, x = chords([[*-far, *far, 8, 8]])
    distance = np.abs(y * math.cos(turn) - x * math.sin(turn))
    np.testing.assert_allclose(out, 2 * np.sqrt(np.maximum(64 - distance**2, 0)), atol=1e-9)


def test_swelling_widens_the_tube():
    thin, _, _ = chords([[0, -500, 0, 500, 6, 6]], step=0.5, first=(-10.0, -15.0))
    wide, _, _ = chords([[0, -500, 0, 500, 6, 6]], step=0.5, first=(-10.0, -15.0), swelling=0.25)
    assert (thin > 0).sum(axis=0)[0] * 0.5 == pytest.approx(12, abs=0.6)
    assert (wide > 0).sum(axis=0)[0] * 0.5 == pytest.approx(15, abs=0.6)
    assert wide.max() == pytest.approx(15)


def test_ends_are_balls_and_a_point_is_one():
    out, y, x = chords([[0, 0, 0, 10, 5, 5], [12, -15, 12, -15, 4, 4]])
    beyond = np.hypot(y, np.maximum(np.maximum(-x, x - 10), 0))
    ball = np.hypot(y - 12, x + 15)
    expected = np.maximum(
        2 * np.sqrt(np.maximum(25 - beyond**2, 0)), 2 * np.sqrt(np.maximum(16 - ball**2, 0))
    )
    np.testing.assert_allclose(out, expected, atol=1e-9)


def test_a_taper_interpolates_its_radius_and_crossings_take_the_longest_chord():
    out, y, x = chords([[0, -30, 0, 30, 4, 10], [-20, 0, 20, 0, 6, 6]])
    radius = 7 + x / 10
    taper = 2 * np.sqrt(np.maximum(radius**2 - y**2, 0))
    across = 2 * np.sqrt(np.maximum(36 - x**2 + 0 * y, 0))
    np.testing.assert_allclose(out, np.maximum(taper, across), atol=1e-9)
