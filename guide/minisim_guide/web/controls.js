// Controls are native inputs: their keyboard, touch and screen-reader behaviour comes for free.

/** How a slider's position becomes a value and back; logarithmic where values span decades. */
function scaleOf(c) {
  if (!c.log) {
    // Counted from `low`, and rounded: 0.05 + 28 × 0.01 must be 0.33, not 0.33000000000000002.
    const value = (p) => Number((c.low + Math.round((p - c.low) / c.step) * c.step).toPrecision(9));
    return { min: c.low, max: c.high, step: c.step, value, position: (v) => v };
  }
  const ratio = c.high / c.low;
  const value = (p) => clamp(Number((c.low * ratio ** (p / 200)).toPrecision(3)), c.low, c.high);
  const position = (v) => (200 * Math.log(v / c.low)) / Math.log(ratio);
  return { min: 0, max: 200, step: 1, value, position };
}

/** One labelled slider, or a pair of them for a range. `change(value)` is called on every move. */
function slider(c, change) {
  const scale = scaleOf(c);
  const pair = Array.isArray(c.default);
  const id = freshId();
  let value = c.default, held = null, also = "";

  const input = (index) =>
    h("input", {
      type: "range", min: scale.min, max: scale.max, step: scale.step, title: c.description,
      id: index ? null : id,
      "aria-label": pair ? `${c.label}, ${index ? "to" : "from"}` : null,
      on: { input: (event) => moved(index, scale.value(Number(event.target.value))) },
    });
  const inputs = pair ? [input(0), input(1)] : [input(0)];
  const shown = h("output", { for: id });
  const undo = h(
    "button",
    {
      type: "button", class: "mg-undo", title: `Back to ${withUnit(c.default, c.unit)}`,
      "aria-label": `Reset ${c.label} to ${withUnit(c.default, c.unit)}`,
      on: { click: () => { set(c.default); change(value); inputs[0].focus(); } },
    },
    "↺",
  );

  function moved(index, to) {
    if (pair) {
      const [a, b] = value;
      set(index ? [Math.min(a, to), to] : [to, Math.max(b, to)]);
    } else set(to);
    change(value);
  }

  function set(to) {
    value = to;
    draw();
  }

  /** What the kernel reads beside the value: one that a rule gives, and a second scale. */
  function read(reading = {}) {
    held = reading.by ? reading : null;
    also = reading.also || "";
    draw();
  }

  function draw() {
    const to = held ? held.held : value, text = withUnit(to, c.unit);
    inputs.forEach((node, index) => {
      const own = pair ? to[index] : to;
      node.value = scale.position(own);
      node.setAttribute("aria-valuetext", withUnit(own, c.unit) + (also && `, ${also}`));
      const span = scale.max - scale.min;
      node.style.setProperty("--at", `${(100 * (scale.position(own) - scale.min)) / span}%`);
      node.disabled = Boolean(held);
      node.title = held ? `Set by “${held.by}”` : c.description;
    });
    shown.textContent = also ? `${text} · ${also}` : text;
    undo.hidden = Boolean(held) || same(to, c.default);
  }

  set(value);
  const name = pair
    ? h("span", { class: "mg-name", title: c.description }, c.label)
    : h("label", { for: id, class: "mg-name", title: c.description }, c.label);
  const node = h("div", { class: `mg-slider${pair ? " mg-pair" : ""}`, "data-slider": c.name },
    h("div", { class: "mg-line" }, name, undo, shown), ...inputs);
  if (pair) { node.setAttribute("role", "group"); node.setAttribute("aria-label", c.label); }
  return { node, set, read };
}

/** A drop-down of named changes; an option also moves the sliders on what it changes. */
function dropDown(c, change) {
  const id = freshId();
  const select = h("select", { id, title: c.description, on: { change: () => picked(select.value) } },
    ...c.options.map((text) => h("option", { value: text }, text)));
  const undo = h("button", {
    type: "button", class: "mg-undo", title: `Back to ${c.default}`, "aria-label": `Reset ${c.label} to ${c.default}`,
    on: { click: () => { set(c.default); picked(c.default); select.focus(); } },
  }, "↺");

  function picked(text) {
    undo.hidden = text === c.default;
    change(text, c.moves[text]);
  }

  function set(text) {
    select.value = text;
    undo.hidden = text === c.default;
  }

  set(c.default);
  const name = h("label", { for: id, class: "mg-name", title: c.description }, c.label);
  const node = h("div", { class: "mg-slider mg-select", "data-slider": c.name },
    h("div", { class: "mg-line" }, name, undo), select);
  return { node, set, read() {} };
}

/** A tick box for a rule. */
function tickBox(c, change) {
  const box = h("input", { type: "checkbox", on: { change: () => change(box.checked) } });
  const set = (on) => { box.checked = on; };
  set(c.default);
  const node = h("label", { class: "mg-tick", title: c.description, "data-slider": c.name }, box,
    h("span", {}, c.label));
  return { node, set, read() {} };
}

/** `change(value, moves)` is called on every move, with other controls' values that it brings. */
const control = (c, change) => ({ slider, choice: dropDown, tick: tickBox })[c.kind](c, change);

/** Controls in a column; the advanced ones behind one disclosure. */
function arranged(described, made) {
  const nodes = (advanced) => described.filter((c) => Boolean(c.advanced) === advanced)
    .map((c) => made.get(c.name).node);
  const more = nodes(true);
  if (!more.length) return nodes(false);
  return [...nodes(false), h("details", { class: "mg-more" }, h("summary", {}, "More"), ...more)];
}

/** A group of switches; `change({ on, off })` gets the names switched on and off by the group's own. */
function switchGroup(legend, switches, change) {
  let others = [];
  const boxes = switches.map((s) =>
    h("input", { type: "checkbox", role: "switch", title: s.description, on: { change: () => change(state()) } }));
  const names = (checked) => switches.filter((s, i) => boxes[i].checked === checked).map((s) => s.name);
  const state = () => ({ on: names(true), off: [...others, ...names(false)] });
  /** Set by the names that are off (those of no switch here are kept), or by those that are on. */
  const set = ({ on, off }) => {
    const known = switches.map((s) => s.name);
    if (off) others = off.filter((name) => !known.includes(name));
    boxes.forEach((box, i) => { box.checked = off ? !off.includes(known[i]) : on.includes(known[i]); });
  };
  const rows = switches.map((s, i) =>
    h("label", { class: "mg-switch", title: s.description, "data-switch": s.name }, boxes[i],
      h("span", {}, s.label)));
  const node = h("fieldset", { class: "mg-switches" }, h("legend", {}, legend), ...rows);
  node.hidden = !switches.length;
  return { node, set };
}

/** A row of radio buttons that looks like one segmented control. */
function choice(legend, options) {
  const group = freshId();
  const inputs = options.map(([name]) =>
    h("input", { type: "radio", name: group, value: name, "data-choice": name }));
  const node = h("fieldset", { class: "mg-choice" },
    h("legend", { class: "mg-hidden" }, legend),
    ...options.map(([, label], i) => h("label", {}, inputs[i], h("span", {}, label))));
  const set = (name) => inputs.forEach((input) => { input.checked = input.value === name; });
  return { node, set };
}
