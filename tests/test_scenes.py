"""The presets look like recordings: light levels, fluctuations, contrast and numbers of cells."""

import numpy as np
import pytest

import minisim_core as ms
from minisim_core.scene import Scene


@pytest.fixture(scope="module", params=["guide", "v4-ca1"])
def recording(request):
    return request.param, ms.simulate(ms.presets.get(request.param, duration_s=10))


@pytest.fixture(scope="module")
def movie(recording):
    return recording[1].frames[::2].astype(np.float32)


def test_counts_are_those_of_real_recordings(movie):
    assert 40 <= movie.mean() <= 75


def test_no_count_is_at_either_end(movie):
    assert movie.max() < 255
    assert movie.min() > 5


def test_pixels_fluctuate_as_real_ones_do(movie):
    sd = movie.std(axis=0)
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
            peak = patch.max() * scene.rest_electrons[i] * scene.shade[y, x]
            share.append(peak / background[y, x])
    assert len(share) >= 30
    assert 0.04 < np.median(share) < 0.16


def test_the_field_holds_the_asked_cells(recording):
    name, rec = recording
    truth = rec.truth
    in_field = int(truth.in_field.sum())
    near = int((truth.in_field & truth.near_focus).sum())
    if name == "guide":
        assert 450 <= in_field <= 620
        assert 40 <= near <= 90
    else:
        assert 850 <= in_field <= 1050
        assert 120 <= near <= in_field  # the bowl takes most of them out of focus


def test_the_light_is_mostly_background(recording):
    _, rec = recording
    height, width = rec.shape[1:]
    parts = rec.explain(np.ones((height, width)), frames=slice(0, 40, 20), cells=0)
    total = sum(parts.values())
    np.testing.assert_allclose(total, [rec.expected[k].sum(dtype=float) for k in (0, 20)], rtol=1e-5)
    share = {name: (part / total).mean() for name, part in parts.items()}
    assert 0.5 < share["neuropil"] < 0.97
    near = rec.only("cells").expected[0].mean() / rec.expected[0].mean()
    assert 0.001 < near < 0.15


def test_stray_light_is_about_three_percent(recording):
    rec = recording[1]
    stray = rec.truth.stray_light_e.mean() / rec.expected[::40].mean()
    assert 0.015 < stray < 0.05


@pytest.mark.parametrize("name", ["guide", "v4-ca1"])
def test_no_pixel_saturates_at_any_gain_the_preset_uses(name):
    rec = ms.simulate(ms.presets.get(name, duration_s=1))
    electrons = rec.expected[::5]
    assert electrons.max() < 0.9 * (255 - 2) * Scene(rec.experiment).converter.e_per_count
    assert electrons.min() > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_look_alike(seed):
    here = ms.simulate(ms.presets.get("guide", duration_s=1, seed=seed))
    frames = here.frames[::4].astype(np.float32)
    assert 40 <= frames.mean() <= 75
    assert 450 <= here.truth.in_field.sum() <= 620
