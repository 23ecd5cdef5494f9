// Another thing on a page begins at the top of the page, not where the one before was left.
const STEP_MS = 100;
const STEPS = 30;
const places = new Map(); // what was shown -> how far down it was left
let shown = null;
let left = 0; // how far down the page was when the person last did something; what that draws may already be shorter

for (const act of ["pointerdown", "keydown"])
  document.addEventListener(act, () => (left = place()?.scrollTop ?? 0), true);

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
  const down = (data.back && places.get(shown)) || 0;
  if (!first)
    until(() => {
      main.scrollTo(0, down);
      return shown !== data.shown || Math.abs(main.scrollTop - down) < 2;
    });
  if (data.focus)
    until(() => {
      const field = [...document.querySelectorAll("input")].find((one) => one.ariaLabel === data.focus);
      field?.select();
      return shown !== data.shown || field;
    });
}
