"""The wire without a browser: what the link bears, what is sent ahead, what is dropped at once."""

import asyncio
import threading
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import minisim_core as ms
import stuck_engine
from minisim_guide import plots, wire
from minisim_guide.figure import Figure, Panel
from minisim_guide.link import AHEAD_S, CHUNKS, Link
from minisim_guide.live import CANCELLED
from minisim_guide.sharing import nearest_preset
from minisim_guide.shot import states
from minisim_guide.stream import SAID_S

pytestmark = pytest.mark.usefixtures("without_loop")

SMALL = {"field_um": 60, "duration_s": 1}
FOUR = ("out_of_focus", "neuropil", "vessels", "noise")


def make(**changes) -> Figure:
    given = {
        "left": Panel("Near focus", off=("out_of_focus",)),
        "right": Panel("Everything"),
        "switches": FOUR,
        "sliders": ("focus_um",),
    }
    experiment = changes.pop("experiment", None) or ms.presets.get("guide", **SMALL)
    return Figure(experiment, **(given | changes))


def collect(figure: Figure, answer: bool = True) -> list[dict]:
    """Let the figure send into a list; a browser that is there answers at once."""
    sent: list[dict] = []

    def send(content, buffers=None):
        sent.append(content | {"buffers": buffers})
        if answer and content["kind"] in ("ping", "views", "chunk"):
            reply = {"kind": "pong" if content["kind"] == "ping" else "ack"}
            asyncio.get_running_loop().call_soon(figure.viewer._receive, None, reply, [])

    figure.viewer.send = send
    if answer:
        figure.viewer.observe(lambda _: figure.viewer._receive(None, {"kind": "shown"}, []), names="picture")
    return sent


def sent_views(sent: list[dict]) -> list[tuple[str, ...]]:
    """The states whose pictures were sent, in order."""
    return [tuple(off) for m in sent if m["kind"] == "views" for off in m["offs"]]


def tell(figure: Figure, **message) -> None:
    """Send a message as the browser does."""
    figure.viewer._receive(None, message, [])


async def wait(condition, limit_s: float = 20) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.005)


def sides(figure: Figure) -> list[np.ndarray]:
    picture = figure.viewer.picture
    dtype = np.uint16 if picture["wide"] else np.uint8
    shape = picture["height"], picture["width"]
    return [np.frombuffer(picture[side], dtype).reshape(shape) for side in wire.SIDES]


# -- the link's meter ----------------------------------------------------------------------


class Pipe:
    """A simulated link: what is sent arrives after its turn and the delay, on a clock of its own."""

    def __init__(self, bytes_per_s: float, rtt_s: float) -> None:
        self.now_s = self.free_s = 0.0
        self.bytes_per_s, self.rtt_s = bytes_per_s, rtt_s
        self.link = Link(lambda: self.now_s)
        self.coming: list[tuple[float, str]] = []

    def send(self, kind: str, nbytes: int) -> None:
        self.free_s = max(self.free_s, self.now_s) + nbytes / self.bytes_per_s
        self.coming.append((self.free_s + self.rtt_s, kind))
        self.link.sent(kind, nbytes)

    def wait(self) -> None:
        self.now_s, kind = self.coming.pop(0)
        self.link.arrived(kind)


@pytest.mark.parametrize("bytes_per_s", [625e3, 1e8])
@pytest.mark.parametrize("rtt_s", [0.001, 0.1])
def test_the_rate_is_measured_whether_messages_queue_or_not(bytes_per_s, rtt_s):
    pipe = Pipe(bytes_per_s, rtt_s)
    pipe.send("ping", 0)
    pipe.wait()
    assert pipe.link.latency_s == pytest.approx(rtt_s)
    assert pipe.link.seconds(1e6) == 0, "nothing is known before bytes have travelled"
    for _ in range(5):
        pipe.send("picture", 140_000)
        pipe.wait()
        pipe.now_s += 0.3
    for _ in range(3):
        pipe.send("chunk", 90_000)
    for _ in range(3):
        pipe.wait()
    assert pipe.link.seconds(280_000) == pytest.approx(280_000 / bytes_per_s, rel=0.05)


