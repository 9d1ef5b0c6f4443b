"""Predictions without a browser: judged by the engine on the scene on the screen, shown and taken back."""

import asyncio
import os
import re
import threading

import pytest

import fake_engine
import minisim_core as ms
from minisim_guide import plots
from minisim_guide.controls import Choice, Slider
from minisim_guide.figure import Figure, Panel
from minisim_guide.prediction import Prediction

pytestmark = pytest.mark.usefixtures("without_loop")

CHOICES = {
    "Deeper": {"focus_um": 130},
    "A thin slab": {"cells.depth_range_um": (65, 115)},
    "A wide lens": {"choice.lens": "wide"},
}


@pytest.fixture
def judged(monkeypatch):
    """Experiments that were measured, and the threads that did it; a quick measure and pictures."""
    log = fake_engine.Log()
    monkeypatch.setattr(ms, "simulate", log.simulate)
    seen: list[tuple[ms.Experiment, int, threading.Thread]] = []

    def of(experiment: ms.Experiment, frame: int) -> float:
        seen.append((experiment, frame, threading.current_thread()))
        low, high = experiment.cells.depth_range_um
        return (high - low) / experiment.scope.numerical_aperture - experiment.focus_um / 1000

    monkeypatch.setitem(plots.MEASURES, "fake", plots.Measure("Something", of, "{:.1f}".format))
    return seen


def make() -> Figure:
    lens = Choice("Lens", {"narrow": {}, "wide": {"scope.numerical_aperture": 0.5}})
    return Figure(
        "guide",
        left=Panel("Near focus", off=("out_of_focus",)),
        right=Panel("Everything", sets={"sensor.gain": 1.0}),
        off=("neuropil",),
        sliders=(Slider("focus_um", 20, 250), Slider("cells.depth_range_um", 0, 300)),
        more=(lens, "scope.numerical_aperture"),
        name="explore",
    )


def ask(figure: Figure | None, **changes) -> Prediction:
    given = {"choices": CHOICES, "measure": "fake", "best": "smallest"}
    if figure is not None:
        given["figure"] = figure
    return Prediction("Which?", **(given | changes))


def tell(prediction: Prediction, **message) -> None:
    """Send a message as the browser does."""
    prediction._receive(None, message, [])


def test_the_scene_judged_is_the_one_on_the_screen_when_the_reader_answers(judged):
    figure = make()
    prediction = ask(figure)
    figure.set(focus_um=60, off=("noise",))
    figure.viewer.seed, figure.viewer.frame = 4, 7
    prediction.chosen = 1
    now, *choices = (experiment for experiment, _, _ in judged)
    scene = ms.presets.get("guide", focus_um=60, off=("noise",), seed=4, sensor={"gain": 1.0})
    assert now == scene
    assert choices == [
        scene.with_(focus_um=130),
        scene.with_(cells={"depth_range_um": (65, 115)}),
        scene.with_(scope={"numerical_aperture": 0.5}),
    ]
    assert {frame for _, frame, _ in judged} == {7}
    measures = [plots.MEASURES["fake"].of(experiment, 7) for experiment in choices]
    assert prediction.answer["right"] == measures.index(min(measures)) == 1
    assert prediction.answer["values"] == [f"{value:.1f}" for value in measures]


def test_the_chosen_one_is_shown_at_once_any_other_on_demand_and_back_brings_all_back(judged):
    figure = make()
    prediction = ask(figure)
    figure.set(focus_um=60)
    before = dict(figure.viewer.values)
    prediction.chosen = 0
    assert figure.viewer.values == before | {"focus_um": 130}
    assert (prediction.shown, prediction.moved) == (0, True)
    tell(prediction, kind="show", choice=2)
    assert figure.viewer.values == before | {"choice.lens": "wide", "scope.numerical_aperture": 0.5}
    assert figure.recordings()[1].experiment.scope.numerical_aperture == 0.5
    figure.set(focus_um=100)
    assert (prediction.shown, prediction.moved) == (-1, True)
    tell(prediction, kind="back")
    assert figure.viewer.values == before
    assert (prediction.shown, prediction.moved) == (-1, False)


def test_the_reader_may_answer_again_for_another_scene(judged):
    figure = make()
    prediction = ask(figure)
    prediction.chosen = 0
    first = prediction.answer
    tell(prediction, kind="again")
    assert (prediction.chosen, prediction.answer, prediction.moved) == (-1, {}, False)
    figure.set(cells__depth_range_um=[0, 300])
    prediction.chosen = 1
    assert prediction.answer["now"] != first["now"]
    assert figure.viewer.values["cells.depth_range_um"] == [65, 115]


def test_the_choices_are_simulated_beside_the_kernel_s_own_thread(judged):
    figure = make()

    async def answer() -> Prediction:
        prediction = ask(figure)
        prediction.chosen = 2
        assert prediction.answer == {}
        async with asyncio.timeout(5):
            while not prediction.answer:
                await asyncio.sleep(0.005)
        return prediction

    assert asyncio.run(answer()).answer["right"] == 1
    assert threading.main_thread() not in {thread for _, _, thread in judged}


def test_the_nearest_number_is_right(judged):
    figure = make()
    figure.set(cells__depth_range_um=[0, 48])
    prediction = ask(figure, choices={"a tenth": 0.1, "two hundred": 200, "one": 1}, best="nearest")
    prediction.chosen = 0
    assert prediction.answer["right"] == 1 and prediction.answer["values"] == []
    assert len(judged) == 1
    assert prediction.figure == ""  # nothing to show
    tell(prediction, kind="show", choice=1)
    assert not prediction.moved


def test_without_a_figure_the_scene_is_the_page_s(judged):
    prediction = ask(None, scene="guide", off=("noise",), frame=3, choices={"Deeper": {"focus_um": 130}})
    prediction.chosen = 0
    assert [(e.focus_um, e.off, frame) for e, frame, _ in judged] == [
        (90, ("noise",), 3),
        (130, ("noise",), 3),
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"choices": {"Bright": {"motion.heart_um": 1}}}, "“Bright” changes motion.heart_um, which is no"),
        ({"choices": {"Far": {"focus_um": 300}}}, "focus_um = 300 of “Far” is not on its slider"),
        ({"choices": {"Other": {"choice.lens": "none"}}}, "lens to 'none', which is none of its options"),
        ({"best": "middle"}, "best = 'middle' is refused"),
        ({"measure": "luck"}, "there is no measure named 'luck'"),
        ({"scene": "guide"}, "give one of the two"),
    ],
)  # fmt: skip
def test_a_prediction_that_cannot_be_is_refused_in_words(judged, changes, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ask(make(), **changes)


def test_what_cannot_be_computed_is_a_sentence(judged, monkeypatch):
    def broken(experiment, frame):
        raise RuntimeError("the lamp broke")

    monkeypatch.setitem(plots.MEASURES, "fake", plots.Measure("Something", broken, str))
    prediction = ask(make())
    prediction.chosen = 0
    assert "could not be computed: the lamp broke" in prediction.answer["error"]
    assert not prediction.moved


def test_a_page_without_a_kernel_holds_question_choices_and_the_engine_s_answer(judged, monkeypatch):
    monkeypatch.setitem(os.environ, "MINISIM_GUIDE_STILLS", "1")
    prediction = ask(make(), because="So it is.")
    answer = prediction.compute()
    page = prediction._repr_mimebundle_()[0]["text/html"]
    for text in ["Which?", *CHOICES, *answer["values"], answer["now"], "“A thin slab”", "So it is."]:
        assert text in page
    assert "<details>" in page
