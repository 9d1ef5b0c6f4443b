"""A recording on disk: whole, equal to what is computed, opened by the tools people use, or not there."""

import errno
import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from scipy import sparse

import minisim_core as ms
from minisim_core.inverse import score as scoring

Small = Callable[..., ms.Experiment]


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def recording(small: Small) -> ms.Recording:
    """Three seconds with ten bits and dropped frames."""
    return ms.simulate(small(duration_s=3, sensor={"bit_depth": 10, "dropped_fraction": 0.1}))


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("format", ["tiff", "zarr"])
def test_frames_come_back_bit_for_bit(small: Small, tmp_path: Path, bits: int, format: str) -> None:
    rec = ms.simulate(small(duration_s=4, sensor={"bit_depth": bits}))
    movie, _, experiment = ms.export.record(rec, tmp_path / "new" / "folder", name="m", format=format)
    back = tifffile.imread(movie) if format == "tiff" else zarr.open_group(movie, mode="r")["frames"][:]
    assert back.dtype == rec.frames.dtype and sha(back) == sha(rec.frames[...])
    again = ms.simulate(ms.Experiment.from_json(experiment.read_text("utf-8")))
    assert sha(again.frames[...]) == sha(back)
    assert names(movie.parent) == sorted(["m.json", "m.truth.npz", movie.name])


def test_a_tiff_says_how_to_read_it(recording: ms.Recording, tmp_path: Path) -> None:
    movie = ms.export.record(recording, tmp_path).movie
    count, height, width = recording.shape
    with tifffile.TiffFile(movie) as file:
        assert file.is_bigtiff and file.is_ome
        [series] = file.series
        assert (series.axes, series.shape) == ("TYX", recording.shape)
        assert len(file.pages) == count  # suite2p and CaImAn count pages
        pages = [file.pages[i].aspage() for i in range(count)]
        first = pages[0]
        assert {page.tags["RowsPerStrip"].value for page in pages} == {height}
        assert all(len(page.dataoffsets) == 1 for page in pages)
        steps = np.diff([page.dataoffsets[0] for page in pages])
        assert set(steps) == {2 * height * width}  # one after another: they can be mapped into memory
        across, per = first.tags["XResolution"].value
        assert first.tags["ResolutionUnit"].value == 3  # per cm
        assert 1e4 * per / across == pytest.approx(recording.pixel_um, rel=1e-6)
        assert first.compression == 1 and first.photometric == 1
        said = file.ome_metadata or ""
    for words in (
        f'PhysicalSizeX="{recording.pixel_um}" PhysicalSizeXUnit="µm"',
        'TimeIncrement="0.05" TimeIncrementUnit="s"',
        'SignificantBits="10"',
        f'SizeT="{count}"',
    ):
        assert words in said
    assert sha(tifffile.memmap(movie, mode="r")[7]) == sha(recording.frames[7])


def test_a_zarr_store_is_of_version_2_and_says_how_to_read_it(
    recording: ms.Recording, tmp_path: Path
) -> None:
    store = ms.export.record(recording, tmp_path, format="zarr").movie
    assert {".zgroup", ".zmetadata"} <= set(names(store)) and "zarr.json" not in names(store)
    group = zarr.open_consolidated(str(store))
    frames = group["frames"]
    assert frames.metadata.zarr_format == 2 and frames.chunks[1:] == recording.shape[1:]
    assert frames.attrs["_ARRAY_DIMENSIONS"] == ["frame", "height", "width"]
    assert frames.attrs["pixel_um"] == recording.pixel_um and frames.attrs["frame_rate_hz"] == 20
    assert np.array_equal(group["times_s"][:], recording.times_s)


def test_the_truth_beside_it_is_the_truth(recording: ms.Recording, tmp_path: Path) -> None:
    truth = ms.export.record(recording, tmp_path).truth
    known = recording.truth
    with np.load(truth) as held:
        assert held.keys() - ms.export.EXTRAS == {
            "A_data", "A_indices", "A_indptr", "A_shape", "A_format", "C", "spikes", "shifts_px"
        }  # fmt: skip
        for name in ms.export.EXTRAS - {"times_s", "pixel_um"}:
            assert np.array_equal(held[name], getattr(known, name)), name
        assert held["pixel_um"] == recording.pixel_um
        assert np.array_equal(held["times_s"], recording.times_s)
        assert np.array_equal(held["C"], known.fluorescence[:, :])
        assert np.array_equal(held["spikes"], known.spikes[:, :])
        A = sparse.csc_array((held["A_data"], held["A_indices"], held["A_indptr"]), shape=held["A_shape"])
    assert (A != known.footprints.csc()).nnz == 0
    perfect = scoring.load(truth, recording.shape[1:])
    report = scoring.score_recording(recording, perfect)
    assert report.detectable.recall == 1 and report.all_cells.recall == 1
    assert report.motion is not None and report.motion.rmse_px == 0


def test_a_scene_without_cells_is_recorded(small: Small, tmp_path: Path) -> None:
    rec = ms.simulate(small(field_um=40, duration_s=0.5, cells={"density_per_mm3": 0}))
    _, truth, _ = ms.export.record(rec, tmp_path)
    assert len(scoring.load(truth, rec.shape[1:])) == 0


