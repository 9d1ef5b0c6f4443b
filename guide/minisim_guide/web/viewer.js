// The figure: two recordings, their switches, sliders and plots, and the lines to the kernel.
// Playing, scrubbing, stretching, zooming and comparing happen here; only parameters travel.

function render({ model, el }) {
  const ended = new AbortController();
  const listen = (node, type, run, options = {}) =>
    node.addEventListener(type, run, { ...options, signal: ended.signal });
  const heard = [];
  const hear = (event, run) => { model.on(event, run); heard.push([event, run]); };
  const get = (name) => model.get(name);
  const meta = get("meta"), movie = new Movie();
  const opening = () => ({
    mode: el.clientWidth && el.clientWidth < 480 ? "wipe" : "pair",
    low: meta.range[0], high: meta.range[1], span: null, auto: false, colours: "grey", exposed: false,
    own: meta.own, full: meta.full_scale, split: 0.5,
  });
  const show = { ...opening(), frame: get("picture").frame, playing: false };
  let waiting = 0;

  const sliders = new Map(get("sliders").map((c) =>
    [c.name, control(c, (value, moves) => ask({ values: { ...get("values"), ...moves, [c.name]: value } }))]));
  const switches = meta.stack ? stackOf(meta.stack, get("switches"), ask)
    : switchGroup("Layers", get("switches"), (on) => ask({ off: on.off }));
  const shown = switchGroup("Draw over the pictures", get("overlays"), (on) => tell({ overlay: on.on }));
  const ui = layout(meta, [switches.node, ...arranged(get("sliders"), sliders), shown.node]);
  const { root, panels, left, right } = ui;
  ui.shown = () => (show.mode === "left" ? left : right);
  el.append(root);

  const painters = panels.map(({ canvas }) => new Painter(canvas));
  const fig = { model, root, get, meta, movie, show, ui, listen, hear, tell, ask, draw, stretch, say, notice,
    light, pair: () => movie.frames[show.frame] };
  const look = looking(fig), display = contrast(fig), play = playing(fig);
  const plots = new Plots(ui.plots, { seek: (frame) => play.seek(frame), cell: light,
    movable: (name) => sliders.has(name), move });
  const overlays = fig.overlays = new Overlays({ left: left.over, right: right.over });
  const wire = wiring(fig, { arrived, grown }), share = sharing(fig), links = linking(fig, switches),
    insets = insetting(fig);

  // ---- talking to the kernel -----------------------------------------------------------

  /** Send what the reader wants as one message, and the frame to render first with it. */
  function tell(wanted) {
    for (const [name, value] of Object.entries({ ...wanted, frame: show.frame })) model.set(name, value);
    model.save_changes();
  }

  /** Ask for other parameters, which take a moment. */
  function ask(wanted) {
    if (Object.entries(wanted).every(([name, value]) => same(get(name), value))) return tell({});
    if (wire.flip(wanted)) draw();
    tell(wanted);
    clearTimeout(waiting);
    waiting = setTimeout(() => { ui.busy.hidden = false; }, 300);
  }

  /** Set sliders by name, to the nearest value each of them can have. */
  function move(wanted) {
    const near = ([name, value]) => {
      const c = get("sliders").find((described) => described.name === name), scale = scaleOf(c);
      return [name, scale.value(clamp(scale.position(value), scale.min, scale.max))];
    };
    ask({ values: { ...get("values"), ...Object.fromEntries(Object.entries(wanted).map(near)) } });
    follow();
  }

  function settled() {
    clearTimeout(waiting);
    ui.busy.hidden = true;
  }

  function arrived(picture, newer) {
    if (newer) {
      show.frame = picture.frame;
      drawn();
    }
    for (const [name, made] of sliders) made.read(picture.readings[name]);
    settled();
    draw();
    look.look();
  }

  function grown() {
    ui.player.scrub.style.setProperty("--have", `${(100 * movie.have) / movie.length}%`);
    if (movie.have === movie.length && wire.visible()) play.auto();
  }

  // ---- drawing -------------------------------------------------------------------------

  function draw() {
    const pair = fig.pair();
    if (!pair) return;
    display.prepare(pair);
    paint(pair);
    root.classList.toggle("mg-averaged", get("picture").averaged[1] > 0);
    root.style.setProperty("--aspect", `${movie.width} / ${movie.height}`); // sensors are not all square
    Object.assign(root.dataset, { mode: show.mode, version: movie.version, frame: show.frame });
    play.time();
    plots.at(show.frame);
    overlays.at(show.frame);
    look.read();
    if (!show.playing) describe(pair);
  }

  function paint(pair) {
    const [first, second] = painters, tables = display.table();
    const bins = Math.round(Math.sqrt((movie.height * movie.width) / pair[1].length));
    const width = Math.floor(movie.width / bins), height = pair[1].length / width;
    for (const [i, painter] of painters.entries())
      if (show.mode === "pair" || (show.mode === "left") === (i === 0)) painter.size(width, height);
    if (show.mode === "pair" || show.mode === "left") first.plain(tables[0], pair[0]);
    if (show.mode === "pair" || show.mode === "right") second.plain(tables[1], pair[1]);
    if (show.mode === "difference") second.difference(tables[1], pair, 2 ** meta.bits - 1);
    if (show.mode === "wipe") {
      const edge = clamp(Math.round(look.view.seen([0, show.split])[1] * width), 0, width);
      second.wipe(tables, pair, edge);
      // The divider stands where the pictures meet, on the border of two pixels.
      ui.divider.style.left = `${100 * clamp(look.view.framed([0, edge / width])[1], 0, 1)}%`;
    }
    insets.paint();
    const [taken, count] = get("picture").averaged;
    ui.draft.hidden = bins === 1 && taken === count;
    ui.draft.textContent = bins > 1 ? "draft while dragging" : `mean of 1 in ${Math.round(count / taken)} frames so far`;
  }

  /** Show a cell wherever it is drawn; null for none. */
  function light(cell) {
    plots.light(cell);
    overlays.light(cell);
  }

  /** Everything in words, for those who do not see the picture. */
  function describe(pair) {
    display.describe(pair);
    const titles = Object.fromEntries(SIDES.map((side) => [side, display.title(side)]));
    const [before, after] = ui.heads;
    for (const panel of panels) panel.title.textContent = titles[panel.side];
    before.textContent = show.mode === "difference" ? `${titles.right} − ${titles.left}` : `◂ ${titles.left}`;
    after.textContent = show.mode === "difference" ? "" : `${titles.right} ▸`;
    const what = { wipe: `Wipe: ${titles.left}, left of the divider; ${titles.right}, right of it`,
      difference: `Difference: ${titles.right} minus ${titles.left}` }[show.mode];
    const rest = `, ${play.when()}. ${get("says")} ${markWords(get("marks"))}Display range: ${display.words()}.`;
    left.canvas.setAttribute("aria-label", titles.left + rest);
    right.canvas.setAttribute("aria-label", (what || titles.right) + rest);
    insets.describe([titles.left, what || titles.right]);
    ui.wipe.value = 100 * show.split;
    ui.wipe.setAttribute("aria-valuetext", `${Math.round(100 * show.split)} % of the width`);
    look.marks();
  }

  function stretch(change) {
    Object.assign(show, change);
    draw();
    if ("mode" in change) look.crisp();
  }

  // ---- saying aloud --------------------------------------------------------------------

  let saying = 0;

  /** Say the result to a screen reader, at most once a second, and only when it has changed. */
  function say() {
    saying ||= setTimeout(() => {
      saying = 0;
      const text = [get("says"), look.told()].filter(Boolean).join(" ");
      if (!show.playing && ui.live.textContent !== text) ui.live.textContent = text;
    }, 1000);
  }

  // ---- the reader's hand ---------------------------------------------------------------

  function follow() {
    for (const [name, value] of Object.entries(get("values"))) sliders.get(name)?.set(value);
    switches.set({ off: get("off") });
    shown.set({ on: get("overlay") });
    links.dress();
  }

  function reset() {
    play.set(false);
    Object.assign(show, opening(), { frame: meta.opening.frame });
    ui.modes.set(show.mode);
    ui.display.colours.set(show.colours);
    display.forget();
    look.fit();
    const values = Object.fromEntries(get("sliders").map((c) => [c.name, c.default]));
    const { off, seed, pixel, roi, overlay } = meta.opening;
    ask({ values, off, seed, pixel, roi, overlay });
    follow();
    draw();
  }

  const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  function key(event) {
    if (event.target !== ui.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const run = event.shiftKey && arrows[event.key] ? () => look.step(arrows[event.key])
      : look.keys[event.key] || play.keys[event.key] || switches.keys?.[event.key];
    if (!run) return;
    run();
    event.preventDefault();
    event.stopPropagation();
  }

  /** The wipe's divider has a handle of its own, wide enough for a finger. */
  function divider() {
    let held = false;
    listen(ui.divider, "pointerdown", (event) => {
      held = true;
      ui.divider.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    listen(ui.divider, "pointermove", (event) => {
      if (!held) return;
      const box = right.frame.getBoundingClientRect();
      stretch({ split: clamp((event.clientX - box.left) / box.width, 0, 1) });
    });
    listen(ui.divider, "lostpointercapture", () => { held = false; });
  }

  divider();
  listen(ui.stage, "keydown", key);
  listen(ui.actions.reset, "click", reset);
  listen(ui.actions.seed, "click", () => ask({ seed: get("seed") + 1 }));
  listen(ui.cancel, "click", () => { model.send({ kind: "cancel" }); settled(); });
  listen(ui.wipe, "input", () => stretch({ split: ui.wipe.value / 100 }));
  for (const node of ui.modes.node.querySelectorAll("input"))
    listen(node, "change", () => stretch({ mode: node.value }));

  // ---- the kernel's answers ------------------------------------------------------------

  function notice(text) {
    ui.notice.textContent = text;
    ui.notice.hidden = !text;
  }

  const says = () => { ui.says.textContent = get("says"); say(); };
  const plotted = () => plots.draw(get("plots"));
  const drawn = () => {
    if (movie.length) {
      overlays.draw(get("drawings"), show.frame, movie);
      for (const { named } of panels) named.replaceChildren(...ringed(get("marks"), movie));
    }
    ui.keys.replaceChildren(...markKeys(get("marks")), ...overlays.legend());
  };
  const error = () => {
    ui.error.textContent = get("error");
    ui.error.hidden = !get("error");
    if (get("error")) settled();
  };
  const progress = () => {
    const { what, done } = get("progress");
    ui.working.textContent = what || "computing…";
    ui.done.hidden = done == null;
    if (done != null) ui.done.value = done;
    if (what) ui.busy.hidden = false; else settled();
  };
  hear("change:says", says);
  hear("change:plots", plotted);
  for (const name of ["drawings", "marks"]) hear(`change:${name}`, drawn);
  hear("change:error", error);
  hear("change:notice", () => notice(get("notice")));
  hear("change:progress", progress);
  for (const name of ["values", "off", "overlay"]) hear(`change:${name}`, follow);
  for (const name of ["pixel", "roi"]) hear(`change:${name}`, () => { if (movie.length) look.marks(); });

  const sizes = new ResizeObserver(() => { look.crisp(); plotted(); });
  sizes.observe(root);

  root.classList.toggle("mg-static", Boolean(meta.static));
  root.classList.toggle("mg-plotted", get("plots").length > 0);
  follow();
  says();
  error();
  progress();
  wire.picture();
  drawn();
  share.restore();
  requestAnimationFrame(() => { // the width is known once the page has laid the figure out
    show.mode = opening().mode;
    ui.modes.set(show.mode);
    ui.display.colours.set(show.colours);
    draw();
    look.look();
  });
  model.send({ kind: "ready" });

  return () => {
    play.end();
    clearTimeout(waiting);
    clearTimeout(saying);
    ended.abort();
    sizes.disconnect();
    wire.end();
    links.end();
    for (const [event, run] of heard) model.off(event, run);
  };
}
