"""Page 5, motion: claims C14 to C18 and C30, on what the engine renders and on its truth."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage.registration import phase_cross_correlation

import minisim_core as ms
from lone_cells import BEYOND_CELLS, CLEAR, FloatArray, lone_cells, spread_um2, width_um
from minisim_core.inverse.registration import Registration, register, residual

STILL = {"heart_um": 0, "breathing_um": 0, "stride_um": 0, "drift_um": 0}
RUNNING = {"running_fraction": 1}
RHYTHMS_HZ = {"heart": 10.5, "breathing": 3.0, "stride": 7.0}
SELDOM: dict[str, Any] = {"frame_rate_hz": 1, "sensor": {"exposure_fraction": 0.01}}


def reaching(extent_um: float, experiment: ms.Experiment) -> ms.Experiment:
    """The experiment with a headbar so loose that the brain moves so far from its mean place."""
    path = ms.simulate(experiment).truth.motion_um
    looseness = extent_um / float(np.abs(path - path.mean(axis=0)).max())
    return experiment.with_(motion={"looseness": looseness * experiment.motion.looseness})


def spectrum(course: FloatArray, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Frequencies and power of a path, summed over both axes; the power adds up to its variance."""
    course = course - course.mean(axis=0)
    power = (np.abs(np.fft.rfft(course, axis=0)) ** 2).sum(axis=1) * 2 / len(course) ** 2
    return np.fft.rfftfreq(len(course), 1 / rate_hz), power


def amplitude(power: FloatArray) -> float:
    """Zero-to-peak amplitude of a rhythm along an ellipse four times as long as wide."""
    return math.sqrt(2 * power.sum() / (1 + 1 / 16))


# -- C14: heart, breath, stride and drift ---------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_c14_the_path_has_a_line_for_heart_breath_and_stride(seed):
    asked = {"heart_um": 1.0, "breathing_um": 1.0, "stride_um": 3.0, "drift_um": 0, "running_fraction": 1}
    truth = ms.simulate(ms.presets.get("guide", seed=seed, duration_s=60, motion=asked)).truth
    rate = 1 / (truth.motion_path_time_s[1] - truth.motion_path_time_s[0])
    assert rate >= 300
    frequency, power = spectrum(truth.motion_path_um, rate)
    for name, line in RHYTHMS_HZ.items():
        near = np.abs(frequency - line) < 1.4
        assert amplitude(power[near]) == pytest.approx(asked[f"{name}_um"], rel=0.1)
        assert frequency[near][np.argmax(power[near])] == pytest.approx(line, abs=0.4)


def test_c14_strides_come_only_while_the_animal_runs():
    striding = ms.presets.get("guide", motion=STILL | {"stride_um": 3.0})
    resting = ms.simulate(striding.with_(motion={"running_fraction": 0})).truth
    assert np.abs(resting.motion_path_um).max() == 0


def test_c14_drift_has_its_sd_over_ten_minutes():
    slow = {"duration_s": 600, "motion": STILL | {"drift_um": 3.0}} | SELDOM
    experiments = [ms.presets.get("guide", seed=seed, **slow) for seed in range(16)]
    variances = [ms.simulate(e).truth.motion_um.var(axis=0) for e in experiments]
    assert math.sqrt(np.mean(variances)) == pytest.approx(3.0, rel=0.2)


def test_c14_the_guide_moves_by_about_ten_um():
    reach = []
    for seed in range(10):
        experiment = ms.presets.get("guide", seed=seed, duration_s=300, **SELDOM)
        reach.append(np.linalg.norm(ms.simulate(experiment).truth.motion_um, axis=1))
    assert 7 < np.percentile(np.concatenate(reach), 99) < 13


# -- C15: the time average ------------------------------------------------------------------------

PLACES_UM = [(90.0, -60.0, -60.0), (90.0, 60.0, 60.0), (60.0, -60.0, 60.0), (130.0, 60.0, -60.0)]


def mean_images(
    place_um: tuple[float, float, float], **changes: Any
) -> tuple[FloatArray, FloatArray, ms.Recording]:
    """A cell's time average, still and moving, and the recording that moves."""
    off = [name for name in BEYOND_CELLS if name != "motion"]
    moving = ms.simulate(reaching(10, lone_cells(place_um, field_um=300, duration_s=10, off=off, **changes)))
    still = moving.without("motion").expected[0].astype(float)
    return still, moving.expected[...].mean(axis=0, dtype=float), moving


