// The movie in the browser: raw counts of both panels, and how counts become grey or green.

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

const COLOURS = {
  grey: ["Grey", [[0, 0, 0], [255, 255, 255]]],
  green: ["Green", [[0, 0, 0], [0, 74, 38], [18, 160, 72], [140, 226, 130], [250, 255, 240]]],
  viridis: ["Viridis", [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]],
};

/** One packed pixel per possible count, so that painting is one look-up per pixel. */
function colourTable(low, high, name, wide) {
  const stops = COLOURS[name][1];
  const table = new Uint32Array(wide ? 65536 : 256);
  const span = Math.max(high - low, 1e-9);
  for (let count = 0; count < table.length; count++) {
    const at = clamp((count - low) / span, 0, 1) * (stops.length - 1);
    const i = Math.min(Math.floor(at), stops.length - 2);
    const [r, g, b] = stops[i].map((from, k) => Math.round(from + (at - i) * (stops[i + 1][k] - from)));
    table[count] = 0xff000000 | (b << 16) | (g << 8) | r;
  }
  return table;
}

/** The range in which all but the `dark` and `bright` shares of the pair's pixels lie. */
function percentiles(pair, wide, dark, bright) {
  const histogram = new Uint32Array(wide ? 65536 : 256);
  for (const side of pair) for (let i = 0; i < side.length; i++) histogram[side[i]]++;
  const total = pair.reduce((sum, side) => sum + side.length, 0);
  const at = (share) => {
    let seen = 0;
    for (let count = 0; count < histogram.length; count++)
      if ((seen += histogram[count]) > share * total) return count;
    return histogram.length - 1;
  };
  const low = at(dark);
  return [low, Math.max(low + 1, at(1 - bright))];
}

/** Paint counts; with `other`, columns left of `split` (0 to 1) come from it: a wipe. */
function paint(canvas, table, width, height, main, other, split) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[main[i]];
  if (other) {
    const edge = Math.round(split * width);
    for (let y = 0; y < height; y++)
      for (let i = y * width, end = i + edge; i < end; i++) pixels[i] = table[other[i]];
  }
  context.putImageData(image, 0, 0);
}
