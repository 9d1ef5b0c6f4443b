// Runs in the page before its own scripts: notes inputs, messages and pictures, with their times in ms.
(() => {
  const log = { inputs: [], sent: [], got: [], shown: [] };
  let hashing = false;
  const now = () => performance.now();
  const utf8 = new TextDecoder();
  window.bench = {
    /** Everything noted since the last time. */
    take: () => Object.fromEntries(Object.entries(log).map(([name, list]) => [name, list.splice(0)])),
    /** Whether the canvases are hashed after every paint, which takes a moment. */
    hashing(on) { hashing = on; },
    /** How long, in ms, the kernel and the canvases have been still. */
    still: () => now() - Math.max(0, log.got.at(-1)?.t ?? 0, log.shown.at(-1)?.t ?? 0),
    /** Whether anything was asked of the kernel. */
    asking: () => Boolean(wished()),
    exact,
    buffered,
    look,
  };

  /** The newest wish: what the browser acknowledges has a version, too, but asks for nothing. */
  const wished = () => log.sent.findLast((m) => m.kind === "update" && m.version);

  /** Whether the full picture of the newest wish is on screen. */
  function exact() {
    const wish = wished(), input = log.inputs.findLast((e) => e.type === "input");
    if (!wish || (input && wish.t < input.t && now() - input.t < 700)) return false;
    const full = log.got.findLast((m) => m.comm === wish.comm && m.version === wish.version && m.binned === 1);
    return Boolean(full && log.shown.some((s) => s.version === wish.version && s.t >= full.t));
  }

  /** Whether every frame of the newest wish's movie has come. */
  function buffered() {
    const wish = wished();
    const own = log.got.filter((m) => wish && m.comm === wish.comm && m.version === wish.version);
    const picture = own.find((m) => m.kind === "picture");
    const frames = own.filter((m) => m.kind === "chunk").reduce((sum, m) => sum + m.count, 0);
    return Boolean(picture && frames + 1 >= picture.of);
  }

  // ---- messages, in either of the two wire formats of a kernel's socket ------------------------

  function content(data) {
    if (typeof data === "string") return JSON.parse(data).content;
    const view = new DataView(data);
    const at = (i) => Number(view.getBigUint64(8 * (i + 1), true));
    return JSON.parse(utf8.decode(new Uint8Array(data, at(4), at(5) - at(4))));
  }

  /** Per figure: what was asked for last, and how often it changed, which is the picture's version. */
  const asked = new Map();

  function wish(comm, { values, off, seed }) {
    const last = asked.get(comm) ?? { version: 0, key: "{}" };
    const known = JSON.parse(last.key);
    const key = JSON.stringify({ ...known, ...JSON.parse(JSON.stringify({ values, off, seed })) });
    if (key === last.key) return undefined;
    asked.set(comm, { version: last.version + 1, key });
    return last.version + 1;
  }

  function note(list, data) {
    let message;
    try { message = content(data); } catch { return; }
    const { comm_id: comm, data: told } = message ?? {};
    if (!told) return;
    const entry = { t: now(), size: data.byteLength ?? data.length, comm, kind: told.method };
    if (told.method === "custom") Object.assign(entry, told.content);
    else if (list === log.sent) entry.version = wish(comm, told.state ?? {});
    else if (told.state?.picture) {
      const { version, binned = 1, count } = told.state.picture;
      Object.assign(entry, { kind: "picture", version, binned, of: count });
    }
    list.push(entry);
  }

  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    note(log.sent, data);
    return send.call(this, data);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => note(log.got, data));
    }
  };

  // ---- inputs: what a hand does ------------------------------------------------------------------

  for (const type of ["input", "change", "wheel", "keydown", "pointerup"])
    document.addEventListener(type, (event) => {
      log.inputs.push({ t: event.timeStamp, type });
    }, { capture: true, passive: true });

  // ---- pictures: the first animation frame after a canvas was painted -------------------------

  let inFrame = 0;
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (run) => frame((t) => {
    inFrame++;
    try { run(t); } finally { inFrame--; }
  });
  const channel = new MessageChannel();
  const afterFrame = [];
  channel.port1.onmessage = () => afterFrame.shift()?.();
  const presented = (run) => {
    if (!inFrame) return void frame(run);
    afterFrame.push(run); // painted inside a frame: it is on screen when that frame is done
    channel.port2.postMessage(0);
  };

  /** A number that changes with what the canvases of a figure show, and where. */
  function look(root) {
    let hash = 7;
    for (const canvas of root.querySelectorAll("canvas[data-side]")) {
      if (!canvas.offsetWidth) continue;
      const { width, height } = canvas, size = Math.min(96, width, height);
      const { data } = canvas.getContext("2d").getImageData((width - size) >> 1, (height - size) >> 1, size, size);
      for (const word of new Uint32Array(data.buffer)) hash = (Math.imul(hash, 31) + word) | 0;
      const { x, y, width: across } = canvas.getBoundingClientRect();
      for (const place of [x, y, across]) hash = (Math.imul(hash, 31) + Math.round(8 * place)) | 0;
    }
    return hash;
  }

  const pending = new Set();
  function painted(canvas) {
    const root = canvas.dataset?.side && canvas.closest(".mg");
    if (!root || pending.has(root)) return;
    pending.add(root);
    presented(() => {
      const t = now();
      pending.delete(root);
      const { version, frame: number } = root.dataset;
      log.shown.push({ t, version: +version, frame: +number, hash: hashing ? look(root) : 0 });
    });
  }
  for (const name of ["putImageData", "drawImage"]) {
    const plain = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      plain.apply(this, args);
      painted(this.canvas);
    };
  }
  // A zoom moves the canvas and paints nothing.
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const canvas = target.querySelector("canvas[data-side]");
      if (canvas) painted(canvas);
    }
  }).observe(document, { subtree: true, attributeFilter: ["style"] });
})();
