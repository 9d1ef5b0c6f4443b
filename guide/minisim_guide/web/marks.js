// Places with a name: a ring and a letter at the same pixel of both pictures, and their key.

const placed = ({ row, column }, { height, width }) =>
  `top:${(100 * (row + 0.5)) / height}%;left:${(100 * (column + 0.5)) / width}%`;

/** Rings with letters, for one picture of `size` {height, width}. */
function ringed(marks, size) {
  return marks.map((mark) => h("div", { class: "mg-named", "data-mark": mark.name,
    style: `${placed(mark, size)};color:var(--${mark.ink})` },
  h("b", { class: mark.column > 0.85 * size.width ? "mg-before" : null }, mark.letter)));
}

/** What the letters mean, as the legend under the pictures. */
function markKeys(marks) {
  return marks.map(({ letter, label, ink }) =>
    h("span", { class: "mg-named-key" }, h("b", { style: `color:var(--${ink})` }, letter), ` ${label}`));
}

const markWords = (marks) =>
  (marks.length ? `Marked: ${marks.map(({ letter, label }) => `${letter}, ${label}`).join("; ")}. ` : "");
