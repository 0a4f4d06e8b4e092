// The picker: previews are fetched when they are opened; points belong to what is chosen; choosing a part chooses its whole.

export function start(main, { request }) {
  const choices = [...main.querySelectorAll("input[name=choice]")];

  function update() {
    for (const choice of choices) {
      for (const points of choice.closest(".option").querySelectorAll(".points input")) points.disabled = !choice.checked;
    }
  }

  main.addEventListener("change", (event) => {
    if (event.target.name.startsWith("part/") && event.target.checked) {
      event.target.closest(".option").querySelector("input[name=choice]").checked = true;
    }
    update();
  });
  update();

  async function open(details) {
    const slot = details.querySelector("[data-preview-slot]");
    if (!details.open || details.dataset.opened) return;
    details.dataset.opened = "yes";
    try {
      const response = await request(details.dataset.preview);
      const fetched = new DOMParser().parseFromString(await response.text(), "text/html");
      const content = fetched.querySelector("[data-preview-content]");
      if (!content) throw new TypeError("no preview");
      slot.replaceChildren(document.adoptNode(content));
    } catch {
      delete details.dataset.opened;
      slot.replaceChildren(main.querySelector("#preview-failed").content.cloneNode(true));
    }
  }
  // "toggle" does not bubble.
  main.addEventListener("toggle", (event) => { if (event.target.dataset.preview) open(event.target); }, true);
}
