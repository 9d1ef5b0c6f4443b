"""Page 9, "Build your own": the recording that is taken home opens in the tools people use."""

import io
import json
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import skimage.io
import tifffile
import zarr
from PIL import Image
from scipy import sparse

import minisim_core as ms
from minisim_core.inverse import score as scoring
from minisim_guide.cli import main
from minisim_guide.pages import folder

EXPERIMENT = ms.presets.get("guide", field_um=120, duration_s=3, cells={"density_per_mm3": 2e4})


@pytest.fixture(scope="module", params=[8, 10])
def taken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ms.export.Files:
    """A recording on disk, of 8 and of more bits."""
    rec = ms.simulate(EXPERIMENT.with_(sensor={"bit_depth": request.param}))
    return ms.export.record(rec, tmp_path_factory.mktemp("taken"), name="mine")


def again(taken: ms.export.Files) -> ms.Recording:
    return ms.simulate(ms.Experiment.from_json(taken.experiment.read_text("utf-8")))


def test_C27_the_page_says_it() -> None:
    page = json.loads((folder() / "09_try_it_yourself.ipynb").read_text("utf-8"))
    prose = " ".join("".join(cell["source"]) for cell in page["cells"])
    for words in (
        "with its truth",
        "TIFF opens in Fiji",
        "suite2p and CaImAn",
        "once unpacked opens with zarr and xarray",
    ):
        assert words in prose
    for knob in ("**Focus.**", "expression depth", "**LED power.**", "**Frame rate.**", "**Loose headbar**"):
        assert knob in prose


def test_C27_the_tiff_opens_in_the_tools_people_use(taken: ms.export.Files) -> None:
    frames = again(taken).frames[...]
    assert np.array_equal(tifffile.imread(taken.movie), frames)
    assert np.array_equal(skimage.io.imread(taken.movie), frames)
    assert np.array_equal(imageio.imread(taken.movie), frames)
    with Image.open(taken.movie) as image:
        assert image.n_frames == len(frames)
        image.seek(len(frames) - 1)
        assert np.array_equal(np.asarray(image), frames[-1])


def test_C27_as_suite2p_and_caiman_read_it(taken: ms.export.Files) -> None:
    """Both count the pages and read a run of them by their numbers."""
    frames = again(taken).frames[...]
    with tifffile.TiffFile(taken.movie) as file:
        assert len(file.pages) == len(frames) and file.series[0].shape == frames.shape
        assert np.array_equal(file.asarray(key=range(10, 20)), frames[10:20])
        assert np.array_equal(np.stack([page.asarray() for page in file.pages[:3]]), frames[:3])


def test_C27_the_zarr_opens_too(tmp_path: Path) -> None:
    rec = ms.simulate(EXPERIMENT)
    store = ms.export.record(rec, tmp_path, format="zarr").movie
    assert np.array_equal(zarr.open(str(store), mode="r")["frames"][:], rec.frames[...])


def test_C27_its_truth_is_the_truth_of_its_frames(taken: ms.export.Files) -> None:
    rec = again(taken)
    with np.load(taken.truth) as held:
        truth = {name: held[name] for name in held.files}
    assert np.array_equal(truth["positions_um"], rec.truth.positions_um)
    A = sparse.csc_array((truth["A_data"], truth["A_indices"], truth["A_indptr"]), shape=truth["A_shape"])
    # Held still, evenly lit and with nothing between them and the lens, the cells of the file make the frame.
    still = rec.only("out_of_focus", "blur", "dimming")
    made = A @ (truth["rest_light_e"] * truth["C"][:, 0])
    seen = still.expected[0].ravel()
    assert np.corrcoef(made, seen)[0, 1] > 0.97
    assert made.sum() <= seen.sum()


def test_C27_an_analysis_is_scored_with_the_file_beside_the_movie(
    taken: ms.export.Files, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(taken.experiment), str(taken.truth), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["detectable"]["recall"] == report["all_cells"]["recall"] == 1
    rec = again(taken)
    A = rec.truth.footprints.csc(np.flatnonzero(rec.truth.detectable)[:1])
    file = io.BytesIO()
    sparse.save_npz(file, A)
    file.seek(0)
    with np.load(file) as parts:
        estimate = taken.movie.with_name("one.npz")
        np.savez(estimate, **{f"A_{name}": part for name, part in parts.items()})
    found = scoring.score_recording(rec, scoring.load(estimate, rec.shape[1:]))
    assert found.detectable.recall == pytest.approx(1 / rec.truth.detectable.sum())
