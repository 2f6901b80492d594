"use strict";
// Everything works without this script; it adds a quick tooltip, sorting, ordering and "play all".
const tip = document.getElementById("tip");
function show(event) {
  const cell = event.target.closest("[data-tip]");
  tip.hidden = !cell;
  if (!cell) return;
  tip.textContent = cell.dataset.tip;
  const box = cell.getBoundingClientRect();
  const left = Math.min(Math.max(box.left + box.width / 2 - tip.offsetWidth / 2, 8), innerWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 4 ? above : box.bottom + 8}px`;
}
for (const cell of document.querySelectorAll(".chains .cell")) {
  cell.dataset.tip = cell.title;
  cell.removeAttribute("title");
}
document.addEventListener("pointerover", show);
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

for (const head of document.querySelectorAll(".sortable th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    const body = head.closest("table").tBodies[0];
    const place = (row) => {
      let column = head.cellIndex;
      for (const cell of row.cells) {
        if ((column -= cell.colSpan) < 0) return cell;
      }
    };
    const value = (row) => place(row).dataset.value ?? place(row).textContent;
    const numeric = head.dataset.sort === "number";
    const order = (a, b) => (numeric ? value(a) - value(b) : value(a).localeCompare(value(b))) * (down ? -1 : 1);
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(order));
  });
}

const orderButton = document.getElementById("order-chains");
if (orderButton) {
  const lists = [...document.querySelectorAll(".chains")].map((list) => [list, [...list.children]]);
  let bySolved = false;
  orderButton.hidden = false;
  orderButton.addEventListener("click", () => {
    bySolved = !bySolved;
    orderButton.textContent = bySolved ? "Order by number" : "Order by tasks solved";
    for (const [list, rows] of lists) {
      list.append(...(bySolved ? [...rows].sort((a, b) => b.dataset.solved - a.dataset.solved) : rows));
    }
  });
}

for (const video of document.querySelectorAll(".screen video")) {
  // Native controls darken a paused picture; until the first play one round button shows the scene unspoiled.
  const start = document.createElement("button");
  start.type = "button";
  start.textContent = "▶";
  start.setAttribute("aria-label", `Play. ${video.getAttribute("aria-label")}`);
  video.controls = false;
  video.after(start);
  start.addEventListener("click", () => video.play());
  video.addEventListener("play", () => { start.remove(); video.controls = true; });
}

const playButton = document.getElementById("play-all");
if (playButton) {
  const videos = [...document.querySelectorAll("video")];
  playButton.hidden = false;
  playButton.addEventListener("click", () => {
    const start = videos.every((video) => video.paused);
    for (const video of videos) start ? video.play() : video.pause();
  });
  const rename = () => { playButton.textContent = videos.every((video) => video.paused) ? "Play all" : "Pause all"; };
  for (const video of videos) for (const name of ["play", "pause", "ended"]) video.addEventListener(name, rename);
}
