// The movie in the browser: raw counts of both panels, as far as they have arrived.

const SIDES = ["left", "right"];

/** Look at a message's bytes as counts; they may start anywhere in their buffer. */
function counts(data, wide) {
  const { buffer, byteOffset, byteLength } = data;
  if (!wide) return new Uint8Array(buffer, byteOffset, byteLength);
  if (byteOffset % 2) return new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** What a set of switched-off layers is known by. */
const offKey = (off) => [...new Set(off)].sort().join(" ");

/** Frames of the two panels as far as they have arrived; older versions are never shown. */
class Movie {
  constructor() {
    this.version = this.scene = -1;
    this.state = { values: {}, off: [], seed: 0 };
    this.flipped = null; // the switches shown ahead of the kernel, until its picture of them comes
    this.views = new Map(); // of one frame of one scene: raw counts by the layers that are off
    this.viewsOf = "";
    this.clear(0);
  }

  clear(length) { this.length = length; this.frames = new Array(length); this.have = 0; }

  /** Learn the size of the pictures that will come. */
  prepare({ height, width, count }) {
    Object.assign(this, { height, width });
    this.clear(count);
  }

  /** Take a picture; false if it is older than what is shown. */
  open(p, sides) {
    if (p.version < this.version) return false;
    if (this.flipped !== null) {
      if (p.version === this.version || offKey(p.state.off) !== this.flipped) return false;
      this.flipped = null;
    }
    Object.assign(this, { height: p.height, width: p.width, wide: p.wide, scene: p.scene, state: p.state,
      full: p.counts_to_e.full_scale });
    if (p.version > this.version || p.count !== this.length) this.clear(p.count);
    this.version = p.version;
    this.put(p.frame, sides);
    return true;
  }

  /** Add a chunk of frames; false if it belongs to an older version. */
  add(version, first, count, sides) {
    if (version !== this.version || this.flipped !== null) return false;
    const size = this.height * this.width;
    for (let i = 0; i < count; i++)
      this.put(first + i, sides.map((s) => s.subarray(i * size, (i + 1) * size)));
    return true;
  }

  put(index, pair) { if (!this.frames[index]) this.have++; this.frames[index] = pair; }

  /** Keep a finished picture of a frame for some set of switched-off layers. */
  addView(scene, frame, off, view) {
    const of = `${scene} ${frame}`;
    if (of !== this.viewsOf) this.views.clear();
    this.viewsOf = of;
    this.views.set(offKey(off), view);
  }

  /**
   * Show a frame with other layers off, ahead of the kernel; false if its views are not here. The
   * other frames are forgotten, and late ones refused, until the kernel's picture of this comes.
   */
  flip(off, panels, frame) {
    const pair = SIDES.map((side) => this.views.get(offKey([...off, ...panels[side]])));
    if (`${this.scene} ${frame}` !== this.viewsOf || !pair.every(Boolean)) return false;
    this.clear(this.length);
    this.put(frame, pair);
    this.flipped = offKey(off);
    return true;
  }

  /** Other switches are asked for: a flip that waits for its picture waits for theirs now. */
  expect(off) { if (this.flipped !== null) this.flipped = offKey(off); }
}
