"""The stack: one slider from the cells alone to the raw frame, each stop the engine's own picture."""

import hashlib

import numpy as np
import pytest

import minisim_core as ms
from copies import copies, shades
from minisim_guide import Figure, Panel

LAYERS = ms.LAYERS[1:]
SCENE = ms.presets.get("guide", field_um=60, duration_s=1, sensor={"bit_depth": 10, "gain": 3.5})
SIDES = ("left", "right")


def make(**changes) -> Figure:
    given = {"left": Panel("The cells", off=LAYERS), "right": Panel("The stack"), "stack": True, "frame": 3}
    return Figure(SCENE, **(given | changes))


@pytest.fixture(scope="module")
def figure() -> Figure:
    return make()


def wanted(figure: Figure, off) -> list[str]:
    """Hashes of the grey values that both sides should show with these layers off."""
    low, high = figure.range
    found = []
    for layers in (LAYERS, off):
        frame = ms.simulate(SCENE.with_(off=ms.layers.check(layers))).frames[3].astype(float)
        grey = np.floor(255 * np.clip((frame - low) / (high - low), 0, 1) + 0.5).astype(np.uint8)
        found.append(hashlib.sha256(grey.tobytes()).hexdigest())
    return found


def shown(page) -> list[str]:
    pictures = (shades(page, f"canvas[data-side={side}]") for side in SIDES)
    return [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]


def test_a_stack_of_all_layers_is_the_default():
    figure = make()
    assert [s["name"] for s in figure.viewer.switches] == list(LAYERS)
    assert figure.viewer.meta["stack"]["label"] == "Cells only"
    assert make(switches=("neuropil", "noise")).viewer.meta["stack"]["label"] == "None of these"


@pytest.mark.parametrize("off", [("neuropil",), ("blur", "noise")])
def test_a_stack_opens_only_at_one_of_its_stops(off):
    with pytest.raises(ValueError, match="uppermost layers off"):
        make(off=off)
    assert make(off=LAYERS[4:]).viewer.off == list(LAYERS[4:])


def test_every_stop_is_the_engine_s_own_picture_and_costs_no_kernel(browser, figure):
    with copies(browser, {"figure": figure}) as page:
        slider = page.locator("[data-stack]")
        slider.focus()
        page.keyboard.press("Home")
        for stop in range(len(LAYERS) + 1):
            assert shown(page) == wanted(figure, LAYERS[stop:]), f"stop {stop}"
            name = ms.LAYERS[stop] if stop else "cells"
            assert page.locator(".mg-outside:visible").count() == 0, "one display range does for all stops"
            text = page.inner_text(".mg-stack-about")
            assert ms.layers.DESCRIPTIONS[name] in text
            assert (ms.layers.LABELS[name] if stop else "Cells only") in text
            assert ms.layers.DESCRIPTIONS[name] in slider.get_attribute("aria-valuetext")
            assert page.locator(".mg-stack li.mg-on").count() == stop + 1
            page.keyboard.press("ArrowRight")
        assert page.inner_text(".mg-stack output") == f"{len(LAYERS)} of {len(LAYERS)}"


def test_the_stack_is_climbed_with_keys_on_the_picture_and_by_name(browser, figure):
    with copies(browser, {"figure": figure}, width=360) as page:
        page.focus(".mg-stage")
        page.keyboard.press("PageUp")
        page.keyboard.press("PageDown")
        page.keyboard.press("PageDown")
        assert page.inner_text(".mg-stack output") == "8 of 10"
        page.click(".mg-stack li:has-text('Neuropil')")
        off = LAYERS[LAYERS.index("neuropil") + 1 :]
        page.check("[data-choice=right]")
        assert shown(page)[1] == wanted(figure, off)[1]
        page.click("[data-action=reset]")
        assert page.inner_text(".mg-stack output") == "10 of 10"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
