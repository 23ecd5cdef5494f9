// A grid of photos to pick from: click picks, Shift+click picks a range, the corner shows the photo large.
const WAIT_MS = 250;

function tile(photo, index, root, look) {
  const box = document.createElement("div");
  box.className = "tile";
  const pick = document.createElement("button");
  pick.className = "pick";
  pick.dataset.index = index;
  pick.setAttribute("aria-pressed", photo.picked ? "true" : "false");
  pick.title = photo.alt;
  if (photo.src) {
    const img = document.createElement("img");
    img.loading = "lazy";
    img.src = photo.src;
    img.alt = photo.alt;
    pick.append(img);
  } else {
    pick.textContent = "no preview";
  }
  box.append(pick);
  if (photo.large) {
    const zoom = document.createElement("button");
    zoom.className = "zoom";
    zoom.textContent = "⤢";
    zoom.title = zoom.ariaLabel = `Show ${photo.alt} large`;
    zoom.onclick = () => look(photo);
    box.append(zoom);
  }
  return box;
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const grid = parentElement.querySelector(".grid");
  const large = parentElement.querySelector(".large");
  const look = (photo) => {
    const img = large.querySelector("img");
    img.src = photo.large;
    img.alt = photo.alt;
    large.querySelector("div").textContent = photo.alt;
    large.showPopover();
  };
  grid.setAttribute("aria-label", data.label);
  grid.replaceChildren(...data.photos.map((photo, i) => tile(photo, i, parentElement, look)));
  const buttons = [...grid.querySelectorAll(".pick")];
  let last = null;
  let timer = 0;
  const send = () => {
    const picked = buttons.filter((b) => b.ariaPressed === "true").map((b) => Number(b.dataset.index));
    setStateValue("picked", picked);
  };
  grid.onclick = (event) => {
    const button = event.target.closest(".pick");
    if (!button) return;
    const here = Number(button.dataset.index);
    const on = button.ariaPressed !== "true";
    const from = event.shiftKey && last !== null ? last : here;
    for (let i = Math.min(from, here); i <= Math.max(from, here); i++) buttons[i].ariaPressed = String(on);
    last = here;
    clearTimeout(timer);
    timer = setTimeout(send, WAIT_MS);
  };
  return () => clearTimeout(timer);
}