@pytest.mark.parametrize("place_um", PLACES_UM)
def test_c15_the_time_average_is_wider_by_the_variance_of_the_path(place_um):
    still, moving, recording = mean_images(place_um, tissue=CLEAR)
    widened = spread_um2(moving, recording.pixel_um) - spread_um2(still, recording.pixel_um)
    np.testing.assert_allclose(widened, recording.truth.motion_path_um.var(axis=0), rtol=0.05)
    assert moving.sum() == pytest.approx(still.sum(), rel=1e-3)


@pytest.mark.parametrize("place_um", PLACES_UM)
def test_c15_in_the_guides_tissue_every_cell_is_smeared(place_um):
    still, moving, recording = mean_images(place_um)
    in_focus = place_um[0] == recording.experiment.focus_um
    assert moving.max() < (0.8 if in_focus else 0.95) * still.max()
    assert width_um(moving, recording.pixel_um) > 1.02 * width_um(still, recording.pixel_um)


# -- C16: registration ----------------------------------------------------------------------------


def rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def plainly_registered(movie: FloatArray) -> FloatArray:
    """Where scikit-image finds each frame, band-passed, in the first one, (T, 2) pixels."""
    floats = movie.astype(float)
    passed = [ndimage.gaussian_filter(f, 1.5) - ndimage.gaussian_filter(f, 6) for f in floats]
    first = np.zeros_like(passed[0])
    first[20:-20, 20:-20] = passed[0][20:-20, 20:-20]
    found = [phase_cross_correlation(first, f, upsample_factor=20, normalization=None)[0] for f in passed]
    return -np.array(found)


def loose(seed: int, **changes: Any) -> ms.Recording:
    """A quarter of a millimetre of the guide for five seconds, the headbar half as loose again."""
    about = {"field_um": 250, "duration_s": 5, "motion": {"looseness": 1.5}} | changes
    return ms.simulate(ms.presets.get("guide", seed=seed, **about))


def error_px(recording: ms.Recording, **options: Any) -> float:
    found = register(recording.frames[...], **options)
    assert found.reliable.all()
    return rms(residual(found.shifts_px, recording.truth.motion_um / recording.pixel_um))


def test_c16_registration_finds_the_shifts_of_ten_recordings():
    recordings = [loose(seed) for seed in range(10)]
    moved = [r.truth.motion_um / r.pixel_um for r in recordings]
    errors = [error_px(recording) for recording in recordings]
    print("rms error in px:", np.round(errors, 3))
    assert max(errors) < 0.13 and np.median(errors) < 0.1
    assert np.median([rms(path - path.mean(axis=0)) for path in moved]) > 10 * np.median(errors)


def test_c16_what_stands_still_in_the_picture_misleads_registration_without_a_band_pass():
    about = {"field_um": 300, "duration_s": 4, "motion": {"looseness": 1.5}}
    cortex = [ms.simulate(ms.presets.get("v4-cortex", seed=seed, **about)) for seed in range(3)]
    ratio = [error_px(movie, bandpass_px=None) / error_px(movie) for movie in cortex]
    print("error without over with band-pass:", np.round(ratio, 1))
    assert min(ratio) > 2


def test_c16_scikit_image_alone_finds_the_same():
    recording = loose(1)
    truth_px = recording.truth.motion_um / recording.pixel_um
    movie = recording.frames[...]
    plain = plainly_registered(movie)
    assert rms(residual(plain, truth_px)) < 0.25
    assert rms(residual(plain, register(movie).shifts_px)) < 0.25
    assert rms(truth_px - truth_px.mean(axis=0)) > 0.5


def test_c16_registration_undoes_the_shifts():
    # resting cells alone, so that all that changes in a pixel is motion
    moving = loose(1, activity={"rate_hz": 0})
    found = register(moving.frames[...])
    inside = found.seen
    light = moving.only("out_of_focus", "blur", "dimming", "motion").expected[...]
    before, after = light[:, *inside].std(axis=0), found.apply(light)[:, *inside].std(axis=0)
    assert np.median(after) < 0.35 * np.median(before)


