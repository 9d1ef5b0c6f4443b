// The stack: one slider that puts layer upon layer, in physical order, with what each of them is.

/**
 * A stop per layer, and one before the first; `base` is what stands below them all. It is set by the
 * layers that are off, as a group of switches is, and `change({ off })` is called likewise.
 */
function stackOf(base, switches, change) {
  const stops = [base, ...switches], id = freshId();
  let others = [], at = 0;

  const input = h("input", { type: "range", id, min: 0, max: switches.length, step: 1, "data-stack": true,
    on: { input: () => go(Number(input.value)) } });
  const shown = h("output", { for: id });
  const about = h("p", { class: "mg-stack-about" });
  // The slider says all this to those who do not see it; the list is for the eye and the mouse.
  const rows = stops.map((stop, i) => h("li", { title: stop.description, on: { click: () => { go(i); input.focus(); } } },
    stop.label)).reverse();
  const node = h("div", { class: "mg-stack" },
    h("div", { class: "mg-line" }, h("label", { for: id, class: "mg-name" }, "Layers"), shown), input, about,
    h("ol", { "aria-hidden": "true" }, ...rows));

  function go(to) {
    const stop = clamp(to, 0, switches.length);
    change({ off: [...others, ...switches.slice(stop).map((s) => s.name)] });
    mark(stop);
  }

  function mark(stop) {
    at = stop;
    const { label, description } = stops[at];
    input.value = at;
    input.setAttribute("aria-valuetext", `${at} of ${switches.length}: ${label}, ${description}`);
    shown.textContent = `${at} of ${switches.length}`;
    about.replaceChildren(h("b", {}, at ? `+ ${label}` : label), `: ${description}.`);
    rows.forEach((row, i) => {
      row.classList.toggle("mg-on", stops.length - 1 - i <= at);
      row.classList.toggle("mg-top-layer", stops.length - 1 - i === at);
    });
  }

  function set({ off }) {
    const known = switches.map((s) => s.name), first = known.findIndex((name) => off.includes(name));
    others = off.filter((name) => !known.includes(name));
    mark(first < 0 ? known.length : first);
  }

  /** Put the layers up to this one, or, if it is the uppermost, take it away. */
  function flip(name) {
    const stop = 1 + switches.findIndex((s) => s.name === name);
    go(stop === at ? at - 1 : stop);
  }

  return { node, set, flip, keys: { PageUp: () => go(at + 1), PageDown: () => go(at - 1) } };
}