def test_one_pause_does_not_make_a_link_slow_and_small_messages_say_nothing():
    pipe = Pipe(1e8, 0.01)
    for nbytes in (0, 500, 140_000, 140_000, 140_000, 140_000):
        pipe.send("picture", nbytes)
        pipe.wait()
    before = pipe.link.seconds(1e6)
    pipe.send("picture", 140_000)
    pipe.now_s += 600  # the laptop slept
    pipe.link.arrived("picture")
    assert pipe.link.seconds(1e6) == pytest.approx(before, rel=0.01)
    pipe.link.sent("chunk", 140_000)
    pipe.now_s += 600  # nobody looked: the browser held its answer back
    pipe.link.arrived("chunk", late=True)
    assert pipe.link.seconds(1e6) == pytest.approx(before, rel=0.01)


def test_no_more_is_on_its_way_than_the_link_carries_in_a_moment():
    pipe = Pipe(625e3, 0.1)
    for nbytes in (0, 60_000, 60_000):
        pipe.send("picture", nbytes)
        pipe.wait()
    assert pipe.link.room("picture")
    pipe.send("picture", int(0.6 * AHEAD_S * 625e3))
    assert pipe.link.room("picture")
    pipe.send("picture", int(0.6 * AHEAD_S * 625e3))
    assert not pipe.link.room("picture")
    assert not pipe.link.room("chunk")
    pipe.wait()
    pipe.wait()
    pipe.send("chunk", 2_000_000)
    assert not pipe.link.room("picture"), "a large chunk is all the link carries for a while"


def test_a_view_that_is_gone_stops_pictures_for_a_second_at_most_and_chunks_for_good():
    pipe = Pipe(1e8, 0.001)
    pipe.send("ping", 0)
    pipe.wait()
    for _ in range(2):
        pipe.link.sent("picture", 1000)
    for _ in range(CHUNKS):
        pipe.link.sent("chunk", 1000)
    assert not pipe.link.room("picture")
    pipe.now_s += 1.1
    assert pipe.link.room("picture")
    assert not pipe.link.room("chunk")
    pipe.link.forgive()
    assert pipe.link.room("chunk")


def test_the_opening_state_is_small_and_a_view_is_sent_its_picture_when_it_is_ready():
    figure = make(switches=())
    whole = figure.viewer.get_state()
    assert (len(whole["picture"]["left"]), len(whole["picture"]["right"])) == (0, 0)
    assert whole["picture"]["count"] == 20
    collect(figure)
    told = []
    figure.viewer.send_state = lambda key: told.append(figure.viewer.get_state(key=key))

    async def watch() -> None:
        tell(figure, kind="ready")
        assert [state["picture"] for state in told] == [figure.viewer.picture]
        assert figure._live._link._on_way["picture"], "it is waited for like any other"
        tell(figure, kind="shown")
        assert not figure._live._link._on_way["picture"]

    asyncio.run(watch())
    np.testing.assert_array_equal(sides(figure)[1], figure.recordings()[1].frames[0])


# -- what travels --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_packing_loses_nothing_and_halves_a_real_frame(dtype):
    bits = 8 if dtype == np.uint8 else 10
    frame = ms.simulate(ms.presets.get("guide", sensor={"bit_depth": bits})).frames[0]
    packed = wire.pack(frame)
    np.testing.assert_array_equal(wire.unpack(packed, dtype).reshape(frame.shape), frame)
    assert len(packed) < 0.6 * frame.nbytes
    ramp = np.arange(2**bits, dtype=dtype).reshape(16, -1)
    np.testing.assert_array_equal(wire.unpack(wire.pack(ramp), dtype), ramp.ravel())


def test_a_draft_is_the_mean_of_squares():
    frame = np.arange(7 * 9, dtype=np.uint16).reshape(7, 9)
    draft = wire.binned(frame, 2)
    assert draft.shape == (3, 4)
    assert draft.dtype == np.uint16
    assert draft[1, 2] == np.rint(frame[2:4, 4:6].mean())


def slow(bytes_per_s: float) -> Link:
    pipe = Pipe(bytes_per_s, 0.1)
    for nbytes in (0, 100_000, 100_000):
        pipe.send("picture", nbytes)
        pipe.wait()
    return pipe.link


