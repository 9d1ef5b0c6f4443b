"""Page 8, the stack: claims C25, C28 and C29, on what the engine renders, and C26, on what it says."""

import json
import math
import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift
from scipy.signal import fftconvolve

import minisim_core as ms
from minisim_guide.pages import folder

FRAME = 17
STEPS = {name: k for k, name in enumerate(ms.LAYERS)}


class Stack:
    """One scene with its layers switched on one by one, in physical order, at one frame."""

    def __init__(self):
        self.whole = ms.simulate(ms.presets.get("guide", field_um=160, duration_s=2))
        self.steps = [self.whole.only(*ms.LAYERS[: k + 1]) for k in range(len(ms.LAYERS))]
        self.pictures = [step.expected[FRAME].astype(float) for step in self.steps]
        truth = self.whole.truth
        self.light_e = truth.rest_light_e * truth.fluorescence[:, FRAME]

    def with_layer(self, name):
        """The picture once a layer is on, and the one before."""
        k = STEPS[name]
        return self.pictures[k], self.pictures[k - 1]

    def near_light(self, name, chosen=True):
        """What footprints make of the cells' light once a layer is on."""
        footprints = self.steps[STEPS[name]].truth.footprints.csc()
        return (footprints @ np.where(chosen, self.light_e, 0)).reshape(self.whole.shape[1:])

    def smooth(self, picture):
        """What is left of a picture that is too smooth to be a cell."""
        return gaussian_filter(picture, 15 / self.whole.pixel_um)


@pytest.fixture(scope="module")
def stack():
    return Stack()


def inside(picture):
    """Without a rim, where a filter or a shift would need what lies outside."""
    return picture[15:-15, 15:-15]


# -- C25 --------------------------------------------------------------------------------------


def test_c25_every_frame_is_this_stack(stack):
    """The layers switched on one by one end at the recording, and each of them changes the picture."""
    counts = [step.frames[FRAME] for step in stack.steps]
    assert np.array_equal(counts[-1], stack.whole.frames[FRAME])
    assert np.array_equal(stack.pictures[-1], stack.whole.expected[FRAME])
    for name, before, after in zip(ms.LAYERS[1:], counts[:-1], counts[1:], strict=True):
        assert not np.array_equal(before, after), name


def test_c25_a_step_is_the_engines_own_view(stack):
    """Switching on the first layers, switching off the others, or saying so: one and the same picture."""
    for k, step in enumerate(stack.steps):
        others = ms.LAYERS[k + 1 :]
        assert np.array_equal(stack.whole.without(*others).expected[FRAME], stack.pictures[k])
        asked = ms.simulate(stack.whole.experiment.with_(off=others))
        assert np.array_equal(asked.frames[FRAME], step.frames[FRAME])


def test_c25_the_truth_stays_while_layers_come_and_go(stack):
    """Cells, spikes and light of the cells are the same on every step."""
    for step in stack.steps:
        truth = step.truth
        assert np.array_equal(truth.positions_um, stack.whole.truth.positions_um)
        assert np.array_equal(truth.spike_time_s, stack.whole.truth.spike_time_s)
        assert np.array_equal(truth.rest_light_e * truth.fluorescence[:, FRAME], stack.light_e)


# -- C29: every step, rebuilt from the truth and the step before ---------------------------------


@pytest.mark.parametrize("name", ["cells", "out_of_focus", "blur"])
def test_c29_cells_are_their_footprints_times_their_light(stack, name):
    """Σ footprint × light at rest × F/F_rest: sharp cells near focus, all cells, all cells blurred."""
    chosen = stack.whole.truth.near_focus if name == "cells" else True
    picture = stack.pictures[STEPS[name]]
    np.testing.assert_allclose(stack.near_light(name, chosen), picture, atol=3e-3 * picture.max())


def test_c29_what_footprints_leave_out_in_tissue_is_haze(stack):
    """Scattering adds a glow without detail; all the detail is in the footprints."""
    picture, _ = stack.with_layer("dimming")
    haze = picture - stack.near_light("dimming")
    assert haze.min() > 0.9 * haze.mean()
    assert np.abs(inside(haze - stack.smooth(haze))).max() < 0.02 * haze.mean()


