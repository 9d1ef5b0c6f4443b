// From counts to pixels: colour tables, the spread of counts, and a painter that makes nothing new.

const COLOURS = {
  grey: ["Grey", [[0, 0, 0], [255, 255, 255]]],
  green: ["Green", [[0, 0, 0], [0, 74, 38], [18, 160, 72], [140, 226, 130], [250, 255, 240]]],
  viridis: ["Viridis", [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]],
};
// Blue is less, orange more, and black is no difference: told apart by every kind of colour vision.
const DIVERGING = [[176, 219, 255], [40, 116, 196], [0, 0, 0], [200, 92, 14], [255, 214, 150]];
const OVER = [255, 92, 0], UNDER = [0, 170, 255];

const packed = ([r, g, b]) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;

function between(stops, part) {
  const at = part * (stops.length - 1), i = Math.min(Math.floor(at), stops.length - 2);
  return stops[i].map((from, k) => Math.round(from + (at - i) * (stops[i + 1][k] - from)));
}

/** The colours from dark to bright as CSS, for the strip beside the printed range. */
const gradient = (stops) => `linear-gradient(90deg, ${stops.map((c) => `rgb(${c})`).join(", ")})`;

/** One packed pixel per count from `first` on, so that painting is one look-up per pixel. */
function colourTable(stops, first, length, low, high) {
  const table = new Uint32Array(length), span = Math.max(high - low, 1e-9);
  for (let i = 0; i < length; i++)
    table[i] = packed(between(stops, clamp((first + i - low) / span, 0, 1)));
  return table;
}

/** How often each count occurs in the arrays together. */
function histogram(levels, ...arrays) {
  const seen = new Uint32Array(levels);
  for (const counts of arrays) for (let i = 0; i < counts.length; i++) seen[counts[i]]++;
  return seen;
}

/** How often each difference right − left occurs; no difference is at `levels - 1`. */
function differences(levels, [left, right]) {
  const seen = new Uint32Array(2 * levels - 1);
  for (let i = 0; i < right.length; i++) seen[right[i] - left[i] + levels - 1]++;
  return seen;
}

/** The index below which a share of all that a histogram counts lies. */
function quantile(seen, share) {
  const wanted = share * seen.reduce((sum, n) => sum + n, 0);
  let sum = 0;
  for (let i = 0; i < seen.length; i++) if ((sum += seen[i]) > wanted) return i;
  return seen.length - 1;
}

/** Paints one canvas; its memory is made once and again only when the size changes. */
class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  size(width, height) {
    const { canvas, context } = this;
    if (this.image && canvas.width === width && canvas.height === height) return;
    Object.assign(canvas, { width, height });
    this.image = context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.painted = null;
  }

  put() { this.context.putImageData(this.image, 0, 0); }

  /** Counts through a table; what is on the canvas already is not painted again. */
  plain(table, counts) {
    const { pixels, painted } = this;
    if (painted?.table === table && painted.counts === counts) return;
    this.painted = { table, counts };
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[counts[i]];
    this.put();
  }

  /** `left` in the columns before `edge`, `right` from there on. */
  wipe([before, after], [left, right], edge) {
    const { pixels } = this, { width } = this.canvas;
    this.painted = null;
    for (let from = 0; from < pixels.length; from += width) {
      const middle = from + edge, end = from + width;
      for (let i = from; i < middle; i++) pixels[i] = before[left[i]];
      for (let i = middle; i < end; i++) pixels[i] = after[right[i]];
    }
    this.put();
  }

  /** Right minus left; `table` begins at the lowest difference, `-zero`. */
  difference(table, [left, right], zero) {
    const { pixels } = this;
    this.painted = null;
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[right[i] - left[i] + zero];
    this.put();
  }
}
