"""Bleaching against fine integration, and as a function of time alone."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import integrate

import minisim_core as ms
from minisim_core import activity, bleaching, memory
from minisim_core.clock import Clock
from minisim_core.scene import Scene

Small = Callable[..., ms.Experiment]
STRONG = {"bleaching_per_million_photons": 1000.0, "bleaching_recovery_s": 60.0}


@pytest.fixture
def faded(small: Small) -> ms.Experiment:
    """A small scene that bleaches within a minute."""
    return small(field_um=60.0, duration_s=150.0, activity=STRONG, motion={"looseness": 0.0})


def left(exp: ms.Experiment, block: int) -> Any:
    scene, a = Scene(exp), exp.activity
    values = (exp.seed, scene.places, a.indicator, a.firing, scene.fading, scene.clock(block))
    return bleaching.shares(*values).values


# -- what it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("indicator", ["GCaMP6f", "jGCaMP8f"])
def test_bleaching_equals_fine_integration(faded: ms.Experiment, indicator: str) -> None:
    """dB/dt = -loss f B + (1 - B)/recovery, in steps of 5 ms with every spike's own response.

    The bound is for the busiest cells and a loss 25 times as fast as in real recordings; it goes with
    the loss.
    """
    exp = faded.with_(activity={"indicator": indicator})
    scene, seconds, step = Scene(exp), 40.0, 0.005
    found = scene.spikes(-activity.memory_s(indicator), seconds)
    times = (np.arange(int(seconds / step)) + 0.5) * step
    z, y, x = scene.places.positions_um.T
    loss = scene.fading.loss_per_s * scene.beam.at(y, x)
    loss *= bleaching.fluence(z, scene.medium.transport())
    assert 1e-3 < loss.max() < 1e-2
    busiest = np.argsort(-np.diff(found.first))[[0, 1, 5, 40]]
    ours = np.concatenate([left(exp, block) for block in range(12)], axis=1)
    middles = (np.arange(ours.shape[1]) + 0.5) / exp.frame_rate_hz
    for n in busiest:
        train = found.time_s[found.first[n] : found.first[n + 1]]
        light = np.concatenate(
            [1 + activity.spike_response(indicator, train, part) for part in np.split(times, 20)]
        )
        # the exact solution of a linear equation, by the trapezium rule
        gone = np.exp(-np.concatenate([[0], np.cumsum(loss[n] * light + 1 / 60)]) * step)
        inflow = np.concatenate([[0], np.cumsum(step / 60 / gone[1:])])
        exact = np.interp(middles, np.arange(len(gone)) * step, gone * (1 + inflow))
        assert exact.min() < 0.95
        np.testing.assert_allclose(ours[n], exact, rtol=0, atol=6e-3)


def test_a_resting_cell_loses_what_its_photons_cost(small: Small) -> None:
    """Without spikes the course is an exponential, with numbers from the parameters alone."""
    exp = small(
        duration_s=100.0,
        cells={"positions_um": ((0.0, 30.0, -40.0), (150.0, 30.0, -40.0), (0.0, 180.0, -40.0))},
        activity=STRONG | {"rate_hz": 0},
    )
    scene = Scene(exp)
    photons_per_s = scene.electrons_per_molecule / (
        ms.scope.collected_fraction(exp.scope.numerical_aperture, exp.tissue.refractive_index)
        * exp.scope.transmission * exp.sensor.quantum_efficiency * exp.exposure_s
    )  # fmt: skip
    loss = 1e-3 * photons_per_s * exp.cells.bright_fraction_at_rest
    place = np.array([1, float(bleaching.fluence(np.array(150.0), scene.medium.transport())), 0.0])
    place[2] = math.exp(-(150**2) / (2 * exp.illumination.width_um**2))
    times = scene.clock(20).middles_s
    for n, change in enumerate(loss * place + 1 / 60):
        end = 1 / 60 / change
        np.testing.assert_allclose(left(exp, 20)[n], end + (1 - end) * np.exp(-change * times), rtol=1e-5)
    assert np.array_equal(ms.simulate(exp).truth.fluorescence[:, 1280:1344], left(exp, 20))


def test_what_emits_more_bleaches_more(faded: ms.Experiment) -> None:
    at_half_a_minute = 9
    rest = left(faded, at_half_a_minute)[:, 0]
    bright = left(faded.with_(illumination={"led_mw": 0.8}), at_half_a_minute)[:, 0]
    busy = left(faded.with_(activity={"rate_hz": 2.0}), at_half_a_minute)[:, 0]
    lasting = left(faded.with_(activity={"bleaching_recovery_s": 600.0}), at_half_a_minute)[:, 0]
    assert (bright < rest).all() and (lasting < rest).all()
    assert (busy <= rest).all() and (busy < rest).mean() > 0.9
    assert np.array_equal(left(faded.with_(illumination={"led_mw": 0.0}), 9), np.ones((len(rest), 64)))


def test_the_balance_of_loss_and_recovery_is_reached(small: Small) -> None:
    exp = small(
        duration_s=1000.0, cells={"positions_um": ((90.0, 0.0, 0.0),)}, activity=STRONG | {"rate_hz": 0}
    )
    exp = exp.with_(activity={"bleaching_recovery_s": 50.0})
    scene = Scene(exp)
    loss = scene.fading.loss_per_s * scene.beam.at(np.zeros(1), np.zeros(1))
    loss = float(loss[0] * bleaching.fluence(np.array(90.0), scene.medium.transport()))
    assert left(exp, 300)[0, -1] == pytest.approx(1 / (1 + 50 * loss), rel=1e-4)


def test_haze_and_surround_fade_with_the_mean(faded: ms.Experiment) -> None:
    """Both follow the same equation, in the light where they are; cells on average do as well."""
    off = faded.with_(activity={"bleaching_per_million_photons": 0.0})
    ratios = {}
    for number in (0, 9, 40):
        now, never = Scene(faded).block(number), Scene(off).block(number)
        haze = now.haze[0] / never.haze[0]
        np.testing.assert_allclose(now.haze[1:], never.haze[1:] * haze, rtol=1e-12)
        cells = (now.fluorescence.sum(axis=0) / never.fluorescence.sum(axis=0)).mean()
        ratios[number] = (haze.mean(), (now.beyond / never.beyond).mean(), cells)
    assert ratios[0] == pytest.approx((1, 1, 1), abs=0.02)
    for earlier, later in pairwise(ratios.values()):
        assert all(b < a for a, b in zip(earlier, later, strict=True))
    haze, beyond, cells = ratios[40]
    assert haze == pytest.approx(cells, abs=0.08)
    assert beyond == pytest.approx(cells, abs=0.08)


def test_the_mean_share_is_the_mean_of_its_equation() -> None:
    times = np.linspace(0, 300, 7)
    solved = integrate.solve_ivp(
        lambda _, b: -0.01 * b + (1 - b) / 80, (0, 300), [1.0], t_eval=times, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(bleaching.steady_share(0.01, 80.0, times), solved.y[0], rtol=1e-7)


# -- the laws --------------------------------------------------------------------------------


def test_without_bleaching_nothing_is_computed(small: Small, fresh_store: None) -> None:
    rec = ms.simulate(small(duration_s=2))
    frames = rec.frames[:3]
    assert not [name for name in memory.runs if name.startswith("bleaching.")]
    other = ms.simulate(rec.experiment.with_(activity={"bleaching_recovery_s": 100.0}))
    assert np.array_equal(other.frames[:3], frames)


def test_a_bleached_frame_is_a_function_of_its_number(faded: ms.Experiment) -> None:
    rec = ms.simulate(faded)
    some = np.array([0, 639, 640, 641, 1300, 2999])
    whole = {int(k): rec.expected[k] for k in some}
    for k in some[::-1]:
        memory.clear()
        assert np.array_equal(ms.simulate(faded).expected[int(k)], whole[int(k)])
    memory.clear()
    assert np.array_equal(rec.expected[some[[4, 0, 5]]], np.stack([whole[1300], whole[0], whole[2999]]))
    short = ms.simulate(faded.with_(duration_s=40.0))
    assert np.array_equal(short.truth.fluorescence[:, 600:], rec.truth.fluorescence[:, 600:800])


def test_bleaching_does_not_know_the_frame_rate(faded: ms.Experiment) -> None:
    slow, fast = (faded.with_(frame_rate_hz=rate, sensor={"exposure_fraction": 1.0}) for rate in (10, 30))
    a = np.concatenate([left(slow, block) for block in range(4, 8)], axis=1)  # from 25.6 s
    b = np.concatenate([left(fast, block) for block in range(12, 24)], axis=1)
    np.testing.assert_allclose(a, b[:, 1::3], rtol=2e-7)


def test_long_frames_span_many_steps(faded: ms.Experiment) -> None:
    """A block of frames may reach over several chapters."""
    slow = left(faded.with_(frame_rate_hz=0.5, duration_s=300.0), 1)
    quick = np.concatenate([left(faded.with_(duration_s=300.0), block) for block in range(40, 80)], axis=1)
    np.testing.assert_allclose(slow, quick[:, [int(20 * 2 * k) + 20 for k in range(64)]], atol=3e-4)


@pytest.mark.parametrize("switch", ms.LAYERS[1:])
def test_a_switch_leaves_bleaching_alone(faded: ms.Experiment, switch: str) -> None:
    on = ms.simulate(faded)
    off = on.without(switch)
    assert Scene(off.experiment).fading == Scene(on.experiment).fading
    assert np.array_equal(on.truth.fluorescence[:, 700:710], off.truth.fluorescence[:, 700:710])


def test_bleached_light_has_its_owners(faded: ms.Experiment) -> None:
    rec = ms.simulate(faded)
    roi = np.random.default_rng(1).random(rec.shape[1:])
    at = slice(800, 900, 45)
    parts = rec.explain(roi, frames=at, cells=4)
    np.testing.assert_allclose(sum(parts.values()), (rec.expected[at] * roi).sum(axis=(1, 2)), rtol=1e-5)


def test_bleaching_follows_its_parameters_alone(faded: ms.Experiment, fresh_store: None) -> None:
    """Its strength does not run the cells' light again; the light's place and colour bleach anew."""
    ms.simulate(faded).frames[700]

    def ran(**changes: Any) -> set[str]:
        before = memory.runs.copy()
        ms.simulate(faded.with_(**changes)).frames[700]
        return set(memory.runs - before)

    again = {"bleaching.shares", "bleaching.unbleached"}
    assert ran(activity={"bleaching_per_million_photons": 30.0}) == again
    assert ran(activity={"bleaching_recovery_s": 500.0}) == again
    assert ran(illumination={"led_mw": 0.5}) == again
    assert ran(illumination={"wavelength_nm": 480.0}) == again
    assert ran(scope={"transmission": 0.4}) == set()
    assert "bleaching.emission" in ran(activity={"rate_hz": 0.4})


def test_a_seek_of_a_day_walks_there(fresh_store: None) -> None:
    """Neither the depth of the call nor the bytes that are kept grow without bound."""
    exp = ms.presets.get(
        "guide",
        duration_s=86400.0,
        cells={"positions_um": ((90.0, 0.0, 0.0), (50.0, 10.0, 0.0))},
        activity={"bleaching_per_million_photons": 10.0},
    )
    scene, a = Scene(exp), exp.activity
    values = (exp.seed, scene.places, a.indicator, a.firing, scene.fading)
    last = bleaching.shares(*values, Clock(20.0, 0.05, 86399 * 20, 10)).values
    assert ((last > 0.5) & (last < 0.97)).all()
    assert memory.used_bytes() < 16e6
