"""A figure without Jupyter: one bundle, the same module, a plain page from a plain file server."""

import functools
import http.server
import json
import struct
import threading

import numpy as np
import pytest

import minisim_core as ms
from copies import copies
from minisim_guide import plots, wire
from minisim_guide.figure import Figure, Panel
from minisim_guide.shot import states
from minisim_guide.viewer import Viewer, stylesheet

SMALL = {"field_um": 60, "duration_s": 1, "sensor": {"bit_depth": 10, "gain": 3.5}}
SWITCHES = ("out_of_focus", "neuropil", "noise")
PAGE = """<!doctype html><meta charset="utf-8"><title>A figure</title>
<link rel="stylesheet" href="figure.css"><main id="here"></main>
<script type="module">import { mount } from "./figure.js";
mount(document.getElementById("here"), "figure.bin");</script>"""


@pytest.fixture(scope="module")
def figure() -> Figure:
    return Figure(
        ms.presets.get("guide", **SMALL),
        left=Panel("Near focus", off=("out_of_focus",)),
        right=Panel("Everything"),
        off=("neuropil",),
        switches=SWITCHES,
        sliders=("focus_um",),
        says="out_of_focus",
        plots=("light_by_depth", "light_against_defocus"),
        frame=4,
    )


@pytest.fixture(scope="module")
def bundle(figure) -> bytes:
    return figure.bundle()


def read(data: bytes) -> tuple[dict, bytes]:
    (length,) = struct.unpack("<I", data[8:12])
    return json.loads(data[12 : 12 + length]), data[12 + length :]


def test_a_bundle_holds_every_state_with_the_engine_s_counts_and_words(figure, bundle):
    assert bundle[:8] == b"minisim1"
    about, blobs = read(bundle)
    assert len(about["states"]) == 8
    for off in states(SWITCHES, ("neuropil",)):
        state = about["states"][" ".join(sorted(off))]
        recordings = []
        for number, panel in zip(state["views"], (figure.plan.left, figure.plan.right), strict=True):
            start, length = about["blobs"][number]
            recording = ms.simulate(figure.plan.board.scene.with_(off=ms.layers.check((*off, *panel.off))))
            recordings.append(recording)
            counts = wire.unpack(blobs[start : start + length], np.uint16)
            np.testing.assert_array_equal(counts, recording.frames[4].ravel())
        sight = plots.Sight(*recordings, 4)
        assert about["texts"][state["says"]] == plots.say_out_of_focus(sight)
        assert about["texts"][state["plots"][0]] == json.loads(
            json.dumps(plots.PLOTS["light_by_depth"](sight))
        )
        made: dict = {}
        exec(about["texts"][state["python"]], made)
        assert made["right"].experiment == recordings[1].experiment
    assert sum(length for _, length in about["blobs"]) == len(blobs)
    assert len(blobs) < 0.7 * len(about["blobs"]) * 2 * figure.viewer.picture["height"] ** 2
    assert about["traits"]["meta"]["static"]


def test_making_a_bundle_changes_nothing_in_the_figure(figure):
    before = {name: getattr(figure.viewer, name) for name in figure.viewer.keys if name != "comm"}
    figure.bundle()
    assert {name: getattr(figure.viewer, name) for name in before} == before


@pytest.fixture
def static_page(browser, bundle, tmp_path):
    """The page, opened from a file server that has never heard of Jupyter; it must be quiet."""
    (tmp_path / "index.html").write_text(PAGE, "utf-8")
    (tmp_path / "figure.js").write_text(str(Viewer._esm), "utf-8")
    (tmp_path / "figure.css").write_text(stylesheet(), "utf-8")
    (tmp_path / "figure.bin").write_bytes(bundle)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    base = f"http://127.0.0.1:{server.server_port}/"
    page.goto(base + "index.html")
    page.wait_for_selector(".mg[data-version]")
    page.wait_for_function("() => document.querySelector('.mg').dataset.views === '8'")
    yield page
    context.close()
    server.shutdown()
    server.server_close()
    assert [e for e in errors if "favicon" not in e and "404" not in e] == []
    assert {url.removeprefix(base) for url in asked} - {"favicon.ico"} == {
        "index.html", "figure.js", "figure.css", "figure.bin",
    }  # fmt: skip


