// Small plots as SVG, from the descriptions of plots/spec.py, redrawn to the width they are given.

const PLOT = { height: 160, top: 20, bottom: 34, right: 12 };
const LETTER = 6.2; // mean width of a character at 11 px
const DASH = { dash: "6 4", dot: "1.5 3.5" };
const ORDER = ["cool", "own", "soft", "green", "violet", "pale", "ink"]; // for series without an ink

const inkOf = (series, index) => `var(--${series.ink || ORDER[index % ORDER.length]})`;
const dashOf = (series) => (series.dash ? DASH.dash : series.dot ? DASH.dot : null);

/** Round places for ticks: multiples of 1, 2 or 5; on a logarithmic axis decades, closer if they are few. */
function ticks({ limits: [low, high], log }, wanted) {
  if (log) {
    const few = Math.log10(high / low) < 2.3, found = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
      for (const m of few ? [1, 2, 5] : [1])
        if (m * 10 ** power >= low && m * 10 ** power <= high) found.push(m * 10 ** power);
    return found.length > 2 * wanted ? found.filter((_, i) => i % 2 === 0) : found;
  }
  const raw = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
  const found = [];
  for (let v = Math.ceil(low / step - 1e-6) * step; v <= high + step * 1e-6; v += step)
    found.push(Math.abs(v) < step * 1e-6 ? 0 : v);
  return found;
}

/** The longest round length that is at most so long. */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [5, 2, 1].find((m) => m * power <= most * 1.001);
}

/** From values to pixels; what lies outside the limits stays at the edge. */
function axisScale({ limits: [low, high], log }, from, to) {
  const bend = log ? Math.log10 : (v) => v;
  const [a, b] = [bend(low), bend(high)];
  const scale = (v) => from + ((bend(clamp(v, low, high)) - a) / (b - a)) * (to - from);
  scale.back = (px) => {
    const v = a + ((px - from) / (to - from)) * (b - a);
    return log ? 10 ** v : v;
  };
  return scale;
}

const linePath = (xs, ys) => xs.map((x, i) => `${i ? "L" : "M"}${x.toFixed(1)} ${ys[i].toFixed(1)}`).join("");
const ringPath = (xs, ys, r) => xs.map((x, i) => `M${(x - r).toFixed(1)} ${ys[i].toFixed(1)}`
  + `a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`).join("");

/** Where the nearest of ascending values is. */
function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle; else high = middle;
  }
  return Math.abs(values[low] - wanted) <= Math.abs(values[high] - wanted) ? low : high;
}

/** One plot in a box: drawn from its description, with the present frame, the pointer and a cell marked. */
class Plot {
  /** `events`: `seek(frame)` when a time is picked, `cell(index or null)` when a cell is pointed at;
   *  `movable(name)` says whether there is such a slider, `move({ name: value })` sets some. */
  constructor(box, events = {}) {
    Object.assign(this, { box, events, spec: null, frame: 0, lit: null });
    box.addEventListener("pointermove", (event) => this.point(event));
    box.addEventListener("pointerleave", () => this.leave());
    box.addEventListener("pointerdown", (event) => this.pick(event));
  }

  get size() { return PLOT; }

  /** The scale along y: it grows upwards. */
  upright(axis, top, base) { return axisScale(axis, base, top); }

  /** Whether points are read one by one, and not all series at one place of x. */
  get dotted() { return this.spec.kind === "points" || this.spec.kind === "side"; }

