"""The command `score`: an estimate in a file, a recording by name or file, and every mistake a sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import minisim_core as ms
from minisim_guide.cli import main

EXPERIMENT = ms.presets.get("guide", field_um=80, duration_s=2)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The file of a small recording's experiment."""
    file = tmp_path / "movie.json"
    file.write_text(EXPERIMENT.to_json())
    return file


def example() -> dict[str, Any]:
    """Half of the detectable cells as they are, and a corner that is none."""
    recorded = ms.simulate(EXPERIMENT)
    truth = recorded.truth
    cells = np.flatnonzero(truth.detectable)[::2]
    A = truth.footprints.csc(cells).toarray().T.reshape(-1, *recorded.shape[1:])
    corner = np.zeros((1, *recorded.shape[1:]))
    corner[0, :2, :2] = 1
    courses = [
        np.pad(course[cells].astype(float), ((0, 1), (0, 0))) for course in (truth.fluorescence, truth.spikes)
    ]
    shifts = truth.motion_um / recorded.pixel_um
    return {"A": np.concatenate([A, corner]), "C": courses[0], "spikes": courses[1], "shifts_px": shifts}


def test_the_report_is_printed(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = example()
    np.savez(tmp_path / "estimate.npz", **arrays)
    assert main(["score", str(recording), str(tmp_path / "estimate.npz")]) == 0
    text = capsys.readouterr().out
    found, detectable = len(arrays["A"]) - 1, int(ms.simulate(EXPERIMENT).truth.detectable.sum())
    assert f"Detectable: {found} of {detectable} found; 1 of {found + 1} estimates are none of them." in text
    assert "Motion: " in text and "Traces: r 1.00" in text and "Spikes in bins of 2 frames: r 1.00" in text


def test_sparse_parts_are_the_same_estimate(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = example()
    np.savez(tmp_path / "dense.npz", **arrays)
    A = sparse.csc_array(arrays.pop("A").reshape(len(arrays["C"]), -1).T)
    sparse.save_npz(tmp_path / "A.npz", A)
    with np.load(tmp_path / "A.npz") as parts:
        np.savez(tmp_path / "sparse.npz", **arrays, **{f"A_{name}": part for name, part in parts.items()})
    reports = []
    for name in ("dense", "sparse"):
        assert main(["score", str(recording), str(tmp_path / f"{name}.npz"), "--json"]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0]["pairs"] and reports[0] == reports[1]


def test_a_preset_is_a_recording_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    A = np.zeros((1, *ms.presets.get("guide").shape_px))
    A[0, 100:110, 100:110] = 1
    np.savez(tmp_path / "estimate.npz", A=A)
    assert main(["score", "guide", str(tmp_path / "estimate.npz"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["all_cells"]["cells"] == ms.simulate(ms.presets.get("guide")).truth.in_field.sum()
    assert report["motion"] is None


def test_a_recording_of_another_version_is_said(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = json.loads(recording.read_text()) | {"engine_version": "0.0.1"}
    recording.write_text(json.dumps(values))
    np.savez(tmp_path / "estimate.npz", **example())
    assert main(["score", str(recording), str(tmp_path / "estimate.npz")]) == 0
    assert "0.0.1" in capsys.readouterr().err


SIDE = EXPERIMENT.shape_px[0]
A_CELL = np.ones((1, SIDE, SIDE))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "holds no footprints: one A, of shape (K, H, W) or sparse, is needed."),
        ({"C": np.zeros((1, 40))}, "holds no footprints"),
        ({"A": A_CELL, "a": 1}, "holds a; known are A, C, spikes, shifts_px"),
        ({"A": A_CELL, "A_data": 1}, "holds both A and parts of a sparse A"),
        ({"A_data": np.ones(1), "A_format": b"csc"}, "make no sparse matrix"),
        ({"A": A_CELL[:, 1:]}, f"A of shape (1, {SIDE - 1}, {SIDE}) is refused"),
        ({"A": A_CELL, "C": np.zeros((1, 39))}, "C has 39 frames and the recording 40"),
        ({"A": A_CELL * np.nan}, "not finite"),
        ({"A": A_CELL.astype(str)}, "A of type <U32 is refused"),
        ({"A": np.array([{}, None])}, "it is no .npz of numbers"),
    ],
)
def test_a_wrong_estimate_is_a_sentence(
    arrays: dict[str, Any], said: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "estimate.npz", **arrays)
    assert_sentence(capsys, [str(recording), str(tmp_path / "estimate.npz")], said)


def test_files_that_cannot_be_read_are_a_sentence(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate = tmp_path / "estimate.npz"
    assert_sentence(capsys, [str(recording), str(estimate)], "estimate.npz cannot be read: No such file")
    assert_sentence(capsys, [str(recording), str(tmp_path)], "cannot be read: Is a directory")
    for content in (b"", b"text", b"PK\x03\x04 torn"):
        estimate.write_bytes(content)
        assert_sentence(capsys, [str(recording), str(estimate)], "it is no .npz of numbers")
    np.save(tmp_path / "one.npy", A_CELL)
    assert_sentence(capsys, [str(recording), str(tmp_path / "one.npy")], "it is no .npz of numbers")
    np.savez(estimate, A=A_CELL)
    assert_sentence(
        capsys, ["v5-ca1", str(estimate)], "Give the JSON file of an experiment or a preset: guide, "
    )
    recording.write_text("{")
    assert_sentence(capsys, [str(recording), str(estimate)], "not the JSON of an experiment")


def assert_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(["score", *arguments]) == 1
    out, err = capsys.readouterr()
    assert not out
    [line] = err.strip().splitlines()
    assert line.startswith("minisim-guide: ") and said in line and line.endswith(".")
