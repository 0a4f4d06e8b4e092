// Sources: a citation opens its place in the document, beside the answer or below it.

export function start(main, kit, copyOf) {
  main.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-source]");
    if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      if (link.getAttribute("aria-expanded") === "true") closeSource(link.closest(".turn"));
      else openSource(link);
    }
    const close = event.target.closest("[data-close-source]");
    if (close) { event.preventDefault(); closeSource(close.closest(".turn")); }
  });

  main.addEventListener("keydown", (event) => {
    const turn = event.target.closest(".turn");
    if (event.key === "Escape" && turn && turn.querySelector(".source")) { event.preventDefault(); closeSource(turn); }
  });

  /** Opens a source in its turn: beside the answer where the frame is wide, below it where not; at the marked words. */
  async function openSource(link) {
    const turn = link.closest(".turn");
    for (const other of main.querySelectorAll(".source")) closeSource(other.closest(".turn"), false);
    link.setAttribute("aria-expanded", "true");
    const slot = turn.querySelector("[data-source-slot]");
    let source;
    try {
      const response = await kit.request(link.getAttribute("href"));
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      source = response.ok && page.querySelector("main .source");
    } catch {
      source = null;
    }
    if (link.getAttribute("aria-expanded") !== "true") return; // another source was opened meanwhile
    if (source) kit.localiseTimes(source);
    slot.replaceChildren(source ? document.adoptNode(source) : copyOf("source-failed"));
    const heading = slot.querySelector("h1");
    if (heading) {
      // Inside the conversation the source is a part of the turn: one level below the question.
      const smaller = document.createElement("h3");
      smaller.id = heading.id;
      smaller.tabIndex = -1;
      smaller.append(...heading.childNodes);
      heading.replaceWith(smaller);
    }
    const body = slot.querySelector("[data-source-body]");
    const mark = body && (body.querySelector("mark") || body.querySelector(".is-cited"));
    if (mark) body.scrollTop = mark.getBoundingClientRect().top - body.getBoundingClientRect().top - body.clientHeight / 4;
    (slot.querySelector("h3") || slot.querySelector("[data-close-source]")).focus({ preventScroll: true });
    kit.bring(slot.firstElementChild, "nearest");
  }

  function closeSource(turn, returnFocus = true) {
    if (!turn) return;
    const opener = turn.querySelector("[data-source][aria-expanded]");
    turn.querySelector("[data-source-slot]")?.replaceChildren();
    if (!opener) return;
    opener.removeAttribute("aria-expanded");
    if (returnFocus) { opener.focus({ preventScroll: true }); opener.scrollIntoView({ block: "nearest" }); }
  }
}
