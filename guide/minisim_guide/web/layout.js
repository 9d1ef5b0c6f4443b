// Everything the reader sees, before anything happens: the elements of a figure and their names.

const button = (name, text, label, props = {}) =>
  h("button", { type: "button", "data-action": name, "aria-label": label, title: label, ...props }, text);

const hiddenLabel = (id, text) => h("label", { for: id, class: "mg-hidden" }, text);

const ranged = (label, props) => {
  const id = freshId();
  const input = h("input", { type: "range", id, ...props });
  return { input, node: h("div", { class: "mg-row" }, h("label", { for: id }, label), input) };
};

const toggle = (label, props) => {
  const input = h("input", { type: "checkbox", role: "switch", ...props });
  return { input, node: h("label", { class: "mg-switch" }, input, h("span", {}, label)) };
};

/** One picture. The world holds what zooms with it; the frame is the window to it. */
function panelOf(side, title) {
  const canvas = h("canvas", { role: "img", "data-side": side, class: "mg-canvas" });
  const over = h("div", { class: "mg-over" }); // for overlays
  const named = h("div", {}); // for marks
  const cross = h("div", { class: "mg-cross", hidden: true });
  const pin = h("div", { class: "mg-pin", hidden: true }), roi = h("div", { class: "mg-roi", hidden: true });
  const world = h("div", { class: "mg-world" }, canvas, over, named, roi, pin, cross);
  const bar = h("div", { class: "mg-scalebar", "aria-hidden": "true" }, h("b"), h("span"));
  const frame = h("div", { class: "mg-frame" }, world, bar);
  const head = h("div", { class: "mg-title" }, title);
  const node = h("div", { class: "mg-panel", "data-panel": side }, head, frame);
  return { side, node, title: head, frame, world, canvas, over, named, bar, cross, pin, roi };
}

/** The movie's controls: play, steps, time. */
function playerRow() {
  const play = button("play", "▶", "Play");
  const back = button("back", "‹", "One frame back"), next = button("next", "›", "One frame on");
  const id = freshId();
  const scrub = h("input", { type: "range", id, min: 0, max: 0, value: 0, "data-scrub": true });
  const clock = h("output", { for: id, class: "mg-clock" });
  const node = h("div", { class: "mg-row mg-player" }, play, back, next, hiddenLabel(id, "Time"), scrub, clock);
  return { node, play, back, next, scrub, clock };
}

/** How counts become brightness: always printed, changed only by the reader's hand. */
function displayControls(full) {
  const counts = { min: 0, max: full, step: 1 };
  const low = ranged("Black at", { ...counts, "data-range": "low" });
  const high = ranged("White at", { ...counts, "data-range": "high" });
  const span = ranged("Full colour at ±", { ...counts, min: 1, "data-range": "span" });
  const auto = toggle("Follow every picture (auto)", { "data-range": "auto" });
  const exposed = toggle("Mark over- and under-exposed", { "data-exposed": true });
  const text = h("span", { class: "mg-range" }), strip = h("i", { class: "mg-strip", "aria-hidden": "true" });
  const colours = choice("Colours", Object.entries(COLOURS).map(([name, [label]]) => [name, label]));
  const fits = [1, 2].map(() => button("fit", "Fit now", "Fit the display range to this picture, once"));
  const lines = ["low", "high"].map((end) => h("i", { class: "mg-limit", "data-limit": end }));
  const paths = ["left", "right"].map((side) => h("path", { class: `mg-h-${side}` }));
  const graph = h("svg", { viewBox: "0 0 128 48", preserveAspectRatio: "none", role: "img" }, ...paths);
  const ends = [h("span"), h("span"), h("span")];
  const chart = h("div", { class: "mg-histogram" },
    h("div", { class: "mg-bins" }, graph, ...lines), h("div", { class: "mg-ends" }, ...ends));
  const counted = h("p", { class: "mg-counted", hidden: true });
  const node = h("details", { class: "mg-display" }, h("summary", {}, text, strip),
    h("div", { class: "mg-adjust" }, chart,
      h("div", {}, low.node, high.node, span.node,
        h("div", { class: "mg-row" }, fits[0], auto.node),
        h("div", { class: "mg-row" }, colours.node), exposed.node, counted)));
  const outside = h("p", { class: "mg-outside", hidden: true }, h("span"), fits[1]);
  return { node, outside, low: low.input, high: high.input, span: span.input, auto: auto.input, counted,
    exposed: exposed.input, text, strip, colours, fits, lines, paths, graph, ends, chart };
}

/** What a copy cannot reach the clipboard with: text to take by hand. */
function showText(root, title, text) {
  const area = h("textarea", { readonly: true, rows: 10, "aria-label": title });
  area.value = text;
  const close = h("button", { type: "button" }, "Close");
  const dialog = h("dialog", { class: "mg-dialog", "aria-label": title }, h("p", {}, title), area, close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
  area.select();
}

function actionRow() {
  const reset = button("reset", "Reset", "Reset everything to how the page opened");
  const seed = button("seed", "New seed", "The same scene with other random draws");
  const copies = [["python", "as Python"], ["link", "a link"], ["json", "as JSON"]].map(([what, text]) =>
    h("button", { type: "button", "data-action": `copy-${what}` }, `Copy ${text}`));
  const menu = h("details", { class: "mg-menu" }, h("summary", {}, "Copy"), h("div", {}, ...copies));
  const close = () => { menu.open = false; };
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    close();
    menu.firstChild.focus();
    event.stopPropagation();
  });
  menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) close(); });
  menu.addEventListener("click", (event) => { if (copies.includes(event.target)) close(); });
  return { node: h("div", { class: "mg-row mg-actions" }, seed, menu, reset), reset, seed, menu, copies };
}

