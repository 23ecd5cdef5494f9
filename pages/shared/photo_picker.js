// A grid of photos to pick from: click picks, Shift+click picks a range, the corner shows the photo large.
const WAIT_MS = 250;

function tile(photo, index, look) {
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
  const shown = data.photos.map((photo) => photo.src + photo.alt).join();
  // Every rerun of the page comes through here: the same photos keep their tiles, the start of a range and clicks under way.
  if (grid.kec?.shown !== shown) {
    clearTimeout(grid.kec?.timer);
    grid.kec = { shown, last: null, timer: 0 };
    grid.replaceChildren(...data.photos.map((photo, i) => tile(photo, i, look)));
  }
  const now = grid.kec;
  const buttons = [...grid.querySelectorAll(".pick")];
  if (!now.timer) buttons.forEach((button, i) => (button.ariaPressed = String(data.photos[i].picked)));
  now.send = () => {
    now.timer = 0;
    if (!grid.isConnected) return;
    const picked = buttons.filter((b) => b.ariaPressed === "true").map((b) => Number(b.dataset.index));
    setStateValue("picked", picked);
  };
  grid.onclick = (event) => {
    const button = event.target.closest(".pick");
    if (!button) return;
    const here = Number(button.dataset.index);
    const on = button.ariaPressed !== "true";
    const from = event.shiftKey && now.last !== null ? now.last : here;
    for (let i = Math.min(from, here); i <= Math.max(from, here); i++) buttons[i].ariaPressed = String(on);
    now.last = here;
    clearTimeout(now.timer);
    now.timer = setTimeout(() => now.send(), WAIT_MS);
  };
}
