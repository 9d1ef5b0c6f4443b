// Predict, then check: the answer is asked for only after the reader has committed to one.

function render({ model, el }) {
  const name = freshId(), get = (trait) => model.get(trait), shows = get("figure") !== "";
  const action = (text, run, props = {}) => h("button", { type: "button", ...props, on: { click: run } }, text);
  const rows = get("choices").map((text, index) => {
    const input = h("input", { type: "radio", name, value: index });
    const value = h("span", { class: "mg-value" });
    const show = action("Show it", () => showing(index), { "aria-label": `Show it: ${text}`, hidden: true });
    const node = h("div", { class: "mg-option" }, h("label", {}, input, h("span", {}, text)), value, show);
    return { input, value, show, node };
  });
  const check = action("Check my prediction", ask, { disabled: true });
  const back = action("Back", () => model.send({ kind: "back" }),
    { title: "Put the figure's controls as they were", hidden: true });
  const again = action("Ask again", () => model.send({ kind: "again" }),
    { title: "Answer again, for what the figure shows now", hidden: true });
  const said = h("p", { class: "mg-says", role: "status" });
  const root = h("div", { class: "mg mg-prediction" },
    h("fieldset", {}, h("legend", {}, get("question")), ...rows.map((r) => r.node)),
    h("div", { class: "mg-row" }, check, back, again), said);

  const picked = () => rows.findIndex((r) => r.input.checked);

  function ask() {
    check.disabled = true;
    said.textContent = "Computing every choice…";
    model.set("chosen", picked());
    model.save_changes();
  }

  /** The figure moves; the page follows only where no picture of it is in sight. */
  function showing(choice) {
    model.send({ kind: "show", choice });
    const pictures = document.querySelector(`.mg[data-figure="${CSS.escape(get("figure"))}"] .mg-pictures`);
    const box = pictures?.getBoundingClientRect();
    if (!box || (box.bottom > 80 && box.top < innerHeight - 80)) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    pictures.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }

  function answer() {
    const a = get("answer"), known = Boolean(a.values), chosen = get("chosen");
    check.hidden = known;
    check.disabled = picked() < 0;
    rows.forEach((r, i) => {
      r.value.textContent = a.values?.[i] ?? "";
      r.show.hidden = !known || !shows;
      r.input.disabled = known;
      if (chosen >= 0) r.input.checked = i === chosen;
      r.node.classList.toggle("mg-right", known && i === a.right);
    });
    again.hidden = !known || !shows;
    said.textContent = a.error || "";
    if (!known) return;
    const right = `“${get("choices")[a.right]}”`, then = a.values[a.right];
    said.textContent = `${chosen === a.right ? "Yes." : "Not quite: it is"} ${right}. `
      + `${a.what}: ${a.now}${then ? ` now, ${then} then` : ""}. ${a.because}`;
  }

  function moved() {
    back.hidden = !get("moved");
    rows.forEach((r, i) => r.show.setAttribute("aria-pressed", String(i === get("shown"))));
  }

  function restart() {
    if (get("chosen") >= 0) return;
    for (const r of rows) r.input.checked = false;
    answer();
    rows[0].input.focus();
  }

  for (const r of rows) r.input.addEventListener("change", () => { check.disabled = picked() < 0; });
  const heard = { "change:answer": answer, "change:moved": moved, "change:shown": moved, "change:chosen": restart };
  for (const [event, run] of Object.entries(heard)) model.on(event, run);
  el.append(root);
  answer();
  moved();
  return () => { for (const [event, run] of Object.entries(heard)) model.off(event, run); };
}

export default { render };
