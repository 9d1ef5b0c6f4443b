// The movie in the browser: raw counts of both panels, as far as they have arrived.

/** Look at a message's bytes as counts; they may start anywhere in their buffer. */
function counts(data, wide) {
  const { buffer, byteOffset, byteLength } = data;
  if (!wide) return new Uint8Array(buffer, byteOffset, byteLength);
  if (byteOffset % 2) return new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** Frames of the two panels as far as they have arrived; older versions are never shown. */
class Movie {
  constructor() { this.version = -1; this.clear(0); }

  clear(length) { this.length = length; this.frames = new Array(length); this.have = 0; }

  /** Start a new version with its first picture; false if it is older than what is shown. */
  open(p) {
    if (p.version < this.version) return false;
    Object.assign(this, { height: p.height, width: p.width, wide: p.wide });
    if (p.version > this.version || p.count !== this.length) this.clear(p.count);
    this.version = p.version;
    this.put(p.frame, [counts(p.left, p.wide), counts(p.right, p.wide)]);
    return true;
  }

  /** Add a chunk of frames; false if it belongs to an older version. */
  add(version, first, count, buffers) {
    if (version !== this.version) return false;
    const size = this.height * this.width;
    const sides = buffers.map((b) => counts(b, this.wide));
    for (let i = 0; i < count; i++)
      this.put(first + i, sides.map((s) => s.subarray(i * size, (i + 1) * size)));
    return true;
  }

  put(index, pair) { if (!this.frames[index]) this.have++; this.frames[index] = pair; }
}
