// A figure without a kernel: a model whose answers lie ready in a bundle (bundle.py).

/** Read a bundle: its description and, by number, its blobs. */
async function readBundle(source) {
  const data = source instanceof ArrayBuffer ? source : await (await fetch(source)).arrayBuffer();
  const view = new DataView(data), magic = new TextDecoder().decode(new Uint8Array(data, 0, 8));
  if (magic !== "minisim1") throw new Error("This is not a figure's bundle.");
  const start = 12 + view.getUint32(8, true);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 12, start - 12)));
  return { ...about, blob: (i) => new DataView(data, start + about.blobs[i][0], about.blobs[i][1]) };
}

/** Looks to the viewer like the kernel's model; knows every state of the switches, nothing more. */
class StaticModel {
  constructor(bundle) {
    this.bundle = bundle;
    this.traits = { ...bundle.traits };
    this.listeners = new Map();
    this.changed = new Set();
    this.version = 0;
    this.answer();
  }

  get(name) { return this.traits[name]; }

  set(name, value) {
    if (same(this.traits[name], value)) return;
    this.traits[name] = value;
    this.changed.add(name);
    this.fire(`change:${name}`);
  }

  on(event, run) { this.listeners.set(event, [...(this.listeners.get(event) || []), run]); }

  off(event, run) { this.listeners.set(event, (this.listeners.get(event) || []).filter((r) => r !== run)); }

  fire(event, ...details) { for (const run of this.listeners.get(event) || []) run(...details); }

  save_changes() {
    const { changed } = this, { pixel, roi } = this.bundle.traits.meta.opening;
    this.changed = new Set();
    if (changed.has("off")) {
      this.version++;
      if (!this.answer()) {
        this.set("off", this.state.off);
        this.answer();
      }
    }
    if (changed.has("overlay")) this.draw();
    const moved = !same(this.traits.pixel, pixel) || !same(this.traits.roi, roi);
    this.set("says", this.bundle.texts[moved ? this.state.unmarked : this.state.says]);
    if (changed.has("pixel") || changed.has("roi"))
      this.set("notice", moved ? "Here the plots stay with the opening mark." : "");
  }

  /** Answer as the kernel would for the present switches; false if the bundle lacks them. */
  answer() {
    const { bundle } = this, state = bundle.states[offKey(this.traits.off)];
    if (!state) {
      this.set("notice", "This copy holds the layers only one after another.");
      return false;
    }
    this.state = state;
    const [left, right] = state.views.map(bundle.blob);
    const asked = { values: this.traits.values, off: this.traits.off, seed: this.traits.seed };
    this.set("picture", { ...bundle.picture, version: this.version, state: asked, left, right });
    this.set("says", bundle.texts[state.says]);
    this.set("marks", bundle.texts[state.marks]);
    this.set("plots", state.plots.map((i) => bundle.texts[i]));
    this.draw();
    return true;
  }

  draw() {
    const { overlay } = this.traits;
    this.set("drawings", overlay.map((name) => ({ ...this.bundle.texts[this.state.drawings[name]], name,
      version: this.version })));
  }

  send(message) {
    if (message.kind === "ready") this.views();
    if (message.kind === "copy") this.fire("msg:custom", { kind: "copied", what: message.what, text: this.copy(message.what) });
  }

  copy(what) {
    if (what === "python") return this.bundle.texts[this.state.python];
    return JSON.stringify({ ...this.bundle.experiment, off: this.traits.off }, null, 1);
  }

  views() {
    const { scene, frame, wide } = this.bundle.picture;
    for (const [off, i] of this.bundle.views)
      this.fire("msg:custom", { kind: "views", scene, frame, offs: [off], packed: true, wide }, [this.bundle.blob(i)]);
  }
}

/** Show a bundle (its address, or its bytes) in an element. */
export async function mount(el, source) {
  const model = new StaticModel(await readBundle(source));
  const end = render({ model, el });
  el.append(h("p", { class: "mg-static-note" }, "This copy runs without a simulator: layers, comparison, "
    + "zoom and contrast work; all other controls and the movie need the live page."));
  return { model, end };
}
