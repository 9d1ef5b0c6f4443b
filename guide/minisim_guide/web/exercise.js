// An exercise: the task, a button, and what the engine says of the figure as it stands.

function render({ model, el }) {
  const check = h("button", { type: "button", "data-action": "check" }, "Check my recording");
  const said = h("p", { class: "mg-says", role: "status" });
  const root = h("div", { class: "mg mg-prediction mg-exercise" },
    h("p", {}, h("strong", {}, model.get("task"))), check, said);
  check.addEventListener("click", () => {
    check.disabled = true;
    said.textContent = "Looking at every cell…";
    model.send({ kind: "check" });
  });
  function show() {
    const { done, says } = model.get("verdict");
    said.textContent = says || "";
    root.classList.toggle("mg-done", Boolean(done));
    check.disabled = false;
  }
  model.on("change:verdict", show);
  el.append(root);
  show();
  return () => model.off("change:verdict", show);
}

export default { render };
