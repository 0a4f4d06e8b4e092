// Asking: sends a question, shows the answer as it is written, stops it, asks it in other words, and ticks steps.
//
// The answer is made apart from this page: a connection that drops is taken up again, a page that was left finds it later.

import { start as startLearning } from "./learning.js";
import { start as startSources } from "./ask-sources.js";
import { followAnswer, Refused } from "./ask-stream.js";

const ticked = new Set(); // ticks last as long as the frame; they are the person's own and go nowhere
const LEAST_SECONDS_BETWEEN_LOOKS = 3;

export function start(main, kit) {
  const turns = main.querySelector("[data-turns]");
  const form = main.querySelector("#ask-form");
  const field = form.querySelector("textarea");
  const sendButton = form.querySelector("[data-send]");
  const stopButton = form.querySelector("[data-stop]");
  const texts = main.querySelector("#texts").content;
  const lives = new Set(); // the answers that this page follows
  let answering = null; // the one that was asked on this page: the form waits for it, and for none that another tab asked

  const copyOf = (id) => main.querySelector(`#${id}`).content.firstElementChild.cloneNode(true);
  const textOf = (name) => texts.querySelector(`[data-${name}]`).textContent;
  const conversationId = () => form.elements.conversation_id.value;

  startLearning(main, kit, { replaced: restoreTicks });
  startSources(main, kit, copyOf);

  // ---- Asking ------------------------------------------------------------------------------------------------------

  main.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-ask]")) return;
    event.preventDefault();
    const body = kit.formBody(event.target, event.submitter);
    const question = (body.get("question") || "").trim();
    if (!question) { field.focus(); return; }
    if (answering) return;
    if (event.target === form) { field.value = ""; grow(field); }
    ask(question);
  });

  main.addEventListener("keydown", (event) => {
    if (!event.target.matches("textarea[name=question]") || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); event.target.form.requestSubmit(); }
    else if (event.key === "Escape" && event.target === field && lives.size) { event.preventDefault(); stop(); }
  });
  main.addEventListener("input", (event) => { if (event.target.matches("textarea[name=question]")) grow(event.target); });

  function grow(place) {
    if (CSS.supports("field-sizing", "content")) return;
    place.style.height = "auto";
    place.style.height = `${Math.min(place.scrollHeight, 176)}px`;
  }

  /** Asks, in a new turn below the others; instead of `old` and of what came after it where a question is asked anew. */
  function ask(question, old = null) {
    kit.clearBanners();
    const turn = copyOf("live-turn");
    turn.querySelector(".question").textContent = question;
    const gone = old ? [old, ...following(old)] : [];
    if (old) old.before(turn);
    else turns.append(turn);
    for (const one of gone) one.remove();
    kit.bring(turn, "start");
    const body = new URLSearchParams({ question, conversation_id: conversationId(), replaces: old?.dataset.turn || "" });
    const first = (signal) => kit.request("/ask/turns", { method: "POST", body, headers: { Accept: "text/event-stream" }, signal });
    return follow({ turn, question, gone, first, isOwn: true });
  }

  const following = (turn) => [...turns.children].filter((other) => turn.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

  /** Follows an answer into its turn until it is whole. `first` sends the question; without it the turn is known already. */
  async function follow({ turn, question, id = "", gone = [], first = null, isOwn = false }) {
    const live = { turn, question, id, gone, first, controller: new AbortController(), wantsStop: false };
    lives.add(live);
    if (isOwn) answering = live;
    showButtons();
    const { signal } = live.controller;
    try {
      await followAnswer({
        signal,
        open: (lastId) => (live.id ? resumed(live, lastId) : takeFirst(live)),
        told: (name, data) => told(live, name, data),
        dropped: () => setProgress(live.turn, textOf("reconnecting")),
      });
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof Refused) await refuse(live, error.response);
      else if (error instanceof kit.SignedOut) fail(live, signedOut());
      else { fail(live, {}); if (!(error instanceof TypeError)) throw error; }
    } finally {
      lives.delete(live);
      if (answering === live) answering = null;
      showButtons();
    }
  }

  /** The question is sent once: whether it arrived where no answer came is not known, and twice it would be two turns. */
  function takeFirst(live) {
    const send = live.first;
    live.first = null;
    return send && send(live.controller.signal);
  }

  function resumed(live, lastId) {
    const headers = { Accept: "text/event-stream" };
    if (lastId) headers["Last-Event-ID"] = lastId;
    return kit.request(`/ask/turns/${live.id}/events`, { headers, signal: live.controller.signal });
  }

  /** Shows one event; true when the answer is whole. */
  function told(live, name, data) {
    if (name === "opened") opened(live, data);
    else if (name === "progress") setProgress(live.turn, data.text);
    else if (name === "draft") addDraft(live.turn, data.text);
    else if (name === "part") addPart(live.turn, data.html);
    else if (name === "void") takeAway(live.turn);
    else if (name === "done") finish(live, data);
    else if (name === "failed") fail(live, data);
    return name === "done" || name === "failed";
  }

  /** While this page's own answer is written it can only be stopped; beside one that another tab asked one may ask as well. */
  function showButtons() {
    const hadFocus = [sendButton, stopButton].includes(document.activeElement) && document.activeElement;
    sendButton.hidden = Boolean(answering);
    stopButton.hidden = !lives.size;
    if (hadFocus?.hidden) (answering ? stopButton : field).focus({ preventScroll: true });
  }

  function opened(live, data) {
    live.id = data.turn_id;
    live.gone = [];
    live.turn.dataset.turn = data.turn_id;
    for (const hidden of main.querySelectorAll("[name=conversation_id]")) hidden.value = data.conversation_id;
    if (live.wantsStop) stop();
  }

  // ---- Stopping ----------------------------------------------------------------------------------------------------

  stopButton.addEventListener("click", stop);

  /** What is whole by now stays: the stream brings it as the end of the turn. */
  async function stop() {
    const live = answering || [...lives].at(-1);
    if (!live) return;
    live.wantsStop = true;
    setProgress(live.turn, textOf("stopping"));
    if (!live.id) return; // as soon as it is known what to stop
    try {
      await kit.request(`/ask/turns/${live.id}/stop`, { method: "POST", signal: live.controller.signal });
    } catch { /* offline or signed out: the stream itself says so */ }
  }

  // ---- The answer as it is written ---------------------------------------------------------------------------------

  function setProgress(turn, text) {
    const place = turn.querySelector("[data-progress]");
    if (place && text) place.textContent = text;
  }

  /** Words that nobody has checked yet: text only, and gone with the sentence that takes their place. */
  function addDraft(turn, text) {
    let draft = turn.querySelector("[data-draft]");
    if (!draft) {
      draft = document.createElement("span");
      draft.className = "draft";
      draft.dataset.draft = "";
      groupFor(turn, "p", "").append(draft);
    }
    draft.textContent += text;
  }

  function removeDraft(turn) {
    const draft = turn.querySelector("[data-draft]");
    const group = draft && draft.parentElement;
    draft?.remove();
    if (group && !group.firstElementChild) group.remove();
  }

  /** Adds a sentence to the last paragraph, or a step or row to the last list; the waiting line stays below it. */
  function addPart(turn, html) {
    removeDraft(turn);
    const holder = document.createElement("template");
    holder.innerHTML = html;
    for (const part of [...holder.content.children]) {
      const [tag, name] = { step: ["ol", "steps"], row: ["ul", "facts"] }[part.dataset.kind] || ["p", ""];
      groupFor(turn, tag, name).append(part, " ");
    }
  }

  /** The last group of an answer, or a new one where that is of another kind. */
  function groupFor(turn, tag, name) {
    const answer = turn.querySelector(".answer");
    const waiting = turn.querySelector("[data-progress]");
    let group = waiting ? waiting.previousElementSibling : answer.lastElementChild;
    if (!group || group.localName !== tag) {
      group = document.createElement(tag);
      if (name) group.className = name;
      if (waiting) waiting.before(group);
      else answer.append(group);
    }
    return group;
  }

  /** Another voice begins: what was shown goes, and its room stays until the turn is whole, so that nothing jumps. */
  function takeAway(turn) {
    const answer = turn.querySelector(".answer");
    answer.style.minBlockSize = `${answer.offsetHeight}px`;
    for (const part of [...answer.children]) if (!part.matches("[data-progress]")) part.remove();
  }

  /** The kept turn takes the live one's place: the same words, now with sources that open and steps that tick. */
  function finish(live, data) {
    const kept = elementOf(data.html);
    live.turn.replaceWith(kept);
    live.turn = kept;
    restoreTicks(kept);
    kit.localiseTimes(kept);
    kit.announce(data.announce);
    const place = main.querySelector("[data-conversation]");
    if (place && !place.querySelector("form")) look(); // the first turn made a conversation: now it can be named and deleted
  }

  function elementOf(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content.firstElementChild;
  }

  /** The answer did not arrive here. One that is known is looked for again; another question is asked anew. */
  function fail(live, { title, advice }) {
    const note = copyOf("turn-failed");
    if (title) note.querySelector("[data-title]").textContent = title;
    if (advice) note.querySelector("[data-advice]").textContent = advice;
    removeDraft(live.turn);
    live.turn.removeAttribute("aria-busy");
    live.turn.querySelector("[data-progress]")?.remove();
    live.turn.querySelector(".answer").append(note);
    note.querySelector("[data-retry-turn]").addEventListener("click", () => {
      if (answering) return;
      field.focus({ preventScroll: true });
      const fresh = copyOf("live-turn");
      fresh.querySelector(".question").textContent = live.question;
      live.turn.replaceWith(fresh);
      if (live.id) { fresh.dataset.turn = live.id; follow({ turn: fresh, question: live.question, id: live.id, isOwn: true }); }
      else { fresh.remove(); putBack(live); ask(live.question, live.gone[0] || null); }
    });
  }

  /** The server did not take the question (too long, too many): nothing was asked, and the words go back into the field. */
  async function refuse(live, response) {
    const isGone = response.status === 404;
    const words = await refusalOf(response);
    if (isGone && !live.id && conversationId() && !live.gone.length) {
      // The conversation was deleted in another tab: the question begins one of its own.
      for (const hidden of main.querySelectorAll("[name=conversation_id]")) hidden.value = "";
      turns.replaceChildren();
      ask(live.question);
      return;
    }
    putBack(live);
    live.turn.remove();
    if (!live.id && field.value.trim() !== live.question) {
      field.value = [field.value, live.question].filter(Boolean).join("\n");
      field.dispatchEvent(new Event("input", { bubbles: true })); // kept as typed words are, also over a reload
      grow(field);
    }
    kit.showBanner("banner-refused", { anchor: form.querySelector(".composer-box"), ...words });
  }

  function putBack(live) {
    if (live.turn.isConnected) live.turn.before(...live.gone);
    else turns.append(...live.gone);
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

  // ---- Asking in other words ---------------------------------------------------------------------------------------

  main.addEventListener("click", (event) => {
    const turn = event.target.closest(".turn");
    if (!turn) return;
    if (event.target.closest("[data-edit]")) edit(turn);
    else if (event.target.closest("[data-cancel]")) endEdit(turn);
    else if (event.target.closest("[data-again]") && !answering) {
      field.focus({ preventScroll: true });
      ask(questionOf(turn), turn);
    }
  });

  const questionOf = (turn) => turn.querySelector(".question").textContent;

  function edit(turn) {
    for (const other of main.querySelectorAll("[data-edit-form]")) endEdit(other.closest(".turn"), false);
    const place = copyOf("edit-question");
    const words = place.querySelector("textarea");
    words.value = questionOf(turn);
    place.querySelector("[data-later]").hidden = !turn.nextElementSibling;
    place.addEventListener("submit", (event) => {
      event.preventDefault();
      const question = words.value.trim();
      if (!question) { words.focus(); return; }
      if (answering) return;
      endEdit(turn);
      field.focus({ preventScroll: true });
      ask(question, turn);
    });
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); endEdit(turn); }
    });
    const line = turn.querySelector(".question-line");
    line.classList.add("visually-hidden"); // it stays the turn's heading
    line.querySelector("[data-edit]").hidden = true;
    line.after(place);
    showAgain(turn, false);
    grow(words);
    words.focus();
    words.setSelectionRange(words.value.length, words.value.length);
  }

  function endEdit(turn, returnFocus = true) {
    turn.querySelector("[data-edit-form]")?.remove();
    turn.querySelector(".question-line").classList.remove("visually-hidden");
    const button = turn.querySelector("[data-edit]");
    button.hidden = false;
    showAgain(turn, true);
    if (returnFocus) button.focus({ preventScroll: true });
  }

  /** The form has a button of the same name: while it is open, that of the turn goes. */
  function showAgain(turn, isShown) {
    for (const button of turn.querySelectorAll(".note [data-again]")) button.hidden = !isShown;
  }

  // ---- What other tabs did -----------------------------------------------------------------------------------------

  let looked = performance.now();

  /** Brings what another tab or an earlier page of this one did: turns that came, turns that went, answers that are whole. */
  async function look() {
    const id = conversationId();
    if (!id) return;
    looked = performance.now();
    let page;
    try {
      const response = await kit.request(`/ask/conversations/${id}`);
      if (!response.ok) return;
      page = new DOMParser().parseFromString(await response.text(), "text/html");
    } catch { return; /* offline or signed out: the next question says so */ }
    if (!main.isConnected || id !== conversationId()) return;
    const section = page.querySelector("[data-conversation]");
    const old = main.querySelector("[data-conversation]");
    if (section && old && !old.contains(document.activeElement) && !old.querySelector("details[open]")) old.replaceWith(document.adoptNode(section));
    if (!answering) merge([...page.querySelectorAll("[data-turns] > .turn")]);
  }

  /** Puts fresh turns beside those that stand here, in their order. What a person is reading or writing in stays as it is. */
  function merge(fresh) {
    const ids = new Set(fresh.map((turn) => turn.id));
    const first = fresh.map((turn) => document.getElementById(turn.id)).find(Boolean);
    let before = null;
    for (const turn of fresh) {
      const here = document.getElementById(turn.id);
      if (here && !here.hasAttribute("data-waiting-turn")) { before = here; continue; }
      const kept = document.adoptNode(turn);
      if (here) here.replaceWith(kept);
      else if (before) before.after(kept);
      else if (first) first.before(kept);
      else turns.append(kept);
      kit.localiseTimes(kept);
      restoreTicks(kept);
      before = kept;
    }
    for (const turn of first ? following(first) : []) {
      if (turn.id && !ids.has(turn.id) && !turn.contains(document.activeElement)) turn.remove();
    }
    takeUp();
  }

  /** Follows the answers that are still being written, from wherever they were asked. */
  function takeUp() {
    for (const turn of turns.querySelectorAll("[data-waiting-turn]")) {
      turn.removeAttribute("data-waiting-turn");
      follow({ turn, question: questionOf(turn), id: turn.dataset.turn });
    }
  }

  function onReturn() {
    if (document.visibilityState === "visible" && performance.now() - looked > 1000 * LEAST_SECONDS_BETWEEN_LOOKS) look();
  }
  document.addEventListener("visibilitychange", onReturn);
  addEventListener("focus", onReturn);

  // ---- Steps -------------------------------------------------------------------------------------------------------

  main.addEventListener("change", (event) => {
    const tick = event.target.dataset.tick;
    if (tick) ticked[event.target.checked ? "add" : "delete"](tick);
  });

  function restoreTicks(place) {
    for (const box of place.querySelectorAll("[data-tick]")) box.checked = ticked.has(box.dataset.tick);
  }
  restoreTicks(main);
  takeUp();

  return () => {
    document.removeEventListener("visibilitychange", onReturn);
    removeEventListener("focus", onReturn);
    for (const live of lives) live.controller.abort(); // the answers go on without this page
  };
}
