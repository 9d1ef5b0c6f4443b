// Small plots as SVG: lines and bars from a description, redrawn to the width they are given.

// Told apart by lightness and dashes too, for those who do not see the hues.
const INK = { lines: ["var(--cool)", "var(--hot)", "var(--soft)"], bars: ["var(--bar)", "var(--hot)"] };

const DASHES = ["6 4", "6 4", "2 3"];

function ticks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-6; v += step)
    found.push(Math.abs(v) < step * 1e-6 ? 0 : v);
  return found;
}

/** Draw `spec` (see plots.py) into `box`. */
function drawPlot(box, spec) {
  const width = Math.max(240, box.clientWidth || 420), height = Math.round(clamp(0.19 * innerHeight, 150, 208));
  const m = { left: 46, right: 12, top: 10, bottom: 40 };
  const [x0, x1] = spec.x.limits, [y0, y1] = spec.y.limits;
  const X = (v) => m.left + ((v - x0) / (x1 - x0)) * (width - m.left - m.right);
  const Y = (v) => height - m.bottom - ((v - y0) / (y1 - y0)) * (height - m.top - m.bottom);
  const svg = h("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spec.summary,
  });

  for (const band of spec.bands || []) {
    const [a, b] = [Math.max(band.from, x0), Math.min(band.to, x1)].map(X);
    if (b > a) svg.append(h("rect", { class: "mg-band", x: a, y: m.top, width: b - a,
      height: height - m.top - m.bottom }));
  }
  for (const v of ticks(y0, y1, 4))
    svg.append(h("line", { class: "mg-grid", x1: m.left, x2: width - m.right, y1: Y(v), y2: Y(v) }),
      h("text", { x: m.left - 6, y: Y(v) + 4, "text-anchor": "end" }, three(v)));
  for (const v of ticks(x0, x1, width < 330 ? 4 : 6))
    svg.append(h("text", { x: X(v), y: height - m.bottom + 16, "text-anchor": "middle" }, three(v)));
  svg.append(
    h("text", { class: "mg-axis", x: (m.left + width - m.right) / 2, y: height - 6,
      "text-anchor": "middle" }, spec.x.label),
    h("text", { class: "mg-axis", transform: `translate(11 ${(m.top + height - m.bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle" }, spec.y.label));

  for (const mark of spec.marks || [])
    if (mark.x >= x0 && mark.x <= x1)
      svg.append(
        h("line", { class: "mg-mark", x1: X(mark.x), x2: X(mark.x), y1: m.top, y2: height - m.bottom }),
        h("text", { class: "mg-axis", x: X(mark.x) + (mark.x > (x0 + x1) / 2 ? -5 : 5), y: m.top + 11,
          "text-anchor": mark.x > (x0 + x1) / 2 ? "end" : "start" }, mark.label));

  const below = []; // bars stand on those of the series before
  spec.series.forEach((s, index) => {
    if (spec.kind === "bars") {
      s.x.forEach((v, i) => {
        const from = below[i] || 0, to = from + s.y[i];
        const x = X(v - spec.width / 2) + 0.5, wide = X(v + spec.width / 2) - x - 0.5;
        if (s.y[i] > 0) svg.append(h("rect", { style: `fill:${INK.bars[index]}`,
          x, width: Math.max(1, wide), y: Y(to), height: Y(from) - Y(to) }));
        below[i] = to;
      });
      return;
    }
    const path = s.x.map((v, i) => `${i ? "L" : "M"}${X(v).toFixed(1)} ${Y(s.y[i]).toFixed(1)}`);
    svg.append(h("path", { d: path.join(""), style: `fill:none;stroke:${INK.lines[index]};stroke-width:2.2`,
      "stroke-dasharray": s.dash ? DASHES[index] : null }));
  });

  const keys = spec.series.map((s, i) =>
    [s.name, INK[spec.kind][i], s.dash && ["dashed", "dashed", "dotted"][i]]);
  const legend = h("div", { class: "mg-keys" }, ...keys.map(([name, colour, dash]) =>
    h("span", {}, h("i", { style: `border-top:3px ${dash || "solid"} ${colour}` }), name)));
  for (const note of spec.notes || []) legend.append(h("span", {}, note));
  box.replaceChildren(h("div", { class: "mg-plot-title" }, spec.title), legend, svg);
}
