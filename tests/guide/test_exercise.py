"""An exercise where nothing runs; how it is checked is in the tests of page 9."""

import pytest

import minisim_core as ms
from minisim_guide import Figure, Panel
from minisim_guide.exercise import Exercise


def test_a_page_without_a_kernel_holds_the_task_and_how_to_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = ms.presets.get("guide", field_um=60, duration_s=1)
    figure = Figure(scene, left=Panel("Left"), right=Panel("Right"), sliders=("focus_um",))
    exercise = Exercise("Lose <all> cells.", figure=figure, measure="found", at_most=0)
    monkeypatch.setenv("MINISIM_GUIDE_STILLS", "1")
    page = exercise._repr_mimebundle_()[0]["text/html"]
    assert "Lose &lt;all&gt; cells." in page
    assert "<code>minisim-guide</code>" in page


@pytest.fixture
def asked() -> tuple[Figure, Exercise]:
    scene = ms.presets.get("guide", field_um=60, duration_s=1)
    figure = Figure(
        scene, left=Panel("Left"), right=Panel("Right"), sliders=("focus_um", "illumination.led_mw")
    )
    keep = ("illumination.led_mw",)
    return figure, Exercise("Keep a cell.", figure=figure, measure="found", at_least=1, keep=keep)


def test_what_must_stay_is_told_with_its_value(asked: tuple[Figure, Exercise]) -> None:
    figure, exercise = asked
    assert exercise.judge()["done"]
    figure.viewer.values = {"illumination.led_mw": 1.0}
    assert exercise.judge() == {
        "done": False,
        "says": "LED power is not yours to change here: put it back to 0.4 mW.",
    }


def test_a_verdict_is_about_the_figure_as_it_stands(asked: tuple[Figure, Exercise]) -> None:
    figure, exercise = asked
    exercise._say(exercise.judge())
    assert exercise.verdict["done"]
    figure.viewer.values = {"focus_um": 120.0}
    assert "done" not in exercise.verdict, "changed since: to be checked again"
