"""Page 9 as a reader meets it: scenes, every group of parameters, the experiment's file, a recording."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from axe_playwright_python.sync_playwright import Axe

import minisim_core as ms
from minisim_guide import parameters
from minisim_guide.values import value_of

NAME = "09_try_it_yourself"
WAIT = 60_000
FIGURE = ".mg-studio"


@pytest.fixture
def studio(page, server):
    """Page 9, calm, with its first picture."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page(NAME), timeout=2 * WAIT)
    page.wait_for_selector(f"{FIGURE}[data-version]", timeout=2 * WAIT)
    return page


def version(page) -> int:
    return int(page.locator(FIGURE).get_attribute("data-version"))


def after(page, act) -> None:
    """Do something that asks for a new picture, and wait for it."""
    before = version(page)
    act()
    page.wait_for_function(
        "([css, v]) => +document.querySelector(css)?.dataset.version > v", arg=[FIGURE, before], timeout=WAIT
    )


def picture(page) -> int:
    """A number that changes with the right picture; a busy machine may show a draft of it first."""
    page.locator(f"{FIGURE} .mg-draft").wait_for(state="hidden", timeout=WAIT)
    return page.locator(f"{FIGURE} canvas[data-side=right]").evaluate(
        """c => new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)
        .reduce((sum, v, i) => (sum * 31 + v + i) | 0, 7)"""
    )


def set_number(page, name: str, value: float) -> None:
    field = page.locator(f"[data-parameter='{name}'] input[type=number]")
    field.fill(f"{value:g}")
    field.press("Tab")


def find(page, words: str) -> None:
    page.get_by_role("searchbox", name="Find a parameter").fill(words)


def saved(page) -> ms.Experiment:
    """What Save experiment gives."""
    with page.expect_download() as waiting:
        page.locator("[data-action=save]").click()
    return ms.Experiment.from_json(Path(waiting.value.path()).read_text("utf-8"))


CHANGES = {
    "scope.numerical_aperture": 0.3,
    "tissue.scattering_per_mm": 20,
    "cells.radius_um": 5,
    "activity.rate_hz": 1,
    "neuropil.ratio": 1,
    "vessels.count": 4,
    "motion.drift_um": 12,
    "illumination.width_um": 200,
    "sensor.gain": 4,
    "field_um": 150,
}


def test_every_group_is_there_and_acts(studio):
    assert {name.partition(".")[0] if "." in name else "" for name in CHANGES} == set(parameters.TITLES)
    opening = picture(studio)
    for name, value in CHANGES.items():
        group = parameters.TITLES[name.partition(".")[0] if "." in name else ""]
        summary = studio.locator(f"[data-group='{group}'] summary")
        summary.click()
        after(studio, lambda n=name, v=value: set_number(studio, n, v))
        assert picture(studio) != opening, name
        assert value_of(saved(studio), name) == value
        undo = studio.locator(f"[data-parameter='{name}'] .mg-undo")
        after(studio, undo.click)
        assert picture(studio) == opening, name
        summary.click()


def test_parameters_are_found_made_late_and_put_back(studio):
    assert studio.locator("[data-parameter]").count() == 0
    find(studio, "bleaching")
    assert studio.locator("[data-parameter]:visible").count() == 2
    assert studio.locator(".mg-found").text_content().startswith("2 of ")
    find(studio, "indicator gcamp")
    assert studio.locator("[data-parameter]:visible").count() == 0
    find(studio, "activity indicator")
    before = picture(studio)
    after(
        studio,
        lambda: studio.locator("[data-parameter='activity.indicator'] select").select_option("GCaMP6s"),
    )
    assert picture(studio) != before
    assert saved(studio).activity.indicator == "GCaMP6s"
    after(studio, lambda: studio.get_by_role("button", name="Reset Indicator").first.click())
    assert picture(studio) == before


def test_scenes_and_the_experiment_s_file(studio, tmp_path):
    after(studio, lambda: studio.locator("[data-scene]").select_option("v3-ca1"))
    assert saved(studio) == ms.presets.get("v3-ca1")
    box = studio.locator(f"{FIGURE} [data-panel=right] .mg-frame").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(752 / 480, rel=0.02)
    mine = ms.presets.get("guide", field_um=100, sensor={"bit_depth": 12}, motion={"stride_um": 9}, seed=5)
    file = tmp_path / "mine.json"
    file.write_text(mine.to_json(), "utf-8")
    after(studio, lambda: studio.locator("input[type=file]").set_input_files(file))
    assert saved(studio) == mine
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    studio.locator("input[type=file]").set_input_files(broken)
    error = studio.locator(f"{FIGURE} .mg-error")
    error.filter(has_text="this is not the JSON of an experiment").wait_for()
    broken.write_text(json.dumps(json.loads(mine.to_json()) | {"focus_um": 1e6}))
    studio.locator("input[type=file]").set_input_files(broken)
    error.filter(
        has_text="focus_um = 1000000.0 is refused: it must be a finite number between 0 and 400 µm"
    ).wait_for()
    assert saved(studio) == mine


def test_a_link_brings_back_the_scene_and_what_was_changed(studio, server):
    base = {"scene": "v4-ca1", "changes": {"field_um": 120}}
    state = {"base": base, "values": {"sensor.gain": 5}}
    link = studio.evaluate("s => `#studio=${encodeURIComponent(JSON.stringify(s))}`", state)
    studio.goto("about:blank")
    studio.goto(server.page(NAME) + link)
    studio.wait_for_function(
        "css => document.querySelector(css)?.querySelector('[data-scene]').value === 'v4-ca1'", arg=FIGURE,
        timeout=2 * WAIT,
    )  # fmt: skip
    studio.wait_for_timeout(1500)
    assert saved(studio) == ms.presets.get("v4-ca1", field_um=120, sensor={"gain": 5})


