// A grid of photos to pick from: click picks, Shift+click picks a range, the corner shows the photo large. Photos can
// be dragged onto the buttons that move photos to a group, wherever on the page these are. A stack of near-copies is one
// tile with their number, which opens it (O), as the sign on the first of an open one closes it. One slider sets the size
// of the photos in all galleries; the browser remembers it.
const WAIT_MS = 250;
const TARGET = '[class*="st-key-group_move_"]';
const SIZE = "kec-photo-size"; // under which the browser remembers the size
const USUAL_SIZE = 92; // CSS pixels
const ARROWS = { ArrowLeft: -1, ArrowRight: 1 };
const LINES = { ArrowUp: -1, ArrowDown: 1 };
const NOWHERE = 'body, [data-testid="stMain"]'; // what has the focus when nothing has it
const STEP_MS = 100;
const STEPS = 100;
let reached = null; // with keys: the wall, and which photo of it; an edit draws or hides the wall anew, and the focus would be lost
let stepping = 0;
const DRAWN_MS = 10000; // the longest that keys and buttons wait for a page that shows what was picked
let changed = null; // the grid in which photos were picked that the page does not show yet

/** Until the page shows what is picked here, what is done with it waits (keyboard.js): else it would leave out the latest. */
function begin(grid) {
  changed = grid;
  document.documentElement.dataset.kecPicking = Date.now() + DRAWN_MS;
}

function end(grid) {
  if (changed === grid) delete document.documentElement.dataset.kecPicking;
}

document.addEventListener("pointerdown", () => (reached = null), true);

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** What a screen reader calls it; of a stack some photos may be picked and others not. */
function pressed(photo) {
  return photo.partly ? "mixed" : String(photo.picked);
}

/** The button that opens a closed stack, or closes an open one; null where there is none. */
function opener(photo, isFirst) {
  const isClosed = photo.count > 1;
  if (!isClosed && !isFirst) return null;
  const button = make("button", "stack", isClosed ? String(photo.count) : "✕");
  button.title = button.ariaLabel = isClosed ? `Show all ${photo.count} near-copies (O)` : `Stack these ${photo.of} near-copies (O)`;
  return button;
}

function tile(photo, index, look, isFirst) {
  const box = make("div", "tile");
  const pick = make("div", "pick"); // no button: Firefox drags none
  pick.role = "button";
  pick.tabIndex = 0;
  pick.draggable = true;
  pick.dataset.index = index;
  pick.setAttribute("aria-pressed", pressed(photo));
  pick.title = photo.count > 1 ? `${photo.alt} and ${photo.count - 1} near-copies` : photo.alt;
  if (photo.stack) box.classList.add(photo.count > 1 ? "stacked" : "opened");
  if (photo.src) {
    const img = document.createElement("img");
    img.loading = "lazy";
    img.draggable = false;
    img.src = photo.src;
    img.alt = photo.alt;
    pick.append(img);
  } else {
    pick.textContent = "no preview";
  }
  box.append(pick);
  if (photo.large) {
    const zoom = make("button", "zoom", "⤢");
    zoom.title = zoom.ariaLabel = `Show ${photo.alt} large`;
    zoom.onclick = () => look(index);
    box.append(zoom);
  }
  const open = opener(photo, isFirst);
  if (open) box.append(open);
  return box;
}

/** The enlarged photo; arrows lead to the next and the previous one. */
function album(large, photos, findLike) {
  let at = 0;
  const look = (index) => {
    at = index;
    const img = large.querySelector("img");
    img.src = photos[at].large;
    img.alt = photos[at].alt;
    large.querySelector("p").textContent = photos[at].alt;
    if (!large.matches(":popover-open")) large.showPopover();
    large.focus();
  };
  const step = (by) => {
    for (let next = at + by; next >= 0 && next < photos.length; next += by) if (photos[next].large) return look(next);
  };
  const [back, forth, like] = large.querySelectorAll("button");
  back.onclick = () => step(-1);
  forth.onclick = () => step(1);
  like.onclick = () => {
    large.hidePopover();
    findLike(at);
  };
  large.onkeydown = (event) => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    step(ARROWS[event.key]);
  };
  return look;
}

/** All photos are one stop for Tab, at the one that was reached last: arrows lead on, Home and End to the ends. */
function walk(grid, tiles) {
  const now = grid.kec;
  const reach = (at) => {
    now.at = Math.min(at, tiles.length - 1);
    tiles.forEach((tile, i) => tile.querySelectorAll(".pick, button").forEach((one) => (one.tabIndex = i === now.at ? 0 : -1)));
    return tiles[now.at];
  };
  now.reach = (tile) => {
    reach(tiles.indexOf(tile));
    reached = { label: grid.ariaLabel, at: now.at };
  };
  now.walk = (key) => {
    const line = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
    const to = { Home: 0, End: tiles.length - 1 }[key] ?? now.at + (ARROWS[key] ?? LINES[key] * line);
    if (tiles[to]) reach(to).querySelector(".pick").focus();
    return !Number.isNaN(to);
  };
  reach(reached?.label === grid.ariaLabel ? reached.at : 0);
}

/** For a while after the page was drawn: where nothing has the focus any more, the photo that was reached gets it back. */
function goOn(grid, steps = STEPS) {
  if (reached?.label !== grid.ariaLabel || !grid.isConnected) return;
  clearTimeout(stepping);
  const isLost = (document.activeElement ?? document.body).matches(NOWHERE) && !document.querySelector('[role="dialog"]');
  if (isLost) grid.querySelector('.pick[tabindex="0"]')?.focus();
  if (steps) stepping = setTimeout(() => goOn(grid, steps - 1), STEP_MS);
}

