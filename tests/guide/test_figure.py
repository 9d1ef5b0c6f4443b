"""The linked figure without a browser: generated controls, one wish at a time, errors in words."""

import asyncio

import numpy as np
import pytest

import fake_engine
import minisim_core as ms
from minisim_guide import plots
from minisim_guide.controls import Slider
from minisim_guide.figure import Figure, Panel
from minisim_guide.link import CHUNKS
from minisim_guide.shot import missing

pytestmark = pytest.mark.usefixtures("without_loop")


@pytest.fixture
def engine(monkeypatch):
    log = fake_engine.Log()
    monkeypatch.setattr(ms, "simulate", log.simulate, raising=False)
    return log


def make(**changes) -> Figure:
    given = {
        "left": Panel("Near focus", off=("out_of_focus",)),
        "right": Panel("Everything"),
        "off": ("neuropil",),
        "switches": ("neuropil", "out_of_focus"),
        "sliders": ("focus_um", Slider("cells.depth_range_um", 0, 300)),
        "says": "out_of_focus",
    }
    return Figure("guide", **(given | changes))


def shown(figure: Figure, side: str = "right") -> np.ndarray:
    picture = figure.viewer.picture
    return np.frombuffer(picture[side], np.uint8).reshape(picture["height"], picture["width"])


# -- the figure ----------------------------------------------------------------------------


def test_the_panels_share_every_parameter_and_differ_in_their_switches(engine):
    left, right = (r.experiment for r in make().recordings())
    assert left.off == ("out_of_focus", "neuropil")
    assert right.off == ("neuropil",)
    assert left.with_(off=()) == right.with_(off=())


def test_the_display_range_is_shared_and_stays(engine):
    figure = make()
    assert figure.range[0] <= shown(figure, "left").min() + 1
    assert figure.range[1] >= shown(figure).max() - 1
    before = dict(figure.viewer.meta)
    figure.set(focus_um=180)
    assert figure.viewer.meta == before


def test_the_picture_is_the_engine_s(engine):
    figure = make(frame=7)
    figure.set(focus_um=33, off=())
    left, right = figure.recordings()
    assert right.experiment.focus_um == 33 and right.experiment.off == ()
    np.testing.assert_array_equal(shown(figure), right.frames[7])
    np.testing.assert_array_equal(shown(figure, "left"), left.frames[7])


def test_a_refused_value_becomes_a_sentence_and_the_figure_goes_on(engine):
    figure = make()
    good = shown(figure).copy()
    figure.set(cells__depth_range_um=[200, 100])
    assert "depth_range_um" in figure.viewer.error and "shallowest" in figure.viewer.error
    np.testing.assert_array_equal(shown(figure), good)
    figure.set(cells__depth_range_um=[50, 100])
    assert figure.viewer.error == ""


def test_a_broken_engine_becomes_a_sentence_and_the_figure_goes_on(engine):
    figure = make()
    engine.broken = True
    figure.set(focus_um=10)
    assert "the lamp broke" in figure.viewer.error and "Reset" in figure.viewer.error
    engine.broken = False
    figure.set(focus_um=11)
    assert figure.viewer.error == ""


def test_the_sentence_says_what_the_pictures_hold(engine):
    figure = make()
    left, right = figure.recordings()
    share = 1 - left.expected[0].sum() / right.expected[0].sum()
    assert f"{100 * share:.0f} %" in figure.viewer.says
    figure.viewer.pixel = [3, 5]
    assert "marked pixel" in figure.viewer.says
    figure.set(off=("out_of_focus",))
    assert "switched off" in figure.viewer.says
    assert plots.out_of_focus_share(plots.Sight(*figure.recordings(), 0)) == 0


def test_the_rest_of_the_movie_starts_at_the_current_frame_and_comes_once():
    have, found = {8, 2}, []
    while run := missing(8, 12, have, 2):
        found.append(run)
        have |= set(range(*run))
    assert found == [(9, 11), (11, 12), (0, 2), (3, 5), (5, 7), (7, 8)]


# -- latest wins ---------------------------------------------------------------------------


def collect(figure: Figure) -> list[dict]:
    """Let the figure send into a list instead of a browser."""
    sent: list[dict] = []
    figure.viewer.send = lambda content, buffers=None: sent.append(content | {"buffers": buffers})
    return sent