def test_only_a_slow_link_gets_packed_pictures_and_only_a_moving_hand_gets_drafts():
    frame = ms.simulate(ms.presets.get("guide")).frames[0]
    content = {"left": frame, "right": frame}
    fast = wire.picture(content, slow(1e8), draft=True)
    assert (fast["packed"], fast["binned"], fast["left"]) == (False, 1, frame.tobytes())
    draft = wire.picture(content, slow(625e3), draft=True)
    assert (draft["packed"], draft["binned"]) == (True, 2)
    np.testing.assert_array_equal(wire.unpack(draft["left"], np.uint8), wire.binned(frame, 2).ravel())
    assert sum(len(draft[s]) for s in wire.SIDES) < 0.1 * 625e3
    whole = wire.picture(content, slow(625e3), draft=False)
    assert (whole["packed"], whole["binned"]) == (True, 1)
    np.testing.assert_array_equal(wire.unpack(whole["left"], np.uint8), frame.ravel())
    assert wire.picture(content, slow(60e3), draft=True)["binned"] == 4


def test_a_side_that_stays_the_same_does_not_travel_again():
    recording = ms.simulate(ms.presets.get("guide"))
    first, second = recording.frames[0], recording.frames[1]
    had = {"left": first, "right": first, "binned": 1}
    sent = wire.picture({"left": first, "right": second}, slow(1e8), draft=True, before=had)
    assert (sent["kept"], sent["left"], sent["right"]) == (["left"], b"", second.tobytes())
    sent = wire.picture({"left": first, "right": first}, slow(1e8), draft=True, before=had)
    assert (sent["kept"], sent["left"], sent["right"]) == (["left", "right"], b"", b"")
    wider = {"left": first.astype(np.uint16), "right": second}
    assert wire.picture(wider, slow(1e8), draft=True, before=had)["kept"] == []
    other = wire.picture({"left": first, "right": second}, slow(200e3), draft=True, before=had)
    assert (other["kept"], other["binned"]) == ([], 2), "sides of a pair are equally coarse"
    assert other["left"] == wire.pack(wire.binned(first, 2))


def test_a_view_that_comes_later_gets_both_sides():
    figure = make(left=Panel("Even", off=("illumination",)), sliders=("illumination.width_um",), switches=())
    collect(figure)
    whole = figure.viewer.picture

    async def watch() -> None:
        tell(figure, kind="ready")
        figure.set(illumination__width_um=300)
        await wait(lambda: figure.viewer.picture["version"] == 1)
        assert figure.viewer.picture["kept"] == ["left"]
        assert figure.viewer.picture["right"] != whole["right"]
        tell(figure, kind="ready")
        assert figure.viewer.picture["kept"] == []

    asyncio.run(watch())
    left, right = figure.recordings()
    np.testing.assert_array_equal(sides(figure)[0], left.frames[0])
    np.testing.assert_array_equal(sides(figure)[1], right.frames[0])


def test_on_a_slow_link_the_whole_picture_follows_when_the_hand_rests():
    figure = make(experiment=ms.presets.get("guide", duration_s=1))
    collect(figure)
    live = figure._live
    live._link = live._stream._link = slow(200e3)
    seen = []
    figure.viewer.observe(lambda c: seen.append((c.new["version"], c.new["binned"])), names="picture")

    async def drag() -> None:
        for focus in (80, 81, 82):
            figure.set(focus_um=focus)
            await asyncio.sleep(0.02)
        await wait(lambda: seen and seen[-1] == (3, 1))

    asyncio.run(drag())
    assert {size for _, size in seen[:-1]} <= {2, 4}
    np.testing.assert_array_equal(
        wire.unpack(figure.viewer.picture["right"], np.uint8), figure.recordings()[1].frames[0].ravel()
    )


# -- views ---------------------------------------------------------------------------------


def test_four_switches_have_sixteen_states_and_more_are_cumulative():
    off = ("vessels", "motion")
    found = states(("noise", "neuropil", "vessels", "out_of_focus"), off)
    assert len(set(found)) == 16
    assert found[0] == off, "the nearest first"
    assert all("motion" in state for state in found), "what has no switch stays off"
    assert all(len(set(a) ^ set(off)) <= len(set(b) ^ set(off)) for a, b in pairwise(found))
    five = ("out_of_focus", "blur", "neuropil", "motion", "noise")
    assert sorted(states(five, ()), key=len) == [five[n:] for n in range(5, -1, -1)]


