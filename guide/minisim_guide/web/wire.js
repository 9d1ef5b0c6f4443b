// The line to the kernel: pictures, chunks and views arrive here, in order, and each is answered.

/** Undo wire.py's packing: inflate, and join the high and the low bytes of wide counts again. */
async function unpacked(data, wide) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  if (!wide) return bytes;
  const joined = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < joined.length; i++) joined[i] = (bytes[i] << 8) | bytes[joined.length + i];
  return joined;
}

/**
 * Fill `movie` with what comes. `arrived(picture, newer)` is called once a picture can be painted,
 * `grown()` when more of the movie has come.
 */
function wiring({ model, root, meta, movie, show, get, hear, listen }, { arrived, grown }) {
  let line = null, open = true, visible = true, last = null, begun = false;
  const owed = [];

  /** Read counts and hand them on; what was packed takes its time, and nothing overtakes it. */
  function take(data, packed, wide, run) {
    if (!packed && !line) return run(data.map((side) => counts(side, wide)));
    const read = packed ? Promise.all(data.map((side) => unpacked(side, wide)))
      : data.map((side) => counts(side, wide));
    const mine = Promise.all([read, line]).then(([sides]) => { if (open) run(sides); })
      .finally(() => { if (line === mine) line = null; });
    line = mine;
  }

  function picture() {
    const p = get("picture");
    if (!movie.length) movie.prepare(p); // what is drawn over the picture need not wait for its counts
    const kept = p.kept || []; // sides that are as they were do not travel again
    const fresh = SIDES.filter((side) => !kept.includes(side));
    if (kept.length ? !begun : !p.left.byteLength) return; // this view's first picture is on its way
    begun = true;
    take(fresh.map((side) => p[side]), p.packed, p.wide, (read) => {
      const sides = SIDES.map((side, i) => (kept.includes(side) ? last[i] : read[fresh.indexOf(side)]));
      last = sides;
      const newer = movie.version >= 0 && p.version > movie.version;
      if (movie.open(p, sides)) arrived(p, newer);
      model.send({ kind: "shown", version: p.version });
    });
  }

  function message(m, buffers) {
    if (m.kind === "ping") return model.send({ kind: "pong" });
    if (m.kind !== "chunk" && m.kind !== "views") return;
    take(buffers, m.packed, m.wide, (sides) => {
      owed.push(visible && !document.hidden);
      pay();
      if (m.kind === "chunk") movie.add(m.version, m.first, m.count, sides);
      else m.offs.forEach((off, i) => movie.addView(m.scene, m.frame, off, sides[i]));
      root.dataset.views = movie.views.size;
      if (m.kind === "chunk") grown();
    });
  }

  // The kernel sends only a few messages that are not paid for, so a figure that nobody sees
  // costs nothing, and a slow link is never flooded. What was held back says nothing of the link.
  function pay() {
    if (visible && !document.hidden)
      for (const prompt of owed.splice(0)) model.send({ kind: "ack", late: !prompt });
  }

  /** Show at once what the reader asks for, if it only flips switches and its views are here. */
  function flip(wanted) {
    const { values, seed } = { values: get("values"), seed: get("seed"), ...wanted };
    return "off" in wanted && !show.playing && same(movie.state.values, values) && movie.state.seed === seed
      && movie.flip(wanted.off, meta.panels, show.frame);
  }

  hear("change:picture", picture);
  hear("change:off", () => movie.expect(get("off")));
  hear("msg:custom", message);
  const watcher = new IntersectionObserver((entries) => {
    visible = entries[entries.length - 1].isIntersecting;
    pay();
  });
  watcher.observe(root);
  listen(document, "visibilitychange", pay);
  return { picture, flip, visible: () => visible, end: () => { open = false; watcher.disconnect(); } };
}
