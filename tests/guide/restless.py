"""A hand that tries everything on a page, at random but the same for the same seed."""

import random

from playwright.sync_api import Locator, Page

CONTROLS = ", ".join(
    f".mg[data-version] {control}"
    for control in (
        "[data-slider] input",
        "[data-switch] input",
        "[data-choice]",
        "[data-action]",
        "[data-scrub]",
        "[data-wipe]",
        "[data-range]",
        "canvas[data-side]",
    )
)
KEYS = (
    "ArrowRight",
    "ArrowLeft",
    "Home",
    "End",
    " ",
    "+",
    "-",
    "0",
    "r",
    "[",
    "]",
    "Escape",
    "Shift+ArrowDown",
)


class Restless:
    """Does one random thing after the other, the same ones for the same seed.

    Parameters
    ----------
    page
        A page with figures.
    seed
        Of the choices.
    """

    def __init__(self, page: Page, seed: int = 0) -> None:
        self.page, self.random = page, random.Random(seed)
        for more in page.locator(".mg details").all():
            more.evaluate("n => { n.open = true }")
        self.controls = page.locator(CONTROLS).all()

    def act(self) -> None:
        """Use one control that can be used now."""
        control = self.random.choice(self.controls)
        if not control.is_visible() or not control.is_enabled():
            return
        kind = control.evaluate("n => n.type === 'range' ? 'range' : n.tagName")
        {"range": self._slide, "CANVAS": self._point}.get(kind, self._press)(control)

    def _slide(self, control: Locator) -> None:
        for part in (self.random.random(), self.random.random()):
            control.evaluate(
                """(n, part) => { n.value = Number(n.min) + part * (n.max - n.min);
                n.dispatchEvent(new Event("input", { bubbles: true })); }""",
                part,
            )

    def _press(self, control: Locator) -> None:
        control.evaluate("n => n.click()")

    def _point(self, control: Locator) -> None:
        box = control.bounding_box()
        if box is None or box["width"] < 20:
            return
        control.scroll_into_view_if_needed()
        x, y, to_x, to_y = (5 + self.random.random() * (box["width"] - 10) for _ in range(4))
        what = self.random.choice(("click", "drag", "wheel", "keys"))
        if what == "click":
            control.click(position={"x": x, "y": y}, force=True)
        elif what == "drag":
            box = control.bounding_box() or box
            self.page.mouse.move(box["x"] + x, box["y"] + y)
            self.page.mouse.down()
            self.page.mouse.move(box["x"] + to_x, box["y"] + to_y, steps=3)
            self.page.mouse.up()
        elif what == "wheel":
            control.hover(position={"x": x, "y": y}, force=True)
            self.page.mouse.wheel(0, self.random.choice((-120, 120)))
        else:
            control.locator("xpath=ancestor::*[contains(@class, 'mg-stage')]").first.focus()
            self.page.keyboard.press(self.random.choice(KEYS))
