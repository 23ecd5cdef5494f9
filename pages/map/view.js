// The map itself: one or two panes with the same photos, a toolbar and a legend. Python gets polygons, never points.
const TOOLS = { lasso: "Lasso", box: "Box", move: "Move" };
const WAYS = { replace: "New", add: "Add", subtract: "Take away" };
const CARD = 190;
const fetched = new Map(); // address -> places; a reload of the page fetches them again
const known = new WeakMap(); // where it is drawn -> the map, which outlives changes of its data

async function placesAt(url) {
  if (!fetched.has(url)) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`The points of the map could not be loaded (${answer.status}).`);
    fetched.set(url, new Uint16Array(await answer.arrayBuffer()));
  }
  return fetched.get(url);
}

class PhotoMap {
  constructor(root) {
    this.root = root;
    this.tool = "lasso";
    this.way = "replace";
    this.shows = { photos: true, names: true };
    this.hovered = -1;
    this.panes = [];
    this.hiddenOf = new Map();
    this.bar();
    this.card = root.querySelector(".card");
    this.legendBox = root.querySelector(".legend");
  }

  bar() {
    const bar = this.root.querySelector(".bar");
    const group = (label, words, chosen, choose) => {
      const box = make("div", "group");
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", label);
      for (const [name, word] of Object.entries(words)) {
        const button = make("button", "", word);
        button.onclick = () => choose(name);
        button.dataset.name = name;
        box.append(button);
      }
      bar.append(box);
      return box;
    };
    this.toolBox = group("What dragging does", TOOLS, this.tool, (name) => this.setTool(name));
    this.wayBox = group("What becomes of photos already picked", WAYS, this.way, (name) => this.setWay(name));
    group("View", { "+": "+", "-": "−", fit: "Fit" }, "", (name) => this.view(name));
    const shows = group("What is drawn", { photos: "Photos", names: "Names" }, "", (name) => this.show(shows, name));
    shows.querySelector("[data-name=photos]").title = "Photos instead of points when few are in view: zoom in, or hide groups";
    this.note = make("span", "note");
    bar.append(this.note);
    this.setTool(this.tool);
    this.setWay(this.way);
    for (const button of shows.children) button.ariaPressed = "true";
  }

  press(box, name) {
    for (const button of box.children) button.setAttribute("aria-pressed", String(button.dataset.name === name));
  }

  setTool(tool) {
    this.tool = tool;
    this.press(this.toolBox, tool);
    this.root.dataset.tool = tool;
  }

  setWay(way) {
    this.way = way;
    this.press(this.wayBox, way);
  }

  view(name) {
    if (name === "fit") this.panes.forEach((pane) => pane.fit());
    else this.panes.forEach((pane) => pane.zoomBy(name === "+" ? 1.4 : 1 / 1.4));
  }

  show(box, name) {
    this.shows[name] = !this.shows[name];
    box.querySelector(`[data-name=${name}]`).ariaPressed = String(this.shows[name]);
    this.redraw();
  }

  ground() {
    const style = getComputedStyle(this.root);
    this.ink = style.color;
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#fff";
    this.accent = style.getPropertyValue("--st-primary-color").trim() || "#1f7a6d";
    if (this.points.paper !== this.paper) this.shade();
    return rgb(this.paper);
  }

  /** The colours as the theme of the page shows them: only a computed style tells which shade of light-dark() that is. */
  shade() {
    const probe = make("i");
    this.root.append(probe);
    this.points.colours = this.data.palette.map((colour) => {
      probe.style.color = colour;
      return rgb(getComputedStyle(probe).color);
    });
    probe.remove();
    this.points.paper = this.paper;
  }

  /** The small photo of a row; the map is drawn again when it has come. */
  photo(row) {
    if (this.photosOf !== this.data.thumb) [this.photosOf, this.photos] = [this.data.thumb, new Map()];
    if (!this.photos.has(row)) {
      const img = new Image();
      img.onload = () => this.redraw();
      img.src = this.data.thumb.replace(/ROW(?=\.jpg$)/, row);
      this.photos.set(row, img);
    }
    return this.photos.get(row);
  }

  redraw() {
    this.panes.forEach((pane) => pane.draw());
  }

  async update(data, send) {
    this.send = send;
    this.data = data;
    const places = await Promise.all(data.panes.map((pane) => placesAt(pane.url)));
    if (this.data !== data) return; // newer data came meanwhile
    this.read(data);
    while (this.panes.length > data.panes.length) this.panes.pop().box.remove();
    while (this.panes.length < data.panes.length) this.panes.push(new Pane(this, this.root.querySelector(".panes")));
    this.note.textContent = data.note;
    this.legend(data);
    this.panes.forEach((pane, i) => pane.show(data.panes[i], places[i]));
  }