def test_a_drag_renders_one_picture_at_a_time_and_ends_on_the_last_value(engine):
    figure = make()
    collect(figure)
    engine.delay_s = 0.04  # of each side of a picture, both at the same time
    engine.calls = 0
    times = []

    async def drag() -> None:
        loop = asyncio.get_running_loop()
        for event in range(150):
            figure.set(focus_um=20 + event)
            await asyncio.sleep(0.01)
        released = loop.time()
        while loop.time() < released + 0.3:
            await asyncio.sleep(0.005)
            if figure.viewer.picture["state"]["values"] == figure.viewer.values:
                break
        times.append(loop.time() - released)

    asyncio.run(drag())
    assert engine.most == 1
    assert engine.calls <= 2 * 60
    assert times[0] < 0.3
    engine.delay_s = 0
    np.testing.assert_array_equal(shown(figure), figure.recordings()[1].frames[figure.viewer.frame])
    assert figure.viewer.values["focus_um"] == 169


async def wait(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def tell(figure: Figure, **message) -> None:
    """Send a message as the browser does."""
    figure.viewer._receive(None, message, [])


def test_the_movie_follows_in_paid_chunks_and_a_new_drag_cancels_it(engine):
    figure = make(switches=())
    sent = collect(figure)

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: sum(m["kind"] in ("views", "chunk") for m in sent) == CHUNKS)
        assert {"views", "chunk"} < {m["kind"] for m in sent}
        tell(figure, kind="pong")
        await asyncio.sleep(0.1)
        assert len(sent) == 1 + CHUNKS  # nobody paid: no more is rendered or sent
        figure.set(focus_um=150)
        tell(figure, kind="ready")
        await wait(lambda: figure.viewer.picture["version"] == 1)
        del sent[:]
        while sum(m.get("count", 0) for m in sent) < fake_engine.COUNT - 1:
            tell(figure, kind="ack")
            await asyncio.sleep(0.01)
        assert {m["version"] for m in sent if m["kind"] == "chunk"} == {1}

    asyncio.run(watch())
    movie = np.empty((fake_engine.COUNT, fake_engine.SIZE, fake_engine.SIZE), np.uint8)
    movie[0] = shown(figure)
    for message in sent:
        if message["kind"] == "chunk":
            right = np.frombuffer(message["buffers"][1], np.uint8)
            movie[message["first"] :][: message["count"]] = right.reshape(-1, *movie.shape[1:])
    np.testing.assert_array_equal(movie, figure.recordings()[1].frames[:])


# -- what the reader chooses ---------------------------------------------------------------


def test_a_region_is_an_ellipse_and_a_pixel_is_itself(engine):
    left, right = make().recordings()

    def mask(**chosen):
        return plots.Sight(left, right, 0, **chosen).mask()

    assert mask() is None
    np.testing.assert_array_equal(np.argwhere(mask(pixel=(3, 5))), [[3, 5]])
    region = mask(pixel=(3, 5), roi=(4, 6, 12, 20))
    rows, columns = np.nonzero(region)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 11, 6, 19)
    assert region.sum() == pytest.approx(np.pi * 4 * 7, rel=0.05)
    np.testing.assert_array_equal(np.argwhere(mask(roi=(7.2, 7.2, 7.3, 7.3))), [[7, 7]])
    assert mask(roi=(-9, -9, -5, -5)).sum() == 1


def test_a_new_seed_is_a_new_scene_and_a_switch_is_not(engine):
    figure = make(more=("motion.stride_um",))
    assert [s["name"] for s in figure.viewer.sliders if s.get("advanced")] == ["motion.stride_um"]
    opening = figure.viewer.picture
    assert (opening["version"], opening["scene"], opening["binned"]) == (0, 0, 1)
    assert opening["counts_to_e"]["full_scale"] == 255
    figure.set(off=("noise",))
    assert (figure.viewer.picture["version"], figure.viewer.picture["scene"]) == (1, 0)
    figure.viewer.seed = 5
    assert (figure.viewer.picture["version"], figure.viewer.picture["scene"]) == (2, 1)
    assert {r.experiment.seed for r in figure.recordings()} == {5}
