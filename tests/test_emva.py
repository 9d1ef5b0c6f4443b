"""The camera on flat fields, measured as EMVA 1288 measures cameras: S1 to S8, and its noise."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import minisim_core as ms
from minisim_core import sensor

FloatArray = NDArray[np.floating]
SHAPE = (200, 240)
READ_E, FULL_E, BLACK = 10.0, 10_000.0, 10.0
GAINS = (1.0, 2.0, 3.5)
SETTINGS = [(gain, bits) for gain in GAINS for bits in (8, 10, 12)]
FINE = [*((g, bits) for g, bits in SETTINGS if bits > 8), (2.0, 8), (3.5, 8)]  # read noise >= 0.5 counts
DTYPES = {8: np.uint8, 10: np.uint16, 12: np.uint16}


def even(convert: sensor.Converter) -> sensor.Pattern:
    """A sensor whose pixels are all alike."""
    black = np.full(SHAPE, convert.black_counts, dtype=np.float32)
    return sensor.Pattern(np.ones(SHAPE, dtype=np.float32), black)


def uneven(convert: sensor.Converter, prnu: float = 0.01, dsnu: float = 0.5) -> sensor.Pattern:
    return sensor.pattern(
        0, 3, 7, SHAPE, prnu, dsnu, 0.0, convert.black_counts, convert.counts_per_10_bit
    )  # fmt: skip


def frame(
    light_e: float,
    number: int,
    convert: sensor.Converter,
    pixels: sensor.Pattern | None = None,
    *,
    read_e: float = READ_E,
    full_e: float = FULL_E,
) -> FloatArray:
    """One frame of a flat field."""
    out = np.empty(SHAPE, dtype=DTYPES[(convert.largest + 1).bit_length() - 1 - convert.dropped_bits])
    light = np.full(SHAPE, light_e, dtype=np.float32)
    sensor.expose(out, light, pixels or even(convert), (0, 0), 1, number, 0.0, read_e, full_e, convert)
    return out.astype(float)


def saturation_e(convert: sensor.Converter) -> float:
    """Electrons that fill the converter or the pixel, whichever is full first."""
    return min((convert.largest - convert.black_counts) / convert.counts_per_e, FULL_E)


def black_counts(convert: sensor.Converter) -> float:
    """Mean saved count in the dark: rounding and then dropping two bits costs 3/8 of a count."""
    lost = 0.375 if convert.dropped_bits == 2 else 0
    return convert.black_counts / 2**convert.dropped_bits - lost


def read_variance(convert: sensor.Converter) -> float:
    """Variance in the dark, in saved counts: read noise and rounding."""
    return (READ_E / convert.e_per_count) ** 2 + 1 / 12


@cache
def transfer(gain: float, bits: int, prnu: float = 0.0) -> tuple[sensor.Converter, FloatArray]:
    """Light, mean and temporal variance from 1 e⁻ to 85 % of saturation, (3, levels).

    The variance is half that of the difference of two frames.
    """
    convert = sensor.converter(gain, bits, FULL_E, BLACK)
    pixels = uneven(convert, prnu) if prnu else even(convert)
    top = 0.85 * saturation_e(convert)
    points = []
    for k, light in enumerate((*np.geomspace(1, top / 4, 6), *np.linspace(top / 3, top, 6))):
        a, b = (frame(light, 2 * k + n, convert, pixels) for n in (0, 1))
        points.append((light, (a + b).mean() / 2, (a - b).var() / 2))
    return convert, np.array(points).T


def line(points: FloatArray) -> tuple[float, float]:
    """Slope and intercept of the variance over the mean; variances are known to a percentage."""
    slope, intercept = np.polyfit(points[1], points[2], 1, w=1 / points[2])
    return float(slope), float(intercept)


@pytest.mark.parametrize(("gain", "bits"), SETTINGS)
def test_s1_the_slope_of_photon_transfer_is_the_gain(gain: float, bits: int) -> None:
    convert, points = transfer(gain, bits)
    bright = points[:, points[2] > 0.25]  # below, 8 bits at gain 1 see steps of counts, not noise
    assert bright.shape[1] >= 6
    assert line(bright)[0] == pytest.approx(1 / convert.e_per_count, rel=0.02)


@pytest.mark.parametrize(("gain", "bits"), FINE)
def test_s1_the_intercept_is_read_noise_and_rounding(gain: float, bits: int) -> None:
    convert, points = transfer(gain, bits)
    slope, intercept = line(points)
    in_the_dark = intercept + slope * black_counts(convert)
    assert in_the_dark == pytest.approx(read_variance(convert), rel=0.03, abs=0.01)


@pytest.mark.parametrize(("gain", "bits"), SETTINGS)
def test_s2_counts_are_linear_in_light(gain: float, bits: int) -> None:
    convert = sensor.converter(gain, bits, FULL_E, BLACK)
    light = np.concatenate([[1.0], np.linspace(0.05, 0.9, 12) * saturation_e(convert)])
    counts = np.array([frame(e, k, convert).mean() for k, e in enumerate(light)])
    assert np.corrcoef(light, counts)[0, 1] ** 2 > 0.9999
    slope, offset = np.polyfit(light, counts, 1)
    assert slope == pytest.approx(1 / convert.e_per_count, rel=2e-3)
    coarse = 0.15 if (gain, bits) == (1.0, 8) else 0.02  # read noise of a quarter count
    assert offset == pytest.approx(black_counts(convert), abs=coarse + 2e-4 * 2**bits)


@pytest.mark.parametrize(("gain", "bits"), SETTINGS)
def test_s3_a_saturated_sensor_says_full_scale_and_nothing_else(gain: float, bits: int) -> None:
    convert = sensor.converter(gain, bits, FULL_E, BLACK)
    for number, light in enumerate((1.15, 2.0, 50.0)):
        saturated = frame(light * FULL_E / gain, number, convert, uneven(convert))
        assert (saturated == 2**bits - 1).all()
    below = frame(0.8 * saturation_e(convert), 9, convert, uneven(convert))
    assert below.max() < 2**bits - 1
    assert below.var() > 0


def test_a_small_well_is_full_before_the_converter_is() -> None:
    convert = sensor.converter(1.0, 12, FULL_E, BLACK)
    full = frame(4_000.0, 0, convert, full_e=3_000.0)
    assert full.mean() == pytest.approx(convert.black_counts + 3_000 * convert.counts_per_e, abs=0.1)
    assert full.var() == pytest.approx(read_variance(convert), rel=0.03), "only read noise is left"


@pytest.mark.parametrize("bits", [10, 12])
def test_s4_doubling_the_gain_doubles_signal_and_slope(bits: int) -> None:
    (once, low), (twice, high) = transfer(1.0, bits), transfer(2.0, bits)
    assert line(high)[0] / line(low)[0] == pytest.approx(2, rel=0.02)
    light = 2000.0
    signal = [frame(light, 0, c).mean() - black_counts(c) for c in (once, twice)]
    assert signal[1] / signal[0] == pytest.approx(2, rel=1e-3)


def test_s5_differences_remove_the_fixed_pattern_and_single_frames_do_not() -> None:
    convert, points = transfer(2.0, 12, prnu=0.02)
    assert line(points)[0] == pytest.approx(1 / convert.e_per_count, rel=0.02)
    single = frame(points[0, -1], 0, convert, uneven(convert, prnu=0.02)).var()
    assert single > 1.5 * points[2, -1]


def averaged(light_e: float, first: int, convert: sensor.Converter, frames: int = 60) -> FloatArray:
    pixels = uneven(convert, prnu=0.01, dsnu=0.5)
    return np.mean([frame(light_e, first + k, convert, pixels) for k in range(frames)], axis=0)


@pytest.mark.parametrize("bits", [10, 12])
def test_dsnu_and_prnu_are_the_spread_of_averaged_frames(bits: int) -> None:
    convert = sensor.converter(2.0, bits, FULL_E, BLACK)
    dark, half = averaged(0, 0, convert), averaged(2500, 100, convert)
    dark_noise = read_variance(convert) / 60
    half_noise = dark_noise + 2500 / convert.e_per_count**2 / 60
    dsnu = math.sqrt(dark.var() - dark_noise)
    assert dsnu == pytest.approx(0.5 * convert.counts_per_10_bit, rel=0.04)
    signal = (half - dark) / (half - dark).mean()
    noise = (half_noise + dark_noise) / (half - dark).mean() ** 2
    assert math.sqrt(signal.var() - noise) == pytest.approx(0.01, rel=0.04)


@pytest.mark.parametrize(("gain", "bits"), FINE)
def test_s7_a_dark_frame_has_the_black_level_and_the_read_noise(gain: float, bits: int) -> None:
    convert = sensor.converter(gain, bits, FULL_E, BLACK)
    dark = frame(0.0, 0, convert)
    sd = math.sqrt(read_variance(convert))
    assert dark.mean() == pytest.approx(black_counts(convert), abs=4 * sd / math.sqrt(dark.size) + 0.005)
    assert dark.std() == pytest.approx(sd, rel=0.02)


def binned(picture: FloatArray) -> FloatArray:
    """Sums of two by two pixels."""
    return picture.reshape(SHAPE[0] // 2, 2, SHAPE[1] // 2, 2).sum(axis=(1, 3))


def test_s8_binning_sums_electrons() -> None:
    convert = sensor.converter(2.0, 12, FULL_E, BLACK)
    for light in (1.0, 100.0, 3000.0):
        a, b = (binned(frame(light, n, convert) - convert.black_counts) * convert.e_per_count for n in (0, 1))
        variance = 4 * (light + READ_E**2 + convert.e_per_count**2 / 12)
        n = a.size
        assert a.mean() == pytest.approx(4 * light, abs=4 * math.sqrt(variance / n) + 4e-3 * light)
        assert (a - b).var() / 2 == pytest.approx(variance, rel=4 * math.sqrt(2 / n))


# -- the distribution of the noise ---------------------------------------------------------------


def probabilities(light_e: float, read_e: float, counts: NDArray[np.intp]) -> FloatArray:
    """Exact probability of each count at one count per electron: Poisson, convolved with read noise."""
    if read_e == 0:
        return np.asarray(stats.poisson.pmf(counts, light_e))
    electrons = np.arange(int(stats.poisson.ppf(1 - 1e-12, light_e)) + 2)
    edges = np.append(counts, counts[-1] + 1)[:, None] - 0.5 - electrons
    below = stats.norm.cdf(edges / read_e) @ stats.poisson.pmf(electrons, light_e)
    return np.asarray(np.diff(below))


@pytest.mark.parametrize("read_e", [0.0, 2.0])
@pytest.mark.parametrize("light_e", [0.5, 2.0, 10.0, 100.0])
def test_noise_is_poisson_and_read_noise_by_chi_square(light_e: float, read_e: float) -> None:
    full_e, black = 4096.0, 20
    convert = sensor.converter(1.0, 12, full_e, black / 4)
    assert (convert.counts_per_e, convert.black_counts) == (1, black)
    frames = [frame(light_e, n, convert, read_e=read_e, full_e=full_e).ravel() for n in range(4)]
    saved = np.arange(400)
    observed = np.bincount(np.concatenate(frames).astype(int), minlength=len(saved))
    expected = observed.sum() * probabilities(light_e, read_e, saved - black)
    often = expected >= 20
    grouped = [np.append(v[often], v[~often].sum()) for v in (observed, expected)]
    assert stats.chisquare(*grouped).pvalue > 0.005


LIGHTS = (0.5, 10.0, 100.0, 2000.0)


@cache
def noise(light_e: float) -> FloatArray:
    """Twelve frames' noise, of zero mean and unit variance."""
    convert = sensor.converter(1.0, 12, FULL_E, BLACK)
    movie = np.array([frame(light_e, k, convert) for k in range(12)])
    return np.asarray((movie - movie.mean()) / movie.std())


