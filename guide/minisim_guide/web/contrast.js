// How counts become brightness: printed, and changed only by the reader. Both pictures share one range,
// unless a page gives a side its own; then the factor between them stands beside its title.

const SHARE = 0.002; // of the pixels, left darker and brighter than a fitted range

function contrast(fig) {
  const { show, meta, movie, ui, listen } = fig, { display } = ui;
  const levels = 2 ** meta.bits, last = levels - 1, BINS = 128;
  const tables = {};
  let top = 0;

  const comparing = () => show.mode === "difference";
  const stops = () => (comparing() ? DIVERGING : COLOURS[show.colours][1]);

  const owned = () => SIDES.some((side) => show.own[side]);
  /** Black and white of a side. */
  const limits = (side) => show.own[side] || [show.low, show.high];

  /** The tables to paint with, left and right; each made anew only when something about it has changed. */
  function table() {
    return SIDES.map((side) => {
      const name = comparing() ? "difference" : owned() ? side : "plain";
      const [low, high] = comparing() ? [-show.span, show.span] : limits(side);
      const wanted = [low, high, show.colours, show.exposed && movie.full].join();
      if (tables[name]?.wanted !== wanted) {
        const made = comparing() ? colourTable(DIVERGING, -last, 2 * levels - 1, low, high)
          : colourTable(stops(), 0, levels, low, high);
        if (show.exposed && !comparing()) [made[0], made[movie.full]] = [packed(UNDER), packed(OVER)];
        tables[name] = { wanted, made };
      }
      return tables[name].made;
    });
  }

  function fitted(...counts) {
    const seen = histogram(levels, ...counts), low = quantile(seen, SHARE);
    return [low, Math.max(low + 1, quantile(seen, 1 - SHARE))];
  }

  function fit(pair) {
    if (comparing()) {
      const seen = differences(levels, pair);
      show.span = Math.max(1, last - quantile(seen, SHARE / 2), quantile(seen, 1 - SHARE / 2) - last);
      return;
    }
    const shared = pair.filter((_, i) => !show.own[SIDES[i]]);
    [show.low, show.high] = fitted(...(shared.length ? shared : pair));
    show.own = Object.fromEntries(SIDES.map((side, i) => [side, show.own[side] && fitted(pair[i])]));
  }

  /** A side's title, with how much brighter than the shared range its own one makes it. */
  function title(side) {
    const own = show.own[side], factor = own && (show.high - show.low) / (own[1] - own[0]);
    return meta.titles[side] + (own ? ` (${factor >= 1 ? "brightened" : "dimmed"} × ${three(factor)})` : "");
  }

  /** More bits are more counts of the same light: the range goes with them, and the picture stays. */
  function rescale() {
    const factor = (movie.full + 1) / (show.full + 1);
    if (factor === 1) return;
    const scaled = ([low, high]) => [Math.round(low * factor), Math.max(Math.round(high * factor), 1)];
    [show.low, show.high] = scaled([show.low, show.high]);
    show.own = Object.fromEntries(SIDES.map((side) => [side, show.own[side] && scaled(show.own[side])]));
    if (show.span) show.span = Math.max(1, Math.round(show.span * factor));
    show.full = movie.full;
    for (const name of ["low", "high", "span"]) display[name].max = movie.full;
    top = 0;
  }

  /** Before a pair is painted: follow it if the reader said so; a difference opens with its own range. */
  function prepare(pair) {
    rescale();
    if (show.auto || (comparing() && !show.span)) fit(pair);
    if (display.node.open) chart(pair);
  }

  // ---- the histogram -------------------------------------------------------------------

  const round = (count) => {
    const power = 10 ** Math.floor(Math.log10(count));
    return Math.min(movie.full, power * [1, 1.5, 2, 3, 4, 6, 8, 10].find((m) => m * power >= count));
  };

  function chart(pair) {
    const joint = comparing() ? [differences(levels, pair)] : pair.map((side) => histogram(levels, side));
    const first = comparing() ? -last : 0;
    const end = Math.max(...joint.map((seen) => {
      let i = seen.length - 1, j = 0;
      while (i > 0 && !seen[i]) i--;
      while (j < i && !seen[j]) j++;
      return Math.max(i + first, -first - j);
    }), comparing() ? show.span : show.high);
    top = Math.max(top, round(Math.max(end, 2))); // it grows, so that a line under the hand stays put
    const from = comparing() ? -top : 0, wide = (top - from + 1) / BINS;
    const sums = joint.map((seen) => {
      const bins = new Float64Array(BINS);
      for (let count = from; count <= top; count++)
        bins[Math.floor((count - from) / wide)] += seen[count - first] || 0;
      return bins;
    });
    const most = Math.log1p(Math.max(...sums.map((bins) => Math.max(...bins))));
    ui.display.paths.forEach((path, side) => {
      const points = [...(sums[side] || [])].map((n, i) => {
        const y = (48 - 47 * (Math.log1p(n) / most)).toFixed(1);
        return `${i ? "L" : "M"}${i} ${y}L${i + 1} ${y}`;
      });
      path.setAttribute("d", points.join(""));
    });
    const at = (count) => `${(100 * (count - from)) / (top - from)}%`;
    const [low, high] = comparing() ? [-show.span, show.span] : [show.low, show.high];
    display.lines[0].style.left = at(low);
    display.lines[1].style.left = at(high);
    display.ends[0].textContent = whole(from);
    display.ends[1].replaceChildren(...(comparing() ? ["right − left"]
      : [h("b", { class: "mg-h-left" }, "left"), " and ", h("b", { class: "mg-h-right" }, "right")]),
    ", counts (log scale)");
    display.ends[2].textContent = whole(top);
    display.graph.setAttribute("aria-label", comparing() ? "Histogram of the difference, right minus left"
      : "Histogram of both pictures");
  }

  /** A limit's line can be dragged; the sliders beside it do the same by keyboard. */
  display.lines.forEach((line, index) => {
    let held = false;
    listen(line, "pointerdown", (event) => { held = true; line.setPointerCapture(event.pointerId); });
    listen(line, "lostpointercapture", () => { held = false; });
    listen(line, "pointermove", (event) => {
      if (!held) return;
      const box = line.parentNode.getBoundingClientRect(), from = comparing() ? -top : 0;
      const count = Math.round(from + ((event.clientX - box.left) / box.width) * (top - from));
      limit(comparing() ? "span" : ["low", "high"][index], Math.abs(count));
    });
  });

  // ---- in words ------------------------------------------------------------------------

  const ends = ([low, high]) => `black ${whole(low)}, white ${whole(high)} counts`;
  function words() {
    if (comparing()) return `right − left, ${whole(-show.span)} to +${whole(show.span)} counts`;
    if (!owned()) return `${ends([show.low, show.high])}, both pictures`;
    return SIDES.map((side) => `${side} ${ends(limits(side))}`).join("; ");
  }

  /** Which share of the counts is at or below `low`, and which at or above `high`. */
  function shares(counts, low, high) {
    let dark = 0, bright = 0;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] <= low) dark++;
      if (counts[i] >= high) bright++;
    }
    return [dark / counts.length, bright / counts.length];
  }

  /** The hint beside the picture when the range no longer suits it. */
  function outside(pair) {
    let [dark, bright] = shares(pair[1], ...limits("right"));
    if (comparing()) {
      let beyond = 0;
      const [left, right] = pair;
      for (let i = 0; i < right.length; i++) if (Math.abs(right[i] - left[i]) >= show.span) beyond++;
      [dark, bright] = [0, beyond / right.length];
    }
    // A dark background is as it should be; a picture that is white, or all black, is not.
    display.outside.hidden = bright < 0.1 && dark < 0.95;
    const which = comparing() ? "difference" : "right picture";
    const [part, how] = bright >= 0.1 ? [bright, comparing() ? "beyond" : "too bright for"] : [dark, "too dark for"];
    display.outside.firstChild.textContent =
      `${Math.round(100 * part)} % of the ${which} is ${how} the display range. `;
  }

  function counted(pair) {
    display.counted.hidden = !show.exposed;
    if (!show.exposed) return;
    const n = pair.map((side) => shares(side, 0, movie.full).map((share) => whole(Math.round(share * side.length))));
    const [under, over] = [0, 1].map((end) => n.map((side) => side[end]));
    display.counted.replaceChildren(
      h("i", { style: `background:rgb(${OVER})` }), `Full scale (${movie.full} counts), light is lost: `
        + `left ${over[0]}, right ${over[1]} pixels. `,
      h("i", { style: `background:rgb(${UNDER})` }), `Zero counts: left ${under[0]}, right ${under[1]} pixels.`,
      comparing() ? " Marked in the pictures, not in their difference." : "");
  }

  function describe(pair) {
    display.text.textContent = `Display: ${words()}${show.auto ? ", auto" : ""}`;
    display.strip.style.background = gradient(stops());
    for (const name of ["low", "high", "span"]) {
      display[name].parentNode.hidden = comparing() !== (name === "span");
      display[name].value = show[name] ?? 1;
      display[name].setAttribute("aria-valuetext", `${whole(show[name] ?? 1)} counts`);
    }
    display.auto.checked = show.auto;
    display.exposed.checked = show.exposed;
    display.colours.node.hidden = comparing();
    outside(pair);
    counted(pair);
  }

  // ---- the reader's hand ---------------------------------------------------------------

  function limit(name, to) {
    const { low, high, full } = show;
    const value = { low: clamp(to, 0, high - 1), high: clamp(to, low + 1, full), span: clamp(to, 1, full) };
    fig.stretch({ auto: false, [name]: value[name] });
  }

  for (const name of ["low", "high", "span"])
    listen(display[name], "input", () => limit(name, Number(display[name].value)));
  listen(display.auto, "change", () => fig.stretch({ auto: display.auto.checked }));
  listen(display.exposed, "change", () => fig.stretch({ exposed: display.exposed.checked }));
  listen(display.node, "toggle", () => { top = 0; fig.draw(); });
  for (const node of display.fits)
    listen(node, "click", () => { const pair = fig.pair(); if (pair) { top = 0; fit(pair); fig.draw(); } });
  for (const node of display.colours.node.querySelectorAll("input"))
    listen(node, "change", () => fig.stretch({ colours: node.value }));

  return { table, prepare, describe, words, title, forget: () => { top = 0; } };
}
