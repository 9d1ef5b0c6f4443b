// Small helpers shared by the parts of the viewer. The parts are joined into one ES module by
// viewer.py, so they need no imports; only the last one exports.

let idCounter = 0;
const freshId = () => `mg${++idCounter}-${Math.random().toString(36).slice(2, 8)}`;

/** Make an element: `h("p", { class: "mg-x", on: { click } }, "text", child)`. */
function h(tag, props = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "rect", "text", "circle", "ellipse", "polyline", "polygon"].includes(tag);
  const node = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "on") for (const type in value) node.addEventListener(type, value[type]);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const rounded = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const exact = new Intl.NumberFormat("en-US");

/** A number with at most three significant digits, and a true minus sign. */
const three = (value) => rounded.format(value).replace("-", "−");

/** A count, exactly. */
const whole = (value) => exact.format(value).replace("-", "−");

const withUnit = (value, unit) => {
  const text = Array.isArray(value) ? value.map(three).join(" to ") : three(value);
  return unit ? `${text} ${unit}` : text;
};

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
