"""Figures of the mean of a movie: exact, made in portions, dropped for a newer wish, without a kernel too."""

import asyncio

import numpy as np
import pytest

import minisim_core as ms
from copies import copies, shades
from minisim_guide import Figure, Panel
from minisim_guide.averages import PORTION, Average, average
from minisim_guide.shot import states
from test_stream import collect, sides, tell, wait

alone = pytest.mark.usefixtures("without_loop")
SWITCHES = ("motion", "noise")


def make(seed: int = 0, **changes) -> Figure:
    """A figure of 60 frames; a seed of its own keeps a test's means from being remembered by another."""
    return Figure(
        ms.presets.get("guide", field_um=60, duration_s=3, seed=seed, sensor={"bit_depth": 10, "gain": 3.5}),
        left=Panel("Held still", off=("motion",)), right=Panel("Moving"), average=True, switches=SWITCHES,
        sliders=("focus_um",), **changes,
    )  # fmt: skip


def mean(experiment: ms.Experiment, *off: str) -> np.ndarray:
    frames = np.asarray(ms.simulate(experiment.with_(off=ms.layers.check(off))).frames)
    return np.rint(frames.mean(axis=0)).astype(np.uint16)


def test_an_average_is_the_mean_of_all_frames_whatever_stops_it():
    recording = ms.simulate(ms.presets.get("guide", field_um=60, duration_s=3.35, seed=3))
    made = Average(recording)
    first = made.counts()
    assert made.taken < 2 * PORTION
    assert not made.whole
    assert abs(first.astype(float) - mean(recording.experiment)).mean() < 1.5, "it already looks like it"
    while not made.whole:
        made.step()
    assert made.taken == made.count == 67
    np.testing.assert_array_equal(made.counts(), mean(recording.experiment))


@alone
def test_a_figure_settles_on_the_means_of_both_sides():
    figure = make(seed=4)
    taken, count = figure.viewer.picture["averaged"]
    assert 0 < taken < count == 120, "a page does not wait for the whole movie"
    figure.set(focus_um=100)
    experiment = figure._live.shot().experiment
    assert experiment.focus_um == 100
    for side, off in zip(sides(figure), (("motion",), ()), strict=True):
        np.testing.assert_array_equal(side, mean(experiment, *off))
    assert figure.viewer.picture["count"] == 1
    assert figure.viewer.picture["averaged"] == [120, 120]
    made: dict = {}
    exec(figure.python(), made)
    np.testing.assert_array_equal(np.rint(made["counts"]), sides(figure)[1])


@alone
def test_a_browser_gets_a_first_portion_then_the_whole_then_every_view():
    figure = make(seed=5)

    async def use() -> list[dict]:
        sent, seen = collect(figure), []
        figure.viewer.observe(lambda c: seen.append(c["new"]["averaged"]), names="picture")
        done = []
        figure.viewer.observe(lambda c: done.append(c["new"].get("done")), names="progress")
        figure.viewer.values = {"focus_um": 80.0}
        tell(figure, kind="ready")
        await wait(lambda: len([m for m in sent if m["kind"] == "views"]) == 4)
        assert seen[0][0] < 120
        assert seen[-1] == [120, 120]
        shares = [d for d in done if d]
        assert shares == sorted(shares)
        assert len(shares) >= 3
        assert figure.viewer.progress == {}
        return [m for m in sent if m["kind"] == "views"]

    views = asyncio.run(use())
    experiment = figure._live.shot().experiment
    for message in views:
        counts = np.frombuffer(message["buffers"][0], np.uint16)
        np.testing.assert_array_equal(counts, mean(experiment, *message["offs"][0]).ravel())
    assert {tuple(m["offs"][0]) for m in views} == set(states(SWITCHES, ()))


@alone
def test_a_newer_wish_drops_the_rest_and_cancel_goes_back_to_what_is_whole():
    figure = make(seed=6)

    async def use() -> None:
        collect(figure)
        tell(figure, kind="ready")
        await wait(lambda: figure.viewer.picture["averaged"] == [120, 120])
        whole = sides(figure)
        for focus_um in (100.0, 110.0, 120.0):
            figure.viewer.values = {"focus_um": focus_um}
            await wait(lambda: figure.viewer.picture["averaged"] != [120, 120])
        moved = [figure._live.shot().experiment.with_(focus_um=focus_um) for focus_um in (100.0, 110.0)]
        assert not any(average(experiment).whole for experiment in moved)
        tell(figure, kind="cancel")
        assert figure.viewer.values == {"focus_um": 90.0}
        for now, before in zip(sides(figure), whole, strict=True):
            np.testing.assert_array_equal(now, before)
        figure.viewer.values = {"focus_um": 130.0}
        await wait(lambda: figure.viewer.picture["averaged"] != [120, 120])
        await wait(lambda: figure.viewer.picture["averaged"] == [120, 120])

    asyncio.run(use())
    np.testing.assert_array_equal(sides(figure)[1], mean(figure._live.shot().experiment))


@pytest.fixture(scope="module")
def figure() -> Figure:
    return make(seed=7)


@pytest.fixture
def page(browser, figure):
    with copies(browser, {"figure": figure}) as page:
        yield page


def test_a_copy_without_a_kernel_shows_the_means_of_every_state(page, figure):
    low, high = figure.range
    for off in ((), ("noise",), ("noise", "motion")):
        for name in off[-1:]:
            page.click(f"[data-switch={name}]")
        for side, more in (("left", ("motion",)), ("right", ())):
            counts = mean(figure._live.shot().experiment, *off, *more).astype(float)
            wanted = np.floor(255 * np.clip((counts - low) / (high - low), 0, 1) + 0.5)
            np.testing.assert_array_equal(shades(page, f"canvas[data-side={side}]"), wanted)


def test_a_mean_has_no_time(page):
    assert page.locator("[data-action=play]:visible, [data-scrub]:visible").count() == 0
    assert page.inner_text(".mg-clock") == "Both pictures: mean of all 60 frames"
    assert ", mean of all 60 frames" in page.get_attribute("canvas[data-side=right]", "aria-label")
    page.focus(".mg-stage")
    for key in (" ", "ArrowRight", "End"):
        page.keyboard.press(key)
    assert page.get_attribute(".mg", "data-frame") == "0"
    assert page.locator(".mg-draft:visible").count() == 0


def test_nothing_speaks_of_a_moment_where_there_is_none(page):
    assert page.get_attribute(".mg-stage", "aria-label").startswith("Pictures. ")
    page.click(".mg-help summary")
    keys = page.inner_text(".mg-help")
    assert "zoom" in keys
    for word in ("play", "frame"):
        assert word not in keys


@pytest.mark.parametrize("width", [1280, 1024, 700, 360])
def test_progress_comes_and_goes_and_moves_nothing(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    places = """(hidden) => {
      const busy = document.querySelector(".mg-busy");
      busy.hidden = hidden;
      busy.firstChild.textContent = "the average of both sides";
      const box = (e) => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right]; };
      const others = document.querySelectorAll(".mg-top > :not(.mg-busy), .mg-frame");
      return [[...others].map(box), box(busy.querySelector("button"))];
    }"""
    (before, _), (during, cancel) = page.evaluate(places, True), page.evaluate(places, False)
    assert during == before
    assert 0 <= cancel[0] < cancel[2] <= width, "it can be clicked"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(places, True)
