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
