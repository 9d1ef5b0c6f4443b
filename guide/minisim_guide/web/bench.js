// Every parameter by module: folded away, and made only when its group is opened or searched.

/** A number with its slider; where nothing is a value too, a tick box says so. */
function numberField(p, id, change) {
  const scale = scaleOf(p), least = p.least ?? p.low;
  const input = h("input", { type: "number", id, min: least, max: p.high, step: p.whole ? 1 : "any",
    title: p.description });
  const track = h("input", { type: "range", min: scale.min, max: scale.max, step: scale.step,
    "aria-label": `${p.label}, slider` });
  const none = p.optional ? h("input", { type: "checkbox" }) : null;
  let value = p.default;

  function take(to) {
    if (!Number.isFinite(to)) return set(value);
    const whole = p.whole ? Math.round(to) : to;
    set(clamp(whole, least, p.high));
    change(value);
  }

  function set(to) {
    value = to;
    const number = to ?? p.high;
    input.value = to ?? "";
    track.value = scale.position(clamp(number, p.low, p.high));
    track.setAttribute("aria-valuetext", withUnit(number, p.unit));
    input.disabled = track.disabled = to === null;
    if (none) none.checked = to === null;
  }

  input.addEventListener("change", () => take(input.value.trim() === "" ? NaN : Number(input.value)));
  track.addEventListener("input", () => take(scale.value(Number(track.value))));
  none?.addEventListener("change", () => { set(none.checked ? null : Math.min(p.default ?? 400, p.high)); change(value); });
  const whole = none && h("label", { class: "mg-none" }, none, " the whole sensor");
  return { head: [input, h("span", { class: "mg-unit" }, p.unit)], below: [track, whole], set };
}

function choiceField(p, id, change) {
  const options = p.choices.map((c) => h("option", { value: String(c) }, String(c)));
  const input = h("select", { id, title: p.description }, ...options);
  const set = (to) => { input.value = String(to); };
  input.addEventListener("change", () => change(p.choices.find((c) => String(c) === input.value)));
  return { head: [input], below: [], set };
}

/** Words, or numbers as JSON: positions, steps. */
function textField(p, id, change, refuse) {
  const input = h("input", { type: "text", id, title: p.description,
    placeholder: p.words ? "" : "as JSON, such as [[90, 0, 0], [120, 20, −30]]" });
  const set = (to) => { input.value = p.words ? to : to === null ? "" : JSON.stringify(to); };
  input.addEventListener("change", () => {
    if (p.words) return change(input.value);
    const text = input.value.trim().replace(/−/g, "-");
    try { change(text === "" ? (p.default === null ? null : p.default) : JSON.parse(text)); } catch {
      refuse(`${p.label} is refused: write lists of numbers in square brackets.`);
    }
    return null;
  });
  return { head: [], below: [input], set };
}

/** One parameter: name, value, unit, and the way back to where the scene has it. */
function parameterRow(p, change, refuse) {
  const id = freshId();
  const make = { number: numberField, choice: choiceField, text: textField }[p.kind];
  let now = p.default;
  const field = make(p, id, (to) => { set(to); change(to); }, refuse);
  const undo = h("button", { type: "button", class: "mg-undo", title: "Back to the scene's value",
    "aria-label": `Reset ${p.label}`, on: { click: () => { set(p.default); change(p.default); } } }, "↺");
  function set(to) {
    now = to;
    field.set(to);
    undo.hidden = same(now, p.default);
  }
  set(p.default);
  const about = [p.description, p.source && `Source: ${p.source}.`].filter(Boolean).join(". ");
  const node = h("div", { class: "mg-parameter", "data-parameter": p.name },
    h("div", { class: "mg-line" }, h("label", { for: id, class: "mg-name", title: about }, p.label), undo, ...field.head),
    ...field.below);
  return { node, set };
}

/**
 * The groups behind disclosures, and a field that searches them all, and names the `knobs`, the sliders above.
 * `change(name, value)` is called on every move; `values()` says where they stand.
 */
function bench(groups, knobs, values, change, refuse) {
  const rows = new Map();
  const row = (p) => {
    if (!rows.has(p.name)) rows.set(p.name, parameterRow(p, (to) => change(p, to), refuse));
    const made = rows.get(p.name);
    made.set(p.name in values() ? values()[p.name] : p.default);
    return made.node;
  };
  const folded = groups.map((group) => {
    const body = h("div", { class: "mg-parameters" });
    const node = h("details", { "data-group": group.title },
      h("summary", {}, group.title, h("span", {}, ` ${group.parameters.length}`)), body);
    node.addEventListener("toggle", () => { if (node.open) body.replaceChildren(...group.parameters.map(row)); });
    return { node, group };
  });
  const search = h("input", { type: "search", placeholder: "Find a parameter", "aria-label": "Find a parameter" });
  const found = h("div", { class: "mg-parameters", hidden: true }), said = h("p", { class: "mg-found", role: "status" });
  const list = h("div", { class: "mg-groups" }, ...folded.map((f) => f.node));

  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.hidden = words.length > 0;
    found.hidden = !words.length;
    for (const f of folded) f.node.open = false;
    const text = (p, title) => `${title} ${p.name} ${p.label} ${p.description}`.toLowerCase();
    const hits = words.length ? groups.flatMap((g) => g.parameters.filter((p) => words.every((w) => text(p, g.title).includes(w)))) : [];
    const above = words.length ? knobs.filter((k) => words.every((w) => text(k, "").includes(w))) : [];
    found.replaceChildren(...above.map(knob), ...hits.map(row));
    said.textContent = words.length ? `${hits.length} of ${groups.reduce((n, g) => n + g.parameters.length, 0)} parameters`
      + (above.length ? ", and among the sliders above:" : "") : "";
    const side = node.parentElement; // scrolls by itself: what is found is brought into its view
    side.scrollTop += node.getBoundingClientRect().top - side.getBoundingClientRect().top;
  });

  /** A button that leads to a slider above. */
  function knob(k) {
    const go = h("button", { type: "button", "data-knob": k.name }, `Go to ${k.label}`);
    go.addEventListener("click", () => node.parentElement.querySelector(`[data-slider="${k.name}"] input`).focus());
    return go;
  }

  const node = h("div", { class: "mg-bench" }, h("div", { class: "mg-bench-title" }, "All parameters"), search, said, found, list);
  const follow = () => { for (const [name, made] of rows) {
    const p = groups.flatMap((g) => g.parameters).find((q) => q.name === name);
    made.set(name in values() ? values()[name] : p.default);
  } };
  return { node, follow };
}
