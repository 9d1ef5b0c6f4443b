"""What is installed is what is written here: one version, one list of dependencies, all the pages."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import minisim_core
import minisim_guide
from minisim_guide.cli import _parser, main

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def conda(path: str) -> tuple[Requirement, list[str]]:
    """Return the Python and the pip packages that a conda environment file asks for."""
    listed = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    [pip] = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    [python] = [entry for entry in listed if isinstance(entry, str) and entry.startswith("python")]
    return Requirement(re.sub(r"(?<![=<>])=(?!=)", "==", python)), pip


def test_the_version_is_written_once() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    versions = {minisim_core.__version__, minisim_guide.__version__, metadata.version("minisim-guide")}
    assert versions == {citation["version"]}
    assert "version" in PROJECT["dynamic"]


def test_the_conda_environment_installs_the_project_itself() -> None:
    python, pip = conda("environment.yml")
    assert python.specifier == SpecifierSet(PROJECT["requires-python"])
    assert pip == ["."]


def test_binder_pins_every_dependency_within_its_bounds() -> None:
    python, pip = conda("binder/environment.yml")
    [pin] = python.specifier
    assert pin.version in SpecifierSet(PROJECT["requires-python"])
    pins = {pinned.name: pinned.specifier for pinned in map(Requirement, pip)}
    wanted = {needed.name: needed.specifier for needed in map(Requirement, PROJECT["dependencies"])}
    assert pins.keys() == wanted.keys() | {"jupyter-server-proxy"}
    for name, bounds in wanted.items():
        [pin] = pins[name]
        assert pin.operator == "=="
        assert pin.version in bounds


def test_binder_starts_the_same_command_behind_jupyter() -> None:
    [entry] = metadata.entry_points(group="jupyter_serverproxy_servers", name="guide")
    words = [word.format(port=8866, base_url="/user/abc/") for word in entry.load()()["command"]]
    assert words[1:3] == ["-m", "minisim_guide"]
    assert _parser().parse_args(words[3:]).base_url == "/user/abc/guide/"


def test_the_badges_open_what_binder_serves() -> None:
    paths = re.findall(r"mybinder\.org/v2/gh/[\w./-]+\?urlpath=(\S+?)\)", (ROOT / "README.md").read_text())
    [entry] = metadata.entry_points(group="jupyter_serverproxy_servers")
    assert paths == [f"{entry.name}/", "lab/tree/guide/index.ipynb"]
    assert (ROOT / paths[1].removeprefix("lab/tree/")).is_file()


def test_the_readme_gives_both_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/minisim-guide\n" in readme
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest\n" in readme


def readme_example(number: int) -> str:
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(found) == 2
    return found[number]


def test_the_readme_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(readme_example(0), {})
    assert capsys.readouterr().out.startswith("(20, ")


def test_the_readme_pipeline_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(readme_example(1), {})
    assert main(["score", "movie.json", "estimate.npz", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["all_cells"]["precision"] > 0.5 > report["all_cells"]["by_chance"]
    assert 0.1 < report["detectable"]["recall"] < 1


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    [built] = folder.glob("minisim_guide-*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_the_wheel_holds_the_pages(wheel: set[str]) -> None:
    written = [*ROOT.glob("guide/*.ipynb"), *ROOT.glob("guide/images/*")]
    pages = {f"minisim_guide/pages/{file.relative_to(ROOT / 'guide')}" for file in written}
    assert "minisim_guide/pages/index.ipynb" in pages
    assert {name for name in wheel if name.startswith("minisim_guide/pages/")} == pages


def test_the_wheel_holds_both_packages_whole_and_nothing_else(wheel: set[str]) -> None:
    git = ["git", "ls-files", "minisim_core", "guide/minisim_guide"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {name.removeprefix("guide/") for name in listed} <= wheel
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"minisim_core", "minisim_guide"}
