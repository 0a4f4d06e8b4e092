// Making a plan: a tap fills in a day or words; what is filled in stays the person's to change.

export function start(main) {
  for (const group of main.querySelectorAll("[data-quick-days], [data-quick-words]")) group.hidden = false;

  function fill(id, text) {
    const field = main.querySelector(`#${id}`);
    if (!field) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function mark() {
    const day = main.querySelector("#day");
    for (const button of day ? main.querySelectorAll("[data-day]") : []) button.setAttribute("aria-pressed", String(button.dataset.day === day.value));
  }

  // An obstacle asks for its answer and the other way round: the form's own check then says so at the empty one.
  function pair() {
    for (const field of main.querySelectorAll("[data-with]")) field.required = main.querySelector(`#${field.dataset.with}`).value.trim() !== "";
  }

  main.addEventListener("click", (event) => {
    const button = event.target.closest("[data-day], [data-fill]");
    if (!button) return;
    if (button.dataset.day) fill("day", button.dataset.day);
    else {
      fill(button.dataset.fill, button.dataset.text);
      if (button.dataset.answer) fill("answer", button.dataset.answer);
      main.querySelector(`#${button.dataset.answer ? "answer" : button.dataset.fill}`).focus();
    }
    mark();
  });
  main.addEventListener("input", (event) => { if (event.target.id === "day") mark(); pair(); });
  mark();
  pair();
}
