"""Page 1 under a hand that tries everything: it never reports an error, and it never stops answering."""

from restless import Restless

EVENTS = 200
WAIT_MS = 60_000


def test_two_hundred_random_events_leave_a_page_that_works(page, server):
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.page("01_sectioning"))
    page.wait_for_function(
        "() => document.querySelectorAll('.mg[data-version]').length === 2", timeout=WAIT_MS
    )
    hand, before = Restless(page, seed=1), len(server.lines)
    for _ in range(EVENTS):
        hand.act()
    figure = page.locator(".mg[data-version]", has=page.locator("[data-slider]"))
    page.keyboard.press("Escape")
    version = int(figure.get_attribute("data-version"))
    slider = figure.locator("[data-slider=focus_um] input")
    for part in (0.25, 0.75):  # one of them is not where the thumb stands
        slider.evaluate(
            "(n, part) => { n.value = Number(n.min) + part * (n.max - n.min);"
            " n.dispatchEvent(new Event('input', { bubbles: true })); }",
            part,
        )
    page.wait_for_function(
        "([n, v]) => +n.dataset.version > v", arg=[figure.element_handle(), version], timeout=WAIT_MS
    )
    said = page.locator(".mg-error").all_text_contents()
    assert [text for text in said if "could not be computed" in text] == []
    assert "Traceback" not in "\n".join(server.lines[before:])
