// The tissue from the side: a plot whose y axis goes down, with the scope on top. The line in focus
// and given cells can be dragged, where the figure has a slider for it.

const SIDE = { height: 250, top: 50, bottom: 34, right: 12 };
const REACH = { line: 9, cell: 14 }; // px from which they are taken hold of

class SideView extends Plot {
  constructor(box, events) {
    super(box, events);
    this.held = null;
    box.classList.add("mg-tissue");
    box.addEventListener("lostpointercapture", () => { this.held = null; });
  }

  get size() { return SIDE; }

  upright(axis, top, base) { return axisScale(axis, top, base); }

  draw(spec) {
    super.draw(spec);
    if (this.held) this.follow();
  }

  side() {
    const { spec, X, Y, svg } = this;
    this.scope();
    this.groups = spec.series.map((s, index) => {
      const xs = s.x.map(X), ys = s.y.map(Y), ink = inkOf(s, index), group = h("g", {});
      this.drawn.push({ xs, ys });
      if (s.around) {
        const wide = Math.abs(Y(s.around) - Y(0)), back = (list) => list.toReversed();
        group.append(h("path", { class: "mg-around", style: `fill:${ink}`,
          d: `${linePath([...xs, ...back(xs)], [...ys.map((y) => y - wide), ...back(ys).map((y) => y + wide)])}Z` }));
      }
      if (s.line) group.append(h("path", { class: "mg-line", d: linePath(xs, ys), style: `stroke:${ink}` }));
      else group.append(h("path", { class: "mg-points", "data-series": index,
        d: ringPath(xs, ys, s.large ? 6 : s.x.length > 150 ? 2 : 2.8),
        style: s.hollow ? `fill:var(--paper);fill-opacity:.5;stroke:${ink}` : `fill:${ink};stroke:var(--paper);stroke-width:.6` }));
      if (this.movable(s)) group.append(h("path", { class: `mg-grip${s.line ? "" : " mg-grip-cell"}`,
        d: s.line ? linePath(xs, ys) : ringPath(xs, ys, 6) }));
      svg.append(group);
      return group;
    });
  }

  /** The scope above, the tissue's surface, and the cone of light that the lens gathers. */
  scope() {
    const { spec, X, Y, svg, left, right } = this, { top } = this.size, surface = Y(0), x = X(0);
    if (spec.cone) {
      const [at, depth] = spec.cone.from, half = spec.cone.half;
      svg.append(h("path", { class: "mg-cone",
        d: `M${X(at - half)} ${surface}L${X(at)} ${Y(depth)}L${X(at + half)} ${surface}Z` }));
    }
    svg.append(
      h("path", { class: "mg-scope", d: `M${x - 30} 16h60v16h-8l-6 6h-32l-6 -6h-8Z` }),
      h("path", { class: "mg-lens", d: `M${x - 16} 40q16 8 32 0q-16 -8 -32 0Z` }),
      h("line", { class: "mg-surface", x1: left, x2: right, y1: top, y2: top }));
    this.text(x, 28, "scope", { class: "mg-axis", "text-anchor": "middle" });
    this.text(right, top - 5, "surface", { class: "mg-axis", "text-anchor": "end" });
  }

  // ---- the hand ------------------------------------------------------------------------

  /** The sliders that a series moves: { x, y }, those that there are; null without any. */
  movable(series) {
    const there = Object.entries(series.moves || {}).filter(([, name]) => this.events.movable?.(name));
    return there.length ? Object.fromEntries(there) : null;
  }

  /** What the pointer would take hold of: cells before lines. */
  under(x, y) {
    const found = this.spec.series.map((s, series) => {
      const { xs, ys } = this.drawn[series];
      if (!xs.length || !this.movable(s)) return null;
      const place = nearest(xs, x);
      const away = s.line ? Math.abs(ys[place] - y) : Math.hypot(xs[place] - x, ys[place] - y);
      return away <= (s.line ? REACH.line : REACH.cell) ? { series, place, by: [xs[place] - x, ys[place] - y] } : null;
    }).filter(Boolean);
    return found.find(({ series }) => !this.spec.series[series].line) || found[0] || null;
  }

  pick(event) {
    if (this.held || !event.target.closest?.("svg") || !this.spec) return;
    const [x, y] = this.place(event);
    this.held = this.under(x, y);
    if (!this.held) return;
    this.box.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  point(event) {
    if (!this.held) return super.point(event);
    const [x, y] = this.place(event), { by, series } = this.held, { top, height, bottom } = this.size;
    this.held.at = [clamp(x + by[0], this.left, this.right), clamp(y + by[1], top, height - bottom)];
    this.follow();
    const moves = this.movable(this.spec.series[series]), wanted = {};
    if (moves.x) wanted[moves.x] = this.X.back(this.held.at[0]);
    if (moves.y) wanted[moves.y] = this.Y.back(this.held.at[1]);
    this.events.move(wanted);
  }

  /** Show what is held where the hand is, until the kernel has drawn it there. */
  follow() {
    const { at, series, place } = this.held, moves = this.movable(this.spec.series[series]);
    if (!at || !moves) return;
    const { xs, ys } = this.drawn[series];
    const x = moves.x ? at[0] - xs[place] : 0, y = moves.y ? at[1] - ys[place] : 0;
    this.groups[series].setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }
}