const HELP = [
  ["Space", "play or pause"], ["← →", "one frame"], ["Home End", "first, last frame"],
  ["+ − 0", "zoom in, out, whole picture"], ["Shift + arrows", "move the mark, and the view with it"],
  ["R", "a region around the mark, or none"], ["[ ]", "smaller, larger region"], ["Esc", "clear the mark"],
  ["Mouse", "click marks a pixel, drag draws a region or moves it; Shift + drag moves the picture; "
    + "Ctrl or ⌘ + wheel zooms"],
  ["Touch", "tap marks a pixel; press and hold, then drag, draws a region; two fingers zoom and move"],
];

/** The keys of a figure with or without a stack of layers; of a movie, or of one picture. */
function keysHelp(stacked, timeless) {
  const stack = [["Page ↑ ↓", "one more layer, one less"]];
  const rows = [...(timeless ? [] : HELP.slice(0, 3)), ...(stacked ? stack : []), ...HELP.slice(3)].flatMap(([key, text]) => [h("dt", {}, key), h("dd", {}, text)]);
  return h("details", { class: "mg-help" }, h("summary", {}, "Keys"),
    h("p", {}, "Keys work while the picture has the focus (click it, or Tab to it)."), h("dl", {}, ...rows));
}

const MODES = [["pair", "Side by side"], ["wipe", "Wipe"], ["difference", "Difference"],
  ["left", "Left"], ["right", "Right"]];

/** The whole figure; the controls are made by controls.js. */
function layout(meta, controls) {
  const left = panelOf("left", meta.titles.left), right = panelOf("right", meta.titles.right);
  const divider = h("div", { class: "mg-divider", "aria-hidden": "true" });
  right.frame.append(divider);
  const heads = [h("span"), h("span")];
  right.frame.before(h("div", { class: "mg-title mg-both" }, ...heads));
  const timeless = meta.average || meta.static; // one picture, and nothing to play
  const stage = h("div", {
    class: "mg-stage", role: "group", tabindex: 0,
    "aria-label": (timeless ? "Pictures. " : "Movie. Space plays and pauses; left and right arrows step; ")
      + "Shift with arrows moves the marked pixel; plus and minus zoom. All keys are listed under Keys.",
  }, left.node, right.node);
  const display = displayControls(meta.full_scale), player = playerRow(), actions = actionRow();
  const draft = h("div", { class: "mg-draft", hidden: true });
  const pictures = h("div", { class: "mg-pictures" }, stage, display.outside, draft);
  const wipe = ranged("Divider", { min: 0, max: 100, value: 50, step: 0.5, "data-wipe": true });
  wipe.node.classList.add("mg-wipe");
  const modes = choice("Comparison", MODES.filter(([name]) => !meta.modes || meta.modes.includes(name)));
  const zoomed = h("output", { class: "mg-zoomed" }, "1×");
  const zooms = [["out", "−", "Zoom out"], ["fit", "", "Whole picture"], ["in", "+", "Zoom in"]].map(
    ([name, text, label]) => button(`zoom-${name}`, text || zoomed, label));
  const region = button("region", "◯ Region", "Region around the marked pixel, or none", { "aria-pressed": "false" });
  const tools = h("div", { class: "mg-tools", role: "group", "aria-label": "Zoom and region" }, ...zooms, region);
  const says = h("p", { class: "mg-says" });
  const live = h("p", { class: "mg-hidden", "aria-live": "polite" });
  const readouts = [h("div", {}), h("div", {})];
  const readout = h("div", { class: "mg-readout" }, ...readouts);
  const working = h("span"), done = h("progress", { "aria-label": "Progress" });
  const cancel = button("cancel", "Cancel", "Stop computing and keep the last picture");
  const busy = h("div", { class: "mg-busy", hidden: true }, working, done, cancel);
  const keys = h("div", { class: "mg-over-keys" });
  const error = h("p", { class: "mg-error", role: "alert", hidden: true });
  const notice = h("p", { class: "mg-notice", role: "status", hidden: true });
  const plots = h("div", { class: "mg-plots" });
  const side = h("div", { class: "mg-side" }, ...controls);
  const notes = h("div", { class: "mg-notes" }, display.node, keysHelp(meta.stack, timeless));
  const root = h("div", { class: "mg", "data-figure": meta.name, "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "mg-row mg-top" }, modes.node, tools, busy, actions.node), error, notice,
    h("div", { class: "mg-body" },
      h("div", { class: "mg-main" }, pictures, keys, wipe.node, player.node, readout, notes, live),
      says, side),
    plots);
  return { root, stage, left, right, panels: [left, right], divider, heads, wipe: wipe.input, player,
    display, modes, zooms, zoomed, region, says, live, readouts, busy, working, done, cancel, draft,
    actions, error, notice, keys, plots };
}
