// Words in the page's prose that are switches: a link to #switch-neuropil flips that layer in the
// nearest figure, one to #show-focus_um=150 moves its slider there; #show-focus_um=150&figure=bowl does so in
// the figure of that name. Without a script they are links.

const LINKS = "a[href*='#switch-'], a[href*='#show-'], a[data-asks]";

/** All figures of the page; each has a copy of this module of its own, so they meet on the document. */
const figures = (document[Symbol.for("minisim figures")] ??= new Set());

/** What a link asks for: a layer, or values by the names of controls. In files it leads to the figure (build.py). */
function askedBy(link) {
  const [, kind, rest] = (link.dataset.asks ?? link.getAttribute("href")).match(/#(switch|show)-(.+)$/) || [];
  if (kind === "switch") return { layer: decodeURIComponent(rest) };
  if (kind !== "show") return null;
  const value = (text) => (text.includes(",") ? text.split(",").map(Number)
    : { true: true, false: false }[text] ?? (text !== "" && Number.isFinite(Number(text)) ? Number(text) : text));
  const pairs = rest.split("&").map((part) => part.split("=").map(decodeURIComponent));
  const { figure, ...values } = Object.fromEntries(pairs.map(([name, text = ""]) => [name, name === "figure" ? text : value(text)]));
  return { figure, values };
}

/** The figure that a link speaks of: of those that can do it the first below, else the last above. */
function figureOf(link, asked) {
  const place = (root) => link.compareDocumentPosition(root);
  const able = [...figures].filter((f) => f.root.isConnected && f.can(asked))
    .sort((a, b) => (a.root.compareDocumentPosition(b.root) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  return able.find((f) => place(f.root) & Node.DOCUMENT_POSITION_FOLLOWING) || able.at(-1);
}

/** Make every link of the page look, and be called, what it is in its figure now. */
function dressLinks() {
  for (const link of document.querySelectorAll(LINKS)) {
    const asked = askedBy(link), figure = asked && figureOf(link, asked);
    link.classList.toggle("mg-link", Boolean(figure));
    const on = figure ? String(figure.is(asked)) : null, layer = Boolean(asked?.layer);
    const wanted = { role: layer ? "switch" : "button", title: figure?.about(asked),
      [layer ? "aria-checked" : "aria-pressed"]: on };
    for (const [name, value] of Object.entries(wanted))
      if (!figure || value == null) link.removeAttribute(name);
      else if (link.getAttribute(name) !== value) link.setAttribute(name, value);
  }
}

/** Let the links of the page reach this figure; `switches.flip` flips a layer. */
function linking(fig, switches) {
  const { root, get, ask, listen, ui, meta, notice } = fig;
  const control = (name) => get("sliders").find((c) => c.name === name);
  const known = (layer) => get("switches").find((s) => s.name === layer);

  /** The nearest value that a control can have. */
  function reachable(c, value) {
    if (c.kind !== "slider") return value;
    const scale = scaleOf(c), near = (v) => scale.value(clamp(scale.position(v), scale.min, scale.max));
    return Array.isArray(value) ? value.map(near) : near(value);
  }

  const reached = (values) => Object.entries(values).map(([name, value]) => [control(name), reachable(control(name), value)]);
  const words = ([c, value]) => (c.kind === "slider" ? `${c.label} ${withUnit(value, c.unit)}`
    : c.kind === "tick" ? `${c.label}: ${value ? "on" : "off"}` : `${c.label}: ${value}`);

  const me = {
    root,
    can: ({ layer, figure, values }) => (layer ? Boolean(known(layer))
      : [undefined, meta.name].includes(figure) && Object.keys(values).every(control)),
    is: ({ layer, values }) => (layer ? !get("off").includes(layer)
      : reached(values).every(([c, value]) => same(get("values")[c.name], value))),
    about: ({ layer, values }) => (layer ? `Switches ${known(layer).label} in the figure: ${known(layer).description}`
      : `Sets ${reached(values).map(words).join(", ")} in the figure`),
    run(asked) {
      const { layer, values } = asked;
      if (layer) {
        if (switches.flip) switches.flip(layer);
        else ask({ off: me.is(asked) ? [...get("off"), layer] : get("off").filter((name) => name !== layer) });
        return `${known(layer).label}: ${me.is(asked) ? "on" : "off"}`;
      }
      if (meta.static) return "The sliders need the live page";
      const moves = reached(values).map(([c, value]) => ({ ...c.moves?.[value], [c.name]: value }));
      ask({ values: Object.assign({}, get("values"), ...moves) });
      return reached(values).map(words).join(", ");
    },
    /** Bring the pictures into view, if they are not. */
    show() {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const seen = new IntersectionObserver(([entry]) => {
        seen.disconnect();
        if (entry.intersectionRatio < 0.5)
          ui.stage.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
      });
      seen.observe(ui.stage);
    },
  };

  function follow(event) {
    const link = event.target.closest?.(LINKS);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
    if (event.type === "keydown" && ![" ", "Enter"].includes(event.key)) return;
    const asked = askedBy(link);
    if (!asked || figureOf(link, asked) !== me) return;
    event.preventDefault(); // the address stays as it is, and no front end looks for a heading of that name
    event.stopImmediatePropagation();
    const done = me.run(asked);
    ui.live.textContent = `${done}.`;
    notice(meta.static && asked.values ? `${done}.` : "");
    me.show();
    dressLinks();
  }

  figures.add(me);
  // On the window, so that no front end takes Enter or the click for its own.
  for (const type of ["click", "keydown"]) listen(window, type, follow, { capture: true });
  // Front ends render the prose, and put figures into the page, when they like.
  const prose = new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node.nodeType === 1);
    const wanted = `${LINKS}, .mg`;
    if (added.some((node) => node.matches(wanted) || node.querySelector(wanted))) dressLinks();
  });
  prose.observe(document.body, { childList: true, subtree: true });
  dressLinks();
  return { dress: dressLinks, end: () => { figures.delete(me); prose.disconnect(); dressLinks(); } };
}
