"""Recordings: frames that behave like arrays, saving, coordinates, truth, what each switch removes."""

import json
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import minisim_core as ms
from minisim_core import memory, motion, render
from minisim_core.images import picture
from minisim_core.scene import Scene

Small = Callable[..., ms.Experiment]
SWITCHES = ms.LAYERS[1:]
T = 40


@pytest.fixture(scope="module")
def rec() -> ms.Recording:
    """Forty frames of 53 x 53 pixels."""
    return ms.simulate(ms.presets.get("guide", field_um=80, duration_s=2))


@pytest.fixture(scope="module")
def movie(rec: ms.Recording) -> NDArray[Any]:
    return np.asarray(rec.frames)


# -- duck arrays ---------------------------------------------------------------------------------

KEYS: list[Any] = [
    0, 7, -1, -T, np.int64(3), np.uint8(3), np.array(3), True + 1,
    slice(None), slice(None, None, -1), slice(5, 1, -2), slice(-3, None), slice(100, 200), slice(3, 3),
    slice(None, None, 7), slice(-100, 4), slice(np.int64(1), np.int64(4)),
    ..., (...,), (), (..., 0), (0, ...), (0, ..., 1), (..., slice(1, 3), 2),
    (slice(2), ..., slice(None, None, -3)),
    [3, 1, 1, -2], np.array([3, -1]), np.array([3, 1], np.uint8), np.array([3, -1], np.int8), range(3),
    np.array([[0, 1], [2, -3]]), [], np.array([], int), np.array([1, 2], np.uint64),
    np.arange(T) % 3 == 0, [k % 3 == 0 for k in range(T)], np.zeros(T, bool),
    (slice(0, 2), slice(3, 9), slice(None, None, -2)), ([0, 2], slice(3, 9), slice(2, 4)), ([0, 2], 3),
    (1, 2, 3), (1, 2), (1, slice(None), np.int64(3)), (slice(0, 2), np.int64(3)), ([0, 2], slice(1, 4), 2),
    (np.arange(T) % 3 == 0, slice(1, 3)), (np.arange(T) % 3 == 0, ..., 0), ([0, 1], ...), (-1, -1, -1),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key)[:40])
@pytest.mark.parametrize("name", ["frames", "expected"])
def test_indexing_is_numpys(rec: ms.Recording, name: str, key: Any) -> None:
    array = getattr(rec, name)
    want, got = whole(rec, name)[key], array[key]
    assert np.shape(got) == want.shape
    assert got.dtype == want.dtype == array.dtype
    assert np.array_equal(got, want)
    if isinstance(got, np.ndarray):
        assert not got.flags.writeable
        with pytest.raises(ValueError):
            got[...] = 0


@pytest.fixture(scope="module", autouse=True)
def _cache() -> Any:
    _WHOLE.clear()
    yield
    _WHOLE.clear()


_WHOLE: dict[str, NDArray[Any]] = {}


def whole(rec: ms.Recording, name: str) -> NDArray[Any]:
    if name not in _WHOLE:
        _WHOLE[name] = np.asarray(getattr(rec, name))
    return _WHOLE[name]


@pytest.mark.parametrize(
    "key",
    [T, -T - 1, [0, T], np.array([-T - 1]), (0, 53), (0, 0, -54), (0, 0, 0, 0), 1.0, "a", np.array([1.0]),
     np.ones(3, bool), np.ones(T + 1, bool), (..., ...), (..., 0, 0, 0, 0), None],
    ids=repr,
)  # fmt: skip
def test_what_is_no_index_is_an_index_error(rec: ms.Recording, key: Any) -> None:
    with pytest.raises(IndexError):
        rec.frames[key]


def test_a_step_of_zero_is_a_value_error(rec: ms.Recording) -> None:
    with pytest.raises(ValueError):
        rec.frames[::0]


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_small_integers_index_long_recordings(small: Small, kind: type) -> None:
    long = ms.simulate(small(field_um=20, duration_s=20))
    assert np.array_equal(long.frames[np.array([2, 1], kind)], long.frames[[2, 1]])


def test_a_list_goes_with_a_numpy_integer(rec: ms.Recording, movie: NDArray[Any]) -> None:
    assert np.array_equal(rec.frames[[0, 2], np.int64(3)], movie[[0, 2], 3])


def test_no_cells_may_be_asked_for(rec: ms.Recording) -> None:
    assert rec.truth.calcium[[]].shape == (0, T)


def test_arrays_describe_themselves(rec: ms.Recording, movie: NDArray[Any]) -> None:
    f, e = rec.frames, rec.expected
    assert f.shape == e.shape == rec.shape == movie.shape == (T, 53, 53)
    assert (f.ndim, f.size, f.nbytes, len(f)) == (3, movie.size, movie.nbytes, T)
    assert (f.dtype, e.dtype) == (np.uint8, np.float32)
    assert e.nbytes == 4 * f.nbytes
    assert isinstance(f.nbytes, int) and isinstance(f.size, int)
    assert len(repr(f)) < 100


def test_iteration_goes_frame_by_frame(rec: ms.Recording, movie: NDArray[Any]) -> None:
    seen = 0
    for frame, want in zip(rec.frames, movie, strict=True):
        assert np.array_equal(frame, want)
        seen += 1
    assert seen == T
    assert np.array_equal(next(iter(rec.expected)), rec.expected[0])


