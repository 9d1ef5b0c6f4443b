"""How plots could be drawn, and what ours cost: ``python tests/benchmarks/plotting.py``.

The same three plots by three routes (CPU time of the kernel, bytes on the wire, script and layout in
Chromium), then every plot of the guide on the scene ``guide``.
"""

from __future__ import annotations

import base64
import io
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from playwright.sync_api import Page, sync_playwright

import minisim_core as ms
from minisim_guide import plots
from minisim_guide.plots.paper import draw_spec
from minisim_guide.viewer import module, stylesheet

REPEATS = 15

PAGE = """<!doctype html><style>BODY</style><div class=mg style="width:520px"><div id=host></div></div>
<script>SCRIPT
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
async function timed(run) {
  const times = [];
  for (let i = 0; i < REPEATS; i++) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    await run(i);
    host.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return median(times);
}
const svg = (spec) => timed((i) => {
  host.replaceChildren();
  new Plot(host).draw({ ...spec, again: i });
});
const canvas = (spec) => timed(() => {
  const node = Object.assign(document.createElement("canvas"), { width: 520, height: 160 });
  host.replaceChildren(node);
  const c = node.getContext("2d"), X = axisScale(spec.x, 40, 500), Y = axisScale(spec.y, 130, 20);
  c.font = "11px system-ui";
  for (const v of ticks(spec.x, 6)) c.fillText(three(v), X(v), 145);
  if (spec.kind !== "traces") for (const v of ticks(spec.y, 4)) c.fillText(three(v), 5, Y(v));
  for (const s of spec.series) {
    c.beginPath();
    s.x.forEach((x, i) => c.lineTo(X(x), Y(s.at === undefined ? s.y[i] : s.y[i] - s.mean + s.at)));
    c.stroke();
  }
  c.getImageData(0, 0, 1, 1);
});
const image = (data) => timed(async () => {
  const node = new Image();
  node.src = `data:image/png;base64,${data}`;
  await node.decode();
  host.replaceChildren(node);
});
</script>"""


def samples() -> dict[str, dict[str, Any]]:
    """Return a stack of 6 traces of 600 values, a histogram of 256 bins twice, and three curves."""
    rng = np.random.default_rng(0)
    times = plots.spec.short(np.arange(600) / 20)
    axis = {"label": "time, s", "limits": [0, 30], "kind": "time"}
    traces = [
        {"name": f"trace {i}", "x": times, "y": plots.spec.short(course.cumsum()), "mean": 0, "at": 60 * i}
        for i, course in enumerate(rng.normal(size=(6, 600)))
    ]
    stack = {"kind": "traces", "title": "Traces", "x": axis, "y": {"label": "e⁻", "limits": [-60, 400]}}
    right = ms.simulate(ms.presets.get("guide"))
    sight = plots.Sight(right.without("out_of_focus"), right, 10)
    return {
        "6 traces of 600": stack | {"series": traces, "summary": "Traces."},
        "histogram": plots.finish("histogram", sight),
        "3 curves": plots.finish("light_against_defocus", sight),
    }


def cpu_ms(run: Callable[[], Any]) -> float:
    """Return the median CPU time of a call."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def png(spec: dict[str, Any]) -> bytes:
    """Draw a description with matplotlib."""
    figure = Figure(figsize=(5.2, 2.1), dpi=100, layout="constrained")
    draw_spec(figure.add_subplot(), spec)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def routes(page: Page) -> None:
    """Compare the routes."""

    print("| plot | route | kernel, ms | bytes | browser, ms |\n|---|---|---|---|---|")
    for name, spec in samples().items():
        size = len(json.dumps(spec))
        dumped = cpu_ms(lambda spec=spec: json.dumps(spec))
        for route in ("svg", "canvas"):
            browser = page.evaluate(f"spec => {route}(spec)", spec)
            print(f"| {name} | {route} | {dumped:.1f} | {size} | {browser:.1f} |", flush=True)
        kernel, data = cpu_ms(lambda spec=spec: png(spec)), png(spec)
        browser = page.evaluate("data => image(data)", base64.b64encode(data).decode())
        print(f"| {name} | matplotlib | {kernel:.0f} | {len(data)} | {browser:.1f} |", flush=True)


def ours(page: Page) -> None:
    """Measure every plot of the guide, with nothing marked."""
    right = ms.simulate(ms.presets.get("guide"))
    left = right.without("out_of_focus")
    print("\n| plot | kernel, ms | bytes | browser, ms |\n|---|---|---|---|")
    for name in plots.PLOTS:
        plots.depth.seen_cells.cache_clear()
        start = time.process_time()
        spec = plots.finish(name, plots.Sight(left, right, 10))
        kernel = 1e3 * (time.process_time() - start)
        if not plots.takes_the_movie(name):
            kernel = cpu_ms(lambda name=name: plots.finish(name, plots.Sight(left, right, 10)))
        browser = page.evaluate("spec => svg(spec)", spec)
        print(f"| {name} | {kernel:.0f} | {len(json.dumps(spec))} | {browser:.1f} |", flush=True)


def main() -> None:
    """Print both tables."""
    ms.warm()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        script = module("dom.js", "plots.js", "side.js", "maps.js")
        parts = {"BODY": stylesheet(), "SCRIPT": script, "REPEATS": str(REPEATS)}
        text = PAGE
        for name, part in parts.items():
            text = text.replace(name, part)
        page.set_content(text)
        routes(page)
        ours(page)
        browser.close()


if __name__ == "__main__":
    main()
