"""The focus that moves through the tissue: its size, and the images between the exact ones."""

import math

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import axial
from minisim_core.clock import Clock
from minisim_core.motion import Motion
from minisim_core.scene import Scene

STILL = dict(heart_um=0.0, breathing_um=0.0, stride_um=0.0, drift_um=0.0)
DEPTHS = (75.0, 90.0, 97.0, 120.0)
CELLS = tuple((z, y, x) for z, y, x in zip(DEPTHS, (-40, 40, -40, 40), (-40, -40, 40, 40), strict=True))


def scene(**changes):
    motion = STILL | {"axial_um": 1.5, "running_fraction": 1.0}
    exp = ms.presets.get("guide", field_um=160, duration_s=20, motion=motion, cells={"positions_um": CELLS})
    exp = exp.with_(scope={"magnification_per_mm": 0})  # a brain that moves changes no magnification
    return exp.with_(**changes)


def test_focus_moves_as_far_as_asked():
    for running, rms in ((1.0, 1.5), (0.0, 0.9)):
        away = np.concatenate([
            axial.axial(seed, 1.5, running, 5.0, Clock(20.0, 0.05, 64 * 40 * k)).values_um
            for seed in range(40) for k in range(8)
        ])  # fmt: skip
        assert math.sqrt((away**2).mean()) == pytest.approx(rms, rel=0.08)
        assert np.abs(away).max() < axial.bound_um(Motion(axial_um=1.5)) < 5.3


def test_the_weights_are_lagranges():
    np.testing.assert_allclose(axial.weights(np.array([0.0, 5.0, -5.0]), 5.0), np.eye(3), atol=1e-15)
    shifts = np.linspace(-5, 5, 11)
    nodes = np.array([0.0, 5.0, -5.0])
    for power in range(3):
        np.testing.assert_allclose(axial.weights(shifts, 5.0) @ nodes**power, shifts**power, atol=1e-12)


def test_a_frame_is_the_one_that_the_shifted_focus_gives():
    """Against a recording whose focus rests where this one's passes through."""
    rec = ms.simulate(scene()).only("out_of_focus", "blur", "dimming", "motion")
    shift = rec.truth.focus_um - rec.experiment.focus_um
    assert np.abs(shift).max() > 2.5
    still = rec.without("motion")
    for frame in (shift.argmin(), shift.argmax(), np.abs(shift - 1).argmin()):
        there = still.experiment.with_(focus_um=float(rec.truth.focus_um[frame]))
        exact, resting = (r.expected[frame] for r in (ms.simulate(there), still))
        error = np.abs(rec.expected[frame] - exact).max() / exact.max()
        assert error < 0.004
        assert np.abs(resting - exact).max() / exact.max() > 5 * error


def test_a_cell_keeps_its_light_and_its_place():
    rec = ms.simulate(scene(cells={"positions_um": (CELLS[1],)})).only("blur", "motion")
    still = rec.without("motion")
    moved, rest = (r.expected[...].astype(float) for r in (rec, still))
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), rest.sum(axis=(1, 2)), rtol=1e-3)
    rows, columns = np.indices(rest.shape[1:])
    for place in (rows, columns):
        centre = [(movie * place).sum(axis=(1, 2)) / movie.sum(axis=(1, 2)) for movie in (moved, rest)]
        np.testing.assert_allclose(*centre, atol=0.02)
    assert not rec.truth.motion_um.any()


def test_cells_in_focus_dim_at_their_peak_when_focus_leaves_them():
    rec = ms.simulate(scene(cells={"positions_um": ((90.0, 0.0, 0.0),)})).only("blur", "motion")
    light = rec.expected[...] / rec.expected[...].sum(axis=(1, 2), keepdims=True)
    peak, away = light.max(axis=(1, 2)), np.abs(rec.truth.focus_um - 90)
    assert np.corrcoef(peak, away**2)[0, 1] < -0.95


def test_without_axial_motion_nothing_is_drawn_twice():
    off, on = Scene(scene(motion={"axial_um": 0.0})), Scene(scene())
    assert len(off.cell_arrays.level) == len(off.places)
    assert len(on.cell_arrays.level) == 3 * len(on.places)
    assert off.cell_arrays.values is off.images.values
    np.testing.assert_array_equal(ms.simulate(off.experiment).truth.focus_um, 90)
    np.testing.assert_array_equal(ms.simulate(on.experiment).without("motion").truth.focus_um, 90)


def test_a_slider_of_axial_motion_draws_the_images_once():
    distances = {axial.distance_um(Motion(axial_um=a)) for a in (0.1, 0.5, 1.0, 1.5)}
    assert len(distances) == 1
    assert axial.distance_um(Motion(axial_um=1.5, looseness=2.5)) >= axial.bound_um(
        Motion(axial_um=1.5, looseness=2.5)
    )
    assert axial.distance_um(Motion(axial_um=1.5, looseness=0.0)) == 0
