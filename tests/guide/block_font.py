"""A font in which every character is the same bar: text looks, and breaks, alike on every machine."""

import base64
import io

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

EM = 1000
WIDTH = 520
CHARACTERS = range(0x20, 0x2800)


def stylesheet() -> str:
    """Return style rules that set all text in the block font.

    Returns
    -------
    str
        CSS with the font inside, as a data address.
    """
    font = base64.b64encode(_truetype()).decode()
    return (
        f"@font-face {{ font-family: Block; src: url(data:font/ttf;base64,{font}); }}"
        "*, *::before, *::after { font-family: Block !important; }"
    )


def _truetype() -> bytes:
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "space", "bar"])
    builder.setupCharacterMap({code: "space" if code in (0x20, 0xA0) else "bar" for code in CHARACTERS})
    empty, bar = TTGlyphPen(None).glyph(), _bar()
    builder.setupGlyf({".notdef": empty, "space": empty, "bar": bar})
    builder.setupHorizontalMetrics({".notdef": (WIDTH, 0), "space": (WIDTH // 2, 0), "bar": (WIDTH, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Block", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()


def _bar():
    pen = TTGlyphPen(None)
    pen.moveTo((0, 100))
    pen.lineTo((0, 500))
    pen.lineTo((WIDTH, 500))
    pen.lineTo((WIDTH, 100))
    pen.closePath()
    return pen.glyph()
