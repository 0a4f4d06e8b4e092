// A conversation that is tried out: Enter says it, one's words stand there at once, and the answer is read out once.

export function start(main, kit) {
  const talk = main.querySelector("[data-talk]");
  const form = main.querySelector("#say-form");
  const field = form.querySelector("textarea");

  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });

  // What was said stands in the conversation while the answer is on its way; it goes again where the sending failed.
  let shown = [];
  form.addEventListener("submit", () => {
    const words = field.value.trim();
    if (!words || form.dataset.sending) return;
    shown = [line("is-me", talk.dataset.you, words), waiting()];
    talk.append(...shown);
    shown[1].scrollIntoView({ block: "nearest" });
  });
  const watch = new MutationObserver(() => {
    if (form.dataset.sending) return;
    for (const one of shown) one.remove();
    shown = [];
  });
  watch.observe(form, { attributes: true, attributeFilter: ["data-sending"] });

  function line(side, who, words) {
    const item = document.createElement("li");
    item.className = `talk-line ${side}`;
    const name = document.createElement("span");
    name.className = "talk-who";
    name.textContent = who;
    const text = document.createElement("p");
    text.className = "talk-words words";
    text.textContent = words;
    item.append(name, text);
    return item;
  }

  function waiting() {
    const item = document.createElement("li");
    const text = document.createElement("p");
    text.className = "waiting is-late";
    text.textContent = talk.dataset.busy;
    item.append(text);
    return item;
  }

  // Whoever has a keyboard goes on typing; on a phone the keyboard would cover the answer. Both hear it once.
  const latest = main.querySelector("#latest");
  setTimeout(() => {
    if (!field.isConnected || !latest || document.activeElement !== latest) return;
    kit.announce(latest.textContent.trim().replace(/\s+/g, " "));
    if (!matchMedia("(pointer: coarse)").matches && latest.matches("li, .note")) {
      field.focus({ preventScroll: true });
      field.setSelectionRange(field.value.length, field.value.length);
    }
  }, 60);

  return () => watch.disconnect();
}