def pairs(movie: FloatArray) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """Every pixel beside its neighbours in space, then beside itself in later frames."""
    height, width = movie.shape[1:]
    for y, x in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0)):
        here = movie[:, : height - y, max(-x, 0) : width - max(x, 0)]
        yield f"{y} down, {x} right", here, movie[:, y:, max(x, 0) : width + min(x, 0)]
    for lag in (1, 2, 3):
        yield f"{lag} frames later", movie[:-lag], movie[lag:]
        yield f"{lag} frames later, one to the right", movie[:-lag, :, :-1], movie[lag:, :, 1:]


@pytest.mark.parametrize("light_e", LIGHTS)
def test_s6_neighbouring_pixels_and_frames_are_not_correlated(light_e: float) -> None:
    for name, a, b in pairs(noise(light_e)):
        assert abs((a * b).mean()) < 4.5 / math.sqrt(a.size), name
        assert abs(((a**2 - 1) * (b**2 - 1)).mean()) < 4.5 * (a**2).var() / math.sqrt(a.size), name


@pytest.mark.parametrize("light_e", LIGHTS)
def test_s6_the_spectrum_is_white_in_space_and_in_time(light_e: float) -> None:
    movie = noise(light_e)
    power = np.abs(np.fft.fft2(movie)) ** 2 / movie[0].size
    patches = power.reshape(len(movie), 20, 10, 20, 12).mean(axis=(0, 2, 4))
    spread = 1 / math.sqrt(movie.size / patches.size)  # power is exponential: its sd is its mean
    assert np.abs(patches - 1).max() < 5 * spread
    assert patches.std() == pytest.approx(spread, rel=0.2)
    on_axis = power[:, 21:-20, [0, 1, 2, -1, -2]]
    assert on_axis.mean() == pytest.approx(1, abs=4.5 * math.sqrt(2 / on_axis.size)), "no stripes"
    in_time = (np.abs(np.fft.rfft(movie, axis=0)[1:-1]) ** 2 / len(movie)).mean(axis=(1, 2))
    assert in_time == pytest.approx(1, abs=4.5 / math.sqrt(movie[0].size))


