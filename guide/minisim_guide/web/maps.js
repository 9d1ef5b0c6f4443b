// Maps of the field beside each other, in shades of grey: squares of one shade in a row are one rectangle.

class FieldMaps {
  constructor(box) { Object.assign(this, { box, spec: null }); }

  draw(spec) {
    if (this.spec && same(spec, this.spec)) return;
    this.spec = spec;
    const { map } = spec, wide = spec.x.limits[1], tall = spec.y.limits[1];
    const maps = spec.series.map((s, index) => {
      const group = h("g", { transform: `translate(${index * map.apart} 0)` });
      const height = tall / s.values.length, width = map.wide / s.values[0].length;
      s.values.forEach((line, row) => {
        for (let from = 0, to; from < line.length; from = to) {
          const shade = this.shade(line[from]);
          for (to = from + 1; to < line.length && this.shade(line[to]) === shade; to++);
          group.append(h("rect", { x: from * width, y: row * height, width: (to - from) * width + 0.5,
            height: height + 0.5, fill: `rgb(${shade} ${shade} ${shade})` }));
        }
      });
      return group;
    });
    const named = spec.series.map((s) => h("span", { style: `width:${(100 * map.wide) / wide}%` }, s.name));
    this.box.classList.toggle("mg-stale", Boolean(spec.stale));
    this.box.replaceChildren(
      h("div", { class: "mg-plot-title" }, spec.title),
      h("div", { class: "mg-keys" }, ...spec.notes.map((note) => h("span", {}, note))),
      h("div", { class: "mg-map-names" }, ...named),
      h("svg", { viewBox: `0 0 ${wide} ${tall}`, width: "100%", role: "img", "aria-label": spec.summary,
        "shape-rendering": "crispEdges" }, ...maps));
  }

  /** The grey of a value, in whole steps. */
  shade(value) {
    const { limits: [low, high], step } = this.spec.map;
    return Math.round((255 * (step * Math.floor(value / step) - low)) / (high - low));
  }

  at() {}

  light() {}
}