# -- C17: frame rate ------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_hz", "line_hz"), [(5.0, 2.0), (10.0, 3.0), (20.0, 7.0), (30.0, 7.0)])
def test_c17_a_stride_appears_at_its_alias_weakened_by_the_exposure(rate_hz, line_hz):
    striding = STILL | {"stride_um": 3.0, "running_fraction": 1}
    truth = ms.simulate(ms.presets.get("guide", frame_rate_hz=rate_hz, duration_s=120, motion=striding)).truth
    frequency, power = spectrum(truth.motion_um, rate_hz)
    assert (frequency * power).sum() / power.sum() == pytest.approx(line_hz, abs=0.35)
    expected = 3.0 * abs(np.sinc(7 / rate_hz))
    assert amplitude(power) == pytest.approx(expected, abs=0.12)


# -- C18: exposure --------------------------------------------------------------------------------


def after_perfect_registration(seed: int, exposure_fraction: float) -> tuple[float, float]:
    """Rms of what registration by the truth leaves, in sd of the still picture; and light per frame."""
    experiment = ms.presets.get(
        "guide", seed=seed, field_um=150, duration_s=3, activity={"rate_hz": 0},
        motion=RUNNING, sensor={"exposure_fraction": exposure_fraction},
        off=("neuropil", "vessels", "illumination", "vignetting", "stray_light", "noise"),
    )  # fmt: skip
    moving = ms.simulate(experiment)
    still = moving.without("motion").expected[0] / experiment.exposure_s
    path = moving.truth.motion_um / moving.pixel_um
    known = Registration(
        path, still, np.ones(len(path)), 0.0, np.ones(len(path), dtype=bool), 20.0, moving.pixel_um
    )
    light = moving.expected[...]
    left = (known.apply(light) / experiment.exposure_s - still)[:, *known.seen][:, 2:-2, 2:-2]
    return rms(left) / float(still.std()), float(light.mean())


def test_c18_what_registration_leaves_grows_with_the_exposure_and_so_does_the_light():
    exposures = (0.01, 0.25, 0.5, 0.75, 1.0)
    left, light = np.array(
        [[after_perfect_registration(seed, share) for share in exposures] for seed in range(10)]
    ).transpose(2, 0, 1)
    blur = np.sqrt(left[:, 1:] ** 2 - left[:, :1] ** 2)  # less what interpolation leaves at any exposure
    print("residual over the floor:", np.round(np.median(blur, axis=0), 4))
    assert (np.diff(blur, axis=1) > 0).all()
    assert (blur[:, -1] > 5 * blur[:, 0]).all()
    assert np.median(blur[:, -1]) > 0.02
    np.testing.assert_allclose(light / light[:, -1:], np.tile(exposures, (10, 1)), rtol=0.01)


# -- C30: the main owner of a pixel ---------------------------------------------------------------


def edge_pixels(recording: ms.Recording, count: int) -> list[tuple[int, int]]:
    """Pixels at the rim of where cells near focus are brighter than half their peak."""
    edges = set()
    for cell in np.flatnonzero(recording.truth.near_focus & recording.truth.in_field):
        y0, x0, patch = recording.truth.footprints[int(cell)]
        bright = np.pad(patch >= patch.max() / 2, 1)
        y, x = np.nonzero(bright & ~ndimage.binary_erosion(bright))
        edges |= {(y0 + j - 1, x0 + i - 1) for j, i in zip(y.tolist(), x.tolist(), strict=True)}
    ordered = sorted(edges)
    return [ordered[i] for i in np.linspace(0, len(ordered) - 1, count).astype(int)]


def main_owners(recording: ms.Recording, pixel: tuple[int, int], frames: slice) -> list[str]:
    """The cell that sends a pixel most light, in each frame."""
    parts = recording.explain(pixel, frames=frames, cells=None)
    cells = [name for name in parts if name.startswith("cell:")]
    return [cells[i] for i in np.argmax([parts[name] for name in cells], axis=0)]


def test_c30_a_pixel_at_a_cells_edge_does_not_stay_on_the_same_cell():
    changed = []
    for seed in range(10):
        experiment = ms.presets.get("guide", seed=seed, field_um=120, duration_s=10, activity={"rate_hz": 0})
        moving = ms.simulate(reaching(10, experiment))
        still = moving.without("motion")
        for number, pixel in enumerate(edge_pixels(moving, 16)):
            owners = main_owners(moving, pixel, slice(None, None, 5))
            usual = max(owners.count(name) for name in owners)
            changed.append(1 - usual / len(owners))
            if number < 4:
                assert len(set(main_owners(still, pixel, slice(None, None, 60)))) == 1
    print(f"share of frames with another main owner than usual: {np.mean(changed):.3f}")
    assert np.mean(changed) >= 0.20
    assert np.mean(np.array(changed) > 0) > 0.5
