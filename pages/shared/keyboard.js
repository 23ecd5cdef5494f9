// Keys and what is open: none acts on the page behind a dialog, popover, menu, enlarged photo or field.
// Shortcuts of buttons listen at the document, so a key is stopped on its way there; fields and overlays have seen it before.
const LAYERS = '[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]';
const FIELDS =
  'textarea, select, [contenteditable="true"], input:not([type="checkbox"], [type="radio"], [type="range"], [type="button"], [type="file"], [type="submit"])';
const STEP_MS = 50;
const FIELD_MS = 30000; // the longest that a dialog may take to draw its field
const SETTLE_MS = 1500; // so long after the page came to rest no field is filled any more
const IDLE_MS = 600; // so long after the page came to rest no field is on its way
const PRIMARY = '[data-testid="stBaseButton-primary"]';

let keys = { press: {}, opens: {} };
let acts = 0; // keys and presses of the person so far
let busy = false; // whether something was open, or a field written in, when the key now under way was pressed
let ahead = null; // while a field is on its way: what is typed already
const known = new WeakSet(); // open layers that were given the focus

function layers() {
  return [...document.querySelectorAll(LAYERS)].filter((one) => one.checkVisibility());
}

function isEnlarged() {
  const roots = [...document.querySelectorAll('[data-testid^="stBidiComponent"]')].map((one) => one.shadowRoot);
  return [document, ...roots].some((root) => root?.querySelector(":popover-open"));
}

function isField(element) {
  return element instanceof Element && element.matches(FIELDS) && !element.readOnly;
}

function isRunning() {
  const state = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
  return state !== undefined && state !== "notRunning";
}

function chordOf(event) {
  const parts = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift"];
  return [...parts.filter(Boolean), event.key.length === 1 ? event.key.toUpperCase() : event.key].join("+");
}

function buttonOf(name) {
  const button = document.querySelector(`.st-key-${name} button`);
  return button && !button.disabled && button.checkVisibility() ? button : null;
}

// --- the field of what opens

function awaitField() {
  const mine = { text: "", until: Date.now() + FIELD_MS, idle: Date.now() + IDLE_MS };
  ahead = mine;
  const look = () => {
    if (ahead !== mine) return;
    if (isRunning()) mine.idle = Date.now() + IDLE_MS;
    if (isField(document.activeElement)) return settle(write(), document.activeElement.closest(LAYERS) ?? document.body);
    if (Date.now() > Math.min(mine.until, mine.idle)) ahead = null;
    else setTimeout(look, STEP_MS);
  };
  setTimeout(look, STEP_MS);
}

/** What was typed replaces what the field holds; later keys go into it by themselves. */
function write() {
  const { text } = ahead;
  ahead = null;
  document.activeElement.select?.();
  if (text) document.execCommand("insertText", false, text); // as if typed: the field hears of it, and it can be undone
  return text === "";
}

/** Until the person does something: a field that is drawn again, or filled late, has its text selected again. */
function settle(untouched, layer) {
  const before = acts;
  let until = 0;
  const look = () => {
    const field = document.activeElement;
    if (isRunning() || !until) until = Date.now() + SETTLE_MS;
    if (!untouched || acts !== before || !layer.isConnected || Date.now() > until) return;
    if (layer.contains(field) && isField(field) && field.selectionEnd - field.selectionStart < field.value.length) field.select();
    setTimeout(look, STEP_MS);
  };
  look();
}

/** Keep what is typed before the field is there. */
function hold(event) {
  if (!ahead || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return void (ahead = null);
  if (event.key.length === 1) ahead.text += event.key;
  else if (event.key === "Backspace") ahead.text = ahead.text.slice(0, -1);
  else if (event.key !== "Enter" && event.key !== "Delete") return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** The first field of a layer gets the focus, with its text selected, as soon as it can be written in. */
function enter(layer) {
  if (known.has(layer)) return;
  known.add(layer);
  const until = Date.now() + FIELD_MS;
  const look = () => {
    if (!layer.isConnected) return;
    const field = [...layer.querySelectorAll("input, textarea")].find(
      (one) => isField(one) && !one.disabled && one.role !== "combobox" && one.checkVisibility(),
    );
    if (!field) return void (Date.now() < until && setTimeout(look, STEP_MS));
    if (!layer.querySelector("input:focus, textarea:focus")) field.focus();
    if (ahead) settle(write(), layer);
  };
  if (!ahead && layer.matches('[role="dialog"]')) awaitField();
  look();
}

/** The words of Streamlit's own dialog speak to programmers: say what the person can do. */
function explainLoss(dialog) {
  const title = dialog.querySelector("h2");
  if (title?.textContent !== "Connection error") return;
  title.textContent = "The app does not answer";
  const said = document.createElement("p");
  said.textContent =
    "Its server was stopped, or this computer is busy or was asleep. Nothing that you did is lost. If you ended the app, " +
    "start it again as you did before, for example with kec app; this page goes on by itself as soon as it answers.";
  title.nextElementSibling.replaceChildren(said);
}

function opened() {
  for (const dialog of document.querySelectorAll('section[role="dialog"]')) explainLoss(dialog);
  for (const layer of document.querySelectorAll('[role="dialog"]')) enter(layer);
}

// --- keys

/** What a dialog's or popover's main button does, once it can be pressed: the value that was typed is on its way. */
function save(layer, steps = FIELD_MS / STEP_MS) {
  if (!layer.isConnected || !steps) return;
  const button = [...layer.querySelectorAll(PRIMARY)].find((one) => !one.disabled && one.checkVisibility());
  if (button) button.click();
  else setTimeout(() => save(layer, steps - 1), STEP_MS);
}

function onLayerKey(event) {
  const field = event.composedPath()[0];
  const layer = layers().at(-1);
  const chord = chordOf(event);
  const isLine = field instanceof HTMLInputElement && isField(field) && field.role !== "combobox";
  if (!layer || event.isComposing || field.closest?.('[data-testid="stForm"]')) return;
  if (chord === "Ctrl+Enter" || (chord === "Enter" && isLine && layer.contains(field))) setTimeout(() => save(layer));
}

function onCapture(event) {
  acts++;
  busy = layers().length > 0 || isEnlarged() || isField(event.composedPath()[0]);
  hold(event);
  if (!busy && !event.defaultPrevented && (keys.opens[chordOf(event)] ?? []).some(buttonOf)) awaitField();
}

function onKey(event) {
  if (busy) {
    onLayerKey(event);
    if (event.key.length === 1 || ["Enter", "Backspace", "Delete"].includes(event.key)) event.stopPropagation();
    return;
  }
  const button = (keys.press[chordOf(event)] ?? []).map(buttonOf).find(Boolean);
  if (!button || event.defaultPrevented) return;
  event.preventDefault();
  button.click();
}

function onClick(event) {
  const names = Object.values(keys.opens).flat();
  const button = event.target.closest?.("button");
  if (button && names.some((name) => button === buttonOf(name))) awaitField();
}

window.addEventListener("keydown", onCapture, true);
window.addEventListener("click", onClick, true);
window.addEventListener("pointerdown", () => acts++, true);
window.addEventListener("kec-field", () => awaitField());
document.documentElement.addEventListener("keydown", onKey);
new MutationObserver(opened).observe(document.body, { childList: true, subtree: true });

export default function (component) {
  keys = component.data;
  document.documentElement.dataset.keyboard = "ready";
}
