"""The presets look like recordings: light levels, fluctuations, contrast and numbers of cells."""

import numpy as np
import pytest

import minisim_core as ms
from minisim_core.scene import Scene

# Cells in the field; of them near focus: the bowl takes most of them out of focus where it is deep.
CELLS = {
    "guide": ((450, 620), (40, 90)),
    "guide-wide": ((2500, 3300), (200, 450)),
    "v4-cortex": ((1200, 1500), (80, 180)),
    "v4-ca1": ((850, 1050), (120, 400)),
    "v3-ca1": ((320, 420), (110, 250)),
    "ninscope-cortex": ((540, 700), (60, 150)),
    "minilfov-cortex": ((6800, 7900), (450, 800)),
    "inscopix-striatum": ((2000, 2600), (200, 400)),
}


@pytest.fixture(scope="module", params=ms.presets.names())
def recording(request):
    return request.param, ms.simulate(ms.presets.get(request.param, duration_s=10))


@pytest.fixture(scope="module")
def movie(recording):
    """Every eighth frame, in counts of 8 bits."""
    rec = recording[1]
    return rec.frames[::8].astype(np.float32) / 2 ** (rec.experiment.sensor.bit_depth - 8)


def test_counts_are_those_of_real_recordings(movie):
    assert 40 <= movie.mean() <= 75


def test_no_count_is_at_either_end(movie):
    assert movie.max() < 255
    assert movie.min() > 5


def test_pixels_fluctuate_as_real_ones_do(movie):
    sd = movie.std(axis=0, ddof=1)
    assert 1.5 <= np.median(sd) <= 4
    assert 1.5 <= sd.mean() <= 4


def test_peaks_stand_out_but_do_not_tower(movie):
    mean = movie.mean(axis=0)
    assert 1.05 < np.percentile(movie, 99.99) / mean.mean() < 4
    assert 1.05 < mean.max() / mean.mean() < 2.5


def test_resting_cells_in_focus_are_a_few_percent_of_the_background(recording):
    _, rec = recording
    truth, scene = rec.truth, Scene(rec.experiment)
    picked = np.flatnonzero(truth.in_field & truth.near_focus)
    background = rec.expected[::40].mean(axis=0)
    share = []
    for i in picked[:60]:
        y, x = np.round(truth.centroids_px[i]).astype(int)
        y0, x0, patch = truth.footprints[i]
        inside = (0 <= y - y0 < patch.shape[0]) and (0 <= x - x0 < patch.shape[1])
        if inside:
            peak = patch.max() * scene.rest_electrons[i] * scene.shade.map[y, x]
            share.append(peak / background[y, x])
    assert len(share) >= 30
    assert 0.04 < np.median(share) < 0.16


def test_the_field_holds_the_asked_cells(recording):
    name, rec = recording
    truth = rec.truth
    (fewest, most), (fewest_near, most_near) = CELLS[name]
    assert fewest <= truth.in_field.sum() <= most
    assert fewest_near <= (truth.in_field & truth.near_focus).sum() <= most_near


def test_the_light_is_mostly_background(recording):
    _, rec = recording
    height, width = rec.shape[1:]
    parts = rec.explain(np.ones((height, width)), frames=slice(0, 40, 20), cells=0)
    total = sum(parts.values())
    np.testing.assert_allclose(total, [rec.expected[k].sum(dtype=float) for k in (0, 20)], rtol=1e-5)
    share = {name: (part / total).mean() for name, part in parts.items()}
    assert min(share.values()) >= 0
    assert 0.5 < share["neuropil"] < 0.97
    near = rec.only("cells").expected[0].mean() / rec.expected[0].mean()
    assert 0.001 < near < 0.15


def test_stray_light_is_about_three_percent(recording):
    rec = recording[1]
    stray = rec.truth.stray_light_e.mean() / rec.expected[::40].mean()
    assert 0.015 < stray < 0.05


def test_no_pixel_saturates_at_the_gain_the_preset_uses(recording):
    rec = recording[1]
    electrons = rec.expected[:20:5]
    convert, bits = Scene(rec.experiment).converter, rec.experiment.sensor.bit_depth
    assert electrons.max() < 0.9 * 0.99 * 2**bits * convert.e_per_count
    assert electrons.min() > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_look_alike(seed):
    here = ms.simulate(ms.presets.get("guide", duration_s=1, seed=seed))
    frames = here.frames[::4].astype(np.float32)
    assert 40 <= frames.mean() <= 75
    assert 450 <= here.truth.in_field.sum() <= 620


def test_every_preset_says_what_is_unknown():
    for name in ms.presets.names():
        about = ms.presets.describe(name)
        assert any(word in about for word in ("unknown", "not published", "typical"))
        assert about.endswith(".") and "None" not in about


def test_scopes_and_regions_fill_groups_of_their_own():
    scope_groups = {"scope", "illumination", "sensor", "frame_rate_hz"}
    assert all(part.values.keys() <= scope_groups for part in ms.presets.SCOPES.values())
    assert not any(part.values.keys() & scope_groups for part in ms.presets.REGIONS.values())


@pytest.mark.parametrize(
    ("name", "shape", "width_um", "height_um"),
    [
        ("guide", (264, 264), 401, 401),
        ("guide-wide", (608, 608), 923, 923),
        ("v3-ca1", (480, 752), 700, 450),
        ("ninscope-cortex", (480, 752), 786, 502),
        ("minilfov-cortex", (972, 1296), 3600, 2700),
        ("inscopix-striatum", (800, 1280), 1050, 650),
    ],
)
def test_each_scope_sees_its_published_field(name, shape, width_um, height_um):
    rec = ms.simulate(ms.presets.get(name))
    assert rec.shape[1:] == shape
    assert shape[1] * rec.pixel_um == pytest.approx(width_um, rel=0.01)
    assert shape[0] * rec.pixel_um == pytest.approx(height_um, rel=0.01)
