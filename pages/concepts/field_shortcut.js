// One key leads into one text field: what buttons with shortcuts cannot do.
const STEP_MS = 100;
const STEPS = 50;

function enter(data, left) {
  const field = [...document.querySelectorAll("input, textarea")].find((one) => one.ariaLabel === data.label);
  if (field) {
    field.focus();
    field.select();
  } else if (left) setTimeout(() => enter(data, left - 1), STEP_MS); // its tab is on the way
}

export default function (component) {
  const { data } = component;
  const onKey = (event) => {
    // While a dialog or a field is open the key does not come here: keyboard.js stops it.
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== data.key) return;
    event.preventDefault();
    window.dispatchEvent(new Event("kec-field")); // what is typed until the field is there belongs into it
    const tab = data.tab && [...document.querySelectorAll('[role="tab"]')].find((one) => one.textContent.trim() === data.tab);
    if (tab && tab.ariaSelected !== "true") tab.click();
    enter(data, tab ? STEPS : 0);
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
