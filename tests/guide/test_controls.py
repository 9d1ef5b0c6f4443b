"""Controls without a browser: what they say of themselves, and what they make of a scene."""

import json
import struct

import numpy as np
import pytest

import fake_engine
import minisim_core as ms
from minisim_guide.board import board
from minisim_guide.controls import Choice, Slider, Tick, describe_switches
from minisim_guide.figure import Figure, Panel
from minisim_guide.shot import views
from minisim_guide.stills import alt
from minisim_guide.values import nested, value_of

pytestmark = pytest.mark.usefixtures("without_loop")

CELLS = {"positions_um": ((90.0, 0.0, 0.0), (120.0, 40.0, -30.0))}
DEPTH = Slider("cells.positions_um.0.0", 0, 300, 1, label="Depth of the cell", unit="µm")
SCOPE = Choice(
    "Scope",
    {"UCLA V4": {}, "GRIN lens": {"scope.numerical_aperture": 0.5, "scope": {"ewl_um_per_step": 0.0}}},
)


@pytest.fixture
def engine(monkeypatch):
    log = fake_engine.Log()
    monkeypatch.setattr(ms, "simulate", log.simulate)
    return log


def make(**changes) -> Figure:
    given = {
        "left": Panel("Flat field", off=("out_of_focus",), sets={"scope.field_curvature_um": 1e5}),
        "right": Panel("Everything"),
        "switches": ("neuropil",),
        "sliders": ("focus_um", "illumination.led_mw", "scope.numerical_aperture", DEPTH, SCOPE),
        "more": (
            Tick("focus_follows_cell"),
            Tick("hold_brightness"),
            Slider("sensor.exposure_fraction", 0.1, 1),
        ),
    }
    scene = ms.presets.get("guide", cells=CELLS)
    return Figure(scene, **(given | changes))


def about(figure: Figure, name: str) -> dict:
    (found,) = (s for s in figure.viewer.sliders if s["name"] == name)
    return found


def right(figure: Figure) -> ms.Experiment:
    return figure.recordings()[1].experiment


# -- sliders -------------------------------------------------------------------------------


def test_a_slider_is_generated_from_its_field():
    experiment = ms.presets.get("guide", focus_um=77)
    (slider,) = board(experiment, ["focus_um"]).described
    about = ms.describe("focus_um")
    assert slider["default"] == 77
    assert (slider["low"], slider["high"], slider["step"]) == (about.low, about.high, about.step)
    assert (slider["label"], slider["unit"], slider["description"]) == (
        about.label,
        about.unit,
        about.description,
    )


def test_decades_get_a_logarithmic_slider_and_pairs_two_thumbs():
    sliders = [Slider("cells.density_per_mm3", 2e3, 6e4), Slider("cells.depth_range_um", 0, 300)]
    density, depth = board(ms.presets.get("guide"), sliders).described
    assert density["log"]
    assert depth["default"] == list(ms.presets.get("guide").cells.depth_range_um)
    assert depth["step"] == 5


def test_a_slider_may_have_words_of_its_own():
    (slider,) = board(ms.presets.get("guide"), [Slider("focus_um", 0, 9, label="Plane", unit="mm")]).described
    assert (slider["label"], slider["unit"]) == ("Plane", "mm")


def test_switches_come_in_physical_order_with_labels():
    switches = describe_switches(["noise", "neuropil"])
    assert [s["name"] for s in switches] == ["neuropil", "noise"]
    assert all(s["label"] and s["description"] for s in switches)


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        (Slider("cells.depth_range_um"), r"cells\.depth_range_um has no limits"),
        (Slider("focus"), "there is no parameter named 'focus'"),
        (Slider("cells.positions_um.0.0", 0, 9), "one number of several: give Slider a label and a unit"),
        (Slider("cells.positions_um.7.0", 0, 9, label="a", unit="µm"), r"positions_um has no item 7"),
        (Slider("cells.density_per_mm3", also="ewl"), "only focus_um has another reading"),
        (Tick("hold_on"), "there is no rule named 'hold_on'; there are focus_follows_cell, hold_brightness"),
        (Choice("A", {"b": {"focus": 3}}), "focus"),
    ],
)
def test_a_control_that_cannot_be_is_refused_in_words(control, sentence):
    with pytest.raises(ms.ParameterError, match=sentence):
        board(ms.presets.get("guide", cells=CELLS), [control])


def test_a_rule_whose_scene_lacks_what_it_needs_is_refused_in_words():
    with pytest.raises(ms.ParameterError, match=r"cells\.positions_um has no item 0 in this scene"):
        board(ms.presets.get("guide"), [Tick("focus_follows_cell")])


# -- values by dotted name -----------------------------------------------------------------


def test_dotted_names_become_changes_and_back():
    experiment = ms.presets.get("guide", cells=CELLS)
    given = {
        "focus_um": 50,
        "motion.stride_um": 2,
        "motion.heart_um": 1,
        "cells.positions_um.1.0": 33.0,
        "cells.positions_um.1.2": 5.0,
    }
    changed = experiment.with_(**nested(given, experiment))
    assert {name: value_of(changed, name) for name in given} == given
    assert changed.cells.positions_um == ((90.0, 0.0, 0.0), (33.0, 40.0, 5.0))
    assert value_of(experiment, "cells.positions_um.1") == [120.0, 40.0, -30.0]


