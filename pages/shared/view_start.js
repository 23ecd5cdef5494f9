// Another thing on a page begins at the top of the page, not where the one before was left.
const STEP_MS = 100;
const STEPS = 30;
const places = new Map(); // what was shown -> where it was left
let shown = null;
let left = { down: 0, widget: "" }; // how far down the page was when the person last did something, for what that draws may
// already be shorter; and the class of the widget that a key was pressed on

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

/** Do something until it worked: what it needs may be drawn a moment later. */
function until(works, steps = STEPS) {
  if (!works() && steps) setTimeout(() => until(works, steps - 1), STEP_MS);
}

export default function (component) {
  const { data } = component;
  const main = place();
  if (!main || shown === data.shown) return;
  const first = shown === null;
  if (!first) places.set(shown, left);
  shown = data.shown;
  const { down, widget } = (data.back && places.get(shown)) || { down: 0, widget: "" };
  if (!first)
    until(() => {
      main.scrollTo(0, down);
      return shown !== data.shown || Math.abs(main.scrollTop - down) < 2;
    });
  const start = widget || (left.widget && data.start && `st-key-${data.start}`);
  if (start)
    until(() => {
      const button = document.activeElement === document.body && document.querySelector(`.${CSS.escape(start)} button`);
      if (button) button.focus({ preventScroll: true });
      return shown !== data.shown || button;
    });
  if (data.focus)
    until(() => {
      const field = [...document.querySelectorAll("input")].find((one) => one.ariaLabel === data.focus);
      field?.select();
      return shown !== data.shown || field;
    });
}
