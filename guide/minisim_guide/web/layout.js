// Everything the reader sees, before anything happens: the elements of a figure and their names.

const button = (name, text, label) =>
  h("button", { type: "button", "data-action": name, "aria-label": label, title: label }, text);

const hiddenLabel = (id, text) => h("label", { for: id, class: "mg-hidden" }, text);

const ranged = (label, props) => {
  const id = freshId();
  const input = h("input", { type: "range", id, ...props });
  return { input, label: h("label", { for: id }, label) };
};

function panelOf(side, title) {
  const canvas = h("canvas", { role: "img", "data-side": side, class: "mg-canvas" });
  const bar = h("div", { class: "mg-scalebar", "aria-hidden": "true" }, h("b"), h("span"));
  const cross = h("div", { class: "mg-cross", hidden: true });
  const pin = h("div", { class: "mg-pin", hidden: true });
  const frame = h("div", { class: "mg-frame" }, canvas, bar, cross, pin);
  const node = h("div", { class: "mg-panel", "data-panel": side },
    h("div", { class: "mg-title" }, title), frame);
  return { node, frame, canvas, bar, cross, pin };
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
function displayControls(bits) {
  const counts = { min: 0, max: 2 ** bits - 1, step: 1 };
  const low = ranged("Black at", { ...counts, "data-range": "low" });
  const high = ranged("White at", { ...counts, "data-range": "high" });
  const auto = h("input", { type: "checkbox", role: "switch", "data-range": "auto" });
  const text = h("span", { class: "mg-range" });
  const colours = choice("Colours", Object.entries(COLOURS).map(([name, [label]]) => [name, label]));
  const fits = ["Fit now", "Fit the display range"].map((label) =>
    button("fit", label, "Fit the display range to this frame, once"));
  const node = h("details", { class: "mg-display" }, h("summary", {}, text),
    h("div", { class: "mg-row" }, low.label, low.input),
    h("div", { class: "mg-row" }, high.label, high.input),
    h("div", { class: "mg-row" }, fits[0],
      h("label", { class: "mg-switch" }, auto, h("span", {}, "Follow every frame (auto)")), colours.node));
  const outside = h("p", { class: "mg-outside", hidden: true }, h("span"), fits[1]);
  return { node, outside, low: low.input, high: high.input, auto, text, colours, fits };
}

/** The whole figure; `sliders` and `switches` are controls made by controls.js. */
function layout(meta, sliders, switches) {
  const left = panelOf("left", meta.titles.left), right = panelOf("right", meta.titles.right);
  const divider = h("div", { class: "mg-divider", "aria-hidden": "true" });
  right.frame.append(divider);
  right.frame.before(h("div", { class: "mg-title mg-both" },
    h("span", {}, `◂ ${meta.titles.left}`), h("span", {}, `${meta.titles.right} ▸`)));
  const stage = h("div", {
    class: "mg-stage", role: "group", tabindex: 0,
    "aria-label": "Movie. Space plays and pauses; left and right arrows step; "
      + "shift with arrows moves the marked pixel.",
  }, left.node, right.node);
  const display = displayControls(meta.bits), player = playerRow();
  const pictures = h("div", { class: "mg-pictures" }, stage, display.outside);
  const wipe = ranged("Divider", { min: 0, max: 100, value: 50, "data-wipe": true });
  const modes = choice("Comparison",
    [["pair", "Side by side"], ["wipe", "Wipe"], ["single", "Right only"]]);
  const says = h("p", { class: "mg-says", "aria-live": "polite" });
  const readout = h("div", { class: "mg-readout" });
  const busy = h("span", { class: "mg-busy", hidden: true }, "computing…");
  const reset = button("reset", "Reset", "Reset everything to how the page opened");
  const error = h("p", { class: "mg-error", role: "alert", hidden: true });
  const plots = h("div", { class: "mg-plots" });
  const side = h("div", { class: "mg-side" }, switches.node, ...sliders.map((s) => s.node));
  const root = h("div", { class: "mg", "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "mg-row mg-top" }, modes.node, busy, reset), error,
    h("div", { class: "mg-body" },
      h("div", { class: "mg-main" }, pictures, h("div", { class: "mg-row mg-wipe" }, wipe.label, wipe.input),
        player.node, readout, says, display.node),
      side),
    plots);
  return { root, stage, left, right, panels: [left, right], divider, wipe: wipe.input, player,
    display, modes, says, readout, busy, reset, error, plots };
}