def pixels(page, side: str) -> np.ndarray:
    values, height, width = page.evaluate(
        """side => { const c = document.querySelector(`canvas[data-side=${side}]`);
        return [[...c.getContext("2d").getImageData(0, 0, c.width, c.height).data], c.height, c.width] }""",
        side,
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def grey(figure: Figure, off, side: str) -> np.ndarray:
    panel = getattr(figure.plan, side)
    experiment = figure.plan.board.scene.with_(off=ms.layers.check((*off, *panel.off)))
    low, high = figure.range
    part = np.clip((ms.simulate(experiment).frames[4].astype(float) - low) / (high - low), 0, 1)
    return np.floor(255 * part + 0.5).astype(np.uint8)


def test_every_state_shows_the_engine_s_frame_without_a_kernel(static_page, figure, bundle):
    page, off = static_page, {"neuropil"}
    about, _ = read(bundle)
    for name in ("noise", "neuropil", "out_of_focus", "noise", "neuropil", "noise", "out_of_focus"):
        for side in ("left", "right"):
            np.testing.assert_array_equal(pixels(page, side)[..., 0], grey(figure, off, side))
        state = about["states"][" ".join(sorted(off))]
        assert page.text_content(".mg-says") == about["texts"][state["says"]]
        page.click(f"[data-switch={name}]")
        off ^= {name}
    page.click("[data-action=reset]")
    np.testing.assert_array_equal(pixels(page, "right")[..., 0], grey(figure, {"neuropil"}, "right"))


def test_comparing_and_stretching_work_without_a_kernel(static_page, figure):
    page = static_page
    left, right = (grey(figure, {"neuropil"}, side) for side in ("left", "right"))
    page.check("[data-choice=wipe]")
    half = np.arange(right.shape[1]) < right.shape[1] / 2
    np.testing.assert_array_equal(pixels(page, "right")[..., 0], np.where(half, left, right))
    page.check("[data-choice=difference]")
    assert np.ptp(pixels(page, "right").astype(int), axis=2).max() > 0, "a difference has colours"
    page.check("[data-choice=pair]")
    page.click(".mg-display summary")
    page.locator("[data-range=high]").fill(str(figure.range[0] + 20))
    assert (pixels(page, "right") == 255).mean() > (right == 255).mean()


def test_what_needs_a_kernel_is_not_offered(static_page):
    assert static_page.locator("[data-slider]:visible").count() == 0
    assert static_page.locator("[data-action=play]:visible").count() == 0
    assert static_page.locator("[data-action=seed]:visible").count() == 0
    static_page.click("[data-switch=noise]")
    static_page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    static_page.click(".mg-menu summary")
    static_page.click("[data-action=copy-python]")
    made: dict = {}
    exec(static_page.locator("dialog textarea").input_value(), made)
    assert made["exp"] == ms.presets.get("guide", **SMALL, off=("neuropil", "noise"))
    static_page.click("dialog button")


def test_more_than_four_switches_are_kept_one_after_another(figure):
    five = ("out_of_focus", "blur", "neuropil", "motion", "noise")
    figure = Figure(
        ms.presets.get("guide", **SMALL), left=Panel("A"), right=Panel("B"), switches=five, off=five
    )
    about, _ = read(figure.bundle())
    assert sorted(about["states"], key=len) == sorted((" ".join(sorted(five[n:])) for n in range(6)), key=len)


def test_the_sentence_leaves_a_mark_that_is_moved(browser):
    figure = Figure(
        ms.presets.get("guide", **SMALL), left=Panel("Near focus", off=("out_of_focus",)),
        right=Panel("Everything"), switches=("noise",), says="out_of_focus", pixel=(20, 20),
    )  # fmt: skip
    with copies(browser, {"figure": figure}) as page:
        opening = page.inner_text(".mg-says")
        assert "at the marked pixel" in opening
        page.click("[data-panel=right] .mg-frame", position={"x": 30, "y": 30})
        assert page.inner_text(".mg-says") == opening.partition(", and")[0] + "."
        page.click("[data-switch=noise]")
        assert "at the marked pixel" not in page.inner_text(".mg-says")
        page.click("[data-action=reset]")
        assert page.inner_text(".mg-says") == opening