@pytest.mark.parametrize("bits", [8, 10])
def test_views_are_the_engine_s_frames_for_every_state_byte_for_byte(bits):
    experiment = ms.presets.get("guide", **SMALL, sensor={"bit_depth": bits})
    figure = make(experiment=experiment, frame=3, off=("noise",))
    sent = collect(figure)

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: any(m["kind"] == "chunk" for m in sent))

    asyncio.run(watch())
    assert sorted(sent_views(sent)) == sorted(states(FOUR, ()))
    for message in (m for m in sent if m["kind"] == "views"):
        assert (message["scene"], message["frame"], message["wide"]) == (0, 3, bits > 8)
        for off, view in zip(message["offs"], message["buffers"], strict=True):
            assert view == ms.simulate(experiment.with_(off=off)).frames[3].tobytes()


def test_views_come_once_for_a_scene_and_again_for_a_new_one_and_never_while_dragging():
    figure = make(switches=("noise",))
    sent = collect(figure)

    def counted() -> int:
        return len(sent_views(sent))

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: counted() == 4)
        figure.set(off=("noise",))
        await wait(lambda: any(m.get("version") == 1 for m in sent))
        figure.viewer.roi = [1.0, 1.0, 9.0, 9.0]
        await asyncio.sleep(0.3)
        assert counted() == 4, "a switch and a region change no view"
        for focus in range(60, 75):
            figure.set(focus_um=focus)
            await asyncio.sleep(0.02)
            assert counted() == 4
        await wait(lambda: counted() == 8)

    asyncio.run(watch())
    assert {m["scene"] for m in sent if m["kind"] == "views"} == {0, 15}


def test_a_region_makes_new_details_and_nothing_else():
    figure = make(says="out_of_focus", switches=())
    sent = collect(figure)
    pictures, said = [], []
    figure.viewer.observe(lambda c: pictures.append(c.new), names="picture")
    figure.viewer.observe(lambda c: said.append(c.new), names="says")

    async def watch() -> None:
        tell(figure, kind="ready")
        frames = len(figure.recordings()[1].frames)
        await wait(lambda: sum(m.get("count", 0) for m in sent) == frames - 1)
        del pictures[:], said[:], sent[:]
        figure.viewer.pixel = [4, 5]
        await wait(lambda: said)
        await asyncio.sleep(0.4)

    asyncio.run(watch())
    assert "marked pixel" in said[-1]
    assert pictures == []
    assert sent == []


# -- the movie -----------------------------------------------------------------------------


@pytest.mark.parametrize(("bytes_per_s", "fewest", "most"), [(None, 2, 25), (200e3, 39, 39)])
def test_a_fast_link_carries_many_frames_a_message_and_a_slow_one_each_by_itself(bytes_per_s, fewest, most):
    figure = make(switches=(), experiment=ms.presets.get("guide", duration_s=2), frame=30)
    sent, shown = collect(figure), sides(figure)
    if bytes_per_s:
        figure._live._link.seconds = lambda nbytes: nbytes / bytes_per_s

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: sum(m.get("count", 0) for m in sent) == 39)

    asyncio.run(watch())
    chunks = [m for m in sent if m["kind"] == "chunk"]
    assert fewest <= len(chunks) <= most
    assert chunks[0]["first"] == 31
    for side, recording in enumerate(figure.recordings()):
        movie = np.empty(recording.shape, np.uint8)
        movie[30] = shown[side]
        for m in chunks:
            data = m["buffers"][side]
            counts = wire.unpack(data, np.uint8) if m["packed"] else np.frombuffer(data, np.uint8)
            movie[m["first"] :][: m["count"]] = counts.reshape(-1, *movie.shape[1:])
        np.testing.assert_array_equal(movie, recording.frames[:])


# -- whole-movie plots ---------------------------------------------------------------------


