// One key leads into one text field: what buttons with shortcuts cannot do.
const TYPING = "input, textarea, select, [contenteditable=true]";

export default function (component) {
  const { data } = component;
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TYPING)) return;
    if (event.key.toLowerCase() !== data.key || document.querySelector('[role="dialog"]')) return;
    const field = [...document.querySelectorAll("input")].find((one) => one.ariaLabel === data.label);
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
