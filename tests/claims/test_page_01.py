"""Page 1, sectioning: claims C01 and C02, on what the engine renders."""

import numpy as np
import pytest

import minisim_core as ms

OTHERS = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")
FOCUS_UM = 150.0
CLEAR = {"scattering_per_mm": 0, "absorption_per_mm": 0}


def clear_tissue(**changes) -> ms.Experiment:
    """The guide's scope over clear tissue, holding nothing but cells."""
    return ms.presets.get("guide", focus_um=FOCUS_UM, tissue=CLEAR, off=OTHERS, duration_s=0.5, **changes)


@pytest.mark.parametrize("numerical_aperture", [0.2, 0.33, 0.5])
def test_c01_a_small_source_sends_the_same_light_at_every_defocus(numerical_aperture):
    experiment = clear_tissue(
        cells={"positions_um": ((FOCUS_UM, 10.0, -20.0),), "radius_um": 2},
        scope={"numerical_aperture": numerical_aperture},
    )
    totals = [
        ms.simulate(experiment.with_(focus_um=FOCUS_UM + defocus)).expected[3].sum(dtype=float)
        for defocus in (-100, -60, -25, -5, 0, 10, 40, 100)
    ]
    assert totals[4] > 0
    np.testing.assert_allclose(totals, totals[4], rtol=1e-3)


def test_c01_a_uniform_slab_looks_equally_bright_at_every_defocus():
    # A lattice that fits the field a whole number of times is, for its mean, a uniform slab: what blur
    # carries out of the field on one side it brings in on the other.
    width_px, pitch_px = 264, 8
    pixel = clear_tissue().pixel_um
    lattice = (np.arange(-40, 41) + 0.25) * pitch_px * pixel
    places = tuple((FOCUS_UM, float(y), float(x)) for y in lattice for x in lattice)
    experiment = clear_tissue(
        field_um=width_px * pixel,
        cells={
            "positions_um": places, "radius_um": 2, "radius_sd_um": 0, "brightness_sd": 0, "elongation": 0,
            "minimum_distance_um": 0,
        },
        activity={"rate_hz": 0},
        scope={
            "field_curvature_um": 1e6, "aberration_growth_um_per_mm": 0, "aberration_growth_um_per_mm2": 0,
            "distortion_per_mm2": 0, "magnification_per_mm": 0,
        },
    )  # fmt: skip
    assert ms.simulate(experiment).expected.shape[1:] == (width_px, width_px)
    means = [
        ms.simulate(experiment.with_(focus_um=FOCUS_UM + defocus)).expected[0].mean(dtype=float)
        for defocus in (-80, -30, 0, 30, 80)
    ]
    np.testing.assert_allclose(means, means[2], rtol=1e-3)


def test_c01_two_photon_light_falls_with_the_rayleigh_range():
    numerical_aperture, index, wavelength_um = 0.33, 1.36, 0.92
    rayleigh_um = index * wavelength_um / (np.pi * numerical_aperture**2)
    defocus = np.array([0, rayleigh_um, 2 * rayleigh_um, 100])
    signal = ms.optics.two_photon_reference(defocus, numerical_aperture, index)
    np.testing.assert_allclose(signal, 1 / (1 + (defocus / rayleigh_um) ** 2))
    # On the page: the same cell that a Miniscope sees undiminished has all but vanished.
    miniscope = ms.optics.light_against_defocus(ms.presets.get("guide"), defocus)
    np.testing.assert_allclose(miniscope, miniscope[0], rtol=1e-3)
    assert signal[-1] < 2e-3


def test_c01_a_miniscope_excites_every_depth():
    tissue = ms.presets.get("guide").tissue
    medium = ms.tissue.Medium(
        tissue.scattering_per_mm, tissue.anisotropy, tissue.absorption_per_mm
    ).transport()
    excitation = ms.tissue.fluence(np.linspace(0, 250, 26), medium)
    assert excitation.min() > 0.5 * excitation.max()


@pytest.fixture(scope="module")
def everything() -> ms.Recording:
    """The figure's right panel: every cell, and nothing else."""
    return ms.simulate(ms.presets.get("guide", off=OTHERS))


FRAMES = slice(40, 42)


def regions(shape) -> list[np.ndarray]:
    """A few pixels, a soma-sized disc, a quarter of the frame, and all of it."""
    rows, columns = np.indices(shape)
    disc = (rows - 100) ** 2 + (columns - 150) ** 2 < 16
    quarter = (rows < shape[0] // 2) & (columns >= shape[1] // 2)
    pixels = [(rows == r) & (columns == c) for r, c in ((5, 5), (60, 200), (131, 132))]
    return [*pixels, disc, quarter, np.ones(shape, dtype=bool)]


def test_c02_the_glow_is_the_light_of_the_other_cells_and_nothing_else(everything):
    near = everything.without("out_of_focus")
    glow = everything.expected[FRAMES].astype(float) - near.expected[FRAMES]
    out_of_focus = [f"cell:{i}" for i in np.flatnonzero(~everything.truth.near_focus)]
    for region in regions(glow.shape[1:]):
        parts = everything.explain(region, frames=FRAMES, cells=None)
        kept = near.explain(region, frames=FRAMES, cells=None)
        owners = sum(parts[name] for name in out_of_focus if name in parts)
        beyond = parts["distant_tissue"] - kept.get("distant_tissue", 0)
        total = everything.expected[FRAMES][:, region].sum(axis=1, dtype=float)
        np.testing.assert_allclose(glow[:, region].sum(axis=1), owners + beyond, atol=1e-5 * total.max())


def test_c02_cells_near_focus_lose_nothing_and_stay_where_they_are(everything):
    near = everything.without("out_of_focus")
    everywhere = np.ones(near.expected.shape[1:], dtype=bool)
    full, kept = (r.explain(everywhere, frames=FRAMES, cells=None) for r in (everything, near))
    for index in np.flatnonzero(everything.truth.near_focus):
        np.testing.assert_allclose(kept[f"cell:{index}"], full[f"cell:{index}"], rtol=1e-6)
    assert near.expected[40].max() > 3 * np.median(near.expected[40])


def test_c02_most_of_the_light_is_glow(everything):
    near = everything.without("out_of_focus")
    assert near.expected[40].sum() < 0.25 * everything.expected[40].sum()
    # Not a flat offset: it stands out of the noise of a pixel and varies across the field.
    glow = everything.expected[40] - near.expected[40]
    assert glow.min() > 0 and glow.std() > 0.1 * glow.mean()
