// What is drawn over the pictures: the truth as lines, from the drawings of overlays.py.

const NEAR_ENOUGH = 1.4; // radii from a cell's centre at which the pointer means it

/** One drawing over one panel, in an SVG of its own, so that following the brain moves only that. */
class Drawn {
  constructor(drawing, side, { height, width }) {
    Object.assign(this, { drawing, height, width, shifts: drawing.shift_px[side] || [] });
    this.node = h("svg", { class: "mg-drawn", viewBox: `0 0 ${10 * width} ${10 * height}`,
      preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const { kind, d } of drawing.paths)
      for (const layer of ["mg-casing", `mg-over-${kind}`])
        this.node.append(h("path", { d, class: layer, "vector-effect": "non-scaling-stroke" }));
    this.dot = null;
    if (drawing.dot) {
      const d = `M${10 * drawing.dot[0]} ${10 * drawing.dot[1]}h0`;
      this.dot = h("g", {}, ...["mg-dot-casing", "mg-dot"].map((layer) =>
        h("path", { d, class: layer, "vector-effect": "non-scaling-stroke" })));
      this.node.append(this.dot);
    }
  }

  /** How far the brain is displaced in a frame, [down, right] in pixels. */
  shift(frame) { return this.shifts[Math.min(frame, this.shifts.length - 1)] || [0, 0]; }

  at(frame) {
    const [dy, dx] = this.shift(frame), { moves } = this.drawing;
    if (moves === "all")
      this.node.style.transform = `translate(${(100 * dx) / this.width}%, ${(100 * dy) / this.height}%)`;
    if (moves === "dot") this.dot?.setAttribute("transform", `translate(${10 * dx} ${10 * dy})`);
  }
}

/** The drawings over both panels; `hosts` are `{ left, right }`, elements that zoom with the picture. */
class Overlays {
  constructor(hosts) { Object.assign(this, { hosts, drawn: [], drawings: [], size: {}, frame: 0, lit: null }); }

  /** Show these drawings over pictures of `size` {height, width}, at a frame. */
  draw(drawings, frame, size) {
    const { height, width } = size;
    if (drawings !== this.drawings || height !== this.size.height || width !== this.size.width) {
      Object.assign(this, { drawings, size: { height, width } });
      this.drawn = [];
      for (const [side, host] of Object.entries(this.hosts)) {
        const here = drawings.map((drawing) => new Drawn(drawing, side, size));
        const labels = drawings.flatMap((drawing) => drawing.labels.map(({ x, y, text }) =>
          h("span", { class: "mg-over-label", style: `left:${(100 * x) / size.width}%;top:${(100 * y) / size.height}%` }, text)));
        host.replaceChildren(...here.map((d) => d.node), ...labels);
        if (drawings.length)
          host.append(h("span", { class: "mg-hidden" }, drawings.map((d) => d.summary).join(" ")));
        this.drawn.push(...here);
      }
    }
    this.at(frame);
    this.light(this.lit);
  }

  /** Follow the brain to a frame: no kernel, and nothing is drawn again. */
  at(frame) {
    this.frame = frame;
    for (const drawn of this.drawn) drawn.at(frame);
  }

  /** The drawing whose cells the pointer meets: the one that knows most of them. */
  get known() {
    return this.drawn.filter(({ drawing }) => drawing.cells.length)
      .sort((a, b) => b.drawing.cells[0].length - a.drawing.cells[0].length)[0];
  }

  /** The cell at a place of the picture, [row, column] in pixels: its index and what it is; or null. */
  hit(row, column) {
    const { known } = this;
    if (!known) return null;
    const [dy, dx] = known.shift(this.frame);
    let found = null, least = NEAR_ENOUGH;
    for (const cell of known.drawing.cells) {
      const away = Math.hypot(cell[1] + dy - row, cell[2] + dx - column) / cell[3];
      if (away < least) [found, least] = [cell, away];
    }
    if (!found) return null;
    const [index, , , , depth, snr] = found;
    return { cell: index, words: `cell ${index}, ${three(depth)} µm deep${snr === undefined ? "" : `, SNR ${three(snr)}`}` };
  }

  /** Mark a cell in both panels; null for none. */
  light(index) {
    this.lit = index;
    for (const { node, drawing } of this.drawn) {
      node.querySelector(".mg-over-lit")?.remove();
      const cell = index === null ? null : drawing.cells.find(([i]) => i === index);
      if (cell) node.append(h("circle", { class: "mg-over-lit", "vector-effect": "non-scaling-stroke",
        cx: 10 * (cell[2] + 0.5), cy: 10 * (cell[1] + 0.5), r: 18 * cell[3] }));
    }
  }

  /** What is drawn, in words, with the keys to its lines. */
  legend() {
    const kinds = this.drawings.flatMap(({ paths }) => paths.filter(({ kind }) => kind !== "level"));
    return kinds.map(({ kind, name }) => {
      const line = h("path", { d: "M1 5H21", class: `mg-over-${kind}` });
      const swatch = h("svg", { width: 22, height: 10, viewBox: "0 0 22 10", "aria-hidden": "true", class: "mg-over-key" }, line);
      return h("span", {}, swatch, name);
    });
  }
}