  read(data) {
    const mask = data.drawn ? bytes(data.drawn) : null;
    const same = this.points && this.drawn === data.drawn && this.points.rows.total === data.total;
    const rows = same ? this.points.rows : drawnRows(mask, data.total);
    rows.total = data.total;
    this.drawn = data.drawn;
    if (!this.hiddenOf.has(data.colouring)) this.hiddenOf.set(data.colouring, new Set());
    this.points = {
      rows,
      codes: new Uint16Array(bytes(data.codes).buffer),
      picked: data.picked ? bytes(data.picked) : null,
      hidden: this.hiddenOf.get(data.colouring),
    };
  }

  legend(data) {
    this.legendBox.replaceChildren(make("div", "head", data.heading));
    this.legendBox.hidden = false;
    if (data.scale) return this.legendBox.append(this.scale(data));
    const tools = make("div", "tools");
    for (const [word, all] of [["Show all", true], ["Hide all", false]]) {
      const button = make("button", "", word);
      button.onclick = () => {
        this.points.hidden.clear();
        if (!all) data.names.forEach((_, code) => this.points.hidden.add(code));
        this.legend(data);
        this.redraw();
      };
      tools.append(button);
    }
    this.legendBox.append(tools, ...data.order.map((code) => this.entry(data, code)));
  }

  entry(data, code) {
    const line = make("div", "entry");
    const show = make("button", "show");
    const dot = make("i");
    dot.style.background = data.palette[code];
    show.append(dot, make("span", "", data.names[code]), make("b", "", data.counts[code].toLocaleString("en")));
    show.setAttribute("aria-pressed", String(!this.points.hidden.has(code)));
    show.title = `Show or hide “${data.names[code]}”`;
    show.onclick = () => {
      if (!this.points.hidden.delete(code)) this.points.hidden.add(code);
      show.setAttribute("aria-pressed", String(!this.points.hidden.has(code)));
      this.redraw();
    };
    const pick = make("button", "pick", "Pick");
    pick.ariaLabel = pick.title = `Pick the ${data.counts[code].toLocaleString("en")} photos of “${data.names[code]}”`;
    pick.onclick = (event) => {
      const way = event.shiftKey ? "add" : event.ctrlKey || event.metaKey ? "subtract" : this.way;
      this.pick({ group: code, way });
    };
    line.append(show, pick);
    return line;
  }

  scale(data) {
    const box = make("div", "scale");
    const ramp = make("div", "ramp");
    ramp.style.background = `linear-gradient(to right, ${data.palette.slice(0, data.scale.steps).join(",")})`;
    const ends = make("div", "ends");
    ends.append(make("span", "", data.scale.low), make("span", "", data.scale.high));
    box.append(ramp, ends);
    return box;
  }

  hover(pane, found, at) {
    const changed = found !== this.hovered;
    this.hovered = found;
    if (changed) this.panes.forEach((one) => one.ready && one.drawOver());
    this.card.hidden = found < 0;
    if (found < 0) return;
    if (changed) this.fillCard(pane.rows[found], this.points.codes[found]);
    const inside = pane.box.offsetLeft + at[0];
    const right = inside + CARD + 24 < this.root.clientWidth;
    this.card.style.left = `${right ? inside + 16 : Math.max(0, inside - CARD - 16)}px`;
    this.card.style.top = `${pane.box.offsetTop + Math.max(0, Math.min(at[1] - 60, pane.box.clientHeight - CARD - 50))}px`;
  }

  fillCard(row, code) {
    const img = this.card.querySelector("img");
    img.src = this.data.thumb.replace(/ROW(?=\.jpg$)/, row);
    this.card.querySelector("div").textContent = this.data.names[code];
  }

  pick(event) {
    const hidden = [...this.points.hidden];
    this.send("picked", { ...event, hidden, colouring: this.data.colouring });
  }

  painted() {
    this.root.dataset.points = String(this.points.rows.length);
    this.root.dataset.painted = String(performance.now());
  }

  leave() {
    this.panes.forEach((pane) => pane.sizes.disconnect());
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".map");
  if (!known.has(root)) known.set(root, new PhotoMap(root));
  const map = known.get(root);
  map.update(data, setTriggerValue).catch((error) => {
    root.querySelector(".note").textContent = error.message;
  });
  return () => {
    map.leave();
    known.delete(root);
    root.querySelector(".panes").replaceChildren();
    root.querySelector(".bar").replaceChildren();
  };
}
