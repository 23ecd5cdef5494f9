// Clusters (rows) against labels (columns): the shade is the share of the cluster, the number its photos.
const ROW = 22; // CSS pixels
const TALL = 11000; // CSS pixels: more rows are lower
const SHARP = 16000; // device pixels, the height of a canvas that every browser still draws: a taller one is less sharp
const LEGIBLE = 9; // lower rows, and narrower columns, have no names of their own; pointing at them tells
const WIDE = 84; // CSS pixels of a column in which a name lies flat
const DENSE = 16; // narrower columns get small names, and no numbers
const FULL = [31, 122, 109];
const NONE = { light: [244, 245, 242], dark: [27, 30, 32] };
const SOME = { light: [230, 239, 236], dark: [33, 50, 46] }; // one photo is told from none

function name(word) {
  const element = document.createElement("span");
  element.textContent = element.title = word;
  return element;
}

class ClassMap {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.tip = root.querySelector(".tip");
    this.canvas.onmousemove = (event) => this.hover(event);
    this.canvas.onmouseleave = () => (this.tip.hidden = true);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(root.querySelector(".cells"));
  }

  show(data) {
    this.data = data;
    this.wide = data.labels.length;
    this.photos = new Map(data.places.map((place, i) => [place, data.photos[i]]));
    this.totals = data.clusters.map(() => 0);
    for (const [place, photos] of this.photos) this.totals[Math.floor(place / this.wide)] += photos;
    this.row = Math.min(ROW, Math.max(1, Math.floor(TALL / data.clusters.length)));
    const rows = this.root.querySelector(".rows");
    rows.replaceChildren(...(this.row < LEGIBLE ? [] : data.clusters.map(name)));
    rows.style.setProperty("--row", `${this.row}px`);
    this.root.querySelector(".columns").replaceChildren(...data.labels.map(name));
    this.canvas.setAttribute("aria-label", data.alt);
    this.draw();
  }

  draw() {
    const width = this.canvas.parentElement.clientWidth;
    if (!this.data || !width) return;
    const column = width / this.wide;
    const columns = this.root.querySelector(".columns");
    columns.classList.toggle("wide", column >= WIDE);
    columns.classList.toggle("dense", column < DENSE);
    columns.hidden = column < LEGIBLE;
    const height = this.row * this.totals.length;
    const dense = Math.min(window.devicePixelRatio || 1, SHARP / height);
    this.canvas.style.height = `${height}px`;
    [this.canvas.width, this.canvas.height] = [Math.round(width * dense), Math.round(height * dense)];
    const pen = this.canvas.getContext("2d");
    pen.scale(dense, dense);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    pen.fillStyle = `rgb(${NONE[this.theme].join()})`;
    pen.fillRect(0, 0, width, height);
    for (const place of this.photos.keys()) this.cell(pen, place, column);
    for (let i = 1; i <= this.wide && column > 3; i++) pen.clearRect(i * column - 1, 0, 1, height);
    for (let i = 1; i <= this.totals.length && this.row > 3; i++) pen.clearRect(0, i * this.row - 1, width, 1);
    this.root.dataset.painted = "";
  }

  get theme() {
    return this.data.dark ? "dark" : "light";
  }

  cell(pen, place, column) {
    const [row, i] = [Math.floor(place / this.wide), place % this.wide];
    const photos = this.photos.get(place);
    const share = photos / this.totals[row];
    const shade = SOME[this.theme].map((start, part) => Math.round(start + (FULL[part] - start) * share));
    pen.fillStyle = `rgb(${shade.join()})`;
    pen.fillRect(i * column, row * this.row, column, this.row);
    if (!this.data.numbers || column < DENSE) return;
    pen.fillStyle = this.data.dark || share > 0.45 ? "#fff" : "#26241f";
    pen.fillText(photos.toLocaleString("en"), (i + 0.5) * column, (row + 0.5) * this.row, column - 4);
  }

  hover(event) {
    const corner = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - corner.left, event.clientY - corner.top];
    const row = Math.min(Math.floor(y / this.row), this.totals.length - 1);
    const i = Math.min(Math.floor((x / corner.width) * this.wide), this.wide - 1);
    if (row < 0 || i < 0) return;
    const photos = this.photos.get(row * this.wide + i) ?? 0;
    const share = Math.round((100 * photos) / this.totals[row]);
    const count = `${photos.toLocaleString("en")} photo${photos === 1 ? "" : "s"}`;
    this.tip.textContent = `${this.data.clusters[row]} · ${this.data.labels[i]}: ${count}, ${share}% of the cluster`;
    this.tip.hidden = false;
    const left = x > corner.width / 2;
    this.tip.style.cssText = `top: ${y + 14}px; ${left ? `right: ${corner.width - x + 10}px` : `left: ${x + 10}px`}`;
  }
}

const known = new WeakMap(); // where it is drawn -> the table, which outlives changes of its data

export default function (component) {
  const root = component.parentElement.querySelector(".table");
  if (!known.has(root)) known.set(root, new ClassMap(root));
  const table = known.get(root);
  table.show(component.data);
  return () => {
    table.sizes.disconnect();
    known.delete(root);
  };
}
