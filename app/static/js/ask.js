// Asking: sends a question, shows the answer as it is written, ticks steps, and opens sources beside the answer.

const ticked = new Set(); // ticks last as long as the frame; they are the person's own and go nowhere

export function start(main, kit) {
  const turns = main.querySelector("[data-turns]");
  const form = main.querySelector("#ask-form");
  const field = form.querySelector("textarea");
  const sendButton = form.querySelector("[data-send]");
  const stopButton = form.querySelector("[data-stop]");
  let answering = null;

  const copyOf = (id) => main.querySelector(`#${id}`).content.firstElementChild.cloneNode(true);

  // ---- Asking ------------------------------------------------------------------------------------------------------

  main.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-ask]")) return;
    event.preventDefault();
    const body = kit.formBody(event.target, event.submitter);
    const question = (body.get("question") || "").trim();
    if (!question) { field.focus(); return; }
    if (answering) return;
    if (event.target === form) { field.value = ""; grow(); }
    ask(question);
  });

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  field.addEventListener("input", grow);

  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 176)}px`;
  }

  stopButton.addEventListener("click", () => { if (answering) answering.abort(); });

  /** Asks, in a new turn below the others or in the place of a turn that failed. */
  async function ask(question, instead = null) {
    kit.clearBanners();
    const turn = copyOf("live-turn");
    turn.querySelector(".question").textContent = question;
    if (instead) instead.replaceWith(turn);
    else turns.append(turn);
    kit.bring(turn, "start");
    answering = new AbortController();
    setBusy(true);
    const body = new URLSearchParams({ question, conversation_id: form.elements.conversation_id.value });
    try {
      const headers = { Accept: "text/event-stream" };
      const response = await kit.request("/ask/turns", { method: "POST", body, headers, signal: answering.signal });
      if (!response.ok || !response.body) { refuse(turn, question, await refusalOf(response)); return; }
      let isFinished = false;
      for await (const [name, data] of events(response.body)) {
        if (name === "progress") setProgress(turn, data.text);
        else if (name === "opened") opened(data);
        else if (name === "part") addPart(turn, data.html);
        else if (name === "done") { finish(turn, data); isFinished = true; }
        else if (name === "failed") { fail(turn, question, data); isFinished = true; }
      }
      if (!isFinished) fail(turn, question, {});
    } catch (error) {
      if (error.name === "AbortError") stopped(turn, question);
      else if (error instanceof kit.SignedOut) fail(turn, question, signedOut());
      else { fail(turn, question, {}); if (!(error instanceof TypeError)) throw error; }
    } finally {
      answering = null;
      setBusy(false);
    }
  }

  function setBusy(isBusy) {
    const hadFocus = [sendButton, stopButton].includes(document.activeElement);
    sendButton.hidden = isBusy;
    stopButton.hidden = !isBusy;
    if (hadFocus) (isBusy ? stopButton : field).focus({ preventScroll: true });
  }

  function opened(data) {
    for (const hidden of main.querySelectorAll("[name=conversation_id]")) hidden.value = data.conversation_id;
  }

  function setProgress(turn, text) {
    const place = turn.querySelector("[data-progress]");
    if (place && text) place.textContent = text;
  }

  /** Adds a sentence to the last paragraph, or a step or row to the last list; the waiting line stays below it. */
  function addPart(turn, html) {
    const answer = turn.querySelector(".answer");
    const waiting = turn.querySelector("[data-progress]");
    const holder = document.createElement("template");
    holder.innerHTML = html;
    for (const part of [...holder.content.children]) {
      const [tag, name] = { step: ["ol", "steps"], row: ["ul", "facts"] }[part.dataset.kind] || ["p", ""];
      let group = waiting ? waiting.previousElementSibling : answer.lastElementChild;
      if (!group || group.localName !== tag) {
        group = document.createElement(tag);
        if (name) group.className = name;
        if (waiting) waiting.before(group);
        else answer.append(group);
      }
      group.append(part, " ");
    }
  }

  /** The kept turn takes the live one's place: the same words, now with sources that open and steps that tick. */
  function finish(turn, data) {
    const holder = document.createElement("template");
    holder.innerHTML = data.html;
    const kept = holder.content.firstElementChild;
    turn.replaceWith(kept);
    restoreTicks(kept);
    kit.localiseTimes(kept);
    kit.announce(data.announce);
  }

  function endWith(turn, note, question) {
    turn.removeAttribute("aria-busy");
    turn.querySelector("[data-progress]")?.remove();
    turn.querySelector(".answer").append(note);
    note.querySelector("[data-again]")?.addEventListener("click", () => {
      if (answering) return;
      field.focus({ preventScroll: true });
      ask(question, turn);
    });
  }

  function stopped(turn, question) {
    endWith(turn, copyOf("turn-stopped"), question);
  }

  function fail(turn, question, { title, advice }) {
    const note = copyOf("turn-failed");
    if (title) note.querySelector("[data-title]").textContent = title;
    if (advice) note.querySelector("[data-advice]").textContent = advice;
    endWith(turn, note, question);
  }

  /** The server did not take the question (too long, too many): nothing was asked, and the words go back into the field. */
  function refuse(turn, question, words) {
    turn.remove();
    if (!field.value) { field.value = question; grow(); }
    kit.showBanner("banner-refused", { anchor: form.querySelector(".composer-box"), ...words });
  }

  function signedOut() {
    const banner = document.getElementById("banner-signed-out").content;
    return { title: banner.querySelector("strong").textContent, advice: banner.querySelector("p").textContent };
  }

  async function refusalOf(response) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-error]");
    if (!page) return {};
    return { title: page.querySelector("h1").textContent, advice: page.querySelector("[data-advice]").textContent };
  }

  // ---- Steps -------------------------------------------------------------------------------------------------------

  main.addEventListener("change", (event) => {
    const tick = event.target.dataset.tick;
    if (tick) ticked[event.target.checked ? "add" : "delete"](tick);
  });

  function restoreTicks(place) {
    for (const box of place.querySelectorAll("[data-tick]")) box.checked = ticked.has(box.dataset.tick);
  }
  restoreTicks(main);

  // ---- Sources -----------------------------------------------------------------------------------------------------

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

  return () => { if (answering) answering.abort(); };
}

/** The events of a text/event-stream body as [name, data], data read as JSON. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r\n\r\n|\n\n/); // the two line ends that servers write
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      const data = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
      if (data.length) yield [name, JSON.parse(data.join("\n"))];
    }
  }
}
