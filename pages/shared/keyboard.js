// Keys and what is open: none acts on the page behind a dialog, popover, menu, enlarged photo or field.
// A key that comes too early waits: while a dialog is closing, or until the button it presses is drawn anew.
// Streamlit listens for shortcuts at the document: a key is stopped on its way there; fields and overlays have seen it before.
// A button that the pointer went down on is pressed, also where the page moved before it came up; where the page is being
// drawn anew it is pressed as soon as it is drawn: what it does is bound to what was picked or ticked.
const LAYERS = '[role="dialog"], [role="alertdialog"]:not(.stToast), [role="menu"], [role="listbox"]'; // a toast holds up nobody
const FIELDS =
  'textarea, select, [contenteditable="true"], input:not([type="checkbox"], [type="radio"], [type="range"], [type="button"], [type="file"], [type="submit"])';
const STEP_MS = 50;
const FIELD_MS = 30000; // the longest that a dialog may take to draw its field, or the next waiting key to act
const SETTLE_MS = 1500; // so long after the page came to rest no field is filled any more
const IDLE_MS = 600; // so long after the page came to rest no field or button is on its way
const ASKED_MS = 10000; // the longest that a run may take to begin after a button was pressed
const SKELETON = '[data-testid="stSkeleton"]';
const STILL_PX = 4; // a pointer that moves further takes the press back
const PRIMARY = '[data-testid="stBaseButton-primary"]';

let keys = { press: {}, opens: {}, fields: {} };
let busy = false; // whether something was open, or a field written in, when the key now under way was pressed
let unread = false; // whether that key went into a list that was changed and not looked at since
let ahead = null; // while a field is on its way: what is typed already
let arrived = null; // while the person has done nothing since a field came: the layer it lies in
let waiting = []; // keys that could not act yet, in order
let acted = 0; // when the last of them acted
let asked = 0; // until then the run of a pressed button may not have begun
let askedIn; // the run that had drawn the page when it was pressed
let askedFor; // its widget key
let drawn = Date.now(); // when the page was last seen being drawn
let held = null; // the button that the pointer went down on, until it was clicked
const leaving = new WeakSet(); // open layers that the person has dismissed
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

/** Which run draws the page. */
function runNow() {
  return document.querySelector("[data-kec-run]")?.dataset.kecRun;
}

/** Whether the run of a pressed button may not have begun; where one run follows another at once the script's state stays as it was. */
function isAsked() {
  if (asked && runNow() !== askedIn) asked = 0;
  return Date.now() < asked;
}

/** Whether photos were picked that the page does not show yet (photo_picker.js): its buttons would leave them out. */
function isPicking() {
  return Date.now() < Number(document.documentElement.dataset.kecPicking ?? 0);
}

/** Whether the script runs, or will at once, or the code that draws a widget is still on its way. */
function isDrawing() {
  const state = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
  return isAsked() || isPicking() || (state !== undefined && state !== "notRunning") || document.querySelector(SKELETON) !== null;
}

function isAtRest() {
  if (isDrawing()) drawn = Date.now();
  return Date.now() > drawn + IDLE_MS;
}

/** Whether the present run has drawn it: else what it does may belong to what was shown before. */
function isFresh(element) {
  return !isAsked() && !isPicking() && !element.closest('[data-stale="true"]') && element.checkVisibility();
}

