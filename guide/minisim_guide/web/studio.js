// The studio: the figure, made anew for every scene, with scenes above, all parameters beside it, a recorder below.

/** Parameters that change what the figure is made for: they need it made anew. */
const REMAKES = ["sensor.bit_depth"];

function studio({ model, el }) {
  const heard = [];
  const hear = (event, run) => { model.on(event, run); heard.push([event, run]); };
  const place = h("div");
  const scenes = scenePicker(model, hear), take = recorder(model, hear);
  let end = () => {}, parameters = null;

  /** Tell the kernel all values; parameters that stand where the scene has them are left out. */
  function change(p, to) {
    const values = { ...model.get("values") };
    if (same(to, p.default)) delete values[p.name];
    else values[p.name] = to;
    if (REMAKES.includes(p.name)) return model.send({ kind: "rebase", values: { ...values, [p.name]: to } });
    model.set("frame", Number(place.querySelector(".mg").dataset.frame || 0));
    model.set("values", values);
    model.save_changes();
    return null;
  }

  function refuse(text) { model.set("error", text); }

  function make() {
    end();
    place.replaceChildren();
    end = render({ model, el: place });
    const root = place.querySelector(".mg");
    parameters = bench(model.get("groups"), model.get("sliders"), () => model.get("values"), change, refuse);
    root.querySelector(".mg-side").append(parameters.node);
    root.querySelector(".mg-top").before(scenes.node);
    root.querySelector(".mg-body").append(take.node);
    root.classList.add("mg-studio");
  }

  hear("change:meta", make);
  hear("change:values", () => parameters?.follow());
  el.append(place);
  make();
  return () => {
    end();
    take.end();
    for (const [event, run] of heard) model.off(event, run);
  };
}

/** Presets and other pairs of scope and region; an experiment's JSON out and in. */
function scenePicker(model, hear) {
  const id = freshId();
  const groups = model.get("meta").scenes.map(({ label, scenes }) => h("optgroup", { label },
    ...scenes.map((s) => h("option", { value: s.name }, s.title))));
  const select = h("select", { id, "data-scene": true }, ...groups);
  const save = h("button", { type: "button", "data-action": "save" }, "Save experiment");
  const file = h("input", { type: "file", accept: ".json,application/json", class: "mg-hidden", tabindex: -1,
    "aria-label": "Experiment to load" });
  const load = h("button", { type: "button", "data-action": "load" }, "Load experiment");
  const about = h("p", { class: "mg-about" });
  const node = h("div", { class: "mg-scenes" },
    h("div", { class: "mg-row" }, h("label", { for: id }, "Scene"), select, save, load, file), about);

  function show() {
    const { base, about: text } = model.get("meta");
    select.value = base.scene;
    about.textContent = Object.keys(base.changes).length ? "Loaded, or changed from this scene." : text;
  }

  select.addEventListener("change", () => {
    if (location.hash.startsWith(`#${encodeURIComponent(model.get("meta").name)}=`))
      history.replaceState(history.state, "", location.pathname + location.search);
    model.send({ kind: "open", base: { scene: select.value, changes: {} } });
  });
  save.addEventListener("click", () => model.send({ kind: "save" }));
  load.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > 5e6) model.set("error", `${chosen.name} is no experiment: it is larger than 5 MB.`);
    else model.send({ kind: "load", text: await chosen.text() });
    file.value = "";
  });
  hear("change:meta", show);
  hear("change:error", show);
  show();
  return { node };
}
