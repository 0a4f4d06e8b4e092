// Learning on Ask: the next hint, whether it helped, explaining back, and ready prompts with blanks.

const remembered = new Map(); // what was filled into blanks, by their label; it lasts as long as the frame and goes nowhere

/** `replaced(turn)` is told of a turn that was put in the place of its older self. */
export function start(main, kit, { replaced }) {
  // Before the page's own listeners: the question has to stand in the form when it is asked.
  main.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-fill]") && !fill(form)) { event.preventDefault(); event.stopImmediatePropagation(); }
    else if (form.matches("[data-turn-form]")) { event.preventDefault(); event.stopImmediatePropagation(); send(form, event.submitter); }
  }, true);

  main.addEventListener("toggle", (event) => {
    if (!event.target.matches("details.prompt") || !event.target.open) return;
    const blanks = [...event.target.querySelectorAll("[data-blank]")];
    for (const blank of blanks) if (!blank.value) blank.value = remembered.get(blank.dataset.blank) || "";
    (blanks.find((blank) => !blank.value) || blanks[0]).focus({ preventScroll: true });
  }, true);

  /** Puts the filled blanks into the form's question; false where one is empty, which is then said beside it. */
  function fill(form) {
    const blanks = [...form.querySelectorAll("[data-blank]")];
    let empty = null;
    for (const blank of blanks) {
      blank.value = blank.value.trim();
      form.querySelector(`#${CSS.escape(`${blank.id}-wrong`)}`)?.remove();
      blank.removeAttribute("aria-invalid");
      blank.removeAttribute("aria-describedby");
      if (blank.value) { remembered.set(blank.dataset.blank, blank.value); continue; }
      const message = document.createElement("p");
      message.className = "wrong";
      message.id = `${blank.id}-wrong`;
      message.textContent = blank.dataset.missing;
      blank.before(message);
      blank.setAttribute("aria-invalid", "true");
      blank.setAttribute("aria-describedby", message.id);
      empty = empty || blank;
    }
    if (empty) { empty.focus(); return false; }
    const values = new Map(blanks.map((blank) => [blank.dataset.blank, blank.value]));
    const parts = JSON.parse(form.dataset.fill);
    form.elements.question.value = parts.map((part) => part.words ?? values.get(part.label)).join("");
    form.closest("details").open = false;
    return true;
  }

  /** Sends a form of one turn and puts the fresh turn in its place; focus goes to what is new in it. */
  async function send(form, submitter) {
    if (form.dataset.sending) return;
    const field = form.querySelector("textarea[required]");
    if (field && !field.value.trim() && !(submitter && submitter.formNoValidate)) {
      kit.showBanner("banner-refused", { anchor: field, advice: field.dataset.missing });
      field.focus({ preventScroll: true });
      return;
    }
    form.dataset.sending = "yes";
    kit.clearBanners();
    const words = submitter && submitter.textContent;
    if (submitter && submitter.dataset.busy) submitter.textContent = submitter.dataset.busy;
    try {
      const response = await kit.request(form.getAttribute("action"), { method: "POST", body: kit.formBody(form, submitter) });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.querySelector("article.turn");
      const turn = form.closest("article.turn");
      if (!response.ok || !fresh) { refuse(form, page.querySelector("[data-error]")); return; }
      if (!turn) return; // the person has gone on meanwhile; what they sent has arrived
      const kept = document.adoptNode(fresh);
      turn.replaceWith(kept);
      kit.localiseTimes(kept);
      replaced(kept);
      const place = newestIn(kept, form);
      if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
      place.focus({ preventScroll: true });
      kit.bring(place, "nearest");
    } catch (error) {
      if (error instanceof kit.SignedOut) kit.showBanner("banner-signed-out", { anchor: form });
      else if (error instanceof TypeError) kit.showBanner("banner-network", { anchor: form, retry: () => send(form, submitter) });
      else throw error;
    } finally {
      delete form.dataset.sending;
      if (submitter && words) submitter.textContent = words;
    }
  }

  function newestIn(turn, form) {
    const path = form.getAttribute("action");
    if (path.endsWith("/hint")) return turn.querySelector("[data-newest]") || turn.querySelector(".answer");
    if (path.endsWith("/explain-back")) return turn.querySelector(".after [data-said]:last-of-type") || turn.querySelector(".after");
    return turn.querySelector(".after h3") || turn.querySelector("[data-said]") || turn.querySelector(".after");
  }

  function refuse(form, page) {
    const words = page ? { title: page.querySelector("h1").textContent, advice: page.querySelector("[data-advice]").textContent } : {};
    kit.showBanner("banner-refused", { anchor: form, ...words });
  }
}
