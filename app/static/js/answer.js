// Answers that are not only text: steps that are put in order with buttons, and a file that is not too large.

/** Starts what the answer's fields need. `announce` says one thing to screen readers. */
export function startAnswer(main, { announce }) {
  for (const order of main.querySelectorAll("[data-order]")) startOrder(order, announce);
}

/** A page that has nothing else to start. */
export function start(main, tools) {
  startAnswer(main, tools);
}

function startOrder(order, announce) {
  const field = order.querySelector("textarea");
  const list = order.querySelector("ol");
  const steps = () => [...list.children];

  // What was typed and kept stands in the field: the list follows it, if it is about the same steps.
  const wanted = field.value.trim().split(/\s+/);
  const byId = new Map(steps().map((step) => [step.dataset.step, step]));
  if (wanted.length === byId.size && wanted.every((id) => byId.has(id))) list.append(...wanted.map((id) => byId.get(id)));

  const number = () => {
    steps().forEach((step, at) => {
      step.querySelector("[data-number]").textContent = at + 1;
      step.querySelector('[data-move="up"]').setAttribute("aria-disabled", String(at === 0));
      step.querySelector('[data-move="down"]').setAttribute("aria-disabled", String(at === byId.size - 1));
    });
  };
  number();

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const step = button.closest("li");
    const up = button.dataset.move === "up";
    const other = up ? step.previousElementSibling : step.nextElementSibling;
    if (!other) return;
    if (up) other.before(step);
    else other.after(step);
    number();
    field.value = steps().map((one) => one.dataset.step).join(" ");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    button.focus();
    const words = order.dataset.moved
      .replace("%(text)s", () => step.querySelector("[data-text]").textContent)
      .replace("%(at)s", steps().indexOf(step) + 1)
      .replace("%(all)s", byId.size);
    announce(words);
  });
}
