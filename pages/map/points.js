// Points of the map: decoding, drawing into pixels, finding the nearest one. Places are whole numbers 0..65535.
const FULL = 65535;
const CELLS = 256; // per side of the grid that finds the point under the mouse
const STRIDE = 7919; // draws points in a mixed order, so that no group lies on top of all others
const FAINT = 0.16; // how much of a photo that is not picked shows while others are

function bytes(base64) {
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

const bit = (mask, i) => (mask[i >> 3] >> (7 - (i & 7))) & 1;

/** The rows that are drawn, in order: all, or those whose bit is set. */
function drawnRows(mask, total) {
  const rows = [];
  for (let row = 0; row < total; row++) if (!mask || bit(mask, row)) rows.push(row);
  return Uint32Array.from(rows);
}

/** The middle of the drawn points, and how wide and high they lie; never nothing. */
function extentOf(places, rows) {
  const low = [FULL, FULL];
  const high = [0, 0];
  for (const row of rows) {
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], places[2 * row + axis]);
      high[axis] = Math.max(high[axis], places[2 * row + axis]);
    }
  }
  return {
    centre: [0, 1].map((axis) => (low[axis] + high[axis]) / 2),
    size: [0, 1].map((axis) => Math.max(high[axis] - low[axis], FULL / 1000)),
  };
}

/** Which drawn points lie in which cell of a grid over the whole map: a counting sort. */
function gridOf(places, rows) {
  const starts = new Uint32Array(CELLS * CELLS + 1);
  const cells = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    cells[i] = (places[2 * rows[i] + 1] >> 8) * CELLS + (places[2 * rows[i]] >> 8);
    starts[cells[i] + 1]++;
  }
  for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const points = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) points[next[cells[i]]++] = i;
  return { starts, points };
}

/** The drawn point nearest to a place, at most `reach` away, or -1; `shows(i)` says which ones count. */
function nearest(grid, places, rows, x, y, reach, shows) {
  const cell = (v) => Math.max(0, Math.min(CELLS - 1, v >> 8));
  let best = -1;
  let least = reach * reach;
  for (let cy = cell(y - reach); cy <= cell(y + reach); cy++) {
    for (let k = grid.starts[cy * CELLS + cell(x - reach)]; k < grid.starts[cy * CELLS + cell(x + reach) + 1]; k++) {
      const i = grid.points[k];
      const dx = places[2 * rows[i]] - x;
      const dy = places[2 * rows[i] + 1] - y;
      const far = dx * dx + dy * dy;
      if (far < least && shows(i)) {
        least = far;
        best = i;
      }
    }
  }
  return best;
}

/** Offsets and coverage of the pixels of a disc with soft edges. */
function discOf(radius) {
  const found = [];
  const reach = Math.ceil(radius + 0.5);
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const cover = Math.min(1, radius + 0.5 - Math.hypot(dx, dy));
      if (cover > 0) found.push([dx, dy, cover]);
    }
  }
  return found;
}

const colourProbe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any CSS colour as [red, green, blue]. */
function rgb(colour) {
  colourProbe.fillStyle = "#888";
  colourProbe.fillStyle = colour;
  colourProbe.fillRect(0, 0, 1, 1);
  return [...colourProbe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** How large a point is, in CSS pixels: smaller when there are many, larger when one has zoomed in. */
function radiusOf(count, zoom) {
  const base = count > 20000 ? 1.2 : count > 5000 ? 1.7 : count > 1500 ? 2.4 : 3.6;
  return Math.min(7, base * Math.min(2.6, Math.sqrt(zoom)));
}

/** Draw all points into a canvas; `view` maps places to pixels: pixel = place * view.scale + view.x (or view.y). */
function paint(context, view, places, points, background) {
  const { width, height } = context.canvas;
  if (!width || !height) return; // not laid out yet, or no more
  const image = context.createImageData(width, height);
  const ground = new Uint32Array(image.data.buffer);
  ground.fill((255 << 24) | (background[2] << 16) | (background[1] << 8) | background[0]);
  const disc = discOf(view.radius);
  const stride = points.rows.length % STRIDE ? STRIDE : 1;
  const passes = points.picked ? [0, 1] : [1];
  for (const pass of passes) {
    const strength = points.picked && !pass ? FAINT : 0.88;
    for (let k = 0, i = 0; k < points.rows.length; k++, i = (i + stride) % points.rows.length) {
      if (points.hidden.has(points.codes[i]) || (points.picked && bit(points.picked, i) !== pass)) continue;
      const x = Math.round(places[2 * points.rows[i]] * view.scale + view.x);
      const y = Math.round(places[2 * points.rows[i] + 1] * view.scale + view.y);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      blend(image.data, width, height, x, y, disc, points.colours[points.codes[i]], strength);
    }
  }
  context.putImageData(image, 0, 0);
}

function blend(data, width, height, x, y, disc, colour, strength) {
  for (const [dx, dy, cover] of disc) {
    const px = x + dx;
    const py = y + dy;
    if (px < 0 || py < 0 || px >= width || py >= height) continue;
    const at = 4 * (py * width + px);
    const part = cover * strength;
    data[at] += (colour[0] - data[at]) * part;
    data[at + 1] += (colour[1] - data[at + 1]) * part;
    data[at + 2] += (colour[2] - data[at + 2]) * part;
  }
}

/** Fewer corners for a hand-drawn line: only those some pixels apart. */
function thinned(line, apart) {
  const kept = [line[0]];
  for (const [x, y] of line) {
    const [lastX, lastY] = kept[kept.length - 1];
    if (Math.hypot(x - lastX, y - lastY) >= apart) kept.push([x, y]);
  }
  return kept;
}
