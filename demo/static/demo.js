// The demo LMS's page: the live gradebook, the switches, and the messages that a platform answers to its frame.

import { listen } from "./frame.js";

const gradebook = document.getElementById("gradebook");
const announcement = document.getElementById("announcement");
const frame = document.getElementById("tool");
const layout = document.querySelector(".layout");
const chooser = document.querySelector(".chooser");

// On a narrow screen the choices fold away, so that the activity stands first.
const narrow = matchMedia("(max-width: 1099px)");
function foldChooser() {
  chooser.open = !narrow.matches;
}
foldChooser();
narrow.addEventListener("change", foldChooser);

// --- Gradebook: ask once a second whether anything changed, and show what.

const seenVersion = () => Number(gradebook.querySelector("[data-version]").dataset.version);
const marked = new Map();

function markChanged(since) {
  const news = [];
  for (const cell of gradebook.querySelectorAll("[data-cell]")) {
    if (Number(cell.dataset.changed) > since) {
      marked.set(cell.dataset.cell, Date.now() + 8000);
      news.push(cell.dataset.label);
    }
    if ((marked.get(cell.dataset.cell) ?? 0) > Date.now()) {
      cell.classList.add("changed");
    }
  }
  if (news.length) {
    announcement.textContent = news.join(". ");
  }
}

async function refresh() {
  const since = seenVersion();
  const query = new URLSearchParams({ org: gradebook.dataset.org, course: gradebook.dataset.course, seen: since });
  if (gradebook.dataset.person) {
    query.set("person", gradebook.dataset.person);
  }
  const answer = await fetch(`/gradebook?${query}`);
  if (answer.status !== 200) {
    return;
  }
  // The edit buttons are drawn anew: give the focus back to the same one.
  const focused = document.activeElement?.closest?.("[data-edit]");
  const html = await answer.text();
  gradebook.innerHTML = html;
  if (focused) {
    const { item, learner } = focused.dataset;
    gradebook.querySelector(`[data-edit][data-item="${item}"][data-learner="${learner}"]`)?.focus();
  }
  markChanged(since);
}

setInterval(() => {
  for (const cell of gradebook.querySelectorAll(".changed")) {
    if ((marked.get(cell.dataset.cell) ?? 0) <= Date.now()) {
      cell.classList.remove("changed");
    }
  }
  if (!document.hidden) {
    refresh().catch(() => {});
  }
}, 1000);

// --- Editing a grade by hand.

const dialog = document.getElementById("edit");
const score = document.getElementById("edit-score");
const problem = document.getElementById("edit-error");
let edited = null;

gradebook.addEventListener("click", (event) => {
  const button = event.target.closest("[data-edit]");
  if (!button) {
    return;
  }
  edited = { ...button.dataset };
  document.getElementById("edit-what").textContent = button.closest("td").dataset.label;
  document.getElementById("edit-maximum").textContent = edited.maximum;
  document.getElementById("edit-release").hidden = !edited.hand;
  score.max = edited.maximum;
  score.value = edited.score;
  problem.textContent = "";
  dialog.showModal();
  score.select();
});

dialog.querySelector("form").addEventListener("submit", async (event) => {
  const action = event.submitter?.value ?? "save";
  if (action === "cancel") {
    return;
  }
  event.preventDefault();
  if (action === "save" && score.value === "") {
    problem.textContent = "Enter a number of points.";
    score.focus();
    return;
  }
  const answer = await send("/grades", {
    organisation: gradebook.dataset.org,
    course: gradebook.dataset.course,
    line_item: edited.item,
    learner: edited.learner,
    person: gradebook.dataset.person,
    score: action === "release" ? null : Number(score.value),
  });
  if (answer.ok) {
    dialog.close();
    await refresh();
  } else {
    problem.textContent = (await answer.json()).error ?? "The grade was not saved.";
  }
});

function send(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

// --- Switches.

const REOPENS_FRAME = new Set(["cookies", "platform_storage", "one_time_launches"]);

document.getElementById("switches").addEventListener("change", async (event) => {
  const { name, type, value, checked } = event.target;
  const setting = type === "checkbox" ? checked : name === "slow_seconds" ? Number(value) : value;
  const answer = await send("/switches", { [name]: setting });
  if (answer.ok && frame && REOPENS_FRAME.has(name)) {
    // These are attributes of the frame or of its launch, so the page is drawn again.
    location.reload();
  }
});

document.getElementById("forget").addEventListener("click", async () => {
  await send("/gradebook/forget", {});
  await refresh();
});

for (const button of document.querySelectorAll("[data-frame-width]")) {
  button.addEventListener("click", () => {
    layout.dataset.width = button.dataset.frameWidth;
    for (const other of document.querySelectorAll("[data-frame-width]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    send("/switches", { frame_width: button.dataset.frameWidth });
  });
}

if (frame) {
  listen(frame);
}
