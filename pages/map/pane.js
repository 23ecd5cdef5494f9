// One pane: a map with its own zoom, the names on it, and what the mouse and the keys do there.
const REACH = 12; // CSS pixels around the mouse in which a photo is found
const APART = 3; // CSS pixels between two corners of a lasso
const MOST_LABELS = 60;
const MOST_PHOTOS = 300; // in view; more are drawn as points
const SIDES = [26, 84]; // CSS pixels of a photo on the map
const NAME_LINE = 18; // CSS pixels from one name to the next below it
const NAME_LINES = [0, -1, 1, -2, 2]; // where a name goes when others lie on its group, in lines from the middle
const NAME_GAP = 6; // CSS pixels left free at both ends of a name
const LONGEST_NAME = 36;
const MARGIN = 40; // CSS pixels left free around the photos

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

const shortened = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

class Pane {
  constructor(map, place) {
    this.map = map;
    this.zoom = 1;
    this.centre = [FULL / 2, FULL / 2];
    this.box = make("div", "pane");
    this.title = make("div", "title");
    this.under = make("canvas");
    this.over = make("canvas", "over");
    this.over.tabIndex = 0;
    this.box.append(this.title, this.under, this.over);
    place.append(this.box);
    this.listen();
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.box);
  }

  get ready() {
    return this.places && this.map.points && this.box.clientWidth > 0;
  }

  show(pane, places) {
    this.anchors = pane.anchors;
    this.title.textContent = pane.title;
    this.over.setAttribute("aria-label", `${pane.title}. ${this.map.data.help}`);
    this.over.setAttribute("role", "img");
    if (this.places !== places || this.rows !== this.map.points.rows) {
      this.places = places;
      this.rows = this.map.points.rows;
      this.grid = gridOf(places, this.rows);
      this.extent = extentOf(places, this.rows);
      if (!this.seen) this.centre = this.extent.centre;
      this.seen = true;
    }
    this.draw();
  }

  /** CSS pixels per unit of the map, and where its corner lies. */
  frame() {
    const { clientWidth: width, clientHeight: height } = this.box;
    const [wide, high] = this.extent.size;
    const scale = Math.min((width - 2 * MARGIN) / wide, (height - 2 * MARGIN) / high) * this.zoom;
    return { scale, x: width / 2 - this.centre[0] * scale, y: height / 2 - this.centre[1] * scale };
  }

  placeOf(event) {
    const corner = this.over.getBoundingClientRect();
    return [event.clientX - corner.left, event.clientY - corner.top];
  }

  onMap([x, y]) {
    const { scale, x: left, y: top } = this.frame();
    return [(x - left) / scale, (y - top) / scale];
  }

  draw() {
    if (!this.ready || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      const dense = window.devicePixelRatio || 1;
      for (const canvas of [this.under, this.over]) {
        const size = [Math.round(this.box.clientWidth * dense), Math.round(this.box.clientHeight * dense)];
        if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
      }
      const { scale, x, y } = this.frame();
      const radius = radiusOf(this.rows.length, this.zoom) * dense;
      const view = { scale: scale * dense, x: x * dense, y: y * dense, radius };
      const context = this.under.getContext("2d");
      paint(context, view, this.places, this.map.points, this.map.ground());
      this.drawPhotos(context, view);
      this.drawOver();
      this.map.painted();
    });
  }

  /** Photos instead of points, when so few are in view that they can be told apart. */
  drawPhotos(context, { scale, x, y }) {
    const { hidden, codes, picked, colours } = this.map.points;
    const { width, height } = context.canvas;
    const seen = [];
    for (let i = 0; i < this.rows.length && seen.length <= MOST_PHOTOS; i++) {
      const at = [this.places[2 * this.rows[i]] * scale + x, this.places[2 * this.rows[i] + 1] * scale + y];
      if (at[0] >= 0 && at[1] >= 0 && at[0] < width && at[1] < height && !hidden.has(codes[i])) seen.push([i, at]);
    }
    const few = this.map.shows.photos && seen.length <= MOST_PHOTOS ? seen : [];
    this.box.dataset.photos = String(few.length);
    if (!few.length) return;
    const dense = window.devicePixelRatio || 1;
    const side = dense * Math.max(SIDES[0], Math.min(SIDES[1], 0.6 * Math.sqrt((width * height) / few.length) / dense));
    const images = few.map(([i]) => this.map.photo(this.rows[i]));
    this.box.dataset.coming = String(images.filter((img) => !img.naturalWidth).length);
    few.forEach(([i, at], k) => images[k].naturalWidth || this.drawFrame(context, at, side, colours[codes[i]]));
    for (const [k, [i, at]] of few.entries()) {
      const img = images[k];
      if (!img.naturalWidth) continue;
      const part = side / Math.max(img.naturalWidth, img.naturalHeight);
      const size = [img.naturalWidth * part, img.naturalHeight * part];
      const corner = [at[0] - size[0] / 2, at[1] - size[1] / 2];
      context.globalAlpha = picked && !bit(picked, i) ? 2 * FAINT : 1;
      context.drawImage(img, ...corner, ...size);
      context.strokeStyle = `rgb(${colours[codes[i]].join()})`;
      context.lineWidth = 2 * dense;
      context.strokeRect(...corner, ...size);
    }
    context.globalAlpha = 1;
  }

  /** Where a photo will be that has not come yet: it covers the point, so that photos do not replace points one by one. */
  drawFrame(context, at, side, colour) {
    const corner = [at[0] - side / 2, at[1] - side / 2];
    context.globalAlpha = 1;
    context.fillStyle = this.map.paper;
    context.fillRect(...corner, side, side);
    context.globalAlpha = FAINT;
    context.fillStyle = `rgb(${colour.join()})`;
    context.fillRect(...corner, side, side);
    context.globalAlpha = 1;
  }

  drawOver() {
    const dense = window.devicePixelRatio || 1;
    const context = this.over.getContext("2d");
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, this.over.width, this.over.height);
    if (this.map.shows.names) this.drawNames(context);
    const at = this.map.hovered;
    if (at >= 0) {
      const { scale, x, y } = this.frame();
      const row = this.rows[at];
      context.strokeStyle = this.map.ink;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(this.places[2 * row] * scale + x, this.places[2 * row + 1] * scale + y, 8, 0, 7);
      context.stroke();
    }
    if (this.line) this.drawLine(context);
  }

  drawNames(context) {
    context.font = `600 12.5px ${getComputedStyle(this.box).fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const names = this.placeNames(context);
    this.box.dataset.names = JSON.stringify(names);
    context.strokeStyle = this.map.paper;
    context.lineWidth = 4;
    context.fillStyle = this.map.ink;
    for (const { name, x, y } of names) {
      context.strokeText(name, x, y);
      context.fillText(name, x, y);
    }
  }

  /** Which names are written, and where their middles are: no two touch, the names of larger groups go first. */
  placeNames(context) {
    const { scale, x: left, y: top } = this.frame();
    const { clientWidth: width, clientHeight: height } = this.box;
    const placed = [];
    for (const [code, px, py] of this.anchors) {
      if (placed.length >= MOST_LABELS) break;
      if (this.map.points.hidden.has(code)) continue;
      const name = shortened(this.map.data.names[code]);
      const half = context.measureText(name).width / 2 + NAME_GAP;
      const x = px * scale + left;
      if (x - half < 0 || x + half > width) continue;
      const isFree = (y) =>
        y > 34 && y < height - 8 && placed.every((one) => Math.abs(one.x - x) >= one.half + half || Math.abs(one.y - y) >= NAME_LINE);
      const y = NAME_LINES.map((lines) => py * scale + top + lines * NAME_LINE).find(isFree);
      if (y !== undefined) placed.push({ name, x, y, half });
    }
    return placed;
  }

  drawLine(context) {
    context.strokeStyle = this.map.accent;
    context.lineWidth = 2;
    context.beginPath();
    this.line.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.stroke();
    context.globalAlpha = 0.12;
    context.fillStyle = this.map.accent;
    context.fill();
    context.globalAlpha = 1;
  }

  listen() {
    const { over } = this;
    over.onpointerdown = (event) => this.press(event);
    over.onpointermove = (event) => this.drag(event);
    over.onpointerup = (event) => this.release(event);
    over.onpointercancel = () => this.stop();
    over.onpointerleave = () => this.pressed || this.map.hover(this, -1);
    over.oncontextmenu = (event) => event.preventDefault();
    over.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    over.onkeydown = (event) => this.key(event);
  }

  press(event) {
    this.over.focus({ preventScroll: true });
    this.over.setPointerCapture(event.pointerId);
    const at = this.placeOf(event);
    const moves = this.map.tool === "move" || event.button > 0;
    this.pressed = { at, last: at, kind: moves ? "move" : this.map.tool, far: 0 };
  }

  drag(event) {
    const at = this.placeOf(event);
    const pressed = this.pressed;
    if (!pressed) return this.map.hover(this, this.find(at), at);
    pressed.far = Math.max(pressed.far, Math.hypot(at[0] - pressed.at[0], at[1] - pressed.at[1]));
    if (pressed.kind === "move") {
      const { scale } = this.frame();
      this.centre = this.centre.map((c, i) => c - (at[i] - pressed.last[i]) / scale);
      this.draw();
    } else if (pressed.far > APART) {
      this.map.hover(this, -1);
      if (pressed.kind === "lasso") this.line = [...(this.line || [pressed.at]), at];
      else this.line = [pressed.at, [at[0], pressed.at[1]], at, [pressed.at[0], at[1]]];
      this.drawOver();
    }
    pressed.last = at;
  }

  release(event) {
    const { pressed, line } = this;
    this.stop();
    if (!pressed) return;
    const way = event.shiftKey ? "add" : event.ctrlKey || event.metaKey ? "subtract" : this.map.way;
    if (line && line.length > 2) {
      const shape = thinned(line, APART).map((at) => this.onMap(at).map(Math.round));
      this.map.pick({ pane: this.map.panes.indexOf(this), shape, way });
    } else if (pressed.far <= APART && event.button === 0) {
      const found = this.find(pressed.at);
      if (found >= 0) this.map.pick({ row: this.rows[found], way });
    }
  }

  stop() {
    this.pressed = null;
    this.line = null;
    if (this.ready) this.drawOver();
  }

  find(at) {
    if (!this.ready) return -1;
    const { hidden, codes } = this.map.points;
    const [x, y] = this.onMap(at);
    return nearest(this.grid, this.places, this.rows, x, y, REACH / this.frame().scale, (i) => !hidden.has(codes[i]));
  }

  wheel(event) {
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY * 0.0015), this.placeOf(event));
  }

  zoomBy(factor, at = [this.box.clientWidth / 2, this.box.clientHeight / 2]) {
    const before = this.onMap(at);
    this.zoom = Math.max(0.8, Math.min(400, this.zoom * factor));
    const after = this.onMap(at);
    this.centre = this.centre.map((c, i) => c + before[i] - after[i]);
    this.draw();
  }

  fit() {
    this.zoom = 1;
    this.centre = this.extent.centre;
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60 / this.frame().scale;
    const shift = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    const deed = {
      "+": () => this.zoomBy(1.4),
      "-": () => this.zoomBy(1 / 1.4),
      0: () => this.fit(),
      l: () => this.map.setTool("lasso"),
      b: () => this.map.setTool("box"),
      m: () => this.map.setTool("move"),
      a: () => this.map.setWay(this.map.way === "add" ? "replace" : "add"),
      s: () => this.map.setWay(this.map.way === "subtract" ? "replace" : "subtract"),
      Escape: () => (this.line ? this.stop() : this.map.pick({ clear: true })),
    }[event.key];
    if (!shift && !deed) return;
    event.preventDefault();
    event.stopPropagation();
    if (deed) return deed();
    this.centre = this.centre.map((c, i) => c + shift[i]);
    this.draw();
  }
}
