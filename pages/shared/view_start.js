// Another thing on a page begins at the top of the page, not where the one before was left.
const STEP_MS = 100;
const STEPS = 300; // a slow computer draws a page of photos for many seconds
const NOWHERE = 'body, [data-testid="stMain"]'; // what has the focus when nothing has it
const places = new Map(); // what was shown -> where it was left
let shown = null;
let touched = 0; // how often the person took the page in hand
let left = { down: 0, widget: "" }; // how far down the page was when the person last did something, for what that draws may
// already be shorter; and the class of the widget that a key was pressed on

for (const kind of ["pointerdown", "wheel", "touchmove"]) document.addEventListener(kind, () => touched++, { capture: true, passive: true });
document.addEventListener("pointerdown", () => (left = { down: scrolled(), widget: "" }), true);
document.addEventListener("keydown", (event) => (left = { down: scrolled(), widget: widgetOf(event.target) }), true);

function scrolled() {
  return place()?.scrollTop ?? 0;
}

function widgetOf(element) {
  const classes = element.closest?.('[class*="st-key-"]')?.classList ?? [];
  return [...classes].find((name) => name.startsWith("st-key-")) ?? "";
}

function place() {
  return document.querySelector('[data-testid="stMain"]');
}

/** Do something for a view until it worked, as what it needs may be drawn later; the person's hand, or another view, ends it. */
function until(works, steps = STEPS, view = shown, hand = touched) {
  if (shown !== view || touched !== hand || works() || !steps) return;
  setTimeout(() => until(works, steps - 1, view, hand), STEP_MS);
}

export default function (component) {
  const { data } = component;
  const main = place();
  if (!main || shown === data.shown) return;
  const first = shown === null;
  if (!first) places.set(shown, left);
  shown = data.shown;
  const { down, widget } = (data.back && places.get(shown)) || { down: 0, widget: "" };
  const before = left;
  if (!first)
    until(() => {
      if (left !== before) return true; // a key may scroll too
      main.scrollTo(0, down);
      return Math.abs(main.scrollTop - down) < 2;
    });
  const start = widget || (left.widget && data.start && `st-key-${data.start}`);
  if (start)
    until(() => {
      const isLost = (document.activeElement ?? document.body).matches(NOWHERE);
      const button = isLost && document.querySelector(`.${CSS.escape(start)} button`);
      if (button) button.focus({ preventScroll: true });
      return button;
    });
}
