"""The command `record`: a preset or a file, changes, formats, and every mistake a sentence."""

from pathlib import Path

import pytest
import tifffile
import zarr

import minisim_core as ms
from minisim_guide.cli import main
from minisim_guide.record import change, duration_s

SMALL = ["--set", "field_um=60", "--duration", "500ms"]


def test_a_preset_is_recorded_with_its_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "guide", *SMALL, "--set", "motion.stride_um=4", "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [
        str(tmp_path / "out" / f"guide.{end}") for end in ("tif", "truth.npz", "json")
    ]
    assert "10 frames of 40 × 40 px" in said.err and "100 %" in said.err
    exp = ms.presets.get("guide", field_um=60, duration_s=0.5, motion={"stride_um": 4})
    assert (tifffile.imread(tmp_path / "out" / "guide.tif") == ms.simulate(exp).frames[...]).all()


def test_the_experiment_beside_a_recording_makes_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", "guide", *SMALL, "-o", str(tmp_path)]) == 0
    again = ["record", str(tmp_path / "guide.json"), "--format", "zarr", "-o", str(tmp_path / "again")]
    assert main(again) == 0
    frames = zarr.open_group(tmp_path / "again" / "guide.zarr", mode="r")["frames"][:]
    assert (frames == tifffile.imread(tmp_path / "guide.tif")).all()
    assert (tmp_path / "again" / "guide.json").read_text() == (tmp_path / "guide.json").read_text()
    capsys.readouterr()
    assert main(["score", str(tmp_path / "guide.json"), str(tmp_path / "guide.truth.npz")]) == 0
    assert "0 px RMS error per axis" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nosuch"], "nosuch cannot be read: No such file or directory. Give the JSON file"),
        (["guide", "--set", "motion.strid_um=4"], "There is no parameter named 'motion.strid_um'; known"),
        (["guide", "--set", "focus_um=-3"], "focus_um = -3 is refused: it must be a finite number"),
        (["guide", "--duration", "24h", "--set", "frame_rate_hz=500"], "The recording takes about"),
    ],
)  # fmt: skip
def test_mistakes_are_sentences(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", *arguments, "-o", str(tmp_path / "out")]) == 1
    assert f"minisim-guide: {sentence}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_is_replaced_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["record", "guide", *SMALL, "-o", str(tmp_path)]
    assert main(command) == 0
    assert main([*command, "--set", "seed=1"]) == 1
    assert "There is already guide.tif and guide.truth.npz and guide.json in" in capsys.readouterr().err
    assert main([*command, "--set", "seed=1", "--replace"]) == 0
    assert '"seed": 1' in (tmp_path / "guide.json").read_text()


def test_a_folder_that_refuses_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["record", "guide", *SMALL, "-o", str(tmp_path / "file" / "out")]) == 1
    assert "Cannot write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("2min", 120), ("500ms", 0.5), ("1h", 3600), ("7", 7), (" 1.5 S ", 1.5)],
)
def test_lengths_of_time_are_read(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "10 days", "-3s", "s", "1e"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time: write 10s"):
        duration_s(text)


def test_changes_are_read_as_json_or_words() -> None:
    assert change("motion.stride_um=4") == ("motion.stride_um", 4)
    assert change("activity.indicator=GCaMP6s") == ("activity.indicator", "GCaMP6s")
    assert change('off=["noise"]') == ("off", ["noise"])
    assert change("field_um=null") == ("field_um", None)
    with pytest.raises(ValueError, match="is no change: write a parameter"):
        change("motion.stride_um")
