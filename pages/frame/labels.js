// Streamlit gives the label of a widget to screen readers as it was written, in Markdown: say what is shown instead.
const ESCAPE = /\\([!-/:-@[-`{-~])\u2060?/; // with the joiner that keeps ":smile:" from becoming an emoji
const MARKUP = /:material\/\w+:\s*|:[a-z-]+\[|\*\*/;
const EITHER = new RegExp(`${ESCAPE.source}|${MARKUP.source}|(\\])`, "g");
const OWN = ".stHtml"; // HTML of the pages holds no Markdown

const CARD = '[data-testid="stGridCell"]';
const BUTTONS = ":is(.stButton, .stDownloadButton, .stPopover) button";

const said = new WeakMap(); // what an element was given here

/** A label without its Markdown; brackets are dropped where they close a ":colour[". */
function spoken(label) {
  let open = 0;
  return label.replace(EITHER, (found, escaped, bracket) => {
    if (escaped !== undefined) return escaped;
    if (bracket) return open ? (open--, "") : bracket;
    if (found.endsWith("[")) open++;
    return "";
  });
}

function mend(element) {
  const label = element.getAttribute("aria-label");
  if (!label || label === said.get(element) || element.closest(OWN)) return;
  const plain = spoken(label).trim();
  said.set(element, plain);
  if (plain !== label) element.setAttribute("aria-label", plain);
}

/** Cards have the same buttons: each is called after its card too, as "Tick bird". */
function name(card) {
  const title = card.querySelector(".kec-title")?.textContent;
  if (!title) return;
  for (const button of card.querySelectorAll(BUTTONS)) {
    const shown = button.querySelector('[data-testid="stMarkdownContainer"]')?.textContent;
    const plain = `${shown || "More about"} ${title}`;
    if (said.get(button) === plain) continue;
    said.set(button, plain);
    button.setAttribute("aria-label", plain);
  }
}

function look(changes) {
  const cards = new Set();
  for (const { type, target, addedNodes } of changes) {
    const place = target instanceof Element ? target : target.parentElement;
    cards.add(place?.closest(CARD));
    if (type === "attributes") mend(target);
    for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      mend(node);
      node.querySelectorAll("[aria-label]").forEach(mend);
      for (const card of [node, ...node.querySelectorAll(CARD)]) cards.add(card.closest(CARD));
    }
  }
  cards.forEach((card) => card && name(card));
}

new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true, attributeFilter: ["aria-label"] });
document.querySelectorAll("[aria-label]").forEach(mend);
document.querySelectorAll(CARD).forEach(name);

export default function () {}