  /** Draw a description; nothing happens if it is the one that is drawn, at this width. */
  draw(spec) {
    const width = Math.max(240, this.box.clientWidth || 420);
    if (this.spec && width === this.width && same(spec, this.spec)) return;
    Object.assign(this, { spec, width });
    const traces = spec.kind === "traces", { height, top, bottom } = this.size;
    const bare = traces || spec.kind === "shares" || !spec.series.length;
    const yTicks = bare ? [] : ticks(spec.y, 4);
    const widest = traces ? Math.min(104, 8 + LETTER * Math.max(...spec.series.map((s) => s.name.length), 8))
      : 8 + LETTER * Math.max(...yTicks.map((v) => three(v).length), 2);
    this.left = Math.max(26, widest);
    this.right = width - (traces ? 52 : this.size.right);
    this.X = axisScale(spec.x, this.left, this.right);
    this.Y = this.upright(spec.y, top, height - bottom);
    this.drawn = []; // per series: places in pixels
    this.values = []; // per series: where its value at the pointer is written
    this.svg = h("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spec.summary });
    this.axes(yTicks);
    const draws = { bars: "bars", points: "points", traces: "lanes", stack: "stack", side: "side", shares: "shares" };
    const draw = draws[spec.kind] || "lines";
    this[draw]();
    this.marks();
    this.hair = h("line", { class: "mg-hair", y1: top, y2: height - bottom, visibility: "hidden" });
    this.now = h("line", { class: "mg-now", y1: top - 4, y2: height - bottom, visibility: "hidden" });
    this.ring = h("circle", { class: "mg-ring", r: 6, visibility: "hidden" });
    this.read = h("text", { class: "mg-read mg-halo", x: width, y: 10, "text-anchor": "end" });
    this.svg.append(this.hair, this.now, this.ring, this.read);
    if (traces) this.svg.append(...this.values);
    this.box.classList.toggle("mg-stale", Boolean(spec.stale));
    this.box.classList.toggle("mg-timed", spec.x.kind === "time");
    this.box.replaceChildren(h("div", { class: "mg-plot-title" }, spec.title), this.legend(), this.svg);
    this.at(this.frame);
    this.light(this.lit);
  }

  text(x, y, words, props = {}) {
    this.svg.append(h("text", { x: x.toFixed(1), y: y.toFixed(1), ...props }, words));
  }

  axes(yTicks) {
    const { spec, svg, X, Y, left, right } = this, { height, top, bottom } = this.size, base = height - bottom;
    for (const band of spec.bands || []) {
      const [a, b] = [X(band.from), X(band.to)];
      if (b > a) svg.append(h("rect", { class: "mg-band", x: a, y: top, width: b - a, height: base - top }));
    }
    for (const v of yTicks) {
      svg.append(h("line", { class: "mg-grid", x1: left, x2: right, y1: Y(v), y2: Y(v) }));
      this.text(left - 6, Y(v) + 4, three(v), { "text-anchor": "end" });
    }
    svg.append(h("line", { class: "mg-base", x1: left, x2: right, y1: base, y2: base }));
    for (const v of spec.x.label ? ticks(spec.x, (right - left) / 70) : []) {
      svg.append(h("line", { class: "mg-base", x1: X(v), x2: X(v), y1: base, y2: base + 4 }));
      this.text(X(v), base + 15, three(v), { "text-anchor": "middle" });
    }
    this.text((left + right) / 2, height - 5, spec.x.label, { class: "mg-axis", "text-anchor": "middle" });
    if (spec.kind !== "traces") this.text(0, 10, spec.y.label, { class: "mg-axis" });
    if (!spec.series.length)
      this.text((left + right) / 2, (top + base) / 2, (spec.notes || [])[0] || "", { class: "mg-axis", "text-anchor": "middle" });
  }

  /** Lines that name a place on x or y; a label that would touch another goes lower, and its line begins there,
   *  so that it crosses no label. */
  marks() {
    const { spec, svg, X, Y, left, right } = this, { height, top, bottom } = this.size;
    const taken = [];
    for (const mark of (spec.marks || []).toSorted((a, b) => a.x - b.x)) {
      if (mark.x < spec.x.limits[0] || mark.x > spec.x.limits[1]) continue;
      const x = X(mark.x), wide = LETTER * mark.label.length, flip = x + 5 + wide > right;
      const from = flip ? x - 5 - wide : x + 5;
      let row = Math.max(0, ...taken.filter((t) => t.from < x + 2 && x - 2 < t.to && t.label).map((t) => t.row + 1));
      while (taken.some((t) => t.row === row && from < t.to + 4 && from + wide > t.from - 4)) row++;
      taken.push({ row, from, to: from + wide, label: true }, { row, from: x - 1, to: x + 1 });
      svg.append(h("line", { class: "mg-mark", x1: x, x2: x, y1: top - 4 + 13 * row, y2: height - bottom }));
      this.text(flip ? x - 5 : x + 5, top + 5 + 13 * row, mark.label,
        { class: "mg-axis mg-halo", "text-anchor": flip ? "end" : "start" });
    }
    for (const level of spec.levels || []) {
      svg.append(h("line", { class: "mg-mark", x1: left, x2: right, y1: Y(level.y), y2: Y(level.y) }));
      this.text(right, Y(level.y) - 4, level.label, { class: "mg-axis mg-halo", "text-anchor": "end" });
    }
  }

  line(series, index, xs, ys, more = {}) {
    this.svg.append(h("path", { class: "mg-line", d: linePath(xs, ys), style: `stroke:${inkOf(series, index)}`,
      "stroke-dasharray": dashOf(series), "data-series": index, ...more }));
  }

  lines() {
    const { spec, X, Y, svg } = this;
    spec.series.forEach((s, index) => {
      const half = (s.step || 0) / 2, [xs, ys] = [[], []];
      s.x.forEach((x, i) => {
        xs.push(X(x - half));
        ys.push(Y(s.y[i]));
        if (half) { xs.push(X(x + half)); ys.push(Y(s.y[i])); }
      });
      if (s.fill && xs.length) {
        const base = Y(spec.y.limits[0]).toFixed(1);
        svg.append(h("path", { class: "mg-fill", style: `fill:${inkOf(s, index)}`,
          d: `${linePath(xs, ys)}V${base}H${xs[0].toFixed(1)}Z` }));
      }
      this.line(s, index, xs, ys);
      if (s.dotted) svg.append(h("path", { class: "mg-points", d: ringPath(xs, ys, 2.5), style: `fill:${inkOf(s, index)}` }));
      this.drawn.push({ xs: s.x.map(X), ys: s.y.map(Y) });
    });
  }

  bars() {
    const { spec, X, Y, svg } = this, below = []; // bars stand on those of the series before
    spec.series.forEach((s, index) => {
      const tops = s.x.map((v, i) => {
        const from = below[i] || 0, to = from + s.y[i];
        const x = X(v - spec.width / 2) + 0.5, wide = X(v + spec.width / 2) - x - 0.5;
        if (s.y[i] > 0) svg.append(h("rect", { style: `fill:${inkOf(s, index)}`, "data-series": index,
          x, width: Math.max(1, wide), y: Y(to), height: Math.max(0, Y(from) - Y(to)) }));
        below[i] = to;
        return Y(to);
      });
      this.drawn.push({ xs: s.x.map(X), ys: tops });
    });
  }

  /** Areas on top of each other, the first one lowest. */
  stack() {
    const { spec, X, Y, svg } = this, below = [];
    spec.series.forEach((s, index) => {
      const xs = s.x.map(X), floor = s.x.map((_, i) => Y(below[i] || 0));
      s.y.forEach((v, i) => { below[i] = (below[i] || 0) + v; });
      const tops = below.map(Y);
      const back = linePath(xs.toReversed(), floor.toReversed()).replace("M", "L");
      svg.append(h("path", { d: `${linePath(xs, tops)}${back}Z`, style: `fill:${inkOf(s, index)}`, "data-series": index }));
      this.drawn.push({ xs, ys: tops });
    });
  }

  /** One bar, divided. */
  shares() {
    const { spec, X, svg } = this, { height, bottom, top } = this.size, y = top + 16, tall = height - bottom - 8 - y;
    spec.series.forEach((s, index) => {
      const [from, to] = [X(s.x[0]), X(s.x[0] + s.y[0])];
      if (to > from) svg.append(h("rect", { class: "mg-share", style: `fill:${inkOf(s, index)}`, "data-series": index,
        x: from, width: to - from, y, height: tall }));
      this.drawn.push({ xs: [(from + to) / 2], ys: [y] });
    });
  }

  points() {
    const { spec, X, Y, svg } = this;
    spec.series.forEach((s, index) => {
      const xs = s.x.map(X), ys = s.y.map(Y), ink = inkOf(s, index);
      this.drawn.push({ xs, ys });
      if (s.line) return this.line(s, index, xs, ys);
      svg.append(h("path", { class: "mg-points", d: ringPath(xs, ys, s.x.length > 150 ? 2 : 2.8), "data-series": index,
        style: s.hollow ? `fill:none;stroke:${ink}` : `fill:${ink};stroke:var(--paper);stroke-width:.6` }));
    });
  }

  /** Traces above each other, in one scale, each named at its left with its mean. */
  lanes() {
    const { spec, X, Y, left, right, svg } = this, { height, bottom, top } = this.size;
    let free = 0; // labels keep a line's distance
    spec.series.forEach((s, index) => {
      const xs = s.x.map(X), ys = s.y.map((v) => Y(v - s.mean + s.at)), at = Y(s.at);
      svg.append(h("line", { class: "mg-grid", x1: left, x2: right, y1: at, y2: at }));
      this.line(s, index, xs, ys, { class: "mg-line mg-trace" });
      for (const dots of s.dots || []) {
        const ink = dots.ink ? `var(--${dots.ink})` : inkOf(s, index), seen = dots.x.map((_, i) => i).filter((i) => Number.isFinite(dots.y[i]));
        svg.append(h("path", { class: "mg-points", style: dots.hollow ? `fill:none;stroke:${ink}` : `fill:${ink}`,
          d: ringPath(seen.map((i) => X(dots.x[i])), seen.map((i) => Y(dots.y[i] - s.mean + s.at)), dots.hollow ? 2.6 : 1.8) }));
      }
      this.drawn.push({ xs, ys });
      const y = Math.max(at + 4, free + 12);
      free = y;
      this.values.push(h("text", { class: "mg-halo", y: y.toFixed(1) }));
      this.text(left - 7, y, s.name, { "text-anchor": "end", style: `fill:${inkOf(s, index)}`, class: "mg-lane" });
    });
    if (!spec.series.length) return;
    const unit = Math.abs(Y(spec.y.limits[0]) - Y(spec.y.limits[0] + 1)) || 1;
    const length = roundLength((0.35 * (height - bottom - top)) / unit), foot = height - bottom - 6;
    svg.append(h("path", { class: "mg-bar", d: `M${right + 8} ${foot}V${(foot - length * unit).toFixed(1)}` }));
    this.text(right + 13, foot - (length * unit) / 2 + 4, `${three(length)} ${spec.y.unit || "e⁻"}`, {});
    this.text(0, 10, spec.y.label, { class: "mg-axis" });
  }

  legend() {
    const { spec } = this, keys = h("div", { class: "mg-keys" });
    if (spec.kind !== "traces")
      spec.series.forEach((s, i) => {
        const ink = inkOf(s, i), dots = this.dotted && !s.line;
        const swatch = h("svg", { width: 20, height: 10, viewBox: "0 0 20 10", "aria-hidden": "true" });
        if (["bars", "stack", "shares"].includes(spec.kind))
          swatch.append(h("rect", { x: 4, width: 12, height: 10, style: `fill:${ink}` }));
        else if (dots) swatch.append(h("circle", { cx: 10, cy: 5, r: 3,
          style: s.hollow ? `fill:none;stroke:${ink}` : `fill:${ink}` }));
        else swatch.append(h("path", { class: "mg-line", d: "M0 5H20", style: `stroke:${ink}`, "stroke-dasharray": dashOf(s) }));
        const value = h("b");
        keys.append(h("span", {}, swatch, s.name, this.dotted || spec.kind === "shares" ? null : value));
        this.values.push(value);
      });
    if (spec.series.length) for (const note of spec.notes || []) keys.append(h("span", {}, note));
    return keys;
  }

  // ---- the present frame, the pointer, a cell -------------------------------------------

  /** Mark the present frame, where the plot runs along the movie; needs no kernel. */
  at(frame) {
    this.frame = frame;
    const timed = this.spec?.x.kind === "time" && this.drawn[0]?.xs.length;
    this.now?.setAttribute("visibility", timed ? "visible" : "hidden");
    if (!timed) return;
    const xs = this.drawn[0].xs, x = xs[Math.min(Math.floor(frame / (this.spec.x.every || 1)), xs.length - 1)];
    for (const end of ["x1", "x2"]) this.now.setAttribute(end, x.toFixed(1));
  }

  /** Show which series or point is a cell; null for none. */
  light(cell) {
    this.lit = cell;
    this.ring?.setAttribute("visibility", "hidden");
    this.spec?.series.forEach((s, index) => {
      const own = cell !== null && s.cell === cell;
      this.svg.querySelector(`[data-series="${index}"]`)?.classList.toggle("mg-lit", own);
      const place = cell === null || !s.cells ? -1 : s.cells.indexOf(cell);
      if (place < 0) return;
      this.ring.setAttribute("cx", this.drawn[index].xs[place]);
      this.ring.setAttribute("cy", this.drawn[index].ys[place]);
      this.ring.setAttribute("visibility", "visible");
    });
  }

  place(event) {
    const at = this.svg.getBoundingClientRect(), zoom = this.width / (at.width || 1);
    return [(event.clientX - at.left) * zoom, (event.clientY - at.top) * zoom];
  }

  pick(event) {
    if (this.spec?.x.kind !== "time" || !this.events.seek || !event.target.closest?.("svg")) return;
    const [x] = this.place(event), xs = this.drawn[0]?.xs || [];
    if (xs.length && x >= this.left - 4) this.events.seek(nearest(xs, x) * (this.spec.x.every || 1));
  }

  point(event) {
    if (!this.spec?.series.length || this.spec.kind === "shares") return;
    const [x, y] = this.place(event), { height, bottom, top } = this.size;
    if (x < this.left - 6 || x > this.right + 6 || y < top - 8 || y > height - bottom + 8) return this.leave();
    if (event.buttons === 1) this.pick(event);
    if (this.dotted) this.readPoint(x, y); else this.readX(x);
  }

  /** What every series has at the place nearest to the pointer. */
  readX(x) {
    const { spec, drawn } = this, first = nearest(drawn[0].xs, x), at = drawn[0].xs[first];
    for (const end of ["x1", "x2"]) this.hair.setAttribute(end, at.toFixed(1));
    this.hair.setAttribute("visibility", "visible");
    const [what, unit] = spec.x.label.split(", ");
    const said = `${what} ${withUnit(spec.series[0].x[first], unit)}`;
    const room = LETTER * (said.length + spec.y.label.length) < this.width;
    this.read.textContent = room ? said : withUnit(spec.series[0].x[first], unit);
    const side = at > (this.left + this.right) / 2;
    spec.series.forEach((s, i) => {
      const place = nearest(drawn[i].xs, at), value = this.values[i];
      value.textContent = three(s.y[place]);
      if (spec.kind !== "traces") return;
      value.setAttribute("x", at + (side ? -5 : 5));
      value.setAttribute("text-anchor", side ? "end" : "start");
    });
  }

  /** The point under the pointer, if one is near. */
  readPoint(x, y) {
    const { spec, drawn } = this;
    let best = { distance: 14 };
    spec.series.forEach((s, series) => {
      if (!s.line) drawn[series].xs.forEach((px, place) => {
        const distance = Math.hypot(px - x, drawn[series].ys[place] - y);
        if (distance < best.distance) best = { distance, series, place };
      });
    });
    const s = spec.series[best.series], cell = s?.cells?.[best.place] ?? null;
    if (cell !== this.lit) { this.light(cell); this.events.cell?.(cell); }
    const [what, unit] = spec.x.label.split(", ");
    this.read.textContent = s ? `${s.cells ? `cell ${cell}` : s.name}: ${what} ${withUnit(s.x[best.place], unit)}, `
      + `${spec.y.label.split(/,| of /)[0]} ${three(s.y[best.place])}` : "";
  }

  leave() {
    if (!this.spec) return;
    this.read.textContent = "";
    for (const value of this.values) value.textContent = "";
    this.hair.setAttribute("visibility", "hidden");
    if (this.dotted && this.lit !== null) { this.light(null); this.events.cell?.(null); }
  }
}

/** The plots of a figure, one below or beside the other. */
class Plots {
  constructor(host, events) { Object.assign(this, { host, events, all: [] }); }

  /** Draw descriptions in their order; a plot that waits may not know its kind yet. */
  draw(specs) {
    specs.forEach((spec, i) => {
      const Kind = { side: SideView, maps: FieldMaps }[spec.kind] || Plot;
      if (this.all[i]?.constructor === Kind) return;
      const box = h("div", { class: "mg-plot" });
      if (this.all[i]) this.all[i].box.replaceWith(box); else this.host.append(box);
      this.all[i] = new Kind(box, this.events);
    });
    specs.forEach((spec, i) => this.all[i].draw(spec));
  }

  at(frame) { for (const plot of this.all) plot.at(frame); }
  light(cell) { for (const plot of this.all) plot.light(cell); }
}
