"""Which cells a perfect analysis could find: how far each one's light stands out of the noise.

The signal-to-noise ratio of a cell, in one frame, is that of the matched filter, which weighs every
pixel by its signal over the variance of its noise (Turin 1960, IRE Trans. Inf. Theory 6:311):

    SNR² = Σ over pixels of signal² / variance.

The signal is what the cell sends above rest, on average over its brightest frames, by its footprint,
less what haze can imitate: the footprint's low-pass. The variance is that of shot noise at the mean
expected light, of read noise and of quantisation. Derived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import render
from .activity import Firing
from .bleaching import Fading, bleached
from .cells import Places
from .clock import FRAMES_PER_BLOCK, Clock
from .footprints import FLOOR, boxes
from .kernels import footprints as kernels
from .memory import Result, stage
from .scene import Scene

FloatArray = NDArray[np.floating]

DETECTABLE_SNR = 5.0
"""One-frame signal-to-noise ratio from which a cell counts as detectable: Rose's criterion (1948,
J. Opt. Soc. Am. 38:196)."""

_HAZE_UM = 15.0  # sd of the low-pass: what is smoother, haze can imitate
_AROUND = 2.0  # how far around a footprint its low-pass is looked at, in sd
_BRIGHT_SHARE = 0.05  # a cell is judged by its brightest frames
_BLOCKS = 32  # of frames that are looked at for them
_FRAMES = 16  # whose mean light makes the noise


@dataclass(frozen=True, eq=False)
class Level(Result):
    """Mean F/F_rest of each cell in its brightest frames."""

    values: FloatArray  # (N,)


@stage
def bright_level(
    seed: int,
    places: Places,
    indicator: str,
    firing: Firing,
    fading: Fading,
    frame_rate_hz: float,
    exposure_s: float,
    frame_count: int,
) -> Level:
    """Average every cell's light over the brightest of up to 2048 frames of a recording."""
    blocks = np.unique(np.linspace(0, (frame_count - 1) // FRAMES_PER_BLOCK, _BLOCKS).astype(int))
    firsts = (blocks * FRAMES_PER_BLOCK).tolist()
    clocks = [Clock(frame_rate_hz, exposure_s, first) for first in firsts]
    light = np.concatenate(
        [
            bleached(seed, places, indicator, firing, fading, clock)[:, : frame_count - clock.first_frame]
            for clock in clocks
        ],
        axis=1,
    )
    count = max(1, round(_BRIGHT_SHARE * light.shape[1]))
    brightest = np.partition(light, light.shape[1] - count, axis=1)[:, -count:]
    return Level(brightest.mean(axis=1, dtype=float))


def noise_variance(scene: Scene) -> FloatArray:
    """Variance of one frame's pixels in e², at the mean expected light, (H, W)."""
    e = scene.experiment
    some = np.unique(np.linspace(0, e.frame_count - 1, _FRAMES).astype(int))
    dark_e, read_noise_e, *_ = scene.camera
    quantum_e = scene.converter.e_per_count
    return render.mean_expected(scene, some).astype(float) + dark_e + read_noise_e**2 + quantum_e**2 / 12


def snr(scene: Scene) -> FloatArray:
    """One-frame signal-to-noise ratio of each cell, (N,)."""
    e, canvas, m = scene.experiment, scene.canvas, scene.canvas.margin_px
    level = bright_level(
        e.seed, scene.places, e.activity.indicator, e.activity.firing, scene.fading, e.frame_rate_hz,
        e.exposure_s, e.frame_count,
    ).values  # fmt: skip
    resting_light, _ = scene.amplitudes
    shadow = scene.shadow.on_pixels(canvas)[m : m + canvas.height_px, m : m + canvas.width_px]
    precision = (1 / noise_variance(scene)).astype(np.float32)
    sigma_px = _HAZE_UM / canvas.pixel_um
    out = np.empty(len(scene.places))
    kernels.signal_to_noise(
        out, resting_light * (level - 1), boxes(canvas, scene.images), scene.images.arrays, scene.grid, m,
        scene.shade.map * shadow, precision, FLOOR, sigma_px, int(_AROUND * sigma_px),
    )  # fmt: skip
    return out
