// A key that opens a dialog while nothing has the focus: when it closes, the focus is at the button of that key, not at the
// page's start. A gallery is one stop of Tab.
const LAYERS = '[role="dialog"]';
const NOWHERE = 'body, [data-testid="stMain"]'; // what has the focus when nothing has it
const STEP_MS = 100;
const STEPS = 300; // a slow computer draws a page of photos for many seconds

let opener = ""; // the class of the widget whose key was pressed while nothing had the focus
let steps = 0; // none before a dialog has the focus

function isLost() {
  return (document.activeElement ?? document.body).matches(NOWHERE);
}

/** Keys press buttons by a click that no person made. */
function onClick(event) {
  if (event.isTrusted || !isLost()) return;
  steps = 0;
  const classes = event.target.closest?.('[class*="st-key-"]')?.classList ?? [];
  opener = [...classes].find((one) => one.startsWith("st-key-")) ?? "";
}

function onFocus(event) {
  if (event.target.closest?.(LAYERS)) steps = STEPS;
  else opener = "";
}

function onPointer(event) {
  if (!event.target.closest?.(LAYERS)) opener = "";
}

function look() {
  if (!opener || !steps || !isLost() || document.querySelector(LAYERS)) return;
  steps--;
  document.querySelector(`.${CSS.escape(opener)} button`)?.focus({ preventScroll: true });
}

/** In a gallery arrows lead to the other photos. */
function walk(event) {
  const photos = [...(event.target.closest?.(".kec-gallery")?.querySelectorAll(".kec-zoom") ?? [])];
  const topOf = (photo) => photo.getBoundingClientRect().top;
  const line = photos.filter((one) => topOf(one) === topOf(photos[0])).length;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -line, ArrowDown: line }[event.key];
  const next = photos[photos.indexOf(event.target) + by];
  if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  photos.forEach((one) => (one.tabIndex = one === next ? 0 : -1));
  next.focus();
}

document.addEventListener("focusin", onFocus, true);
document.addEventListener("click", onClick, true);
document.addEventListener("pointerdown", onPointer, true);
document.addEventListener("keydown", walk);
setInterval(look, STEP_MS);

export default function () {}
