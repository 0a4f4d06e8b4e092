// Practising: says so when the answer was changed after its check, since handing in sends the one that was checked.

export function start(main) {
  const field = main.querySelector("#response");
  const note = main.querySelector("[data-changed]");
  if (!field || !note) return;
  const compare = () => { note.hidden = field.value.trim() === field.defaultValue.trim(); };
  field.addEventListener("input", compare);
  compare();
}
