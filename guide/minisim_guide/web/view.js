// Which part of the picture is seen, and the hand that changes it: wheel, pinch, drag, tap.

const DRAG_PX = 4; // what moves less is a click
const HOLD_MS = 400; // a finger that rests so long means to draw; one that moves at once, to scroll
const SMALLEST_VIEW = 12; // picture pixels across at the strongest zoom

/** A zoom of at least 1 and a centre as parts of the picture; it never looks past the edge. */
class View {
  constructor() { this.fit(); }

  fit() { Object.assign(this, { zoom: 1, y: 0.5, x: 0.5 }); }

  /** From parts of the frame, as [y, x], to parts of the picture; and back. */
  seen([y, x]) { return [this.y + (y - 0.5) / this.zoom, this.x + (x - 0.5) / this.zoom]; }
  framed([y, x]) { return [(y - this.y) * this.zoom + 0.5, (x - this.x) * this.zoom + 0.5]; }

  /** Zoom; what is at `spot` (parts of the frame) stays there. */
  magnify(factor, spot, most) {
    const [y, x] = this.seen(spot);
    this.zoom = clamp(this.zoom * factor, 1, most);
    this.centre(y - (spot[0] - 0.5) / this.zoom, x - (spot[1] - 0.5) / this.zoom);
  }

  /** Move the picture by parts of the frame. */
  pan([down, right]) { this.centre(this.y - down / this.zoom, this.x - right / this.zoom); }

  centre(y, x) {
    const margin = 0.5 / this.zoom;
    this.y = clamp(y, margin, 1 - margin);
    this.x = clamp(x, margin, 1 - margin);
  }

  /** Move just so far that a place (parts of the picture) is well inside. */
  follow([y, x]) {
    const reach = 0.4 / this.zoom;
    this.centre(clamp(this.y, y - reach, y + reach), clamp(this.x, x - reach, x + reach));
  }
}

/**
 * Turn what pointers do over `frame` into calls of `on`, with places as parts of the frame:
 * hover(spot | null), tap(spot), start(spot) → truthy if something under it moves with the finger,
 * held(spot) when a finger has rested there, drag(from, to), pan(delta), zoom(factor, spot).
 * A plain wheel and one moving finger stay with the page: they scroll.
 */
function gestures(listen, frame, on) {
  const down = new Map();
  let kind = "", from = null, last = null, hold = 0, moved = 0;

  const spot = (event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
  };
  const two = () => {
    const [a, b] = [...down.values()];
    return { middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], apart: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  };
  const stop = () => { kind = ""; clearTimeout(hold); };

  listen(frame, "pointerdown", (event) => {
    const at = spot(event), finger = event.pointerType === "touch";
    if (event.button > 1) return;
    clearTimeout(hold);
    down.set(event.pointerId, at);
    frame.setPointerCapture(event.pointerId);
    if (down.size > 1) { kind = "pinch"; last = two(); return; }
    [from, last, moved] = [at, at, 0];
    if (event.shiftKey || event.button === 1) {
      kind = "pan";
      if (event.button === 1) event.preventDefault();
    } else {
      const held = on.start(at);
      kind = finger && !held ? "touch" : "draw";
    }
    if (kind === "touch") hold = setTimeout(() => { kind = "draw"; on.held(from); }, HOLD_MS);
  });
  listen(frame, "pointermove", (event) => {
    const at = spot(event);
    if (event.pointerType !== "touch" || kind === "draw") on.hover(at);
    if (!down.has(event.pointerId)) return;
    down.set(event.pointerId, at);
    if (kind === "pinch") {
      const now = two();
      on.pan([now.middle[0] - last.middle[0], now.middle[1] - last.middle[1]]);
      if (last.apart > 0) on.zoom(now.apart / last.apart, now.middle);
      last = now;
      return;
    }
    moved = Math.max(moved, Math.hypot(at[0] - from[0], at[1] - from[1]) * frame.clientWidth);
    if (moved <= DRAG_PX) return;
    if (kind === "touch") stop();
    else if (kind === "pan") on.pan([at[0] - last[0], at[1] - last[1]]);
    else if (kind === "draw") on.drag(from, at);
    last = at;
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (event.type === "pointerup" && kind && kind !== "pinch" && kind !== "pan" && moved <= DRAG_PX)
      on.tap(from);
    stop();
  };
  listen(frame, "pointerup", up);
  listen(frame, "pointercancel", up);
  listen(frame, "pointerleave", () => on.hover(null));
  listen(frame, "contextmenu", (event) => { if (kind) event.preventDefault(); });
  const busy = (event) => {
    if (event.touches.length > 1 || kind === "draw") event.preventDefault();
  };
  for (const type of ["touchstart", "touchmove"]) listen(frame, type, busy, { passive: false });
  listen(frame, "wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const lines = event.deltaMode ? 16 : 1;
    on.zoom(Math.exp(-0.01 * clamp(event.deltaY * lines, -40, 40)), spot(event));
  }, { passive: false });
}
