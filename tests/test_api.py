"""Every public name is documented well enough to be used, and the API page says what the code says."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import minisim_core as ms
import minisim_guide
from minisim_guide import api

ROOT = Path(__file__).resolve().parents[1]


def _public() -> dict[str, Any]:
    names: dict[str, Any] = {f.__name__: f for f in api.FUNCTIONS}
    names |= api.CLASSES
    for module in api.MODULES.values():
        names |= {f"{module.__name__}.{name}": thing for name, thing in api.contents(module)}
    names |= {f"minisim_guide.{name}": getattr(minisim_guide, name) for name in minisim_guide.__all__}
    names |= {f"minisim_guide.api.{name}": thing for name, thing in api.contents(api)}
    del names["minisim_guide.__version__"]
    for title, kind in list(names.items()):
        if inspect.isclass(kind):
            names |= {f"{title}.{name}": member for name, member in api.members(kind)}
    return names


PUBLIC = _public()
CALLED = {name: f for name, f in PUBLIC.items() if inspect.isfunction(f)}


def section(thing: Any, title: str) -> str:
    """The body of one numpydoc section, or nothing."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", inspect.getdoc(thing) or "", re.S | re.M)
    return found.group(1) if found else ""


def test_everything_the_engine_exports_is_on_the_page() -> None:
    listed = {f.__name__ for f in api.FUNCTIONS} | {kind.__name__ for kind in api.CLASSES.values()}
    listed |= {module.__name__.rpartition(".")[2] for module in api.MODULES.values()}
    listed |= set(ms.parameters.__all__) | set(ms.memory.__all__) | set(dir(ms.layers))
    assert set(ms.__all__) - {"__version__"} <= listed


@pytest.mark.parametrize("name", PUBLIC)
def test_it_has_a_summary_of_one_sentence(name: str) -> None:
    summary = (inspect.getdoc(PUBLIC[name]) or "").split("\n\n")[0]
    assert summary.endswith((".", "…")) and len(summary) > 10, summary


@pytest.mark.parametrize("name", CALLED)
def test_it_says_what_it_takes_gives_and_refuses(name: str) -> None:
    function = CALLED[name]
    signature = inspect.signature(function)
    taken = section(function, "Parameters")
    for argument in signature.parameters.values():
        if argument.name in ("self", "cls"):
            continue
        listed = [line for line in taken.splitlines() if re.match(rf"(.*, )?\**{argument.name}\b", line)]
        assert listed, f"{name} does not say what {argument.name} is"
        if "Array" in str(argument.annotation):
            assert "(" in taken or "shape" in taken, f"{name} does not say the shape of {argument.name}"
    given = section(function, "Returns") or section(function, "Yields")
    if signature.return_annotation not in ("None", None, inspect.Signature.empty):
        assert given, f"{name} does not say what it returns"
        if "Array" in str(signature.return_annotation):
            assert "(" in given or "shape" in given, f"{name} does not say the shape of what it returns"
    if re.search(r"raise (ms\.)?ParameterError", inspect.getsource(function)):
        assert "ParameterError" in section(function, "Raises"), f"{name} does not say when it refuses"


@pytest.mark.parametrize(
    "name", [name for name, thing in PUBLIC.items() if inspect.isclass(thing) and "__init__" in vars(thing)]
)
def test_a_class_says_what_it_is_made_of(name: str) -> None:
    kind = PUBLIC[name]
    if kind in (ms.Recording, api.Truth, ms.optics.PointResponse):  # never made by a reader
        assert section(kind, "Attributes")
        return
    taken = section(kind, "Parameters")
    for argument in inspect.signature(vars(kind)["__init__"]).parameters:
        if argument != "self":
            assert re.search(rf"^(.*, )?\**{argument}\b", taken, re.M), (
                f"{name} does not say what {argument} is"
            )


def test_arrays_of_truth_have_shapes() -> None:
    for name, member in api.members(api.Truth):
        about = inspect.getdoc(member) or ""
        assert re.search(r"\((N|T|H|M|P)\b", about) or name.startswith("footprints"), name


def test_every_parameter_is_on_the_page_with_its_limits_and_source() -> None:
    page = api.page()
    for group in (None, *ms.experiment.GROUPS):
        model = ms.experiment.GROUPS[group] if group else ms.Experiment
        for field in model.model_fields:
            if not group and field in ms.experiment.GROUPS:
                continue
            about = ms.describe(f"{group}.{field}" if group else field)
            row = next(line for line in page.splitlines() if line.startswith(f"| `{field}` |"))
            assert row
            assert about.description in page
            assert about.source in page


def test_the_page_in_the_repository_is_current() -> None:
    page = ROOT / "docs" / "api.md"
    assert page.read_text("utf-8") == api.page(), "run: python -m minisim_guide.api docs/api.md"


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/api.md)" in (ROOT / "README.md").read_text("utf-8")


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "api.md"
    monkeypatch.setattr("sys.argv", ["api", str(target)])
    api.main()
    assert target.read_text("utf-8") == api.page()