function chordOf(event) {
  const isLatin = /^[ -~]+$/.test(event.key);
  const isSign = /^[!-@[-`{-~]$/.test(event.key); // which signs need Shift depends on the keyboard
  const parts = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && !isSign && "Shift"];
  const name = isLatin ? event.key : event.code.replace(/^(Key|Digit)/, ""); // on other keyboards: the key at the same place
  return [...parts.filter(Boolean), name.length === 1 ? name.toUpperCase() : name].join("+");
}

function buttonOf(name) {
  const button = document.querySelector(`.st-key-${name} button`);
  return button && !button.disabled && button.checkVisibility() ? button : null;
}

/** The widget key of a button; undefined for those that have none of their own. */
function nameOf(button) {
  const place = button?.closest(".stButton, .stDownloadButton")?.closest('.stElementContainer[class*="st-key-"]');
  return place?.className.match(/st-key-([\w-]+)/)[1];
}

/** The buttons that show this shortcut. */
function shortcutsOf(chord) {
  const shown = [...document.querySelectorAll('button [aria-label^="Shortcut "]')].filter(
    (one) => one.ariaLabel.slice(9).replaceAll(" + ", "+").replace("⌘", "Ctrl").replace("⌥", "Alt") === chord,
  );
  return shown.map((one) => one.closest("button"));
}

// --- the field of what opens

/** Write in a field that is on its way: the one with this label, or the first one of what opens. */
function awaitField(label = "") {
  const mine = { text: "", layer: null, calm: 0, until: Date.now() + FIELD_MS, idle: Date.now() + IDLE_MS };
  ahead = mine;
  const look = () => {
    if (!isAwaited() || ahead !== mine) return;
    if (isDrawing()) Object.assign(mine, { idle: Date.now() + IDLE_MS, last: false });
    if (label) fieldOf(label)?.focus();
    const field = document.activeElement;
    const isHere = isField(field) && (!label || field.ariaLabel === label);
    // A field is drawn empty and filled a moment later: what is typed in between would be lost.
    if (isHere && (field.value || mine.calm > 1)) return void (write() && settle(field.closest(LAYERS) ?? document.body));
    if (isHere && !isDrawing()) return void whenIdle(() => look(++mine.calm));
    mine.calm = 0;
    if (Date.now() > mine.until || mine.last) ahead = null;
    else if (Date.now() < mine.idle) setTimeout(look, STEP_MS);
    else whenIdle(() => look((mine.last = true)));
  };
  if (label) look();
  else setTimeout(look, STEP_MS);
}

/** When the browser has drawn all that it was given. */
function whenIdle(then) {
  if (window.requestIdleCallback) requestIdleCallback(then);
  else setTimeout(then, IDLE_MS);
}

/** Whether a field is on its way: none comes any more with a layer that was dismissed. */
function isAwaited() {
  if (ahead?.layer && (!ahead.layer.isConnected || leaving.has(ahead.layer))) ahead = null;
  return ahead !== null;
}

function fieldsOf(layer) {
  return [...layer.querySelectorAll("input, textarea")];
}

function fieldOf(label) {
  return [...document.querySelectorAll("input, textarea")].find((one) => one.ariaLabel === label && one.checkVisibility());
}

function tabOf(name) {
  return name && [...document.querySelectorAll('[role="tab"]')].find((one) => one.textContent.trim() === name);
}

function lead({ label, tab }) {
  if (tab && tabOf(tab).ariaSelected !== "true") tabOf(tab).click();
  awaitField(label);
}

/** What was typed replaces what the field holds; later keys go into it by themselves. Whether nothing was typed. */
function write() {
  const field = document.activeElement;
  const hasLines = field instanceof HTMLTextAreaElement;
  const text = hasLines ? ahead.text : ahead.text.replaceAll("\n", "");
  const enter = !hasLines && ahead.text.includes("\n");
  ahead = null;
  field.select?.();
  if (text) document.execCommand("insertText", false, text); // as if typed: the field hears of it, and it can be undone
  const key = { key: "Enter", code: "Enter", keyCode: 13, bubbles: true, composed: true, cancelable: true };
  if (enter && field.isConnected) setTimeout(() => field.dispatchEvent(new KeyboardEvent("keydown", key)), STEP_MS);
  return text === "" && !enter;
}

/** Until the person does something: a field that is drawn again, or filled late, has its text selected again. */
function settle(layer) {
  const mine = { layer };
  let until = 0;
  arrived = mine;
  const look = () => {
    if (isDrawing() || !until) until = Date.now() + SETTLE_MS;
    if (arrived === mine && (!layer.isConnected || Date.now() > until)) arrived = null;
    if (arrived !== mine) return;
    select();
    setTimeout(look, STEP_MS);
  };
  look();
}

/** Select the text of the field that came. */
function select() {
  const field = document.activeElement;
  if (arrived?.layer.contains(field) && isField(field) && field.selectionEnd - field.selectionStart < field.value.length) field.select();
}

/** Keep what is typed before the field is there; whether the key was kept. */
function hold(event) {
  if (!isAwaited() || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Escape") ahead = null;
  else if (event.key === "Enter") ahead.text += "\n";
  else if (event.key.length === 1) ahead.text += event.key;
  else if (event.key === "Backspace") ahead.text = ahead.text.slice(0, -1);
  return ahead !== null && isWritten(event);
}

/** Keys that change text. */
function isWritten(event) {
  return event.key.length === 1 || ["Enter", "Backspace", "Delete"].includes(event.key);
}

function stop(event) {
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
    const field = fieldsOf(layer).find((one) => isField(one) && !one.disabled && one.checkVisibility());
    if (!field) return void (Date.now() < until && setTimeout(look, STEP_MS));
    if (!layer.querySelector("input:focus, textarea:focus")) field.focus();
  };
  if (!isAwaited()) awaitField();
  ahead.layer = layer;
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

/**
 * What a dialog's or popover's main button does, once it can be pressed: the value that was typed is on its way. However long
 * the page is drawn, and also if what is open is drawn anew; only at rest it is given up.
 */
function save(layer, label, rests = ASKED_MS / STEP_MS) {
  const place = layer.isConnected ? layer : layers().find((one) => fieldsOf(one).some((field) => field.ariaLabel === label));
  if (!rests) return;
  const button = place && [...place.querySelectorAll(PRIMARY)].find((one) => !one.disabled && one.checkVisibility());
  if (button) button.click();
  else setTimeout(() => save(layer, label, rests - isAtRest()), STEP_MS);
}

/** Press a button of the page as soon as it can be: what was typed or picked is on its way. */
function submit(name, rests = ASKED_MS / STEP_MS) {
  const button = buttonOf(name);
  if (button && isFresh(button)) button.click();
  else if (rests) setTimeout(() => submit(name, rests - isAtRest()), STEP_MS);
}

function onLayerKey(event) {
  const field = event.composedPath()[0];
  const layer = layers().at(-1);
  const chord = chordOf(event);
  if (unread) return;
  const isLine = field instanceof HTMLInputElement && isField(field) && field.role !== "combobox";
  const pressed = !layer && { Enter: keys.enters, Escape: keys.leaves }[chord]?.[field.ariaLabel];
  if (pressed && !event.isComposing) setTimeout(() => submit(pressed));
  if (!layer || event.isComposing || field.closest?.('[data-testid="stForm"]')) return;
  if (chord === "Ctrl+Enter" || (chord === "Enter" && isLine && layer.contains(field))) setTimeout(() => save(layer, field.ariaLabel));
}

/** Whether a field holds a list that the page has not read yet: Streamlit then says how it is applied. */
function isUnread(field) {
  const says = field.closest('[data-testid="stTextArea"]')?.querySelector('[data-testid="InputInstructions"]');
  return keys.lists?.includes(field.ariaLabel) && /apply/.test(says?.textContent ?? "");
}

/** What a key does on the page as it is drawn now; null while it does nothing. */
function actOf(event) {
  const chord = chordOf(event);
  const named = (keys.press[chord] ?? []).map(buttonOf);
  const button = [...named, ...shortcutsOf(chord)].find((one) => one && !one.disabled && isFresh(one));
  if (button) return () => button.click();
  const field = keys.fields[chord];
  const there = field && (tabOf(field.tab) ?? fieldOf(field.label));
  return there && isFresh(there) ? () => lead(field) : null;
}

/** Whether a key may be meant for the page: the browser's own keys never wait. */
function mayAct(event) {
  const chord = chordOf(event);
  const isPlain = isWritten(event) && event.key !== "Enter" && event.key !== " ";
  if (event.ctrlKey || event.metaKey || event.altKey || !isPlain) return chord in keys.press || shortcutsOf(chord).length > 0;
  return true;
}

function wait(event) {
  stop(event);
  if (event.repeat) return; // a key held down does not pile up
  waiting.push(event);
  if (waiting.length === 1) setTimeout(work, STEP_MS);
}

/** Do what the waiting keys say, in their order; none acts behind what is open when the page has come to rest. */
function work() {
  while (waiting.length) {
    const open = layers();
    const rests = isAtRest();
    if (hold(waiting[0]) || performance.now() > Math.max(waiting[0].timeStamp, acted) + FIELD_MS) waiting.shift();
    else if (isEnlarged() || open.some((one) => rests || !leaving.has(one))) {
      open.forEach((one) => leaving.delete(one));
      waiting = [];
    } else {
      const act = open.length ? null : actOf(waiting[0]);
      if (!act && !rests) return void setTimeout(work, STEP_MS);
      waiting.shift();
      acted = performance.now();
      act?.();
    }
  }
}

function dismiss(layer) {
  if (!layer) return;
  leaving.add(layer);
  drawn = Date.now();
}

function onCapture(event) {
  select(); // before the key is written: the field may have been filled just now
  arrived = null;
  const open = layers();
  const writes = isField(event.composedPath()[0]);
  busy = open.length > 0 || isEnlarged() || writes;
  unread = writes && isUnread(event.composedPath()[0]);
  if (hold(event)) return stop(event);
  const leaves = open.length > 0 && open.every((one) => leaving.has(one));
  if (event.key === "Escape" && open.length) {
    waiting = []; // typed while it was open, not for what is behind
    dismiss(open.at(-1));
  } else if (!writes && !isEnlarged() && (waiting.length || leaves) && mayAct(event)) wait(event);
}

function onKey(event) {
  if (busy) {
    onLayerKey(event);
    if (isWritten(event)) event.stopPropagation();
    return;
  }
  if (event.defaultPrevented) return;
  const act = actOf(event);
  if (!act) return isAtRest() || !mayAct(event) ? undefined : wait(event);
  stop(event);
  act();
}

function onClick(event) {
  const button = event.target.closest?.("button");
  if (!button) return;
  if (button === held?.button) held = null;
  const key = nameOf(button);
  if (event.isTrusted && key && !isFresh(button) && !(isAsked() && key === askedFor)) {
    stop(event);
    return submit(key);
  }
  if (button.closest(".stButton, .stFormSubmitButton")) [asked, askedIn, askedFor] = [Date.now() + ASKED_MS, runNow(), key];
  dismiss(button.closest(LAYERS));
  const name = Object.keys(keys.opens).find((one) => button === buttonOf(one));
  if (name) awaitField(keys.opens[name]);
}

function onPointer(event) {
  const button = event.target.closest?.("button");
  held = button && event.button === 0 ? { button, name: nameOf(button), x: event.clientX, y: event.clientY } : null;
  arrived = null;
  waiting = []; // the person goes on by hand, perhaps to another page
  if (!event.target.closest?.(LAYERS)) layers().forEach(dismiss);
}

/** Leaving a field draws the page anew, under the pointer too: what was aimed at when it went down is clicked. */
function onRelease(event) {
  const press = held;
  if (!press || Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL_PX) return void (held = null);
  setTimeout(() => {
    if (held !== press) return; // the browser has clicked it
    held = null;
    const button = press.button.isConnected ? press.button : press.name && buttonOf(press.name);
    if (button && !button.disabled) button.click();
  });
}

function onRun() {
  drawn = Date.now();
  if (document.querySelector('[data-test-script-state="running"]')) asked = 0;
}

window.addEventListener("keydown", onCapture, true);
window.addEventListener("click", onClick, true);
window.addEventListener("pointerdown", onPointer, true);
window.addEventListener("pointerup", onRelease, true);
window.addEventListener("pointercancel", () => (held = null), true);
document.documentElement.addEventListener("keydown", onKey);
new MutationObserver(opened).observe(document.body, { childList: true, subtree: true });
new MutationObserver(onRun).observe(document.body, { subtree: true, attributeFilter: ["data-test-script-state"] });

export default function (component) {
  [keys] = component.data;
  document.documentElement.dataset.keyboard = "ready";
}
