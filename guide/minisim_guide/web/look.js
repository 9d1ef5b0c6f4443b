// Where the reader looks: zoom, the pointer, the marked pixel, the region, and what is read there.

const ROI_PX = 12, ROI_GROWS = 1.25;

function looking(fig) {
  const { show, ui, meta, movie, get, listen, tell } = fig, { panels } = ui;
  const view = new View();
  let over = null, held = null, told = "", lit = false;

  const size = () => [movie.height, movie.width];
  const um = () => get("picture").pixel_um;
  const most = () => movie.width / SMALLEST_VIEW;
  const fits = (pixel) => pixel.map((at, axis) => clamp(Math.floor(at), 0, size()[axis] - 1));
  /** From a spot on the frame to picture pixels, with fractions. */
  const place = (spot) => view.seen(spot).map((part, axis) => part * size()[axis]);
  const middle = ([top, left, bottom, right]) => [(top + bottom) / 2, (left + right) / 2];

  // ---- zoom ----------------------------------------------------------------------------

  function look() {
    const { zoom, y, x } = view;
    for (const { world } of panels)
      Object.assign(world.style, { width: `${100 * zoom}%`, height: `${100 * zoom}%`,
        left: `${100 * (0.5 - x * zoom)}%`, top: `${100 * (0.5 - y * zoom)}%` });
    ui.zoomed.textContent = `${zoom < 10 ? Number(zoom.toFixed(1)) : Math.round(zoom)}×`;
    const [out, fit, closer] = ui.zooms;
    out.disabled = fit.disabled = zoom <= 1;
    closer.disabled = zoom >= most();
    scaleBar();
    crisp();
  }

  // From two screen pixels a pixel on, squares look right; below, smoothing hides uneven ones.
  function crisp() {
    const scale = (ui.shown().frame.clientWidth * view.zoom * devicePixelRatio) / (movie.width || 1);
    fig.root.classList.toggle("mg-crisp", scale >= 2 || scale === 1);
  }

  function scaleBar() {
    const across = (movie.width * um()) / view.zoom;
    const length = [500, 200, 100, 50, 20, 10, 5, 2].find((l) => l <= 0.3 * across) || 1;
    for (const { bar } of panels) {
      bar.firstChild.style.width = `${(100 * length) / across}cqw`;
      bar.lastChild.textContent = `${length} µm`;
    }
  }

  function zoom(factor, spot) {
    view.magnify(factor, spot || anchor(), most());
    look();
    if (show.mode === "wipe") fig.draw(); // the divider stays where it is on the screen
  }

  /** What the keys and buttons zoom around: the mark, else the pointer, else the middle. */
  function anchor() {
    const [row, column] = get("pixel").length ? get("pixel") : over || [movie.height / 2, movie.width / 2];
    const spot = view.framed([(row + 0.5) / movie.height, (column + 0.5) / movie.width]);
    return spot.every((part) => part >= 0 && part <= 1) ? spot : [0.5, 0.5];
  }

  function whole() { view.fit(); look(); fig.draw(); }

  // ---- the mark and the region ---------------------------------------------------------

  /** Mark a pixel, or a region with its middle as the marked pixel. */
  function mark(pixel, roi = []) {
    tell({ pixel, roi: roi.map((edge) => Number(edge.toFixed(2))) });
    marks();
    fig.say();
  }

  /** The box, moved into the picture; never larger than that, never too small to hold a pixel. */
  function box(y, x, tall, wide) {
    const [height, width] = [clamp(tall, 2, movie.height), clamp(wide, 2, movie.width)];
    const top = clamp(y - height / 2, 0, movie.height - height);
    const left = clamp(x - width / 2, 0, movie.width - width);
    return [top, left, top + height, left + width];
  }

  const region = (edges) => mark(fits(middle(edges)), edges);
  const extent = ([top, left, bottom, right]) => [bottom - top, right - left];

  /** Put a region around the mark, or take it away. */
  function toggleRegion() {
    if (get("roi").length) return mark(get("pixel"));
    const [row, column] = get("pixel").length ? get("pixel") : [movie.height >> 1, movie.width >> 1];
    const side = Math.min(ROI_PX, movie.height / 3) * (view.zoom > 2 ? 2 / view.zoom : 1);
    region(box(row + 0.5, column + 0.5, Math.round(side), Math.round(side)));
  }

  function grow(factor) {
    const roi = get("roi");
    if (roi.length) region(box(...middle(roi), ...extent(roi).map((side) => side * factor)));
  }

  /** Move the mark, and the region with it, by whole pixels; the view follows. */
  function step([rows, columns]) {
    const roi = get("roi");
    const [row, column] = get("pixel").length ? get("pixel") : [movie.height >> 1, movie.width >> 1];
    if (roi.length) {
      const [y, x] = middle(roi);
      region(box(y + rows, x + columns, ...extent(roi)));
    } else mark(fits([row + rows, column + columns]));
    view.follow(get("pixel").map((at, axis) => (at + 0.5) / size()[axis]));
    look();
    if (show.mode === "wipe") fig.draw();
  }

  const within = ([y, x]) => {
    const roi = get("roi");
    if (!roi.length) return false;
    const [cy, cx] = middle(roi), [tall, wide] = extent(roi);
    return ((y - cy) / tall) ** 2 + ((x - cx) / wide) ** 2 <= 0.25;
  };

  const percent = (part) => `${100 * part}%`;
  const put = (node, pixel) => {
    node.style.top = percent((pixel[0] + 0.5) / movie.height);
    node.style.left = percent((pixel[1] + 0.5) / movie.width);
  };

  function marks() {
    const pixel = get("pixel"), roi = get("roi");
    for (const panel of panels) {
      panel.pin.hidden = !pixel.length || roi.length > 0;
      panel.roi.hidden = !roi.length;
      if (pixel.length) put(panel.pin, pixel);
      if (roi.length) {
        const [tall, wide] = extent(roi);
        Object.assign(panel.roi.style, { top: percent(roi[0] / movie.height), left: percent(roi[1] / movie.width),
          height: percent(tall / movie.height), width: percent(wide / movie.width) });
      }
    }
    ui.region.setAttribute("aria-pressed", String(roi.length > 0));
    read();
  }

  // ---- reading -------------------------------------------------------------------------

  /** A pair may be a draft of fewer, larger pixels: how many picture pixels one of them spans. */
  const span = (pair) => Math.round(Math.sqrt((movie.height * movie.width) / pair[1].length));

  function pixelCounts(pair, [row, column]) {
    const wide = span(pair);
    const at = Math.floor(row / wide) * Math.floor(movie.width / wide) + Math.floor(column / wide);
    return pair.map((side) => side[at]);
  }

  /** Mean counts over the pixels whose centres are inside the ellipse (as the kernel's Sight.mask). */
  function regionCounts(pair, roi) {
    const [y, x] = middle(roi), [tall, wide] = extent(roi);
    const sums = pair.map(() => 0), core = fits([y, x]);
    let n = 0;
    for (let row = Math.floor(roi[0]); row < Math.min(roi[2], movie.height); row++)
      for (let column = Math.floor(roi[1]); column < Math.min(roi[3], movie.width); column++) {
        const inside = ((row + 0.5 - y) / tall) ** 2 + ((column + 0.5 - x) / wide) ** 2 <= 0.25;
        if (!inside && (row !== core[0] || column !== core[1])) continue;
        pixelCounts(pair, [row, column]).forEach((value, side) => { sums[side] += value; });
        n++;
      }
    return sums.map((sum) => sum / n);
  }

  function inElectrons(counts) {
    const scale = get("picture").counts_to_e;
    if (!scale) return "";
    const e = three((counts - scale.black) * scale.e_per_count).replace("−0", "0");
    return counts >= scale.full_scale ? ` ≥ ${e} e⁻ (full scale)` : ` ≈ ${e} e⁻`;
  }

  function values([left, right]) {
    const number = (value) => Number(value.toFixed(1)).toString().replace("-", "−");
    const text = (value) => `${number(value)} counts${inElectrons(value)}`;
    const more = right > left ? "+" : "";
    return `left ${text(left)}, right ${text(right)}`
      + (show.mode === "difference" ? `, difference ${more}${number(right - left)}` : "");
  }

  const along = (at, length) => String(Math.round((at - (length - 1) / 2) * um())).replace("-", "−");
  const position = ([row, column]) => `x ${along(column, movie.width)} µm, y ${along(row, movie.height)} µm`;

  /** What is under the pointer, and what is marked. */
  function read() {
    const pair = fig.pair(), pixel = get("pixel"), roi = get("roi");
    for (const { cross } of panels) {
      cross.hidden = !over;
      if (over) put(cross, over);
    }
    if (!pair) return;
    const near = over && fig.overlays.hit(...over);
    if (near || lit) fig.light(near ? near.cell : null);
    lit = Boolean(near);
    ui.readouts[0].textContent = over
      ? `${position(over)}: ${values(pixelCounts(pair, over))}${near ? ` · ${near.words}` : ""}`
      : "Point at the picture to read it.";
    if (roi.length) {
      const means = regionCounts(pair, roi);
      const [tall, wide] = extent(roi).map((side) => Math.round(side * um()));
      told = `Region of ${wide} × ${tall} µm, mean: ${values(means)}`;
    } else if (pixel.length) told = `Marked ${position(pixel)}: ${values(pixelCounts(pair, pixel))}`;
    else told = "";
    ui.readouts[1].textContent = told || (matchMedia("(hover: none)").matches
      ? "Tap to mark a pixel; hold, then drag, to draw a region." : "Click to mark a pixel, drag to draw a region.");
    ui.readouts[1].classList.toggle("mg-marked", told !== "");
  }

  // ---- the hand ------------------------------------------------------------------------

  for (const { frame } of panels)
    gestures(listen, frame, {
      hover: (spot) => { over = spot && fits(place(spot)); read(); },
      start: (spot) => { held = within(place(spot)) ? [...get("roi")] : null; return held; },
      held: (spot) => mark(fits(place(spot))),
      tap: (spot) => mark(fits(place(spot))),
      drag: (from, to) => {
        const [a, b] = [place(from), place(to)];
        if (held) {
          const [y, x] = middle(held);
          region(box(y + b[0] - a[0], x + b[1] - a[1], ...extent(held)));
        } else {
          const edge = (at, axis) => clamp(at, 0, size()[axis]);
          const [y, x] = [0, 1].map((axis) => [a, b].map((p) => edge(p[axis], axis)));
          region(box(...middle([y[0], x[0], y[1], x[1]]), Math.abs(y[1] - y[0]), Math.abs(x[1] - x[0])));
        }
      },
      pan: (delta) => { view.pan(delta); look(); if (show.mode === "wipe") fig.draw(); },
      zoom,
    });
  listen(ui.zooms[0], "click", () => zoom(1 / 1.5));
  listen(ui.zooms[1], "click", whole);
  listen(ui.zooms[2], "click", () => zoom(1.5));
  listen(ui.region, "click", toggleRegion);

  const keys = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), "_": () => zoom(1 / 1.5),
    0: whole, r: toggleRegion, R: toggleRegion, "[": () => grow(1 / ROI_GROWS), "]": () => grow(ROI_GROWS),
    Escape: () => mark([]),
  };

  return { view, keys, step, look, crisp, marks, read, fit: () => { view.fit(); look(); }, told: () => told };
}
