// Practising: says so when the answer was changed after its check, since handing in sends the one that was checked.

import { startAnswer } from "./answer.js";

export function start(main, tools) {
  startAnswer(main, tools);
  const field = main.querySelector("#response") || main.querySelector("[data-order] textarea");
  const note = main.querySelector("[data-changed]");
  if (!field || !note) return;
  const compare = () => {
    note.hidden = field.type === "file" ? !field.files.length : field.value.trim() === field.defaultValue.trim();
  };
  field.addEventListener("input", compare);
  compare();
}
