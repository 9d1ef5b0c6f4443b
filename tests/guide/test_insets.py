"""Insets: windows of equal zoom whose pixels are the picture's own."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import minisim_core as ms
from copies import copies, shades
from minisim_guide import Figure, Panel
from minisim_guide.stills import still

PLACES = ((0.5, 0.5), (0.95, 0.95))
SCENE = ms.presets.get("guide", field_um=150, duration_s=1, sensor={"bit_depth": 10, "gain": 3.5})


@pytest.fixture(scope="module")
def figure() -> Figure:
    return Figure(
        SCENE, left=Panel("Near focus", off=("out_of_focus",)), right=Panel("Everything"),
        switches=("noise",), insets=PLACES, inset_um=40,
    )  # fmt: skip


def windows(size: int) -> list[tuple[slice, slice]]:
    """Where the two insets are: in the middle, and as far to the lower right as the picture goes."""
    side = round(40 / ms.simulate(SCENE).pixel_um)
    start = (size - side + 1) // 2
    middle = slice(start, start + side)
    return [(middle, middle), (slice(size - side, size), slice(size - side, size))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_inset_pixels_are_the_picture_s(browser, figure, scheme):
    with copies(browser, {"figure": figure}, color_scheme=scheme) as page:
        for switch in (None, "noise"):
            if switch:
                page.click(f"[data-switch={switch}]")
            for side in ("left", "right"):
                picture = shades(page, f"canvas[data-side={side}]")
                for number, window in enumerate(windows(len(picture)), 1):
                    inset = shades(page, f"canvas[data-inset='{side} {number}']")
                    np.testing.assert_array_equal(inset, picture[window])
        page.check("[data-choice=wipe]")
        picture = shades(page, "canvas[data-side=right]")
        inset = shades(page, "canvas[data-inset='right 1']")
        np.testing.assert_array_equal(inset, picture[windows(len(picture))[0]])
        page.check("[data-choice=pair]")


def test_outlines_lie_on_their_windows_also_when_zoomed(browser, figure):
    with copies(browser, {"figure": figure}, width=360) as page:
        page.click("[data-action=zoom-in]")
        world = page.locator("[data-panel=right] .mg-world").bounding_box()
        size = figure.viewer.picture["height"]
        for outline, (rows, columns) in zip(
            page.locator("[data-panel=right] .mg-outline").all(), windows(size), strict=True
        ):
            box = outline.bounding_box()
            scale = world["width"] / size
            assert box["y"] - world["y"] == pytest.approx(scale * rows.start, abs=0.6)
            assert box["x"] - world["x"] == pytest.approx(scale * columns.start, abs=0.6)
            assert box["width"] == pytest.approx(scale * (rows.stop - rows.start), abs=0.6)
        sides = [canvas.bounding_box()["width"] for canvas in page.locator("[data-inset]:visible").all()]
        assert max(sides) - min(sides) < 0.6, "all insets are enlarged alike"
        assert "40 µm across" in page.get_attribute("[data-inset='right 2']", "aria-label")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_still_has_the_insets(figure):
    bundle, about = still(figure)
    assert "2 windows of 40 µm" in about["image/png"]["alt"]
    without = Figure(SCENE, left=figure.plan.left, right=figure.plan.right)
    tall, short = (
        Image.open(io.BytesIO(base64.b64decode(b["image/png"]))) for b in (bundle, still(without)[0])
    )
    assert tall.width == short.width
    assert tall.height > short.height + 150
