"""How a figure looks, against stored pictures; ``WRITE_LOOKS=1`` in the environment rewrites them.

All text is set in a font of bars, so that machines with other fonts agree; the engine is the stand-in.
A picture is stored at half size and may differ in one of a hundred pixels.
"""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import block_font
from test_viewer import address, buffered, move, open_page  # noqa: F401

LOOKS = Path(__file__).parent / "looks"
DIFFERENT = 0.2 * 255  # of a pixel's colour, in any channel
SHARE = 0.01  # of the pixels that may be different


def as_it_opens(page):
    """Change nothing."""


def wipe(page):
    """Put the two pictures under a divider."""
    page.check("[data-choice=wipe]", force=True)


def difference(page):
    """Show right minus left."""
    page.check("[data-choice=difference]", force=True)


def refused(page):
    """Ask for a value that cannot be."""
    page.evaluate("() => { document.querySelector('[data-slider=focus_um] input').max = 5000 }")
    move(page, "focus_um", 4000)
    page.wait_for_selector(".mg-error:visible")


SCENES = {
    "wide": [
        ("pair", as_it_opens, ".mg"),
        ("plots", as_it_opens, ".mg-plots"),
        ("wipe", wipe, ".mg-main"),
        ("difference", difference, ".mg-main"),
        ("error", refused, ".mg"),
    ],
    "narrow": [("narrow", as_it_opens, ".mg")],
    "dark": [("dark", as_it_opens, ".mg")],
}
OPTIONS = {"wide": {}, "narrow": {"width": 360}, "dark": {"color_scheme": "dark"}}
# the guide's own page follows the reader's system; the bare page of these tests has to be told
SCHEME = ":root { color-scheme: light dark }"


def shot(page, selector: str) -> np.ndarray:
    """Take a picture of a part of the page, at half size."""
    png = page.locator(selector).first.screenshot(animations="disabled", caret="hide")
    full = Image.open(io.BytesIO(png)).convert("RGB")
    half = full.resize((full.width // 2, full.height // 2), Image.Resampling.BOX)
    return np.asarray(half)


def compare(found: np.ndarray, reference: Path, folder: Path) -> str:
    """Say how a picture differs from the stored one, or nothing; keep both to look at."""
    wanted = np.asarray(Image.open(reference).convert("RGB"))
    new = folder / reference.name
    Image.fromarray(found).save(new)
    if found.shape != wanted.shape:
        return f"{reference.name} has the shape {wanted.shape}, not {found.shape}: see {new}"
    apart = np.abs(found.astype(int) - wanted).max(axis=-1) > DIFFERENT
    if apart.mean() <= SHARE:
        return ""
    difference = new.with_stem(f"{new.stem}-difference")
    Image.fromarray(apart).save(difference)
    return f"{100 * apart.mean():.1f} % of {reference.name} differs: see {new} and {difference}"


@pytest.mark.parametrize("view", SCENES)
def test_it_looks_as_it_did(view, open_page, tmp_path):  # noqa: F811
    page = open_page(**OPTIONS[view])
    page.set_viewport_size({"width": page.viewport_size["width"], "height": 1600})
    page.add_style_tag(content=block_font.stylesheet() + SCHEME)
    page.evaluate("() => document.fonts.load('16px Block').then(() => document.fonts.ready)")
    buffered(page)
    complaints = []
    for name, act, selector in SCENES[view]:
        act(page)
        page.mouse.move(0, 0)
        page.wait_for_selector(".mg-busy", state="hidden")
        found = shot(page, selector)
        reference = LOOKS / f"{name}.png"
        if os.environ.get("WRITE_LOOKS"):
            LOOKS.mkdir(exist_ok=True)
            Image.fromarray(found).quantize(128).save(reference, optimize=True)
        complaints.append(compare(found, reference, tmp_path))
    assert [complaint for complaint in complaints if complaint] == []


def test_the_stored_pictures_are_small():
    sizes = [file.stat().st_size for file in LOOKS.glob("*.png")]
    assert len(sizes) == sum(map(len, SCENES.values()))
    assert max(sizes) <= 60_000
    assert sum(sizes) <= 300_000
