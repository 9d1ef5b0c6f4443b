"""A page's Markdown as HTML that needs no script: equations as MathML, links to pages as written on disk."""

import re

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath


def html(markdown: str, ending: str = "html") -> str:
    """Return a Markdown cell as HTML.

    Parameters
    ----------
    markdown
        As a notebook holds it: with TeX between dollar signs, and links to other notebooks.
    ending
        What the files end with that links to notebooks shall lead to.

    Returns
    -------
    str
    """
    return str(MarkdownWithMath(renderer=_Renderer(ending)).render(markdown))


class _Renderer(IPythonRenderer):
    def __init__(self, ending: str) -> None:
        super().__init__(escape=False)
        self.ending = ending

    def heading(self, text: str, level: int, **attrs: object) -> str:
        name = re.sub(r"\W+", "-", re.sub(r"<.*?>", "", text)).strip("-").lower()
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        page = url if "://" in url else re.sub(r"(?<=\.)ipynb(?=$|#)", self.ending, url)
        return str(super().link(text, page, title))

    def inline_math(self, body: str) -> str:
        return str(convert(body))

    def block_math(self, body: str) -> str:
        # A wide equation scrolls inside its own box, which the keyboard has to be able to reach.
        return f'<span class="guide-math" tabindex="0">{convert(body, display="block")}</span>'
