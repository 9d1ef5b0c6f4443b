// The recorder: format, size, progress, cancel; and files that come in pieces and are saved by the browser.

const bytesText = (n) => (n >= 1e9 ? `${three(n / 1e9)} GB` : n >= 1e6 ? `${three(n / 1e6)} MB` : `${three(Math.max(n, 1e3) / 1e3)} kB`);

/** Let the browser save something under a name. */
function saveAs(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function recorder(model, changed) {
  const FORMATS = [["tiff", "TIFF"], ["zarr", "zarr"]];
  const format = choice("Format", FORMATS);
  format.set("tiff");
  const start = h("button", { type: "button", "data-action": "record" }, "Record");
  const stop = h("button", { type: "button", "data-action": "stop-recording" }, "Cancel");
  const bar = h("progress", { max: 1, "aria-label": "Recorded" });
  const says = h("p", { class: "mg-take-says", role: "status" });
  const files = h("ul", { class: "mg-files" });
  const node = h("section", { class: "mg-take", "aria-label": "Record" }, h("strong", {}, "Take it home"),
    format.node, start, bar, stop, says, files);
  let transfer = null;

  function fetch(file, button) {
    if (transfer) return;
    transfer = { file, button, parts: [], have: 0, asked: 0 };
    for (const other of files.querySelectorAll("button")) other.disabled = true;
    ask(0);
  }

  function ask(seconds) {
    transfer.asked = performance.now();
    model.send({ kind: "give", name: transfer.file.name, start: transfer.have, seconds });
  }

  function piece(m, buffers) {
    if (!transfer || m.name !== transfer.file.name || m.start !== transfer.have) return;
    const data = buffers[0];
    transfer.parts.push(new Blob([data]));
    transfer.have += data.byteLength;
    const share = transfer.have / m.bytes;
    transfer.button.textContent = `${transfer.file.name}: ${Math.round(100 * share)} %`;
    if (transfer.have < m.bytes) return ask((performance.now() - transfer.asked) / 1000);
    saveAs(new Blob(transfer.parts), transfer.file.name);
    end("saved");
    return null;
  }

  function end(how) {
    if (!transfer) return;
    transfer.button.textContent = label(transfer.file) + (how ? ` – ${how}` : "");
    transfer = null;
    for (const other of files.querySelectorAll("button")) other.disabled = false;
  }

  const label = (file) => `${file.name}, ${bytesText(file.bytes)}`;

  function show() {
    const take = model.get("take"), recording = take.state === "recording", ready = take.state === "ready";
    start.disabled = recording;
    bar.hidden = !recording;
    stop.hidden = !recording && !ready;
    stop.textContent = recording ? "Cancel" : "Discard";
    format.node.disabled = recording;
    if (recording) bar.value = take.done;
    if (!ready) { transfer = null; files.replaceChildren(); }
    if (recording) says.textContent = `Recording … ${Math.round(100 * take.done)} %`;
    else if (ready && !files.children.length) {
      says.textContent = "Ready: the movie, everything that is true of it, and the experiment that makes it again.";
      files.replaceChildren(...take.files.map((file) => {
        const button = h("button", { type: "button", "data-file": file.name }, label(file));
        button.addEventListener("click", () => fetch(file, button));
        return h("li", {}, button);
      }));
    } else if (!ready) says.textContent = take.says || (take.size ? sized(take.size) : "");
  }

  const sized = (s) => `${whole(s.frames)} frames of ${s.height} × ${s.width} px, ${three(s.seconds)} s: about `
    + `${bytesText(s.bytes)} with the truth.`;

  let waiting = 0;
  function measure() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (model.get("take").state === "idle") model.send({ kind: "measure" });
    }, 600);
  }

  start.addEventListener("click", () => {
    const chosen = format.node.querySelector("input:checked").value;
    model.send({ kind: "record", format: chosen });
  });
  stop.addEventListener("click", () => { end(); model.send({ kind: "stop" }); });
  changed("change:take", show);
  changed("msg:custom", (m, buffers) => {
    if (m.kind === "piece") piece(m, buffers);
    if (m.kind === "saved") saveAs(new Blob([m.text], { type: "application/json" }), m.name);
  });
  for (const name of ["values", "off", "meta"]) changed(`change:${name}`, measure);
  show();
  measure();
  return { node, end: () => clearTimeout(waiting) };
}