/** While photos are dragged: what they would be dropped on is marked, and a drop is told. */
function drag(event, photos, count, drop) {
  const targetOf = (one) => one.target.closest?.(TARGET);
  const mark = (target) => {
    document.querySelectorAll(".kec-drop").forEach((one) => one !== target && one.classList.remove("kec-drop"));
    target?.classList.add("kec-drop");
  };
  const over = (one) => {
    mark(targetOf(one));
    if (targetOf(one)) one.preventDefault();
  };
  const dropped = (one) => {
    const target = targetOf(one);
    if (!target) return;
    one.preventDefault();
    drop({ photos, group: Number(/st-key-group_move_(\d+)/.exec(target.className)[1]) });
  };
  const end = () => {
    mark(null);
    delete document.documentElement.dataset.dragged;
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
  };
  const listeners = { dragover: over, drop: dropped, dragend: end };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  document.documentElement.dataset.dragged = String(count);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", `${count} photos`);
  if (count > 1) {
    const badge = document.body.appendChild(make("div", "kec-dragged", `${count} photos`));
    event.dataTransfer.setDragImage(badge, -12, -12);
    setTimeout(() => badge.remove());
  }
}

/** All galleries read their size from the document. */
function resize(pixels) {
  document.documentElement.style.setProperty("--kec-photo", `${pixels}px`);
}

function listenToSize(slider) {
  slider.value = localStorage.getItem(SIZE) ?? USUAL_SIZE;
  resize(slider.value);
  slider.oninput = () => resize(slider.value);
  slider.onchange = () => localStorage.setItem(SIZE, slider.value);
}

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component;
  const grid = parentElement.querySelector(".grid");
  const look = album(parentElement.querySelector(".large"), data.photos, (at) => setTriggerValue("like", at));
  const isFirst = (i) => data.photos[i].stack !== "" && data.photos[i].stack !== data.photos[i - 1]?.stack;
  grid.setAttribute("aria-label", data.label);
  const slider = parentElement.querySelector(".size");
  slider.classList.toggle("raised", data.raised);
  listenToSize(slider);
  const shown = data.photos.map((photo) => photo.src + photo.alt + photo.count + photo.stack).join();
  // Every rerun of the page comes through here: the same photos keep their tiles, the start of a range and clicks under way.
  if (!grid.kec) grid.addEventListener("focusin", (event) => grid.kec.reach(event.target.closest(".tile")));
  if (grid.kec?.shown !== shown) {
    clearTimeout(grid.kec?.timer);
    end(grid);
    grid.kec = { shown, last: null, timer: 0, at: 0, sent: null, until: 0 };
    grid.replaceChildren(...data.photos.map((photo, i) => tile(photo, i, (index) => grid.kec.look(index), isFirst(i))));
    walk(grid, [...grid.children]);
  }
  goOn(grid);
  const now = grid.kec;
  now.look = look;
  const buttons = [...grid.querySelectorAll(".pick")];
  const known = String(data.photos.flatMap((photo, i) => (pressed(photo) === "true" ? i : [])));
  const isAnswered = now.sent === known || Date.now() > now.until; // else this run began before the latest pick
  const show = () => {
    buttons.forEach((button, i) => (button.ariaPressed = pressed(data.photos[i])));
    end(grid);
  };
  if (!now.timer && isAnswered) {
    now.until = 0;
    show();
  }
  const picked = () => buttons.filter((b) => b.ariaPressed === "true").map((b) => Number(b.dataset.index));
  now.send = () => {
    now.timer = 0;
    if (!grid.isConnected) return;
    if (!now.until && String(picked()) === known) return show(); // as after a double click: no run would answer
    [now.sent, now.until] = [String(picked()), Date.now() + DRAWN_MS];
    setStateValue("picked", picked());
  };
  const toggle = (button, isRange) => {
    const here = Number(button.dataset.index);
    const on = button.ariaPressed !== "true";
    const from = isRange && now.last !== null ? now.last : here;
    for (let i = Math.min(from, here); i <= Math.max(from, here); i++) buttons[i].ariaPressed = String(on);
    now.last = here;
    begin(grid);
    clearTimeout(now.timer);
    now.timer = setTimeout(() => now.send(), WAIT_MS);
  };
  const open = (box) => setTriggerValue("opened", Number(box.querySelector(".pick").dataset.index));
  grid.onclick = (event) => {
    if (event.target.closest(".stack")) return open(event.target.closest(".tile"));
    const button = event.target.closest(".pick");
    if (button) toggle(button, event.shiftKey);
  };
  grid.onkeydown = (event) => {
    if (event.key.toLowerCase() === "o" && event.target.closest(".stacked, .opened")) return open(event.target.closest(".tile"));
    const isPlain = !event.altKey && !event.ctrlKey && !event.metaKey; // Alt and an arrow is the browser's way back
    if (isPlain && grid.kec.walk(event.key)) return event.preventDefault();
    if (event.key !== "Enter" && event.key !== " ") return;
    const button = event.target.closest(".pick");
    if (!button) return;
    event.preventDefault();
    toggle(button, event.shiftKey);
  };
  grid.ondragstart = (event) => {
    const button = event.target.closest(".pick");
    if (!button) return;
    const photos = button.ariaPressed === "true" ? picked() : [Number(button.dataset.index)];
    const count = photos.reduce((sum, i) => sum + data.photos[i].count, 0);
    drag(event, photos, count, (dropped) => setTriggerValue("dropped", dropped));
  };
  return () => end(grid);
}
