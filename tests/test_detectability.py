"""Which cells stand out of the noise: against a plain route over whole pictures, and on known cases."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

import minisim_core as ms
from minisim_core import detectability, memory, render
from minisim_core.images import picture
from minisim_core.scene import Scene

Small = Callable[..., ms.Experiment]


def plain_snr(experiment: ms.Experiment) -> NDArray[Any]:
    """Signal over noise of every cell, each drawn on the whole canvas, with the mean of rendered frames."""
    scene, truth = Scene(experiment), ms.simulate(experiment).truth
    canvas, images, m = scene.canvas, scene.images, scene.canvas.margin_px
    height, width = canvas.height_px, canvas.width_px
    light = np.sort(truth.fluorescence[...], axis=1)
    brightest = light[:, -max(1, round(0.05 * light.shape[1])) :].mean(axis=1)
    gain = scene.amplitudes[0] * (brightest - 1)
    some = np.unique(np.linspace(0, experiment.frame_count - 1, 16).astype(int))
    frames = np.empty((len(some), height, width), dtype=np.float32)
    render.expected(scene, some, frames)
    s = experiment.sensor
    dark_e, quantum_e = s.dark_current_e_per_s * experiment.exposure_s, scene.converter.e_per_count
    variance = frames.mean(axis=0) + dark_e + s.read_noise_e**2 + quantum_e**2 / 12
    shade = scene.shade.map * scene.shadow.on_pixels(canvas)[m : m + height, m : m + width]
    sigma = 15 / canvas.pixel_um
    snr = np.zeros(len(gain))
    for n in np.flatnonzero(gain > 0):
        alone = np.where(np.arange(len(gain)) == n, 1.0, 0.0)
        seen = picture(canvas, images, alone, np.zeros(len(gain)))[m : m + height, m : m + width]
        y, x = np.nonzero(seen > 1e-3 * seen.max())
        if not len(y):
            continue
        middle_y, middle_x = np.rint(images.center_px[n] - m).astype(int)
        ya, yb = max(y.min(), middle_y - 64), min(y.max() + 1, middle_y + 64)
        xa, xb = max(x.min(), middle_x - 64), min(x.max() + 1, middle_x + 64)
        if yb <= ya or xb <= xa:
            continue
        image = np.zeros_like(seen, dtype=float)
        image[ya:yb, xa:xb] = np.where(seen > 1e-3 * seen.max(), seen, 0)[ya:yb, xa:xb]
        pad = int(2 * sigma)
        window = np.s_[max(ya - pad, 0) : yb + pad, max(xa - pad, 0) : xb + pad]
        signal = (image * shade)[window]
        rest = signal - ndimage.gaussian_filter(signal, sigma)
        snr[n] = gain[n] * np.sqrt((rest**2 / variance[window]).sum())
    return snr


@pytest.mark.parametrize(
    "changes",
    [
        {"field_um": 140},
        {"field_um": 90, "focus_um": 130, "off": ("vessels", "dimming")},
        {"field_um": 90, "off": ("out_of_focus", "motion", "noise")},
    ],
)
def test_snr_is_that_of_whole_pictures(small: Small, changes: dict[str, Any]) -> None:
    experiment = small(duration_s=4, activity={"rate_hz": 0.5}, **changes)
    truth = ms.simulate(experiment).truth
    want = plain_snr(experiment)
    assert want.max() > detectability.DETECTABLE_SNR
    np.testing.assert_allclose(truth.snr, want, rtol=2e-3, atol=1e-3)
    assert np.array_equal(truth.detectable, (truth.snr >= 5) & truth.in_field)


def test_the_mean_frame_is_the_mean_of_the_frames(small: Small) -> None:
    """Nearly: what moves while it brightens makes the difference."""
    scene = Scene(small(duration_s=10, motion={"nonrigid_um": 1.0, "axial_um": 1.0}))
    some = np.array([0, 3, 70, 71, 150])
    frames = np.empty((len(some), scene.canvas.height_px, scene.canvas.width_px), dtype=np.float32)
    render.expected(scene, some, frames)
    mean = frames.mean(axis=0)
    gap = render.mean_expected(scene, some) / mean - 1
    assert abs(gap.mean()) < 2e-3 and gap.std() < 0.01
    np.testing.assert_allclose(render.mean_expected(scene, some[2:3]), frames[2], rtol=1e-5)


def test_a_cell_that_never_fires_is_never_detected(small: Small) -> None:
    truth = ms.simulate(small(activity={"rate_hz": 0, "drive_sd": 0})).truth
    quiet = np.flatnonzero(~truth.spikes[...].any(axis=1) & (truth.fluorescence[...].max(axis=1) <= 1))
    assert len(quiet) and not truth.snr[quiet].any() and not truth.detectable[quiet].any()


def test_refocusing_looks_at_no_activity_again(small: Small) -> None:
    _ = ms.simulate(small()).truth.snr
    before = memory.runs.copy()
    _ = ms.simulate(small(focus_um=97)).truth.snr
    ran = memory.runs - before
    assert "images.cell_images" in ran
    assert not {name for name in ran if name.startswith(("activity.", "detectability.", "cells."))}
