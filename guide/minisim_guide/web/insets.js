// Insets: places of the picture in windows of equal zoom below it, and where they are in it.

function insetting({ meta, movie, get, ui, show }) {
  const { places, um } = meta.insets || { places: [] };
  const made = ui.panels.map((panel) => places.map((place, i) => {
    const canvas = h("canvas", { role: "img", "data-inset": `${panel.side} ${i + 1}` });
    const outline = h("div", { class: "mg-outline", "aria-hidden": "true" }, h("b", {}, String(i + 1)));
    panel.world.append(outline);
    return { place, canvas, outline, context: canvas.getContext("2d") };
  }));
  if (places.length) ui.panels.forEach((panel, side) => panel.node.append(h("div", { class: "mg-insets" },
    ...made[side].map(({ canvas }, i) => h("div", { class: "mg-inset" }, canvas, h("b", { "aria-hidden": "true" }, String(i + 1)))))));
  ui.root.style.setProperty("--insets", places.length);
  ui.root.classList.toggle("mg-with-insets", places.length > 0);

  /** The window in picture pixels, all of it inside the picture: top, left and side. */
  function windowOf([y, x]) {
    const side = Math.min(Math.round(um / get("picture").pixel_um), movie.height, movie.width);
    const start = (part, length) => clamp(Math.round(part * length - side / 2), 0, length - side);
    return [start(y, movie.height), start(x, movie.width), side];
  }

  /** Copy what the panels show now; they may show a draft of fewer pixels. */
  function paint() {
    const seen = [["pair", "left"].includes(show.mode), show.mode !== "left"];
    made.forEach((insets, side) => seen[side] && insets.forEach(({ place, canvas, outline, context }) => {
      const source = ui.panels[side].canvas, scale = source.width / movie.width;
      const [top, left, across] = windowOf(place).map((pixels) => Math.round(pixels * scale));
      if (canvas.width !== across || canvas.height !== across) Object.assign(canvas, { width: across, height: across });
      context.drawImage(source, left, top, across, across, 0, 0, across, across);
      const parts = { top: top / source.height, left: left / source.width, height: across / source.height,
        width: across / source.width };
      for (const [edge, part] of Object.entries(parts)) outline.style[edge] = `${100 * part}%`;
    }));
  }

  function describe(titles) {
    made.forEach((insets, side) => insets.forEach(({ canvas, place }, i) => {
      const [y, x] = place.map((part) => Math.round(100 * part));
      canvas.setAttribute("aria-label", `Inset ${i + 1} of “${titles[side]}”: ${um} µm across, at ${x} % of the width `
        + `and ${y} % of the height`);
    }));
  }

  return { paint, describe };
}