# -- the whole engine ----------------------------------------------------------------------------


def flat_field(led_mw: float, **camera: Any) -> ms.Recording:
    """Nothing but even light on the sensor."""
    experiment = ms.presets.get(
        "guide",
        field_um=150,
        duration_s=1.2,
        cells={"positions_um": ()},
        illumination={"led_mw": led_mw, "stray_width_um": 2e4, "stray_light_e_per_mw_s": 1e4},
        sensor={"gain_pattern": 0, "offset_pattern": 0, "column_pattern": 0} | camera,
    )
    return ms.simulate(experiment).only("stray_light", "noise")


@pytest.mark.parametrize("gain", GAINS)
def test_a_recording_of_a_flat_field_has_the_sensors_photon_transfer(gain: float) -> None:
    dark_e = 1.5  # 30 e⁻/s for 50 ms
    means, variances = [], []
    for led_mw in (0.002, 0.05, 1.0, 2.5, 4.0, 5.0):
        rec = flat_field(led_mw, gain=gain, bit_depth=12)
        light = float(rec.expected[0].mean())
        assert np.ptp(rec.expected[0]) < 1e-3 * light
        movie = rec.frames[...].astype(float)
        convert = sensor.converter(gain, 12, FULL_E, BLACK)
        assert movie.mean() == pytest.approx(
            convert.black_counts + (light + dark_e) / convert.e_per_count, rel=2e-3
        )
        means.append(movie.mean())
        variances.append(movie.var())
    slope, intercept = np.polyfit(means, variances, 1, w=1 / np.array(variances))
    assert slope == pytest.approx(1 / convert.e_per_count, rel=0.02)
    in_the_dark = intercept + slope * convert.black_counts
    assert in_the_dark == pytest.approx(read_variance(convert), rel=0.05)
