// What the reader takes away: a link that opens the figure as it is now, Python, JSON.

/** How each part of a link must look; what does not is left out. `fig` knows names and sizes. */
function linkChecks({ get, meta, movie }) {
  const controls = new Map(get("sliders").map((c) => [c.name, c]));
  const layers = new Set([...get("switches").map((s) => s.name), ...meta.opening.off]);
  const overlays = new Set(get("overlays").map((o) => o.name));
  const list = (test, ...lengths) => (v) =>
    Array.isArray(v) && (!lengths.length || lengths.includes(v.length)) && v.every(test);
  const whole = (below) => (v) => Number.isSafeInteger(v) && v >= 0 && v < below;
  const kinds = {
    slider: (c, v) => (Array.isArray(c.default) ? list(Number.isFinite, 2)(v) : Number.isFinite(v)),
    choice: (c, v) => c.options.includes(v),
    tick: (c, v) => typeof v === "boolean",
  };
  const value = ([name, v]) => meta.parameters?.includes(name) // the studio's kernel judges each itself
    || controls.has(name) && kinds[controls.get(name).kind](controls.get(name), v);
  return {
    values: (v) => v && typeof v === "object" && Object.entries(v).every(value),
    off: list((name) => layers.has(name)),
    seed: whole(Infinity),
    frame: whole(movie.length || Infinity),
    pixel: (v) => list(Number.isSafeInteger, 0, 2)(v)
      && v.every((at, axis) => at >= 0 && at < [movie.height, movie.width][axis]),
    roi: list(Number.isFinite, 0, 4),
    overlay: list((name) => overlays.has(name)),
    ...(meta.base && { base: (v) => typeof v?.scene === "string" && typeof v?.changes === "object" }),
  };
}

function sharing(fig) {
  const { model, root, get, meta, show, listen, hear, notice } = fig;
  const prefix = `#${encodeURIComponent(meta.name)}=`;

  /** What differs from how the page opened. */
  function differing() {
    const found = {};
    for (const name of ["values", "off", "seed", "pixel", "roi", "overlay"])
      if (!same(get(name), meta.opening[name])) found[name] = get(name);
    if (found.values) found.values = Object.fromEntries(
      Object.entries(found.values).filter(([k, v]) => !same(v, meta.opening.values[k])));
    if (show.frame !== meta.opening.frame) found.frame = show.frame;
    if (meta.base) found.base = meta.base;
    return found;
  }

  const link = () =>
    location.href.split("#")[0] + prefix + encodeURIComponent(JSON.stringify(differing()));

  /** Bring back what the page's address says about this figure; what it cannot be is left out. */
  function restore() {
    if (!location.hash.startsWith(prefix)) return;
    let given = null;
    try { given = JSON.parse(decodeURIComponent(location.hash.slice(prefix.length))); } catch { /* told below */ }
    if (!given || typeof given !== "object" || Array.isArray(given))
      return notice("The link to this figure is damaged: it opens as it always does.");
    const checks = linkChecks(fig);
    const good = Object.entries(given).filter(([name, value]) => Object.hasOwn(checks, name) && checks[name](value));
    if (good.length < Object.keys(given).length)
      notice("A part of the link does not belong to this figure and was left out.");
    const { values, frame, base, ...rest } = Object.fromEntries(good);
    if (base && !same(base, meta.base)) return model.send({ kind: "open", base }); // made anew, it restores the rest
    if (frame !== undefined) show.frame = frame;
    fig.ask({ ...rest, ...(values && { values: { ...meta.opening.values, ...values } }) });
  }

  async function take(title, text) {
    try {
      await navigator.clipboard.writeText(text);
      notice(`${title} is on the clipboard.`);
    } catch { // a plain http page has no clipboard
      showText(root, title, text);
    }
  }

  const TITLES = { python: "Python for this figure", json: "This experiment as JSON" };
  listen(root, "click", (event) => {
    const what = event.target.closest("[data-action^=copy-]")?.dataset.action.slice(5);
    if (what === "link") take("A link to this figure", link());
    else if (what) model.send({ kind: "copy", what });
  });
  hear("msg:custom", (m) => { if (m.kind === "copied") take(TITLES[m.what], m.text); });
  listen(window, "hashchange", restore);
  return { restore, link };
}
