// Predict, then check: the answer is asked for only after the reader has committed to one.

function render({ model, el }) {
  const name = freshId();
  const rows = model.get("choices").map((text, index) => {
    const input = h("input", { type: "radio", name, value: index });
    const value = h("span", { class: "mg-value" });
    return { input, value, node: h("label", { class: "mg-option" }, input, h("span", {}, text), value) };
  });
  const check = h("button", { type: "button", disabled: true }, "Check my prediction");
  const said = h("p", { class: "mg-says", role: "status" });
  const root = h("div", { class: "mg mg-prediction" },
    h("fieldset", {}, h("legend", {}, model.get("question")), ...rows.map((r) => r.node)), check, said);

  const picked = () => rows.findIndex((r) => r.input.checked);
  const pick = () => { check.disabled = picked() < 0; if (model.get("answer").values) answer(); };
  function ask() {
    check.disabled = true;
    said.textContent = "Simulating every choice…";
    model.set("chosen", picked());
    model.save_changes();
  }
  function answer() {
    const a = model.get("answer");
    if (a.error) said.textContent = a.error;
    if (!a.values) return;
    check.hidden = true;
    rows.forEach((r, i) => {
      r.value.textContent = a.values[i];
      r.node.classList.toggle("mg-right", i === a.right);
    });
    const hit = model.get("chosen") === a.right;
    said.textContent = `${hit ? "Yes." : "Not quite: it is"} “${model.get("choices")[a.right]}”. `
      + `${a.what}: ${a.now} now, ${a.values[a.right]} then. ${a.because}`;
  }

  for (const r of rows) r.input.addEventListener("change", pick);
  check.addEventListener("click", ask);
  model.on("change:answer", answer);
  el.append(root);
  if (model.get("chosen") >= 0) rows[model.get("chosen")].input.checked = true;
  answer();
  return () => model.off("change:answer", answer);
}

export default { render };
