// The figure: two recordings beside each other or under a wipe, their switches and sliders, plots.
// Playing, scrubbing, stretching and wiping happen here; only parameters travel to the kernel.

const AUTOPLAY_S = 5;
const SHARE = 0.002; // of the pixels, left darker and brighter than a fitted range

function render({ model, el }) {
  const ended = new AbortController();
  const listen = (node, type, run) => node.addEventListener(type, run, { signal: ended.signal });
  const heard = [];
  const hear = (event, run) => { model.on(event, run); heard.push([event, run]); };
  const get = (name) => model.get(name);
  const meta = get("meta");
  const movie = new Movie();
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const opening = () => ({
    mode: el.clientWidth && el.clientWidth < 480 ? "wipe" : "pair",
    low: meta.range[0], high: meta.range[1], auto: false, colours: "grey", split: 0.5,
  });
  const show = { ...opening(), frame: 0, playing: false, over: null };
  let table = null, tableFor = "";
  let waiting = 0, unpaid = 0, visible = true, touched = false;

  const sliders = new Map(get("sliders").map((c) =>
    [c.name, slider(c, (value) => ask({ values: { ...get("values"), [c.name]: value } }))]));
  const switches = switchGroup(get("switches"), get("off"), (off) => ask({ off }));
  const ui = layout(meta, [...sliders.values()], switches);
  const { root, player, display, panels, left, right } = ui;
  el.append(root);

  // ---- talking to the kernel -----------------------------------------------------------

  /** Send what the reader wants as one message, and the frame to render first with it. */
  function tell(wanted) {
    for (const [name, value] of Object.entries({ ...wanted, frame: show.frame })) model.set(name, value);
    model.save_changes();
  }

  /** Ask for other parameters, which take a moment. */
  function ask(wanted) {
    if (Object.entries(wanted).every(([name, value]) => same(get(name), value))) return tell({});
    tell(wanted);
    clearTimeout(waiting);
    waiting = setTimeout(() => { ui.busy.hidden = false; }, 300);
  }

  function settled() {
    clearTimeout(waiting);
    ui.busy.hidden = true;
  }

  function arrived() {
    const picture = get("picture");
    if (!picture.left) return;
    const newer = picture.version > movie.version;
    if (!movie.open(picture)) return;
    if (newer) show.frame = picture.frame;
    settled();
    draw();
  }

  function chunk(message, buffers) {
    if (message.kind !== "chunk") return;
    unpaid++;
    movie.add(message.version, message.first, message.count, buffers);
    pay();
    player.scrub.style.setProperty("--have", `${(100 * movie.have) / movie.length}%`);
    if (movie.have === movie.length && !touched && visible && !calm()) autoplay();
  }

  // The kernel sends only a few chunks that are not paid for, so a figure that nobody sees
  // costs nothing, and a slow link is never flooded.
  function pay() {
    if (visible && !document.hidden) for (; unpaid > 0; unpaid--) model.send({ kind: "ack" });
  }

  // ---- drawing -------------------------------------------------------------------------

  function draw() {
    const pair = movie.frames[show.frame];
    if (!pair) return;
    if (show.auto) [show.low, show.high] = percentiles(pair, movie.wide, SHARE, SHARE);
    const wanted = `${show.low} ${show.high} ${show.colours} ${movie.wide}`;
    if (wanted !== tableFor) table = colourTable(show.low, show.high, show.colours, movie.wide);
    tableFor = wanted;
    const { width, height } = movie, wiping = show.mode === "wipe";
    if (show.mode === "pair") paint(left.canvas, table, width, height, pair[0]);
    paint(right.canvas, table, width, height, pair[1], wiping ? pair[0] : null, show.split);
    Object.assign(root.dataset, { mode: show.mode, version: movie.version, frame: show.frame });
    ui.divider.style.left = `${100 * show.split}%`;
    time();
    if (show.over) point(show.over);
    if (!show.playing) describe(pair);
  }

  const seconds = () => `${(show.frame / get("picture").frame_rate_hz).toFixed(2)} s`;

  function time() {
    const { scrub, clock } = player;
    scrub.max = movie.length - 1;
    scrub.value = show.frame;
    scrub.setAttribute("aria-valuetext", `${seconds()}, frame ${show.frame + 1} of ${movie.length}`);
    clock.textContent = `${seconds()} of ${three(movie.length / get("picture").frame_rate_hz)} s`;
  }

  /** Everything in words, for those who do not see the picture and for the printed range. */
  function describe(pair) {
    const range = `black ${three(show.low)}, white ${three(show.high)} counts`;
    const title = (side) => `${meta.titles[side]}, at ${seconds()}. Display range: ${range}.`;
    left.canvas.setAttribute("aria-label", title("left"));
    right.canvas.setAttribute("aria-label", show.mode === "wipe"
      ? `Wipe: ${meta.titles.left}, left of the divider; ${title("right")}` : title("right"));
    display.text.textContent = `Display: ${range}, both panels${show.auto ? ", auto" : ""}`;
    for (const name of ["low", "high"]) {
      display[name].value = show[name];
      display[name].setAttribute("aria-valuetext", `${three(show[name])} counts`);
    }
    display.auto.checked = show.auto;
    ui.wipe.value = 100 * show.split;
    ui.wipe.setAttribute("aria-valuetext", `${Math.round(100 * show.split)} % of the width`);
    // A dark background is as it should be; a picture that is white, or all black, is not.
    const share = (test) => pair[1].reduce((n, v) => n + test(v), 0) / pair[1].length;
    const bright = share((v) => v >= show.high), dark = share((v) => v <= show.low);
    display.outside.hidden = bright < 0.1 && dark < 0.95;
    display.outside.firstChild.textContent = bright >= 0.1
      ? `${Math.round(100 * bright)} % of the right picture is too bright for the display range. `
      : `${Math.round(100 * dark)} % of the right picture is too dark for the display range. `;
    marks();
  }

  const place = (node, [row, column]) => {
    node.style.left = `${(100 * (column + 0.5)) / movie.width}%`;
    node.style.top = `${(100 * (row + 0.5)) / movie.height}%`;
  };

  function marks() {
    const across = movie.width * get("picture").pixel_um, pixel = get("pixel");
    const length = [500, 200, 100, 50, 20, 10, 5].find((l) => l <= 0.3 * across) || 1;
    for (const { bar, pin } of panels) {
      bar.firstChild.style.width = `${(100 * length) / across}cqw`;
      bar.lastChild.textContent = `${length} µm`;
      pin.hidden = !pixel.length;
      if (pixel.length) place(pin, pixel);
    }
  }

  /** Show position and counts under the pointer, in both panels at once. */
  function point(pixel) {
    show.over = pixel;
    for (const { cross } of panels) {
      cross.hidden = !pixel;
      if (pixel) place(cross, pixel);
    }
    const pair = movie.frames[show.frame];
    if (!pixel || !pair) {
      ui.readout.textContent = "Point at the picture to read a pixel; click to mark it.";
      return;
    }
    const [row, column] = pixel, at = row * movie.width + column, um = get("picture").pixel_um;
    const along = (i, n) => String(Math.round((i - (n - 1) / 2) * um)).replace("-", "−");
    ui.readout.textContent = `x ${along(column, movie.width)} µm, y ${along(row, movie.height)} µm: `
      + `left ${pair[0][at]}, right ${pair[1][at]} counts`;
  }

  // ---- playing -------------------------------------------------------------------------

  let lastTick = 0, timer = 0;

  function tick(now) {
    if (!show.playing) return;
    const period = 1000 / get("picture").frame_rate_hz;
    if (now - lastTick >= period) {
      lastTick = Math.max(lastTick + period, now - 100);
      const following = (show.frame + 1) % movie.length;
      // A frame that has not arrived yet is waited for, never skipped or replaced by an old one.
      if (movie.frames[following]) { show.frame = following; draw(); }
    }
    requestAnimationFrame(tick);
  }

  function setPlaying(on) {
    clearTimeout(timer);
    if (on === show.playing) return;
    show.playing = on;
    player.play.textContent = on ? "❚❚" : "▶";
    player.play.setAttribute("aria-label", on ? "Pause" : "Play");
    player.play.title = on ? "Pause" : "Play";
    lastTick = performance.now();
    if (on) requestAnimationFrame(tick);
    else { draw(); tell({}); }
  }

  function autoplay() {
    touched = true;
    setPlaying(true);
    timer = setTimeout(() => setPlaying(false), AUTOPLAY_S * 1000);
  }

  /** Go to a frame; the kernel hears of it, for the sentence, and sends it first if it is missing. */
  function seek(frame) {
    setPlaying(false);
    show.frame = (frame + movie.length) % movie.length;
    draw();
    tell({});
  }

  // ---- the reader's hand ---------------------------------------------------------------

  const stretch = (change) => { Object.assign(show, change); draw(); };
  const mark = (pixel) => { tell({ pixel }); marks(); };
  const inside = ([row, column]) =>
    [clamp(row, 0, movie.height - 1), clamp(column, 0, movie.width - 1)];

  function fit() {
    const [low, high] = percentiles(movie.frames[show.frame], movie.wide, SHARE, SHARE);
    stretch({ low, high });
  }

  function follow() {
    for (const [name, value] of Object.entries(get("values"))) sliders.get(name)?.set(value);
    switches.set(get("off"));
  }

  function reset() {
    setPlaying(false);
    Object.assign(show, opening(), { frame: meta.opening.frame });
    ui.modes.set(show.mode);
    display.colours.set(show.colours);
    const values = Object.fromEntries(get("sliders").map((c) => [c.name, c.default]));
    const { off, seed, pixel, roi, overlay } = meta.opening;
    ask({ values, off, seed, pixel, roi, overlay });
    follow();
    draw();
  }

  function key(event) {
    const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = arrows[event.key];
    if (event.key === " ") setPlaying(!show.playing);
    else if (step && event.shiftKey) {
      const from = get("pixel").length ? get("pixel") : [movie.height >> 1, movie.width >> 1];
      const pixel = inside([from[0] + step[0], from[1] + step[1]]);
      mark(pixel);
      point(pixel);
    } else if (step && step[1]) seek(show.frame + step[1]);
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(movie.length - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The pointer reads; a click marks a pixel; under a wipe a drag moves the divider instead. */
  function pointable(frame) {
    let start = null, dragging = false;
    const part = (event) => {
      const box = frame.getBoundingClientRect();
      return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    };
    const pixel = (event) => {
      const [y, x] = part(event);
      return inside([Math.floor(y * movie.height), Math.floor(x * movie.width)]);
    };
    listen(frame, "pointerdown", (event) => {
      [start, dragging] = [event.clientX, false];
      frame.setPointerCapture(event.pointerId);
    });
    listen(frame, "pointermove", (event) => {
      point(pixel(event));
      if (start === null || show.mode !== "wipe") return;
      dragging ||= Math.abs(event.clientX - start) > 3;
      if (dragging) stretch({ split: clamp(part(event)[1], 0, 1) });
    });
    listen(frame, "pointerup", (event) => {
      if (start !== null && !dragging) mark(pixel(event));
      start = null;
    });
    listen(frame, "pointercancel", () => { start = null; });
    listen(frame, "pointerleave", () => point(null));
  }

  for (const { frame } of panels) pointable(frame);
  // Whoever touches the figure is the one who plays it from then on.
  for (const type of ["pointerdown", "keydown"])
    listen(root, type, () => { touched = true; clearTimeout(timer); });
  listen(ui.stage, "keydown", key);
  listen(player.play, "click", () => setPlaying(!show.playing));
  listen(player.back, "click", () => seek(show.frame - 1));
  listen(player.next, "click", () => seek(show.frame + 1));
  listen(player.scrub, "input", () => seek(Number(player.scrub.value)));
  listen(ui.reset, "click", reset);
  listen(ui.wipe, "input", () => stretch({ split: ui.wipe.value / 100 }));
  const { low, high, auto } = display;
  listen(low, "input", () => stretch({ auto: false, low: Math.min(Number(low.value), show.high - 1) }));
  listen(high, "input", () => stretch({ auto: false, high: Math.max(Number(high.value), show.low + 1) }));
  listen(auto, "change", () => stretch({ auto: auto.checked }));
  for (const node of display.fits) listen(node, "click", fit);
  for (const node of ui.modes.node.querySelectorAll("input"))
    listen(node, "change", () => stretch({ mode: node.value }));
  for (const node of display.colours.node.querySelectorAll("input"))
    listen(node, "change", () => stretch({ colours: node.value }));

  // ---- the kernel's answers ------------------------------------------------------------

  const says = () => { ui.says.textContent = get("says"); };
  const plots = () => {
    const specs = get("plots");
    while (ui.plots.children.length < specs.length) ui.plots.append(h("div", { class: "mg-plot" }));
    specs.forEach((spec, i) => drawPlot(ui.plots.children[i], spec));
  };
  const error = () => {
    ui.error.textContent = get("error");
    ui.error.hidden = !get("error");
    if (get("error")) settled();
  };
  hear("change:picture", arrived);
  hear("change:says", says);
  hear("change:plots", plots);
  hear("change:error", error);
  hear("change:values", follow);
  hear("change:off", follow);
  hear("change:pixel", () => { if (movie.length) marks(); });
  hear("msg:custom", chunk);

  // From two screen pixels a pixel on, squares look right; below, smoothing hides uneven ones.
  const sizes = new ResizeObserver(() => {
    const scale = (right.frame.clientWidth * devicePixelRatio) / (movie.width || 1);
    root.classList.toggle("mg-crisp", scale >= 2 || scale === 1);
    plots();
  });
  sizes.observe(root);
  const watcher = new IntersectionObserver((entries) => {
    visible = entries[entries.length - 1].isIntersecting;
    pay();
  });
  watcher.observe(root);
  listen(document, "visibilitychange", pay);

  says();
  error();
  point(null);
  arrived();
  requestAnimationFrame(() => { // the width is known once the page has laid the figure out
    show.mode = opening().mode;
    ui.modes.set(show.mode);
    display.colours.set(show.colours);
    draw();
  });
  model.send({ kind: "ready" });

  return () => {
    show.playing = false;
    clearTimeout(timer);
    clearTimeout(waiting);
    ended.abort();
    sizes.disconnect();
    watcher.disconnect();
    for (const [event, run] of heard) model.off(event, run);
  };
}

export default { render };