@pytest.mark.parametrize(
    ("bits", "dtype", "top"), [(8, np.uint8, 255), (10, np.uint16, 1023), (12, np.uint16, 4095)]
)
def test_bit_depths(small: Small, bits: int, dtype: type, top: int) -> None:
    frames = ms.simulate(small(sensor={"bit_depth": bits}, illumination={"led_mw": 10})).frames
    assert frames.dtype == dtype
    assert frames[0].dtype == dtype
    assert frames[0].max() == top, "ten milliwatts saturate"
    normal = ms.simulate(small(sensor={"bit_depth": bits})).frames[0]
    assert 0.1 * top < normal.mean() < 0.5 * top


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_counts_read_back_as_photoelectrons(small: Small, bits: int) -> None:
    rec = ms.simulate(
        small(off=("noise",), sensor={"bit_depth": bits, "gain": 2.5, "dark_current_e_per_s": 900})
    )
    black, e_per_count, full_scale = rec.counts_to_e
    assert full_scale == 2**bits - 1
    counts = rec.frames[0].astype(float)
    apart = (counts - black) * e_per_count - rec.expected[0]
    assert counts.max() < full_scale
    assert np.abs(apart).max() <= 0.51 * e_per_count


def test_conversion_to_numpy(rec: ms.Recording, movie: NDArray[Any]) -> None:
    as_float = np.asarray(rec.frames, dtype=np.float32)
    assert as_float.dtype == np.float32 and np.array_equal(as_float, movie)
    assert np.asarray(rec.frames, copy=True).dtype == np.uint8
    assert np.array_equal(np.array(rec.frames), movie)
    assert not movie.flags.writeable
    with pytest.raises(ValueError):
        np.asarray(rec.frames, copy=False)
    assert np.stack([rec.frames[0], rec.frames[1]]).shape == (2, 53, 53)
    assert np.mean(rec.frames, axis=0).shape == (53, 53)


def test_a_copy_may_be_written_to(rec: ms.Recording) -> None:
    copy = np.array(rec.frames, copy=True)
    assert copy.flags.writeable


def test_arrays_and_recordings_travel(rec: ms.Recording) -> None:
    again = pickle.loads(pickle.dumps(rec))
    assert again.experiment == rec.experiment
    assert np.array_equal(again.frames[3], rec.frames[3])
    for name in ("frames", "expected"):
        array = getattr(rec, name)
        data = pickle.dumps(array)
        assert len(data) < 10_000, "a recipe, not the movie"
        assert np.array_equal(pickle.loads(data)[5:7], array[5:7])
    calcium = pickle.loads(pickle.dumps(rec.truth.calcium))
    assert np.array_equal(calcium[3], rec.truth.calcium[3])


def test_dask_tokens_are_deterministic_and_tell_apart(rec: ms.Recording) -> None:
    same = ms.simulate(ms.Experiment.from_json(rec.experiment.to_json()))
    token = rec.frames.__dask_tokenize__()
    assert token == same.frames.__dask_tokenize__()
    assert token == pickle.loads(pickle.dumps(rec.frames)).__dask_tokenize__()
    others = [rec.expected, rec.without("noise").frames, ms.simulate(rec.experiment.with_(seed=1)).frames]
    assert len({token, *(other.__dask_tokenize__() for other in others)}) == 4
    hash(token)


def test_threads_may_share_a_recording(small: Small) -> None:
    exp = small(duration_s=4, seed=11)
    want = np.asarray(ms.simulate(exp).frames)
    memory.clear()
    rec = ms.simulate(exp)
    found: dict[int, Any] = {}
    start = threading.Barrier(4)

    def ask(k: int) -> None:
        start.wait()
        found[k] = (rec.frames[k::4], rec.expected[k], rec.explain((k, k), frames=slice(0, 1)))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        assert np.array_equal(found[k][0], want[k::4])


def test_a_movie_larger_than_memory_is_refused(rec: ms.Recording, fresh_store: None) -> None:
    memory.max_array_bytes = 20 * 53 * 53
    with pytest.raises(MemoryError, match=r"rec\.save") as caught:
        np.asarray(rec.frames)
    assert "GiB" in str(caught.value)
    with pytest.raises(MemoryError):
        rec.frames[:21]
    with pytest.raises(MemoryError):
        rec.frames[[0] * 21]
    assert rec.frames[:20].shape == (20, 53, 53)
    assert rec.frames[3].shape == (53, 53)


def test_an_hour_of_recording_is_cheap_until_asked_for(small: Small) -> None:
    hour = ms.simulate(small(duration_s=3600, field_um=None))
    assert hour.shape == (72000, 608, 608)
    with pytest.raises(MemoryError, match=r"24\.8 GiB"):
        np.asarray(hour.frames)
    with pytest.raises(MemoryError, match="4 GiB"):
        hour.expected[...]
    short = ms.simulate(small(duration_s=3600))
    assert short.frames[-1].shape == (53, 53)


def test_recordings_describe_themselves(rec: ms.Recording) -> None:
    assert rec.pixel_um == pytest.approx(4.8 / 3.161)
    assert rec.times_s.shape == (T,)
    np.testing.assert_allclose(rec.times_s, np.arange(T) / 20)
    assert rec.experiment == ms.presets.get("guide", field_um=80, duration_s=2)
    assert rec.without("noise", "blur").experiment.off == ("blur", "noise")
    assert rec.only("neuropil").experiment.off == tuple(n for n in SWITCHES if n != "neuropil")
    assert rec.only("cells").experiment.off == SWITCHES
    assert rec.only(*ms.LAYERS).experiment.off == ()
    assert rec.only("blur").only("noise").experiment.off == tuple(n for n in SWITCHES if n != "noise")
    assert rec.without("blur").without("noise").experiment.off == ("blur", "noise")
    assert rec.without().experiment == rec.experiment