def shrink(page, seconds: float) -> None:
    find(page, "field of view")
    after(page, lambda: set_number(page, "field_um", 60))
    find(page, "length of the recording")
    after(page, lambda: set_number(page, "duration_s", seconds))


def test_a_recording_is_taken_home(studio):
    shrink(studio, 2)
    after(studio, lambda: studio.locator("[data-slider=focus_um] input").press("ArrowRight"))
    studio.locator(".mg-take-says").filter(has_text="40 frames of 40 × 40 px, 2 s: about").wait_for(
        timeout=WAIT
    )
    studio.locator("[data-action=record]").click()
    got = {}
    for end in (".tif", ".truth.npz", ".json"):
        button = studio.locator(f"[data-file='guide{end}']")
        button.wait_for(timeout=WAIT)
        with studio.expect_download(timeout=WAIT) as waiting:
            button.click()
        assert waiting.value.suggested_filename == f"guide{end}"
        got[end] = Path(waiting.value.path())
    exp = ms.Experiment.from_json(got[".json"].read_text("utf-8"))
    assert exp == ms.presets.get("guide", field_um=60, duration_s=2, focus_um=91)
    rec = ms.simulate(exp)
    with got[".tif"].open("rb") as file:
        assert np.array_equal(tifffile.imread(file), rec.frames[...])
    with np.load(got[".truth.npz"]) as truth:
        assert np.array_equal(truth["detectable"], rec.truth.detectable)


def test_cancelling_leaves_nothing_and_the_sliders_stay_alive(studio):
    def left() -> list[Path]:
        return [
            p
            for p in Path(tempfile.gettempdir()).glob("minisim-guide-*/minisim-recording-*")
            if any(p.iterdir())
        ]

    before = left()
    find(studio, "length of the recording")
    after(studio, lambda: set_number(studio, "duration_s", 60))
    studio.locator("[data-action=record]").click()
    says = studio.locator(".mg-take-says")
    says.filter(has_text="Recording …").wait_for()
    was = picture(studio)
    after(studio, lambda: studio.locator("[data-slider=focus_um] input").press("PageUp"))
    assert picture(studio) != was
    studio.locator("[data-action=stop-recording]").click()
    says.filter(has_text="Cancelled: nothing was kept.").wait_for()
    for _ in range(50):
        if left() == before:
            break
        studio.wait_for_timeout(200)
    assert left() == before


def test_what_a_page_does_not_record_is_said(studio):
    find(studio, "length of the recording")
    after(studio, lambda: set_number(studio, "duration_s", 3600))
    studio.locator(".mg-take-says").filter(
        has_text="duration_s = 3600 is refused: a page records up to 120 s (the command minisim-guide record"
    ).wait_for(timeout=WAIT)
    find(studio, "density")
    set_number(studio, "cells.density_per_mm3", 170000)
    find(studio, "whole sensor")
    studio.locator("[data-parameter=field_um] input[type=checkbox]").check()
    studio.locator(f"{FIGURE} .mg-error").filter(has_text="a page simulates up to 25000").wait_for(
        timeout=WAIT
    )


def test_the_search_leads_to_the_sliders_above_and_shows_what_it_finds(studio):
    find(studio, "frame rate")
    assert studio.locator(".mg-found").text_content().endswith("among the sliders above:")
    studio.get_by_role("button", name="Go to Frame rate").click()
    slider = studio.locator("[data-slider='frame_rate_hz'] input")
    assert slider.evaluate("input => input === document.activeElement")
    find(studio, "bleaching")
    side, row = (studio.locator(css).first.bounding_box() for css in (".mg-side", "[data-parameter]:visible"))
    assert side["y"] <= row["y"] and row["y"] + row["height"] <= side["y"] + side["height"]


def test_another_scene_does_not_solve_an_exercise(studio):
    second = studio.locator(".mg-exercise").nth(1)
    after(studio, lambda: studio.locator("[data-scene]").select_option("v4-ca1"))
    second.locator("[data-action=check]").click()
    second.locator(".mg-says").filter(has_text="Cell density is not yours to change here").wait_for(
        timeout=WAIT
    )


def test_exercises_are_checked_by_the_engine(studio):
    first = studio.locator(".mg-exercise").first
    first.locator("[data-action=check]").click()
    first.locator(".mg-says").filter(has_text="Not yet. Cells that stand out of the noise: 151").wait_for(
        timeout=WAIT
    )
    slider = studio.locator("[data-slider='illumination.led_mw'] input")
    after(studio, lambda: slider.press("Home"))
    first.locator("[data-action=check]").click()
    first.locator(".mg-says").filter(has_text="Done. Cells that stand out of the noise: 7").wait_for(
        timeout=WAIT
    )


def test_no_barrier(studio):
    studio.locator("[data-group=Cells] summary").click()
    for scheme in ("light", "dark"):
        studio.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = [
            f"{v['id']}: {v['nodes'][0]['html'][:160]}"
            for v in Axe().run(studio, context=FIGURE).response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert found == []
    studio.set_viewport_size({"width": 360, "height": 800})
    assert studio.evaluate("document.documentElement.scrollWidth") <= 360
