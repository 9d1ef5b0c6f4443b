"""Page 3, background: claims C08 to C10, on what the engine renders."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import minisim_core as ms

HAZE_UM = 15.0  # what is smoother than this low-pass, haze can imitate
BLOOD_PER_MM = {470: 12.8, 525: 13.6}  # tabulated for 120 g/L of haemoglobin, 80 % with oxygen
MINUTE = {"duration_s": 60, "frame_rate_hz": 30, "off": ("motion", "noise")}


# -- C08 --------------------------------------------------------------------------------------


def fine_share(picture, pixel_um):
    """What is finer than haze in a picture, rms over the picture's mean."""
    fine = (picture - gaussian_filter(picture, HAZE_UM / pixel_um))[30:-30, 30:-30]
    return fine.std() / picture.mean()


@pytest.mark.parametrize("seed", range(3))
def test_c08_neuropil_is_a_haze(seed):
    """The neuropil's light is smooth where that of the cells is not."""
    off = ("vessels", "motion", "illumination", "vignetting", "stray_light", "noise")
    recording = ms.simulate(ms.presets.get("guide", seed=seed, duration_s=0.05, off=off))
    cells = recording.without("neuropil").expected[0].astype(float)
    haze = recording.expected[0] - cells
    assert haze.min() > 0.85 * haze.mean()
    assert haze.std() > 0.02 * haze.mean(), "it is not flat"
    assert fine_share(haze, recording.pixel_um) < 0.01
    assert fine_share(cells, recording.pixel_um) > 0.15


def follows_the_population(seed, drive_sd):
    """Correlation of the haze at a place with the mean ΔF/F of the cells in the field, over 5 min."""
    experiment = ms.presets.get(
        "guide", seed=seed, duration_s=300, frame_rate_hz=1, activity={"drive_sd": drive_sd}
    )
    recording = ms.simulate(experiment).without("motion", "vessels")
    truth = recording.truth
    population = truth.fluorescence[:][truth.in_field].mean(axis=0)
    haze = recording.explain((132, 132), cells=0)["neuropil"]
    assert 0.01 < haze.std() / haze.mean() < 0.1, "it shifts"
    return np.corrcoef(haze, population)[0, 1]


def test_c08_the_haze_shifts_with_the_activity_around():
    """It follows the population's ΔF/F, because a slow drive moves all of it together."""
    driven = [follows_the_population(seed, 0.5) for seed in range(3)]
    assert min(driven) >= 0.5
    undriven = [follows_the_population(seed, 0.0) for seed in range(2)]
    assert max(undriven) < 0.35, "every cell for itself averages out"


# -- C09 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius_um", [5, 10, 20])
def test_c09_blood_takes_its_share_by_beer_and_lambert(radius_um):
    """Through the middle of a vessel light passes e^(-μ·2r) of: blue going in, green coming out."""
    truth = ms.simulate(ms.presets.get("guide-wide", vessels={"count": 1, "radius_um": radius_um})).truth
    for passed, wavelength in ((truth.vessel_transmission_ex, 470), (truth.vessel_transmission_em, 525)):
        thickest = math.exp(-BLOOD_PER_MM[wavelength] * 2 * radius_um / 1000)
        assert passed.min() == pytest.approx(thickest, rel=0.01)
        assert (passed[~truth.vessel_mask] == 1).all()


@pytest.mark.parametrize("seed", range(6))
def test_c09_vessels_are_dark_lines_in_the_frame(seed):
    """Light fills in under a vessel: what is left of its shadow in a frame is 10 to 35 %."""
    experiment = ms.presets.get("guide", seed=seed, duration_s=0.05, off=("motion", "noise"))
    seen, bare = ms.simulate(experiment), ms.simulate(experiment).without("vessels")
    contrast = 1 - seen.expected[0] / bare.expected[0]
    shadow = np.percentile(contrast[seen.truth.vessel_mask], 90)
    assert 0.10 < shadow < 0.35
    both_passes = seen.truth.vessel_transmission_ex * seen.truth.vessel_transmission_em
    assert shadow < 1 - both_passes.min(), "softer than the vessel itself"


# -- C10 --------------------------------------------------------------------------------------


def spectrum(course, rate_hz=30):
    """Frequencies, and the power of a course about its mean."""
    power = np.abs(np.fft.rfft((course / course.mean() - 1) * np.hanning(len(course)))) ** 2
    return np.fft.rfftfreq(len(course), 1 / rate_hz)[1:], power[1:]


@pytest.fixture(scope="module")
def pulses():
    """Spectra of a minute under the most blood: of the light, and of its share that blood lets pass."""
    found = []
    for seed in range(3):
        recording = ms.simulate(ms.presets.get("guide", seed=seed, field_um=150, **MINUTE))
        blood = recording.truth.vessel_transmission_em
        row, column = np.unravel_index(blood.argmin(), blood.shape)
        pixel = (slice(None), slice(row, row + 1), slice(column, column + 1))
        light, bare = (r.expected[pixel].ravel() for r in (recording, recording.without("vessels")))
        found.append((spectrum(light), spectrum(light / bare)))
    return found


def test_c10_vessels_breathe_at_a_tenth_of_a_hertz(pulses):
    """Vasomotion: most of a vessel's own change lies in a band about 0.1 Hz."""
    shares = []
    for _, (frequency, power) in pulses:
        shares.append(power[(frequency > 0.05) & (frequency < 0.15)].sum() / power.sum())
    assert np.median(shares) > 0.6
    together = sum(power / power.sum() for _, (_, power) in pulses)
    frequency = pulses[0][0][0]
    assert frequency[together.argmax()] == pytest.approx(0.1, abs=0.025)


def test_c10_a_vessel_pixel_shows_the_heart(pulses):
    """In the recorded light of a vessel pixel the heart is a line that towers over what is beside it."""
    for (frequency, power), _ in pulses:
        near = np.abs(frequency - 10.5) < 1.5
        line = np.abs(frequency - 10.5) < 0.3
        assert frequency[near][power[near].argmax()] == pytest.approx(10.5, abs=0.1)
        assert power[line].max() > 50 * power[near & ~line].max()


@pytest.mark.parametrize("seed", range(3))
def test_c10_most_of_what_changes_is_background(seed):
    """Of all pixels' variance 80 to 97 % is background: all light but that of the cells in focus."""
    recording = ms.simulate(ms.presets.get("guide", seed=seed, **MINUTE))
    cells_alone = recording.without("out_of_focus", "neuropil", "stray_light")
    sample = slice(None, None, 6)
    total, cells = (r.expected[sample] - r.expected[sample].mean(axis=0) for r in (recording, cells_alone))
    background = total - cells
    assert 0.80 < np.vdot(background, total) / np.vdot(total, total) < 0.97