def test_whole_groups_and_single_fields_join_and_the_later_wins():
    experiment = ms.presets.get("guide")
    pairs = [
        ("scope", {"numerical_aperture": 0.3, "field_curvature_um": 900}),
        ("scope.numerical_aperture", 0.4),
        ("sensor", ms.presets.get("v3-ca1").sensor),
        ("sensor.gain", 3.5),
    ]
    changed = experiment.with_(**nested(pairs, experiment))
    assert (changed.scope.numerical_aperture, changed.scope.field_curvature_um) == (0.4, 900)
    assert changed.sensor.gain == 3.5
    assert changed.sensor.pixel_pitch_um == ms.presets.get("v3-ca1").sensor.pixel_pitch_um


# -- panels with parameters of their own ---------------------------------------------------


def test_a_panel_s_own_parameters_hold_whatever_the_controls_say():
    figure = make(right=Panel("Bowl", sets={"scope.numerical_aperture": 0.3}))
    figure.set(focus_um=120, scope__numerical_aperture=0.4, off=("noise",))
    left, right = (recording.experiment for recording in figure.recordings())
    assert (left.scope.field_curvature_um, left.scope.numerical_aperture) == (1e5, 0.4)
    assert (right.scope.field_curvature_um, right.scope.numerical_aperture) == (
        ms.presets.get("guide").scope.field_curvature_um,
        0.3,
    )
    assert left.focus_um == right.focus_um == 120
    assert left.off == ("out_of_focus", "noise") and right.off == ("noise",)


def test_views_of_panels_that_differ_in_a_parameter_are_told_apart():
    sets = {"sensor.gain": 1.0}
    figure = make(left=Panel("Low gain", sets=sets), right=Panel("Everything"))
    plan, shot = figure.plan, figure._live.shot()
    keys = views(plan, ())
    assert keys == [("left",), (), ("neuropil", "left"), ("neuropil",)]
    assert figure.viewer.meta["panels"] == {"left": ["left"], "right": []}
    shown = [shot.view(key) for key in keys]
    for key, picture in zip(keys, shown, strict=True):
        off = [name for name in key if name != "left"]
        experiment = plan.board.scene.with_(off=off, sensor={"gain": 1.0 if "left" in key else 2.0})
        np.testing.assert_array_equal(picture, ms.simulate(experiment).frames[0])
    assert not np.array_equal(shown[0], shown[1])


def test_panels_that_cannot_be_compared_are_refused_in_words(engine):
    with pytest.raises(ms.ParameterError, match="the two sides of a figure must be alike"):
        make(left=Panel("Half the field", sets={"field_um": 200.0}))


def test_a_panel_with_a_display_range_of_its_own_says_by_how_much_it_is_brightened():
    dim = Panel("Dim", sets={"illumination.led_mw": 0.05}, own_range=True)
    figure = make(left=dim, right=Panel("Bright"))
    shown = {side: r.frames[0] for side, r in zip(("left", "right"), figure.recordings(), strict=True)}
    for side, counts in shown.items():
        low, high = figure.ranges[side]
        assert ((counts < low) | (counts > high)).mean() < 0.01
    (low, high), (first, last) = figure.ranges["right"], figure.ranges["left"]
    assert figure.range == [low, high] and last < high
    assert figure.title("left") == f"Dim (brightened × {(high - low) / (last - first):.3g})"
    assert figure.title("right") == "Bright"
    assert figure.viewer.meta["own"] == {"left": [first, last], "right": None}
    assert "difference" not in figure.viewer.meta["modes"]
    assert "brightened ×" in alt(figure) and f"({first} to {last} counts; {low} to {high} counts)" in alt(
        figure
    )


# -- drop-downs ----------------------------------------------------------------------------


def test_an_option_is_a_set_of_changes_and_moves_the_sliders_it_touches(engine):
    figure = make()
    described = about(figure, "choice.scope")
    assert described["options"] == ["UCLA V4", "GRIN lens"] and described["default"] == "UCLA V4"
    own = ms.presets.get("guide").scope.numerical_aperture
    assert described["moves"] == {
        "UCLA V4": {"scope.numerical_aperture": own},
        "GRIN lens": {"scope.numerical_aperture": 0.5},
    }
    figure.set(choice__scope="GRIN lens", **described["moves"]["GRIN lens"])
    assert (right(figure).scope.numerical_aperture, right(figure).scope.ewl_um_per_step) == (0.5, 0.0)
    figure.set(scope__numerical_aperture=0.35)
    assert (right(figure).scope.numerical_aperture, right(figure).scope.ewl_um_per_step) == (0.35, 0.0)
    figure.set(choice__scope="UCLA V4")
    assert right(figure).scope.ewl_um_per_step == ms.presets.get("guide").scope.ewl_um_per_step