# -- saving --------------------------------------------------------------------------------------


def test_saving_writes_frames_and_experiment(small: Small, tmp_path: Path) -> None:
    rec = ms.simulate(small(field_um=40, duration_s=5))
    saved = rec.save(tmp_path / "movie")
    assert saved == tmp_path / "movie.npy"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["movie.json", "movie.npy"]
    movie = np.load(saved, mmap_mode="r")
    assert movie.dtype == np.uint8 and movie.shape == rec.shape
    assert np.array_equal(movie, rec.frames[...])
    assert ms.Experiment.from_json((tmp_path / "movie.json").read_text("utf-8")) == rec.experiment
    again = ms.simulate(small(field_um=40, duration_s=1, seed=2))
    assert again.save(str(tmp_path / "movie.npy")) == saved
    assert np.array_equal(np.load(saved), again.frames[...])
    assert again.save(tmp_path / "a.b").name == "a.b.npy"
    assert (tmp_path / "a.b.json").exists()


def test_a_failed_save_leaves_nothing(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rec = ms.simulate(small(field_um=40, duration_s=5))
    rec.save(tmp_path / "old")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    real, calls = render.draw, []

    def full_disk(*args: Any) -> Any:
        calls.append(1)
        if len(calls) > 70:
            raise OSError("no space left")
        return real(*args)

    monkeypatch.setattr(render, "draw", full_disk)
    for name in ("old", "new"):
        calls.clear()
        with pytest.raises(OSError, match="no space left"):
            rec.save(tmp_path / name)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_saving_over_a_folder_leaves_nothing(small: Small, tmp_path: Path) -> None:
    (tmp_path / "taken.npy").mkdir()
    with pytest.raises(OSError):
        ms.simulate(small(field_um=40, duration_s=0.1)).save(tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken.npy"]


# -- dropped frames ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lossy(rec: ms.Recording) -> ms.Recording:
    """The same recording, a third of whose frames never arrived."""
    return ms.simulate(rec.experiment.with_(sensor={"dropped_fraction": 0.3}))


def test_a_recording_with_drops_is_the_whole_one_without_some_frames(
    rec: ms.Recording, lossy: ms.Recording
) -> None:
    kept = lossy.truth.exposure_index
    assert kept.shape == lossy.times_s.shape == (lossy.shape[0],)
    assert 0.5 * T < len(kept) < 0.9 * T
    assert kept[0] == 0 and (np.diff(kept) >= 1).all() and (np.diff(kept) > 1).any()
    for name in ("frames", "expected"):
        assert getattr(lossy, name).shape == lossy.shape
        assert np.array_equal(getattr(lossy, name)[...], whole(rec, name)[kept])
        assert np.array_equal(getattr(lossy, name)[-1], whole(rec, name)[kept[-1]])
    assert np.array_equal(lossy.times_s, rec.times_s[kept])


def test_the_truth_of_a_recording_with_drops_is_that_of_its_frames(
    rec: ms.Recording, lossy: ms.Recording
) -> None:
    kept, truth = lossy.truth.exposure_index, lossy.truth
    for name in ("spikes", "calcium", "fluorescence"):
        assert getattr(truth, name).shape == (len(truth.positions_um), len(kept))
        assert np.array_equal(getattr(truth, name)[...], getattr(rec.truth, name)[...][:, kept])
        assert np.array_equal(getattr(truth, name)[2, 5:9], getattr(rec.truth, name)[2, kept[5:9]])
    assert np.array_equal(truth.motion_um, rec.truth.motion_um[kept])
    for name in ("spike_time_s", "spike_cell", "motion_path_um", "snr"):
        assert np.array_equal(getattr(truth, name), getattr(rec.truth, name)), "the tissue lives on"


def test_explain_counts_the_frames_that_arrived(rec: ms.Recording, lossy: ms.Recording) -> None:
    kept = lossy.truth.exposure_index
    parts, all_parts = (r.explain((20, 30), cells=None) for r in (lossy, rec))
    assert parts.keys() == all_parts.keys()
    for name, values in parts.items():
        np.testing.assert_array_equal(values, all_parts[name][kept])
    some = lossy.explain((20, 30), frames=slice(9, 2, -3))
    np.testing.assert_allclose(sum(some.values()), lossy.expected[9:2:-3, 20, 30], rtol=1e-4)


def test_a_recording_with_drops_travels_and_is_saved(lossy: ms.Recording, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(lossy))
    assert np.array_equal(again.frames[4], lossy.frames[4])
    assert np.array_equal(pickle.loads(pickle.dumps(lossy.truth.calcium))[3], lossy.truth.calcium[3])
    saved = np.load(lossy.save(tmp_path / "lossy"))
    assert np.array_equal(saved, lossy.frames[...])


def test_a_switch_drops_no_other_frames(lossy: ms.Recording) -> None:
    for other in (lossy.without("noise"), lossy.only("cells")):
        assert other.shape == lossy.shape
        assert np.array_equal(other.times_s, lossy.times_s)


def test_without_drops_every_exposure_is_a_frame(rec: ms.Recording) -> None:
    assert np.array_equal(rec.truth.exposure_index, np.arange(T))


# -- coordinates ---------------------------------------------------------------------------------

QUIET = {"rate_hz": 0}
STILL_VESSELS = {"vasomotion": 0, "heart": 0, "running_dilation": 0}


def center_of_light(picture: NDArray[Any]) -> NDArray[Any]:
    light = picture.astype(float) - np.median(picture)
    light[light < 0.02 * light.max()] = 0
    axes = np.indices(light.shape)
    return np.asarray((axes * light).sum(axis=(1, 2)) / light.sum())


@pytest.mark.parametrize("field_um", [80, 81.5])
@pytest.mark.parametrize("place", [(90, 0, 0), (90, 20.5, -12.25), (89, -25, 8)])
def test_a_cell_appears_where_the_contract_says(
    small: Small, place: tuple[float, ...], field_um: float
) -> None:
    exp = small(field_um=field_um, cells={"positions_um": (place,)}, scope={"distortion_per_mm2": 0})
    rec = ms.simulate(exp).only("cells", "out_of_focus")
    height = rec.shape[1]
    want = np.array(place[1:]) / rec.pixel_um + (height - 1) / 2
    np.testing.assert_allclose(center_of_light(rec.expected[0]), want, atol=0.07)
    np.testing.assert_allclose(rec.truth.centroids_px[0], want, atol=1e-9)
    assert rec.truth.in_field[0]


def test_distortion_moves_centres_outwards(small: Small) -> None:
    place = (90.0, 150.0, -100.0)
    rec = ms.simulate(small(field_um=400, cells={"positions_um": (place,)}))
    scale = 1 + rec.experiment.scope.distortion_per_mm2 * (150**2 + 100**2) * 1e-6
    want = np.array(place[1:]) * scale / rec.pixel_um + (rec.shape[1] - 1) / 2
    np.testing.assert_allclose(rec.truth.centroids_px[0], want, atol=1e-9)
    seen = center_of_light(rec.only("cells", "out_of_focus").expected[0])
    np.testing.assert_allclose(seen, want, atol=0.05)


def test_moving_tissue_appears_at_p_plus_d(small: Small) -> None:
    exp = small(
        duration_s=4,
        cells={"positions_um": ((90, 2, -3),)},
        motion={"stride_um": 6, "running_fraction": 1, "drift_um": 4},
        scope={"distortion_per_mm2": 0},
        sensor={"exposure_fraction": 0.05},
    )
    rec = ms.simulate(exp).only("cells", "out_of_focus", "motion")
    rest = rec.truth.centroids_px[0]
    assert np.ptp(rec.truth.motion_um, axis=0).min() > 2
    for frame in (0, 11, 37, 70):
        moved = center_of_light(rec.expected[frame]) - rest
        np.testing.assert_allclose(moved * rec.pixel_um, rec.truth.motion_um[frame], atol=0.1)


def test_motion_is_the_mean_of_its_path(small: Small) -> None:
    truth = ms.simulate(small(duration_s=4)).truth
    path = truth.motion_path_um.reshape(80, 20, 2).mean(axis=1)
    np.testing.assert_allclose(truth.motion_um, path, atol=0.3)
    np.testing.assert_allclose(np.diff(truth.motion_path_time_s), 1 / 400)


def test_motion_never_leaves_its_bound(small: Small) -> None:
    exp = small(duration_s=600, motion={"stride_um": 20, "drift_um": 20, "breathing_um": 10, "heart_um": 5})
    path = ms.simulate(exp).truth.motion_path_um
    assert 20 < np.abs(path).max() <= motion.bound_um(exp.motion)


def test_the_bowl_focuses_nearer_to_the_surface_at_the_edge(small: Small) -> None:
    truth = ms.simulate(small(field_um=400)).truth
    surface = truth.focal_surface_um
    middle = surface.shape[0] // 2
    assert surface.max() == pytest.approx(90, abs=0.01)
    edge_um = (surface.shape[0] - 1) / 2 * 4.8 / 3.161
    edge_um /= 1 + 0.06 * (edge_um / 1000) ** 2  # distortion brought the tissue there from farther in
    assert surface[middle, 0] == pytest.approx(90 - edge_um**2 / 2 / 1684, abs=0.01)


# -- truth ---------------------------------------------------------------------------------------


def test_truth_has_the_promised_shapes(rec: ms.Recording) -> None:
    t, n, hw = rec.truth, len(rec.truth.positions_um), rec.shape[1:]
    m, p = len(t.spike_time_s), len(t.motion_path_time_s)
    shapes = {
        "positions_um": ((n, 3), "f8"), "in_field": ((n,), "?"), "near_focus": ((n,), "?"),
        "rest_light_e": ((n,), "f8"), "detectable": ((n,), "?"), "snr": ((n,), "f8"),
        "centroids_px": ((n, 2), "f8"),
        "spike_cell": ((m,), "i8"), "spike_time_s": ((m,), "f8"), "spikes": ((n, T), "u2"),
        "calcium": ((n, T), "f4"), "fluorescence": ((n, T), "f4"), "motion_um": ((T, 2), "f8"),
        "motion_path_um": ((p, 2), "f8"), "motion_path_time_s": ((p,), "f8"), "illumination": (hw, "f4"),
        "vignetting": (hw, "f4"), "stray_light_e": (hw, "f4"), "focal_surface_um": (hw, "f4"),
        "vessel_transmission_ex": (hw, "f4"), "vessel_transmission_em": (hw, "f4"), "vessel_mask": (hw, "?"),
    }  # fmt: skip
    assert n > 100 and m > 100 and t.in_field.sum() > 5
    for name, (shape, kind) in shapes.items():
        value = getattr(t, name)
        assert value.shape == shape, name
        assert value.dtype == np.dtype(kind), name
        array = value if isinstance(value, np.ndarray) else value[...]
        assert not array.flags.writeable, name
        assert np.isfinite(array).all(), name
    assert len(t.footprints) == len(t.footprints_sharp) == n
    with pytest.raises(AttributeError):
        t.positions_um = 0


def test_truth_agrees_with_itself(rec: ms.Recording) -> None:
    t = rec.truth
    y, x = t.centroids_px.T
    inside = (y >= -0.5) & (y < 52.5) & (x >= -0.5) & (x < 52.5)
    assert np.array_equal(t.in_field, inside)
    bowl = rec.experiment.focus_um - (t.positions_um[:, 1:] ** 2).sum(axis=1) / 2 / 1684
    assert np.array_equal(t.near_focus, np.abs(t.positions_um[:, 0] - bowl) <= 15)
    assert not (t.detectable & ~t.in_field).any()
    assert (t.snr >= 0).all()
    order = np.lexsort((t.spike_time_s, t.spike_cell))
    assert np.array_equal(order, np.arange(len(order)))
    assert t.spike_time_s.min() >= 0 and t.spike_time_s.max() < 2
    assert t.fluorescence[...].min() >= 1 - 1e-3 and t.calcium[...].min() >= -1e-6
    for name in ("illumination", "vignetting", "vessel_transmission_ex", "vessel_transmission_em"):
        field = getattr(t, name)
        assert 0 < field.min() and field.max() <= 1, name
    assert np.array_equal(t.vessel_mask, t.vessel_transmission_em < 1)


def histogram(truth: Any, shape: tuple[int, int], rate_hz: float) -> NDArray[Any]:
    counts = np.zeros(shape, dtype=int)
    np.add.at(counts, (truth.spike_cell, np.floor(truth.spike_time_s * rate_hz + 1e-9).astype(int)), 1)
    return counts


def test_spikes_are_the_histogram_of_spike_times(rec: ms.Recording) -> None:
    want = histogram(rec.truth, rec.truth.spikes.shape, 20)
    assert np.array_equal(rec.truth.spikes[...], want)
    assert np.array_equal(rec.truth.spikes[5, 3:9], want[5, 3:9])


def test_spikes_across_blocks_of_time_are_counted(small: Small) -> None:
    firing = {"burst_interval_s": 0.1, "burst_spikes": 8, "rate_hz": 1}
    truth = ms.simulate(small(field_um=20, duration_s=20, activity=firing)).truth
    assert np.array_equal(truth.spikes[...], histogram(truth, truth.spikes.shape, 20))


def test_spikes_of_bursts_from_before_the_recording_are_known(small: Small) -> None:
    """What lights up the first frames is in the truth, whenever its burst began."""
    firing = {"burst_interval_s": 0.2, "burst_spikes": 10, "rate_hz": 2, "rate_spread": 0, "drive_sd": 0}
    truth = ms.simulate(small(field_um=20, duration_s=8, activity=firing)).truth
    early, late = ((truth.spike_time_s // 1 == second).sum() for second in (0, 7))
    assert early > 0.8 * late


def test_fluorescence_is_the_mean_over_the_exposure(small: Small) -> None:
    for indicator in ("GCaMP6f", "jGCaMP8f"):
        changes = {"activity": {"indicator": indicator, "rate_hz": 1}, "field_um": 20, "duration_s": 6}
        fine = ms.simulate(small(frame_rate_hz=160, **changes)).truth.fluorescence[...]
        coarse = ms.simulate(small(frame_rate_hz=10, **changes)).truth.fluorescence[...]
        np.testing.assert_allclose(coarse, fine.reshape(len(fine), -1, 16).mean(axis=2), rtol=2e-3)


def test_a_cell_that_never_fires_stays_at_rest(small: Small) -> None:
    truth = ms.simulate(small(activity=QUIET)).truth
    assert len(truth.spike_time_s) == 0
    np.testing.assert_allclose(truth.fluorescence[...], 1, atol=1e-6)
    assert not truth.calcium[...].any() and not truth.spikes[...].any()


def test_sharp_footprints_sum_to_one(rec: ms.Recording) -> None:
    t = rec.truth
    y, x = t.centroids_px.T
    whole_inside = (y > 9) & (y < 43) & (x > 9) & (x < 43)
    assert whole_inside.sum() >= 5
    for i in np.flatnonzero(whole_inside):
        y0, x0, patch = t.footprints_sharp[i]
        assert patch.dtype == np.float32 and not patch.flags.writeable
        assert patch.sum() == pytest.approx(1, abs=2e-3)
        assert (patch >= 0).all()
        at = (np.indices(patch.shape) * patch).sum(axis=(1, 2)) / patch.sum() + (y0, x0)
        np.testing.assert_allclose(at, t.centroids_px[i], atol=0.1)


def test_footprints_lie_in_the_frame_and_are_small(rec: ms.Recording) -> None:
    for prints in (rec.truth.footprints, rec.truth.footprints_sharp):
        for y0, x0, patch in prints:
            assert patch.nbytes <= 64 * 1024
            if patch.size:
                assert y0 >= 0 and x0 >= 0
                assert y0 + patch.shape[0] <= 53 and x0 + patch.shape[1] <= 53
    prints = rec.truth.footprints
    assert np.array_equal(prints[-1][2], prints[len(prints) - 1][2])
    assert len(prints[2:5]) == 3
    with pytest.raises(IndexError):
        prints[len(prints)]


def test_footprints_as_a_sparse_matrix(rec: ms.Recording) -> None:
    prints = rec.truth.footprints_sharp
    everyone = prints.csc()
    assert everyone.shape == (53 * 53, len(prints)) and everyone.format == "csc"
    assert everyone.dtype == np.float32
    some = np.flatnonzero(rec.truth.in_field)[[3, 0]]
    matrix = prints.csc(some)
    assert matrix.shape == (53 * 53, 2)
    for column, i in enumerate(some):
        y0, x0, patch = prints[i]
        picture = np.zeros((53, 53), dtype=np.float32)
        picture[y0 : y0 + patch.shape[0], x0 : x0 + patch.shape[1]] = patch
        assert np.array_equal(matrix[:, [column]].toarray().ravel(), picture.ravel())
    assert prints.csc([]).shape == (53 * 53, 0)


@pytest.mark.parametrize("place", [(90, 3, -6), (60, -8, 12), (140, 0, 0)])
def test_truth_rebuilds_the_expected_light(small: Small, place: tuple[float, ...]) -> None:
    exp = small(
        cells={"positions_um": (place,)},
        tissue={"scattering_per_mm": 0, "absorption_per_mm": 0},
        activity={"rate_hz": 2},
        off=("neuropil", "vessels", "motion", "noise"),
    )
    rec = ms.simulate(exp)
    t = rec.truth
    y0, x0, patch = t.footprints[0]
    picture = np.zeros(rec.shape[1:])
    picture[y0 : y0 + patch.shape[0], x0 : x0 + patch.shape[1]] = patch
    rest_e = t.rest_light_e[0]
    for frame in (0, 9, 19):
        light = rest_e * t.fluorescence[0, frame] * picture * t.illumination * t.vignetting + t.stray_light_e
        gap = np.abs(rec.expected[frame] - light)
        assert gap.max() < 3e-3 * (light - t.stray_light_e).max()


def test_a_cell_shines_as_much_as_line_2_says(small: Small) -> None:
    """κ·P·φ0·Ω·T·QE·t·m, from the parameters alone."""
    exp = small(
        cells={
            "positions_um": ((90, 0, 0),), "radius_sd_um": 0, "brightness_sd": 0, "elongation": 0,
            "labelling": "soma",
        },
        tissue={"scattering_per_mm": 0, "absorption_per_mm": 0}, activity=QUIET,
        illumination={"offset_y_um": 0, "offset_x_um": 0},
    ).with_(off=tuple(n for n in SWITCHES if n not in ("blur", "dimming")))  # fmt: skip
    i, s, c = exp.illumination, exp.scope, exp.cells
    photon_j = 6.62607015e-34 * 2.99792458e8 / (i.wavelength_nm * 1e-9)
    per_s = i.led_mw * 1e-3 / photon_j / (i.spot_area_mm2 * 1e6) * 1.9e-8 * 0.6
    half_angle = np.arcsin(s.numerical_aperture / exp.tissue.refractive_index)
    collected = (1 - np.cos(half_angle)) / 2
    shell = 1 - (1 - c.nucleus_brightness) * c.nucleus_fraction**3
    litres = 4 / 3 * np.pi * c.radius_um**3 * shell * 1e-15
    molecules = c.concentration_micromolar * 1e-6 * 6.02214076e23 * litres * c.bright_fraction_at_rest
    want = per_s * molecules * collected * s.transmission * exp.sensor.quantum_efficiency * exp.exposure_s
    assert ms.simulate(exp).expected[0].sum(dtype=float) == pytest.approx(want, rel=3e-3)


# -- what a switch removes -----------------------------------------------------------------------


def test_every_switch_changes_the_picture_and_stays_positive(rec: ms.Recording) -> None:
    for name in SWITCHES:
        frame = rec.without(name).frames[7]
        assert not np.array_equal(frame, rec.frames[7]), name
        assert (rec.without(name).expected[7] >= 0).all()
    assert np.array_equal(rec.without("noise").expected[7], rec.expected[7])


def test_without_neuropil_its_light_is_gone(rec: ms.Recording) -> None:
    roi = np.ones(rec.shape[1:])
    part = rec.explain(roi, frames=slice(7, 8))["neuropil"][0]
    gone = (rec.expected[7].astype(float) - rec.without("neuropil").expected[7]).sum()
    assert gone == pytest.approx(part, rel=1e-4)
    assert part > 0


def test_without_vessels_nothing_is_shadowed(small: Small) -> None:
    rec = ms.simulate(small(field_um=300, motion={"looseness": 0}))
    clear = rec.without("vessels")
    assert rec.truth.vessel_mask.any() and not clear.truth.vessel_mask.any()
    assert (clear.truth.vessel_transmission_em == 1).all()
    ratio = rec.expected[3] / clear.expected[3]
    assert ratio.max() < 1.01 and 0.3 < ratio.min() < 0.97
    none = ms.simulate(rec.experiment.with_(vessels={"count": 0}))
    assert np.array_equal(none.expected[3], clear.expected[3])
    bloodless = ms.simulate(rec.experiment.with_(vessels={"haemoglobin_g_per_l": 0}))
    np.testing.assert_allclose(bloodless.expected[3], clear.expected[3], rtol=1e-5)


def test_without_motion_nothing_moves(small: Small) -> None:
    rec = ms.simulate(small())
    still = rec.without("motion")
    assert not still.truth.motion_um.any() and not still.truth.motion_path_um.any()
    held = ms.simulate(rec.experiment.with_(motion={"looseness": 0}))
    np.testing.assert_allclose(held.expected[3], still.expected[3], rtol=5e-3)


@pytest.mark.parametrize(
    ("switch", "field", "value"),
    [
        ("illumination", "illumination", 1),
        ("vignetting", "vignetting", 1),
        ("stray_light", "stray_light_e", 0),
    ],
)
def test_static_fields_are_identity_when_off(
    rec: ms.Recording, switch: str, field: str, value: float
) -> None:
    off = rec.without(switch)
    assert (getattr(off.truth, field) == value).all()
    assert not (getattr(rec.truth, field) == value).all()


def test_vignetting_and_stray_light_are_line_19(rec: ms.Recording) -> None:
    t = rec.truth
    bare = rec.without("vignetting", "stray_light").expected[5]
    np.testing.assert_allclose(rec.expected[5], bare * t.vignetting + t.stray_light_e, rtol=1e-5)


def test_illumination_multiplies_near_light_at_the_pixel(small: Small) -> None:
    """In clear tissue all light is near; p is taken at the pixel."""
    clear = {"scattering_per_mm": 0, "absorption_per_mm": 0}
    beam = {"width_um": 200, "offset_y_um": 30, "offset_x_um": -20}
    rec = ms.simulate(small(tissue=clear, illumination=beam)).without("stray_light", "neuropil")
    even = rec.without("illumination")
    np.testing.assert_allclose(rec.expected[5], even.expected[5] * rec.truth.illumination, rtol=1e-5)


@pytest.mark.parametrize(("width_um", "accuracy"), [(600, 3e-3), (200, 3e-2), (150, 6e-2)])
def test_far_light_is_lit_where_it_starts(small: Small, width_um: float, accuracy: float) -> None:
    """A cell's far image under a beam is its far image in even light, times the beam at the cell."""
    place = (120.0, -90.0, 60.0)
    exp = small(
        field_um=400, cells={"positions_um": (place,)}, illumination={"width_um": width_um}, activity=QUIET
    )
    rec = ms.simulate(exp).without("neuropil", "vessels", "motion", "stray_light", "vignetting", "noise")
    even = rec.without("illumination")
    near = Scene(even.experiment)
    images = near.images
    both = picture(near.canvas, images, near.rest_electrons, np.zeros(1))
    m = near.canvas.margin_px
    near_light = both[m:-m, m:-m]
    far = even.expected[0] - near_light
    i = rec.experiment.illumination
    at_cell = np.exp(-((place[1] - i.offset_y_um) ** 2 + (place[2] - i.offset_x_um) ** 2) / 2 / width_um**2)
    got = rec.expected[0] - near_light * rec.truth.illumination
    np.testing.assert_allclose(got, far * at_cell, atol=accuracy * (far * at_cell).max())


def test_without_blur_the_lens_is_perfect_and_the_tissue_stays(small: Small) -> None:
    place = ((150, 0, 0),)
    off = ("neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light", "noise")
    cell = {"positions_um": place, "labelling": "soma"}
    hazy = ms.simulate(small(cells=cell, activity=QUIET, off=off))
    sharp = hazy.without("blur")
    clear = hazy.without("blur", "dimming")
    blurred, haze, core = (r.expected[0].astype(float) for r in (hazy, sharp, clear))
    assert haze.max() > 3 * blurred.max(), "defocus is gone"
    outside = np.hypot(*(np.indices(core.shape) - 26)) * hazy.pixel_um > 15
    assert core[outside].sum() < 1e-3 * core.sum(), "a sharp cell has an edge"
    assert haze[outside].sum() > 0.2 * haze.sum(), "the tissue's halo stays"
    assert haze[26, 26] < 0.5 * core[26, 26], "and its dimming"


def test_without_blur_focus_does_not_matter(small: Small) -> None:
    off = ("blur", "neuropil", "vessels", "motion", "noise")
    cells = {"positions_um": ((150, 0, 0), (60, 20, 20))}
    rigid = {"magnification_per_mm": 0}
    a, b = (ms.simulate(small(cells=cells, scope=rigid, focus_um=f, off=off)).expected[4] for f in (90, 150))
    np.testing.assert_allclose(a, b, rtol=1e-4)


@pytest.mark.parametrize("depth_um", [20, 90, 200])
def test_without_dimming_a_cell_keeps_its_surface_light(small: Small, depth_um: float) -> None:
    off = ("blur", "dimming", "neuropil", "vessels", "motion", "illumination", "vignetting", "stray_light")
    rec = ms.simulate(small(cells={"positions_um": ((depth_um, 0, 0),)}, activity=QUIET, off=off))
    want = Scene(rec.experiment).rest_electrons[0]
    assert rec.expected[0].sum(dtype=float) == pytest.approx(want, rel=1e-3)
    in_focus = ms.simulate(rec.experiment.with_(focus_um=depth_um, off=off[1:]))
    assert in_focus.expected[0].sum(dtype=float) == pytest.approx(want, rel=3e-3)


def test_dimming_leaves_neuropil_alone(small: Small) -> None:
    empty = ms.simulate(small(cells={"positions_um": ()}))
    for name in ("out_of_focus", "blur", "dimming"):
        assert np.array_equal(empty.without(name).expected[3], empty.expected[3]), name


def test_without_out_of_focus_only_near_cells_shine(rec: ms.Recording) -> None:
    roi = np.ones(rec.shape[1:])
    full, near = (r.explain(roi, frames=slice(3, 4), cells=None) for r in (rec, rec.without("out_of_focus")))
    for i, focused in enumerate(rec.truth.near_focus):
        if focused:
            assert near[f"cell:{i}"] == full[f"cell:{i}"], "in-focus cells keep near and far light"
        else:
            assert not near[f"cell:{i}"].any()
    assert near["neuropil"] == full["neuropil"]
    assert 0 < near["distant_tissue"][0] < full["distant_tissue"][0]


def test_near_focus_is_measured_from_the_bowl(small: Small) -> None:
    at_edge = 90 - 180**2 / 2 / 1684
    places = ((at_edge, 0, 180.0), (90.0, 0, 180.0 + 60), (90.0, 0.0, 0.0), (106, 5, 5), (74, 5, 5))
    truth = ms.simulate(small(field_um=400, cells={"positions_um": places})).truth
    assert truth.near_focus.tolist() == [True, abs(90 - (90 - 240**2 / 3368)) <= 15, True, False, False]


def test_only_cells_is_sharp_cells_in_focus(rec: ms.Recording) -> None:
    bare = rec.only("cells")
    picture = np.zeros(rec.shape[1:])
    light = Scene(bare.experiment).rest_electrons
    t = bare.truth
    for i in np.flatnonzero(t.near_focus):
        y0, x0, patch = t.footprints_sharp[i]
        picture[y0 : y0 + patch.shape[0], x0 : x0 + patch.shape[1]] += light[i] * t.fluorescence[i, 4] * patch
    np.testing.assert_allclose(bare.expected[4], picture, atol=3e-3 * picture.max())


def test_moving_cells_are_hardly_ever_darker_than_dark(small: Small) -> None:
    """Shifting by cubic convolution overshoots a little where a perfect lens draws hard edges."""
    rec = ms.simulate(small()).only("cells", "out_of_focus", "motion")
    assert min(frame.min() / frame.max() for frame in rec.expected) > -0.06
    seen = ms.simulate(small()).only("cells", "out_of_focus", "blur", "dimming", "motion")
    assert min(frame.min() / frame.max() for frame in seen.expected) > -0.01


# -- noise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("led_mw", [0.4, 0.004])
def test_without_noise_the_camera_gives_its_mean_answer(small: Small, bits: int, led_mw: float) -> None:
    exp = small(
        duration_s=400, illumination={"led_mw": led_mw}, activity=QUIET, field_um=30,
        neuropil={"fluctuation": 0}, vessels=STILL_VESSELS,
        sensor={"bit_depth": bits, "gain_pattern": 0, "offset_pattern": 0, "column_pattern": 0},
    ).with_(off=("motion",))  # fmt: skip
    rec = ms.simulate(exp)
    calm = rec.without("noise").frames[0].astype(float)
    assert np.array_equal(calm, rec.without("noise").frames[100])
    noisy = rec.frames[:3000].mean(axis=0, dtype=float)
    expected_e = rec.expected[0].mean(dtype=float) + exp.sensor.dark_current_e_per_s * exp.exposure_s
    counts = expected_e * 1024 * exp.sensor.gain / exp.sensor.full_well_e + exp.sensor.black_level
    want = counts / 4 - 0.375 if bits == 8 else counts
    assert noisy.mean() == pytest.approx(want, abs=0.05), "dropping two bits costs 0.375 counts"
    spread = rec.frames[:200].std(axis=0).max()
    assert np.abs(noisy - calm).max() < 0.5 + 5 * spread / np.sqrt(3000), "the mean map, rounded"


def test_noise_has_the_variance_of_photons_and_read_noise(small: Small) -> None:
    exp = small(
        duration_s=400, activity=QUIET, field_um=30, neuropil={"fluctuation": 0},
        vessels=STILL_VESSELS, sensor={"bit_depth": 12, "gain": 4},
    ).with_(off=("motion",))  # fmt: skip
    rec = ms.simulate(exp)
    s = exp.sensor
    frames = rec.frames[:2000].astype(float) * s.full_well_e / (4096 * s.gain)
    mean_e = rec.expected[0] + s.dark_current_e_per_s * exp.exposure_s
    want = mean_e.mean() + s.read_noise_e**2 + (s.full_well_e / (4096 * s.gain)) ** 2 / 12
    assert frames.var(axis=0).mean() == pytest.approx(want, rel=0.02)
    steps = np.diff(frames, axis=0)
    assert abs((steps[1:] * steps[:-1]).mean() / steps.var() + 0.5) < 0.02, "frames are independent"


def test_the_camera_saturates_and_never_wraps(small: Small) -> None:
    for bits, top in ((8, 255), (12, 4095)):
        for noise in ((), ("noise",)):
            rec = ms.simulate(
                small(illumination={"led_mw": 10}, sensor={"bit_depth": bits, "gain": 16}, off=noise)
            )
            assert rec.frames[0].min() == top
        dark = ms.simulate(small(illumination={"led_mw": 0}, sensor={"bit_depth": bits, "black_level": 0}))
        assert dark.frames[0].max() < 0.2 * top


def test_the_experiment_in_a_saved_file_makes_the_same_frames(small: Small, tmp_path: Path) -> None:
    rec = ms.simulate(small(field_um=40, off=("motion",), sensor={"bit_depth": 10}))
    saved = rec.save(tmp_path / "m")
    text = saved.with_suffix(".json").read_text("utf-8")
    assert json.loads(text)["off"] == ["motion"]
    again = ms.simulate(ms.Experiment.from_json(text))
    assert np.array_equal(np.load(saved), again.frames[...])