def test_c29_neuropil_is_what_explain_says_it_is(stack):
    """The light that neuropil adds to a pixel is its part there."""
    picture, before = stack.with_layer("neuropil")
    frames = slice(FRAME, FRAME + 1)
    for pixel in ((3, 3), (50, 60), (90, 20)):
        part = stack.steps[STEPS["neuropil"]].explain(pixel, frames)["neuropil"][0]
        assert picture[pixel] - before[pixel] == pytest.approx(part, rel=1e-5)


def test_c29_vessels_multiply_by_what_both_passes_let_through(stack):
    """The truth's two transmissions, out of focus as vessels are, give the shadow in the picture."""
    still = {"vasomotion": 0, "heart": 0, "running_dilation": 0}
    experiment = stack.whole.experiment.with_(vessels=still)
    picture = ms.simulate(experiment).only(*ms.LAYERS[: STEPS["vessels"] + 1]).expected[FRAME]
    _, before = stack.with_layer("vessels")
    above_um = experiment.focus_um - experiment.vessels.depth_um
    cone = math.tan(math.asin(experiment.scope.numerical_aperture / experiment.tissue.refractive_index))
    wide = ms.simulate(experiment.with_(field_um=None))  # blur brings in blood from beyond the field
    y, x = np.indices((41, 41)) - 20
    disc = (np.hypot(y, x) * wide.pixel_um <= above_um * cone).astype(float)
    out = fftconvolve(wide.truth.vessel_transmission_em, disc / disc.sum(), mode="same")
    back = gaussian_filter(wide.truth.vessel_transmission_ex, 0.7 * above_um / wide.pixel_um)
    margin = (out.shape[0] - picture.shape[0]) // 2
    passed = (out * back)[margin : margin + picture.shape[0], margin : margin + picture.shape[1]]
    assert passed.min() < 0.85
    # Only light from below the vessels is shadowed: all but a few per cent.
    np.testing.assert_allclose(picture / before, 1 - 0.97 * (1 - passed), atol=0.01)


def test_c29_motion_carries_the_picture_along_the_path(stack):
    """The mean of the still picture over the path that the truth gives for the exposure."""
    picture, before = stack.with_layer("motion")
    truth, rate = stack.whole.truth, stack.whole.experiment.frame_rate_hz
    start, stop = np.searchsorted(truth.motion_path_time_s, np.array([FRAME, FRAME + 1]) / rate - 1e-9)
    path_px = truth.motion_path_um[start:stop] / stack.whole.pixel_um
    assert np.abs(path_px).max() > 1
    moved = np.mean([shift(before, step, order=3, mode="nearest") for step in path_px], axis=0)
    assert inside(np.abs(picture - moved)).max() < 2e-3 * picture.max()
    assert inside(np.abs(picture - before)).max() > 2e-2 * picture.max()


def test_c29_illumination_multiplies_the_cells(stack):
    """Footprints are multiplied by the illumination at their pixels; haze is lit where it starts."""
    recording = stack.whole.only("out_of_focus", "blur", "dimming", "illumination")
    picture = recording.expected[FRAME].astype(float)
    lit_cells = stack.near_light("dimming") * stack.whole.truth.illumination
    haze, even_haze = picture - lit_cells, stack.pictures[STEPS["dimming"]] - stack.near_light("dimming")
    assert np.abs(inside(haze - stack.smooth(haze))).max() < 0.02 * haze.mean()
    assert (haze < even_haze).all(), "an even lamp lights the tissue all around, too"


def test_c29_vignetting_multiplies_and_stray_light_adds(stack):
    """Two maps of the truth, to the last digits."""
    truth = stack.whole.truth
    picture, before = stack.with_layer("vignetting")
    np.testing.assert_allclose(picture, before * truth.vignetting, rtol=1e-5)
    picture, before = stack.with_layer("stray_light")
    np.testing.assert_allclose(picture, before + truth.stray_light_e, rtol=1e-5)


def test_c29_noise_is_the_cameras_alone(stack):
    """Counts scatter about gain × electrons + black level, as far as photons and electronics say."""
    sensor, exposure_s = stack.whole.experiment.sensor, stack.whole.experiment.exposure_s
    electrons = stack.pictures[-1] + sensor.dark_current_e_per_s * exposure_s
    scale = sensor.gain * 2**sensor.bit_depth / sensor.full_well_e
    mean = electrons * scale + sensor.black_level / 4 - 0.375
    quiet = stack.whole.without("noise").frames[FRAME]
    assert np.abs(quiet - mean).max() < 0.501, "rounded, nothing else"
    sd = np.sqrt((electrons + sensor.read_noise_e**2) * scale**2 + 1 / 12)
    deviation = (stack.whole.frames[FRAME] - mean) / sd
    assert deviation.mean() == pytest.approx(0, abs=0.05)
    assert deviation.std() == pytest.approx(1, abs=0.04)