def test_the_first_option_is_how_the_figure_opens(engine):
    narrow = Choice(
        "Aperture", {"narrow": {"scope.numerical_aperture": 0.2}, "wide": {"scope.numerical_aperture": 0.4}}
    )
    figure = make(sliders=(narrow, "scope.numerical_aperture"))
    assert about(figure, "scope.numerical_aperture")["default"] == 0.2
    assert right(figure).scope.numerical_aperture == 0.2


def test_an_option_that_is_not_there_is_a_sentence_in_the_figure(engine):
    figure = make()
    figure.set(choice__scope="V5")
    assert "the options are 'UCLA V4', 'GRIN lens'" in figure.viewer.error
    figure.set(choice__scope="GRIN lens")
    assert figure.viewer.error == ""


def test_an_option_beyond_a_slider_is_refused_in_words():
    with pytest.raises(ms.ParameterError, match=r"= 0\.5 of “Scope: GRIN lens” is not on its slider"):
        board(ms.presets.get("guide"), [SCOPE, Slider("scope.numerical_aperture", 0.2, 0.4)])


def test_the_display_has_room_for_the_deepest_option(engine):
    bits = Choice("Bits", {"8": {}, "12": {"sensor.bit_depth": 12}})
    assert make(more=(bits,)).viewer.meta["bits"] == 12


# -- rules ---------------------------------------------------------------------------------


def test_the_focus_follows_the_cell(engine):
    figure = make()
    figure.set(cells__positions_um__0__0=140.0)
    assert right(figure).focus_um == 90
    figure.set(tick__focus_follows_cell=True, focus_um=20)
    assert right(figure).focus_um == 140
    assert figure.viewer.picture["readings"] == {"focus_um": {"held": 140.0, "by": "Focus follows the cell"}}
    figure.set(tick__focus_follows_cell=False)
    assert right(figure).focus_um == 20 and figure.viewer.picture["readings"] == {}


def test_the_brightness_is_held_until_the_led_is_at_its_limit(engine):
    figure = make()
    figure.set(sensor__exposure_fraction=0.5, tick__hold_brightness=True)
    scene = figure.plan.board.scene
    assert right(figure).illumination.led_mw == pytest.approx(2 * scene.illumination.led_mw)
    assert figure.viewer.says == ""
    figure.set(frame_rate_hz=500.0)
    assert right(figure).illumination.led_mw == 10
    share = 10 * 0.5 / 500 / (scene.illumination.led_mw * scene.exposure_s)
    assert figure.viewer.says == (
        f"The LED is at its limit of 10 mW: each frame gets {100 * share:.0f} % of the light."
    )


# -- the electronic lens -------------------------------------------------------------------


def test_the_focus_is_read_in_steps_of_the_electronic_lens_too(engine):
    figure = make(sliders=(Slider("focus_um", also="ewl"), SCOPE))

    def also():
        return figure.viewer.picture["readings"]["focus_um"]["also"]

    for focus in (30.0, 90.0, 200.0):
        figure.set(focus_um=focus)
        step = ms.optics.ewl_from_focus(right(figure))
        assert also() == (f"EWL {step:+d}".replace("-", "−") if step else "EWL 0")
    figure.set(choice__scope="GRIN lens")
    assert also() == "no electronic lens"


# -- taken away ----------------------------------------------------------------------------


def test_python_and_json_carry_choices_rules_places_and_sides():
    figure = make(name="fig")
    figure.set(
        choice__scope="GRIN lens",
        tick__focus_follows_cell=True,
        cells__positions_um__0__0=133.0,
        scope__numerical_aperture=0.5,
    )
    made: dict = {}
    exec(figure.python(), made)
    for side, recording in zip(("left", "right"), figure.recordings(), strict=True):
        assert made[side].experiment == recording.experiment
    shared = ms.Experiment.from_json(figure.json())
    assert shared == made["exp"]
    assert (shared.focus_um, shared.scope.ewl_um_per_step) == (133, 0)


def test_a_bundle_holds_both_sides_of_a_figure_with_own_parameters():
    figure = make(left=Panel("Low gain", sets={"sensor.gain": 1.0}))
    data = figure.bundle()
    (length,) = struct.unpack("<I", data[8:12])
    about = json.loads(data[12 : 12 + length])
    assert about["views"] == [[["left"], 0], [[], 1], [["neuropil", "left"], 2], [["neuropil"], 3]]
    assert about["states"]["neuropil"]["views"] == [2, 3]


def test_a_slider_on_whole_numbers_takes_whole_steps():
    assert Slider("vessels.count").describe(ms.presets.get("guide"))["step"] == 1


@pytest.mark.usefixtures("engine")
def test_a_field_that_names_its_values_is_a_drop_down_that_opens_where_the_scene_stands():
    scene = ms.presets.get("guide", cells={"labelling": "soma"})
    figure = Figure(scene, left=Panel("A"), right=Panel("B"), sliders=("cells.labelling", "focus_um"))
    described = figure.viewer.sliders[0]
    assert (described["label"], described["options"]) == ("Labelling", ["soma", "cytosolic", "nuclear"])
    figure.set(**{"choice.labelling": "nuclear"})
    assert right(figure).cells.labelling == "nuclear"
