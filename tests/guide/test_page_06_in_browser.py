"""Page 6 as a reader meets it: scopes whose sensors are not square."""

import pytest

from minisim_guide import scopes

FIGURE = ".mg[data-figure=carry]"
WAIT = 60_000


@pytest.fixture
def carry(page, server):
    """The second figure of page 6, calm, with its first picture."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page("06_illumination"), timeout=2 * WAIT)
    page.wait_for_selector(f"{FIGURE}[data-version]", timeout=2 * WAIT)
    return page.locator(FIGURE)


def test_a_picture_has_the_shape_of_its_sensor(page, carry) -> None:
    carry.get_by_label("Scope", exact=True).select_option("UCLA Miniscope V3")
    sensor = scopes.options()["UCLA Miniscope V3"]["sensor"]
    canvas = carry.locator("canvas[data-side=right]")
    page.wait_for_function(
        "([css, width]) => document.querySelector(css).width === width",
        arg=[f"{FIGURE} canvas[data-side=right]", sensor["width_px"]],
        timeout=WAIT,
    )
    shown = canvas.evaluate("c => { const b = c.getBoundingClientRect(); return b.width / b.height; }")
    assert shown == pytest.approx(sensor["width_px"] / sensor["height_px"], rel=0.01)