# -- C28 --------------------------------------------------------------------------------------


def guide(seed, **changes):
    return ms.simulate(ms.presets.get("guide", seed=seed, **changes))


def test_c28_counts_and_their_changes_are_those_of_real_recordings():
    """Of 255 counts the mean level is 40 to 120, and a pixel changes by 1 to 3 of them (sd in time)."""
    changes = []
    for seed in range(5):
        recording = guide(seed, duration_s=10)
        movie = recording.frames[::8].astype(np.float32)
        assert recording.pixel_um * movie.shape[1] == pytest.approx(400, rel=0.01)
        assert 40 < movie.mean() < 120
        changes.append(np.median(movie.std(axis=0, ddof=1)))
    assert 1 < np.median(changes) < 3


@pytest.mark.parametrize("seed", range(2))
def test_c28_there_are_as_many_cells_as_in_a_real_recording(seed):
    """Hundreds of labelled cells, 100 to 300 of which stand out of the noise."""
    truth = guide(seed, duration_s=10).truth
    assert 400 < truth.in_field.sum() < 700
    assert 100 < truth.detectable.sum() < 300


def test_c28_a_transient_is_a_few_percent_of_what_the_roi_reads():
    """Half a minute of cells in focus: their largest transients are 5 to 30 % of the light on them."""
    recording = guide(0, duration_s=30).without("motion")
    truth = recording.truth
    y, x = np.indices(recording.shape[1:])
    largest = []
    for cell in np.flatnonzero(truth.detectable & truth.near_focus)[::3]:
        row, column = truth.centroids_px[cell]
        roi = np.hypot(y - row, x - column) * recording.pixel_um <= recording.experiment.cells.radius_um
        parts = recording.explain(roi, slice(None, None, 6), cells=None)
        own = parts[f"cell:{cell}"]
        largest.append((own.max() - own.min()) / np.median(sum(parts.values())))
    assert 0.05 < np.percentile(largest, 25) and np.percentile(largest, 95) < 0.30


# -- C26 --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page():
    """The page: its prose, and the code of its figures."""
    cells = json.loads((folder() / "08_putting_it_together.ipynb").read_text("utf-8"))["cells"]
    return {
        kind: "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == kind)
        for kind in ("markdown", "code")
    }


@pytest.fixture(scope="module")
def rows(page):
    """The table of the page: a list of four texts for each layer."""
    lines = [line for line in page["markdown"].splitlines() if line.startswith("|")]
    head, rule, *body = [[text.strip() for text in line.strip("|").split("|")] for line in lines]
    assert head == ["Layer", "How it looks", "At the rig", "Undone by"]
    assert set(rule) == {"---"}
    return body


def test_c26_the_table_has_a_full_row_for_each_layer_in_order(rows):
    """Each layer tells how it looks, what to change at the scope and what the pipeline must undo."""
    names = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", row[0]) for row in rows]
    assert names == [ms.layers.LABELS[name] for name in ms.LAYERS]
    assert all(len(row) == 4 and all(len(text) > 3 for text in row) for row in rows)


def test_c26_each_row_switches_its_layer(page, rows):
    """The name of a row is a link to the switch of that layer; the page's figure has them all."""
    links = [re.fullmatch(r"\[.+\]\(#switch-(\w+)\)", row[0]) for row in rows[1:]]
    assert [link and link[1] for link in links] == list(ms.LAYERS[1:])
    assert "layers = ms.LAYERS[1:]" in page["code"] and "switches=layers" in page["code"]


def test_c26_the_five_knobs_of_the_rig_are_controls(page):
    """Focus, expression depth, light power, frame rate, and how firmly the head is held."""
    knobs = ("focus_um", "cells.depth_range_um", "illumination.led_mw", "frame_rate_hz", "motion.looseness")
    for name in knobs:
        assert f'Slider("{name}"' in page["code"], name