def test_equal_recordings_make_equal_truths(small: Small, tmp_path: Path) -> None:
    rec = ms.simulate(small(field_um=40, duration_s=0.5))
    one, two = (ms.export.record(rec, tmp_path / name).truth.read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_size_is_known_beforehand(small: Small, tmp_path: Path) -> None:
    for changes in (
        {"duration_s": 3},
        {"field_um": 200, "duration_s": 1},
        {"duration_s": 60, "field_um": 40},
    ):
        rec = ms.simulate(small(**changes))
        expected = ms.export.nbytes(rec)
        files = ms.export.record(rec, tmp_path, replace=True)
        assert 0.9 < expected / sum(path.stat().st_size for path in files) < 1.5


def test_progress_grows_from_none_to_all(recording: ms.Recording, tmp_path: Path) -> None:
    told: list[float] = []
    ms.export.record(recording, tmp_path, progress=told.append)
    assert told == sorted(told) and told[0] == 0 and told[-1] == pytest.approx(1)
    assert len(told) > 10


def test_what_is_there_stays_unless_it_may_be_replaced(small: Small, tmp_path: Path) -> None:
    old = ms.simulate(small(field_um=40, duration_s=0.5))
    new = ms.simulate(small(field_um=40, duration_s=1))
    for format in ms.export.FORMATS:
        folder = tmp_path / format
        movie = ms.export.record(old, folder, format=format).movie
        with pytest.raises(ms.export.ExportError, match=r"recording\.truth\.npz and recording\.json in"):
            ms.export.record(new, folder, format=format)
        ms.export.record(new, folder, format=format, replace=True)
        again = tifffile.imread(movie) if format == "tiff" else zarr.open_group(movie, mode="r")["frames"]
        assert again.shape == new.shape
        assert len(names(folder)) == 3


def test_refusals_are_sentences(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rec = ms.simulate(small(field_um=40, duration_s=0.5))
    with pytest.raises(ms.ParameterError, match="format = 'avi' is refused: it must be one of tiff, zarr"):
        ms.export.record(rec, tmp_path, format="avi")
    for name in ("", "a/b", "..", ".hidden"):
        with pytest.raises(ms.ParameterError, match="give the name of a file"):
            ms.export.record(rec, tmp_path, name=name)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 5000))
    with pytest.raises(ms.export.ExportError, match=r"takes about .* kB and .* has 5 kB free"):
        ms.export.record(rec, tmp_path / "deep" / "er")
    assert names(tmp_path) == []


@pytest.mark.parametrize("format", ["tiff", "zarr"])
def test_a_disk_that_fails_leaves_nothing(recording: ms.Recording, tmp_path: Path, format: str) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    def fail(done: float) -> None:
        if done > 0.8:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        ms.export.record(recording, tmp_path, format=format, progress=fail)
    with pytest.raises(OSError, match="No space left"):
        ms.export.record(recording, tmp_path / "made" / "for it", format=format, progress=fail)
    assert names(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize("format", ["tiff", "zarr"])
def test_cancelling_leaves_nothing(recording: ms.Recording, tmp_path: Path, format: str) -> None:
    unwanted = threading.Event()

    def tell(done: float) -> None:
        if done > 0.5:
            unwanted.set()

    with ms.memory.cancellable(unwanted), pytest.raises(ms.Cancelled):
        ms.export.record(recording, tmp_path, format=format, progress=tell)
    assert names(tmp_path) == []


COMMAND = [
    sys.executable, "-m", "minisim_guide", "record", "guide", "--set", "field_um=60", "--duration", "5min",
]  # fmt: skip


def started(folder: Path) -> subprocess.Popen[bytes]:
    """A long recording whose movie is being written."""
    process = subprocess.Popen(
        [*COMMAND, "-o", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests may run in the background
    )
    while not (movie := folder / "guide.tif.part").exists() or movie.stat().st_size < 100_000:
        assert process.poll() is None
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_cleans_up(tmp_path: Path, how: signal.Signals) -> None:
    process = started(tmp_path / "out")
    process.send_signal(how)
    assert process.wait(60) == 130
    assert names(tmp_path) == []


def test_a_killed_command_leaves_no_final_file_and_the_next_one_tidies_up(
    small: Small, tmp_path: Path
) -> None:
    process = started(tmp_path)
    process.kill()
    process.wait()
    assert names(tmp_path) and all(name.endswith(".part") for name in names(tmp_path))
    ms.export.record(ms.simulate(small(field_um=40, duration_s=0.5)), tmp_path, name="guide")
    assert names(tmp_path) == ["guide.json", "guide.tif", "guide.truth.npz"]


def test_a_longer_recording_takes_hardly_more_memory(python: Callable[..., str], tmp_path: Path) -> None:
    peak = """
import resource, sys
import minisim_core as ms
ms.memory.max_bytes = 2**24
rec = ms.simulate(ms.presets.get("guide", field_um=200, frame_rate_hz=50, duration_s=float(sys.argv[1])))
ms.export.record(rec, sys.argv[2], format="tiff")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks_kb = [int(python(peak, length, str(tmp_path / length))) for length in ("2", "60")]
    movie_kb = (tmp_path / "60" / "recording.tif").stat().st_size / 1024
    assert movie_kb > 50_000
    assert peaks_kb[1] < peaks_kb[0] + movie_kb / 2