def test_a_plot_of_the_movie_comes_in_pieces_after_the_hand_rests(monkeypatch):
    asked = []

    def steps(sight):
        for step in range(5):
            asked.append(sight.right.experiment.focus_um)
            yield step / 5
            time.sleep(0.1)
        yield {"title": f"{sight.right.experiment.focus_um:g}", "summary": ""}

    monkeypatch.setitem(plots.PLOTS, "steps", steps)
    figure = make(plots=("steps",), switches=())
    collect(figure)
    progress = []
    figure.viewer.observe(lambda c: progress.append(dict(c.new)), names="progress")
    assert figure.viewer.plots[0]["stale"]

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: figure.viewer.plots[0].get("title") == "90")
        assert not figure.viewer.plots[0].get("stale")
        figure.set(focus_um=80)
        await wait(lambda: figure.viewer.plots[0].get("stale"))
        assert figure.viewer.plots[0]["title"] == "90", "the old one stands, greyed"
        await wait(lambda: 80 in asked)
        figure.set(focus_um=70)
        await wait(lambda: figure.viewer.plots[0].get("title") == "70")
        before = len(asked)
        figure.viewer.frame = 5
        await asyncio.sleep(0.4)
        assert len(asked) == before, "the frame shown changes nothing in it"
        assert not figure.viewer.plots[0].get("stale")

    asyncio.run(watch())
    assert asked.count(80) < 5
    assert {p["done"] for p in progress if p} <= {None, 0.0, 0.2, 0.4, 0.6, 0.8}


def test_nothing_is_said_to_be_computed_while_a_view_out_of_sight_is_waited_for(monkeypatch):
    def steps(sight):
        yield 0.0
        time.sleep(2 * SAID_S)
        yield {"title": "done", "summary": ""}

    monkeypatch.setitem(plots.PLOTS, "steps", steps)
    figure = make(plots=("steps",), switches=())
    sent = collect(figure, answer=False)

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: figure.viewer.progress)
        await wait(lambda: figure.viewer.plots[0].get("title") == "done")
        await wait(lambda: not figure.viewer.progress)

    asyncio.run(watch())
    frames = sum(m["count"] for m in sent if m["kind"] == "chunk")
    assert 1 + frames < len(figure.recordings()[1].frames), "the rest of the movie waits"


def test_no_picture_waits_for_a_plot_and_the_last_plot_is_the_newest(monkeypatch):
    gate, asked = threading.Event(), []

    def held(sight):
        asked.append(sight.right.experiment.focus_um)
        assert gate.wait(20)
        return {"title": f"{asked[-1]:g}", "summary": ""}

    figure = make(switches=())
    figure.plan = figure._live.plan = replace(figure.plan, plots=("held",))
    figure.viewer.plots = [plots.waiting("histogram")]
    monkeypatch.setitem(plots.PLOTS, "held", held)
    collect(figure)

    async def drag() -> None:
        for focus in range(50, 60):
            figure.set(focus_um=focus)
            await wait(lambda focus=focus: figure.viewer.picture["state"]["values"] == {"focus_um": focus})
        assert asked == [50], "it is still being made"
        gate.set()
        await wait(lambda: figure.viewer.plots[0]["title"] == "59")

    asyncio.run(drag())
    assert asked == [50, 59]


# -- cancelling ----------------------------------------------------------------------------


def test_a_stuck_engine_is_cancelled_in_a_moment_and_the_figure_goes_on(monkeypatch):
    monkeypatch.setattr(ms, "simulate", stuck_engine.simulate)
    figure = make(switches=())
    collect(figure)
    took = []

    async def watch() -> None:
        tell(figure, kind="ready")
        figure.set(focus_um=80)
        await wait(lambda: figure.viewer.picture["version"] == 1)
        good = sides(figure)
        with figure.viewer.hold_trait_notifications():
            figure.viewer.seed = 7
            figure.set(focus_um=stuck_engine.STUCK_UM, off=("noise",))
        await wait(lambda: figure.viewer.progress)
        assert figure.viewer.progress == {"what": "the picture", "done": None}
        started = time.monotonic()
        tell(figure, kind="cancel")
        took.append(time.monotonic() - started)
        v = figure.viewer
        assert (v.values, v.off, v.seed) == ({"focus_um": 80}, [], 0)
        assert (v.error, v.notice, v.progress) == ("", CANCELLED, {})
        assert v.picture["kept"] == ["left", "right"], "the browser keeps what it shows"
        for side, before in zip(wire.SIDES, good, strict=True):
            np.testing.assert_array_equal(figure._live.seen[side], before)
        figure.set(focus_um=120)
        await wait(lambda: figure.viewer.picture["state"]["values"] == {"focus_um": 120})
        assert figure.viewer.notice == ""

    asyncio.run(watch())
    assert took[0] < 0.2
    np.testing.assert_array_equal(sides(figure)[1], figure.recordings()[1].frames[0])


