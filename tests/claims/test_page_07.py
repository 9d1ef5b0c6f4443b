"""Page 7, the sensor: claims C22 to C24, on what the engine renders."""

import numpy as np
import pytest

import minisim_core as ms

STEADY = {
    "off": ("motion",),
    "activity": {"rate_hz": 0},
    "neuropil": {"fluctuation": 0},
    "vessels": {"vasomotion": 0, "heart": 0, "running_dilation": 0},
}
"""A scene whose light stays as it is, so that all that changes is noise."""

GAINS = (1, 2, 3.5)
LARGEST = {8: 255, 10: 1023, 12: 4095}


def steady(**changes):
    """The guide's scene on 120 µm, standing still."""
    return ms.presets.get("guide", field_um=120, **({"duration_s": 2} | STEADY)).with_(**changes)


def grain(frames):
    """Variance of the pixels from frame to frame: half that of differences, so no pattern counts."""
    return (np.diff(frames.astype(float), axis=0) ** 2).mean() / 2


def counts_per_e(sensor):
    """Counts for one photoelectron: the full well, over the gain, fills the converter."""
    return 2**sensor.bit_depth / sensor.full_well_e * sensor.gain


# -- C22 --------------------------------------------------------------------------------------


def test_c22_stray_light_adds_a_faint_glow():
    """It is added to every pixel and frame alike, a few per cent of the light, and scales with the LED."""
    recording = ms.simulate(ms.presets.get("guide", duration_s=1))
    glow = recording.truth.stray_light_e
    added = recording.expected[::7].astype(float) - recording.without("stray_light").expected[::7]
    np.testing.assert_allclose(added, np.broadcast_to(glow, added.shape), atol=2e-3)
    assert 0.015 < glow.mean() / recording.expected[0].mean() < 0.05
    twice = ms.simulate(recording.experiment.with_(illumination={"led_mw": 0.8})).truth.stray_light_e
    np.testing.assert_allclose(twice, 2 * glow, rtol=1e-5)


def test_c22_stray_light_does_not_bleach():
    """After minutes of bleaching light the tissue has faded; the glow is what it was."""
    experiment = steady(duration_s=300, frame_rate_hz=1, activity={"bleaching_per_million_photons": 100})
    recording = ms.simulate(experiment)
    tissue = recording.without("stray_light").expected[[0, 299]].astype(float)
    glow = (recording.expected[[0, 299]] - tissue).mean(axis=(1, 2))
    assert tissue[1].mean() < 0.97 * tissue[0].mean()
    assert glow[1] == pytest.approx(glow[0], rel=1e-5)


def test_c22_stray_light_carries_shot_noise():
    """Its mean could be subtracted; the variance it brings, a count per electron, could not."""
    experiment = steady(
        sensor={"bit_depth": 12, "gain_pattern": 0}, illumination={"stray_light_e_per_mw_s": 2e4}
    )
    recording = ms.simulate(experiment)
    scale = counts_per_e(experiment.sensor)
    with_glow, without = (
        grain(r.frames[:]) / scale**2 for r in (recording, recording.without("stray_light"))
    )
    assert with_glow - without == pytest.approx(recording.truth.stray_light_e.mean(), rel=0.05)


# -- C23 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gain", "bits"), [(1, 8), (2, 8), (3.5, 8), (2, 10), (2, 12)])
def test_c23_the_slope_of_photon_transfer_is_the_gain(gain, bits):
    """Every pixel carries grain: its variance grows with its mean, by the counts one electron makes."""
    means, variances = [], []
    for led_mw in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        experiment = steady(sensor={"gain": gain, "bit_depth": bits}, illumination={"led_mw": led_mw})
        frames = ms.simulate(experiment).frames[:]
        means.append(frames.mean())
        variances.append(grain(frames))
    slope, _ = np.polyfit(means, variances, 1, w=1 / np.array(variances))
    assert slope == pytest.approx(counts_per_e(experiment.sensor), rel=0.02)


def test_c23_bright_cells_stand_out_and_faint_ones_drown():
    """One cell at rest: in focus its pixels rise above the grain, 70 µm deeper they lie far below it."""
    peaks = {}
    for depth in (90, 160):
        recording = ms.simulate(steady(cells={"positions_um": ((depth, 0, 0),), "brightness_sd": 0}))
        bare = ms.simulate(recording.experiment.with_(cells={"positions_um": ()}))
        noise = np.sqrt(grain(recording.frames[:])) / counts_per_e(recording.experiment.sensor)
        peaks[depth] = (recording.expected[0] - bare.expected[0]).max() / noise
    assert peaks[90] > 1.5
    assert peaks[160] < 0.2


# -- C24 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", LARGEST)
def test_c24_in_the_dark_the_camera_answers_its_black_level(bits):
    """No light is not zero: the black level, in 10-bit counts; dropping two bits costs 3/8 of a count."""
    for black in (10, 40):
        sensor = {"bit_depth": bits, "black_level": black, "gain": 3.5, "dark_current_e_per_s": 0}
        dark = ms.simulate(steady(illumination={"led_mw": 0}, sensor=sensor)).frames[:]
        expected = black * 2.0 ** (bits - 10) - (0.375 if bits == 8 else 0)
        assert dark.mean() == pytest.approx(expected, abs=0.02 * 2 ** (bits - 8))


@pytest.mark.parametrize("bits", LARGEST)
@pytest.mark.parametrize("gain", GAINS)
def test_c24_counts_are_light_times_gain_over_the_full_well(gain, bits):
    """Above the black level counts follow from electrons: × gain × levels / full well."""
    changes = {"sensor": {"gain": gain, "bit_depth": bits, "dark_current_e_per_s": 0}}
    lit = ms.simulate(steady(**changes))
    dark = ms.simulate(steady(**changes, illumination={"led_mw": 0}))
    counts = lit.frames[:].mean(axis=0) - dark.frames[:].mean(axis=0)
    e = lit.expected[0].astype(float).mean()
    assert counts.mean() / e == pytest.approx(counts_per_e(lit.experiment.sensor), rel=0.01)


@pytest.mark.parametrize("bits", LARGEST)
def test_c24_a_saturated_pixel_is_exactly_full_scale(bits):
    """Too much light is full scale in every frame: no noise is left, and no sign of how much it was."""
    sensor = {"bit_depth": bits, "gain": 2}
    for led_mw in (5, 10):
        frames = ms.simulate(steady(sensor=sensor, illumination={"led_mw": led_mw})).frames[:5]
        assert frames.dtype == (np.uint8 if bits == 8 else np.uint16)
        assert (frames == LARGEST[bits]).all()


def test_c24_the_full_well_sets_how_much_light_is_too_much():
    """At gain 1 the converter just spans the well: a well twice as deep takes twice the light."""
    levels = []
    for full_well in (1000, 2000):
        sensor = {"bit_depth": 12, "gain": 1, "full_well_e": full_well, "read_noise_e": 0}
        frames = ms.simulate(steady(sensor=sensor)).frames[:5]
        levels.append((frames == LARGEST[12]).mean())
    light = ms.simulate(steady()).expected[0]
    assert light.min() > 1000 / 1.1 and light.max() < 2000
    assert levels[0] > 0.2 and levels[1] == 0