def test_a_long_job_of_the_engine_really_stops_when_it_is_cancelled(monkeypatch):
    begun, stopped = threading.Event(), threading.Event()

    def minute(sight):
        hour = ms.simulate(sight.right.experiment.with_(duration_s=3600))
        try:
            for first in range(0, 72_000, 2_000):
                yield first / 72_000
                begun.set()
                hour.expected[first : first + 2_000].sum()
        except ms.Cancelled:
            stopped.set()
            raise
        yield {"title": "", "summary": ""}

    monkeypatch.setitem(plots.PLOTS, "minute", minute)
    figure = make(plots=("minute",), switches=())
    collect(figure)

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: begun.is_set() and figure.viewer.progress)
        tell(figure, kind="cancel")
        assert figure.viewer.progress == {}
        await wait(stopped.is_set, 5)
        figure.set(focus_um=80)
        await wait(lambda: figure.viewer.picture["state"]["values"] == {"focus_um": 80})
        tell(figure, kind="cancel")

    asyncio.run(watch())
    assert figure.viewer.error == ""


def test_when_plots_are_cancelled_the_movie_goes_on_without_them(monkeypatch):
    begun = []

    def endless(sight):
        for step in range(10_000):
            begun.append(sight.right.experiment.focus_um)
            yield step / 10_000
            time.sleep(0.01)

    monkeypatch.setitem(plots.PLOTS, "endless", endless)
    figure = make(plots=("endless",), switches=())
    sent = collect(figure)

    async def watch() -> None:
        tell(figure, kind="ready")
        await wait(lambda: len(begun) > 3)
        assert not any(m["kind"] == "chunk" for m in sent)
        tell(figure, kind="cancel")
        await wait(lambda: sum(m["count"] for m in sent if m.get("version") == 1) == 19)
        before = len(begun)
        await asyncio.sleep(0.2)
        assert len(begun) == before, "they were refused"
        figure.set(focus_um=80)
        await wait(lambda: 80 in begun)
        tell(figure, kind="cancel")

    asyncio.run(watch())
    assert figure.viewer.plots[0]["stale"]


def test_a_picture_that_takes_a_minute_makes_way_for_a_newer_wish(monkeypatch):
    monkeypatch.setattr(ms, "simulate", stuck_engine.simulate)
    figure = make(switches=())
    collect(figure)

    async def watch() -> None:
        figure.set(focus_um=stuck_engine.STUCK_UM)
        await asyncio.sleep(0.1)
        figure.set(focus_um=80)
        await wait(lambda: figure.viewer.picture["state"]["values"] == {"focus_um": 80}, 5)

    asyncio.run(watch())
    assert figure.viewer.error == ""


# -- taking it away ------------------------------------------------------------------------


def test_the_snippet_runs_and_makes_the_same_recordings():
    figure = make(frame=2, more=("motion.stride_um", "sensor.gain"))
    figure.set(focus_um=120, off=("vessels",), motion__stride_um=3.5, sensor__gain=4.0)
    figure.viewer.seed = 11
    made: dict = {}
    exec(figure.python(), made)
    left, right = figure.recordings()
    assert made["left"].experiment == left.experiment
    assert made["right"].experiment == right.experiment
    np.testing.assert_array_equal(made["counts"], right.frames[2])
    assert ms.Experiment.from_json(figure.json()) == made["exp"]


@pytest.mark.parametrize("name", ms.presets.names())
def test_a_preset_s_snippet_is_its_name(name):
    assert nearest_preset(ms.presets.get(name)) == (name, {})
    changed = ms.presets.get(name, motion={"stride_um": 1.5}, off=("noise",))
    assert nearest_preset(changed) == (name, {"motion": {"stride_um": 1.5}, "off": ("noise",)})


def test_texts_are_sent_when_they_are_asked_for():
    figure = make()
    sent: list[dict] = []
    figure.viewer.send = lambda content, buffers=None: sent.append(content)
    tell(figure, kind="copy", what="python")
    tell(figure, kind="copy", what="json")
    tell(figure, kind="copy", what="everything")
    assert [m["what"] for m in sent] == ["python", "json"]
    assert [m["text"] for m in sent] == [figure.python(), figure.json()]
    figure.set(focus_um=-5)
    tell(figure, kind="copy", what="python")
    assert "focus_um" in figure.viewer.error
