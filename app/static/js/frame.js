// The frame: it keeps the visit's bearer, fetches pages with it, and puts them in place.
//
// The bearer lives in this module's memory and in this frame's own history entries (so that a reload works), never in an
// address, a cookie or storage. So no plain navigation may leave this document: links and forms are fetched here.

const page = () => document.getElementById("page");
const main = () => document.getElementById("main");
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let bearer = null;
let typed = {}; // what the person typed in fields marked data-keep, by field; it outlives pages and reloads
let current = null; // the request for a page that is under way
let here = location.pathname + location.search;
let leave = () => {}; // what the page's own module wants done before the page goes

class SignedOut extends Error {}

// ---- Requests ------------------------------------------------------------------------------------------------------

// Where the person is, so that "today" is theirs; a browser that doesn't say is told UTC's.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** A fetch with the bearer. Throws SignedOut on 401, TypeError where the network fails, AbortError when aborted. */
async function request(url, options = {}) {
  // The page's language, for what is said before the server knows whose visit it is.
  const language = document.documentElement.lang;
  const headers = { Accept: "text/html", "Accept-Language": language, "Workside-Time-Zone": zone, ...options.headers };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const response = await fetch(url, { ...options, headers, credentials: "omit", cache: "no-store" });
  if (response.status === 401) throw new SignedOut();
  return response;
}

/** The body of a form as it is sent, with the button that sent it. Only a form that says so sends files. */
function formBody(form, submitter) {
  const data = new FormData(form);
  if (submitter && submitter.name) data.append(submitter.name, submitter.value);
  return form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
}

async function documentOf(response) {
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function loading(isLoading) {
  document.documentElement.toggleAttribute("data-loading", isLoading);
}

// ---- Saying things -------------------------------------------------------------------------------------------------

function copyOf(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** Says one thing to screen readers. */
function announce(text) {
  const place = document.getElementById("announcer");
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 50);
}

function clearBanners() {
  for (const banner of document.querySelectorAll(".banner")) banner.remove();
}

/** Shows a banner before `anchor`, or at the top of the page. `retry` is what its button does. */
function showBanner(id, { anchor = null, retry = null, title = "", advice = "" } = {}) {
  clearBanners();
  const banner = copyOf(id);
  if (title) banner.querySelector("[data-title]").textContent = title;
  if (advice) banner.querySelector("[data-advice]").textContent = advice;
  const button = banner.querySelector("[data-retry]");
  if (button && retry) button.addEventListener("click", () => { banner.remove(); retry(); });
  else if (button) button.remove();
  if (anchor && anchor.isConnected) anchor.before(banner);
  else main().prepend(banner);
  banner.scrollIntoView({ block: "nearest" });
  reportHeight();
}

/** Tells of a failed request: signed out, no network; anything else is a fault of ours and is thrown on. */
function explain(error, place) {
  if (error.name === "AbortError") return;
  if (error instanceof SignedOut) showBanner("banner-signed-out", place);
  else if (error instanceof TypeError) showBanner("banner-network", place);
  else { showBanner("banner-refused", place); throw error; }
}

// ---- Pages ---------------------------------------------------------------------------------------------------------

/** Puts a fetched page in place. `move` is how: "first" leaves focus with the learning platform, "link" and "form" move it. */
async function show(fetched, { move, anchor = "", scroll = null }) {
  rememberTyped();
  leave();
  leave = () => {};
  page().replaceChildren(...document.adoptNode(fetched.getElementById("page")).childNodes);
  document.title = fetched.title;
  document.documentElement.lang = fetched.documentElement.lang || document.documentElement.lang;
  localiseTimes(page());
  restoreTyped();
  // Forms are checked here, in the page's own words; the browser's bubbles would speak over them.
  for (const form of document.querySelectorAll("form")) form.noValidate = true;
  const shown = main();
  const name = shown.dataset.module;
  if (name) {
    const module = await import(`./${name}.js`);
    if (shown !== main()) return; // the next page has come meanwhile
    leave = module.start(shown, { request, formBody, announce, clearBanners, showBanner, localiseTimes, bring, SignedOut }) || leave;
  }
  if (move !== "first") land(anchor, scroll);
  reportHeight();
  watchGradebook(0);
}

// A grade on its way is asked about again until it has arrived: about a minute, ever more rarely. Only the note changes.
let watching = 0;
function watchGradebook(tries) {
  clearTimeout(watching);
  const note = document.querySelector("[data-waiting]");
  if (!note || tries > 12) return;
  watching = setTimeout(async () => {
    try {
      const fresh = (await documentOf(await request(here))).querySelector("[data-gradebook]");
      if (!fresh || !note.isConnected) return;
      if (!fresh.hasAttribute("data-waiting")) announce(fresh.textContent.trim());
      note.replaceWith(document.adoptNode(fresh));
      reportHeight();
    } catch { /* offline or signed out: the next click says so */ }
    watchGradebook(tries + 1);
  }, 1500 + 700 * tries);
}

/** Says each time in the reader's own zone and in the page's language; the server only knows UTC. */
function localiseTimes(place) {
  for (const time of place.querySelectorAll("time[datetime]")) {
    const isDay = time.dateTime.length === 10;
    const form = isDay ? { dateStyle: "long", timeZone: "UTC" } : { dateStyle: "medium", timeStyle: "short" };
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, form).format(moment);
  }
}

/** Moves focus and view to where the new page begins, or to the part that was asked for. */
function land(anchor, scroll) {
  const part = anchor && document.getElementById(anchor);
  const target = part || main().querySelector("h1") || main();
  if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
  if (part) bring(part, "start");
  else {
    scrollTo(0, scroll || 0);
    // In a frame as tall as its page it is the platform's page that has scrolled: back to where ours begins.
    if (!scroll && window.parent !== window) bring(document.querySelector(".bar") || target, "nearest");
  }
}

/** Scrolls a part into view, and once more where the platform then makes the frame taller: the first scroll is undone by that. */
function bring(part, block) {
  const scroll = () => part.scrollIntoView({ block, behavior: calm() ? "auto" : "smooth" });
  scroll();
  addEventListener("resize", scroll, { once: true });
  setTimeout(() => removeEventListener("resize", scroll), 1000);
}

function state(extra = {}) {
  return { bearer, typed, scroll: scrollY, ...extra };
}

/** Goes to an address of ours. `push` false replaces the history entry (the first page, back and forward). */
async function visit(url, { push = true, move = "link", scroll = null } = {}) {
  const address = new URL(url, location.href);
  if (current) current.abort();
  const mine = (current = new AbortController());
  loading(true);
  try {
    const response = await request(address.pathname + address.search, { signal: mine.signal });
    const fetched = await documentOf(response);
    if (mine.signal.aborted) return;
    clearBanners();
    if (push) {
      history.replaceState(state(), "");
      history.pushState(state({ scroll: 0 }), "", shownAddress(response, address.hash));
    } else {
      history.replaceState(state({ scroll }), "", shownAddress(response, address.hash));
    }
    here = location.pathname + location.search;
    current = null; // the page is there: what is sent from it now is answered in it, also while its module is still on its way
    await show(fetched, { move, anchor: address.hash.slice(1), scroll });
  } catch (error) {
    if (error instanceof SignedOut && move === "first") showSignedOut();
    else explain(error, { retry: () => visit(url, { push, move, scroll }) });
  } finally {
    if (current === mine) current = null;
    if (!current) loading(false);
  }
}

function shownAddress(response, hash = "") {
  const final = new URL(response.url);
  return final.pathname + final.search + hash;
}

function showSignedOut() {
  main().replaceChildren(copyOf("page-signed-out"));
  document.title = main().querySelector("h1").textContent;
  reportHeight();
}

// ---- Forms ---------------------------------------------------------------------------------------------------------

/** Sends a form once, however often it is clicked; its typed text stays until the answer is a page. */
async function send(form, submitter) {
  if (form.dataset.sending) return;
  clearBanners();
  if (!(submitter && submitter.formNoValidate) && !isComplete(form)) return;
  const button = submitter || form.querySelector("[type=submit]");
  const words = button && button.textContent;
  const body = formBody(form, submitter);
  form.dataset.sending = "yes";
  loading(true);
  if (button) {
    button.setAttribute("aria-disabled", "true");
    if (button.dataset.busy) button.textContent = button.dataset.busy;
  }
  const anchor = form.querySelector(".actions");
  try {
    const response = await request(form.getAttribute("action"), { method: "POST", body });
    const fetched = await documentOf(response);
    const refusal = fetched.querySelector("[data-error]");
    if (refusal) {
      const title = refusal.querySelector("h1").textContent;
      const advice = refusal.querySelector("[data-advice]").textContent;
      showBanner("banner-refused", { anchor, title, advice });
      return;
    }
    forgetTyped(form);
    if (current || !form.isConnected) return; // the person has gone on meanwhile; what they sent has arrived
    const address = shownAddress(response);
    history.replaceState(state(), "");
    if (address !== here) {
      history.pushState(state({ scroll: 0 }), "", address);
      here = address;
    }
    await show(fetched, { move: "form", anchor: form.dataset.anchor || "" });
  } catch (error) {
    explain(error, { anchor, retry: () => send(form, submitter) });
  } finally {
    loading(false);
    delete form.dataset.sending;
    if (button) {
      button.removeAttribute("aria-disabled");
      button.textContent = words;
    }
  }
}

/** Whether every required field is filled; says beside each one what is missing, and goes to the first. */
function isComplete(form) {
  for (const old of form.querySelectorAll(".wrong")) old.remove();
  for (const old of form.querySelectorAll(".has-error")) old.classList.remove("has-error");
  for (const old of form.querySelectorAll("[aria-invalid]")) {
    old.removeAttribute("aria-invalid");
    describe(old, (ids) => ids.filter((id) => !id.startsWith("wrong-")));
  }
  let first = null;
  const told = new Set();
  for (const field of form.elements) {
    const isBlank = "value" in field && field.required && field.type === "textarea" && !field.value.trim();
    if (!field.willValidate || (field.validity.valid && !isBlank) || field.type === "fieldset") continue;
    const place = field.closest("fieldset[data-missing]") || field;
    if (told.has(place)) continue;
    told.add(place);
    const message = document.createElement("p");
    message.className = "wrong";
    message.id = `wrong-${told.size}`;
    message.textContent = place.dataset.missing || field.validationMessage;
    if (place === field) {
      field.before(message);
      field.closest(".field")?.classList.add("has-error");
    } else {
      place.querySelector("legend").after(message);
      place.classList.add("has-error");
    }
    field.setAttribute("aria-invalid", "true");
    describe(field, (ids) => [message.id, ...ids]);
    first = first || field;
  }
  if (first) {
    first.focus({ preventScroll: true });
    (first.closest("fieldset") || first).scrollIntoView({ block: "nearest" });
    reportHeight();
  }
  return !first;
}

/** Changes which elements describe a field. */
function describe(field, change) {
  const ids = change((field.getAttribute("aria-describedby") || "").split(" ").filter(Boolean));
  if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
  else field.removeAttribute("aria-describedby");
}

// ---- Typed text ----------------------------------------------------------------------------------------------------

const keyOf = (field) => `${field.name}:${field.dataset.keep || here}`;

function rememberTyped() {
  for (const field of document.querySelectorAll("[data-keep]")) {
    if (field.value !== field.defaultValue) typed[keyOf(field)] = field.value;
    else delete typed[keyOf(field)];
  }
}

function restoreTyped() {
  for (const field of document.querySelectorAll("[data-keep]")) {
    const text = typed[keyOf(field)];
    if (text !== undefined) field.value = text;
  }
}

function forgetTyped(form) {
  for (const field of form.querySelectorAll("[data-keep]")) {
    delete typed[keyOf(field)];
    delete field.dataset.keep;
  }
}

let typing = 0;
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-keep]")) return;
  clearTimeout(typing);
  typing = setTimeout(() => { rememberTyped(); history.replaceState(state(), ""); }, 400);
});

// ---- Clicks --------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!bearer || !link || event.defaultPrevented) return;
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target) return;
  const address = new URL(link.href);
  if (address.origin !== location.origin || address.pathname.startsWith("/static/")) return;
  if (link.getAttribute("href").startsWith("#")) {
    event.preventDefault();
    land(address.hash.slice(1), null);
    return;
  }
  event.preventDefault();
  if (link.hasAttribute("download")) download(address, link.getAttribute("download"));
  else visit(address.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  // By attribute: form.action is the field of that name where a form has one.
  const address = new URL(form.getAttribute("action") ?? "", location.href);
  if (!bearer || event.defaultPrevented || address.origin !== location.origin) return;
  event.preventDefault();
  if (form.getAttribute("method")?.toLowerCase() === "post") send(form, event.submitter);
  else visit(`${form.getAttribute("action")}?${formBody(form, event.submitter)}`);
});

/** A file comes with the bearer too, so it is fetched and handed to the browser as a blob. */
async function download(address, name) {
  try {
    const response = await request(address.pathname + address.search);
    if (!response.ok) { showBanner("banner-refused"); return; }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = name || "";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    explain(error, { retry: () => download(address, name) });
  }
}

addEventListener("popstate", (event) => {
  const address = location.pathname + location.search;
  if (!bearer || address === here) return;
  visit(location.href, { push: false, scroll: event.state ? event.state.scroll : 0 });
});

// ---- The frame's height --------------------------------------------------------------------------------------------

let told = 0;
let telling = 0;

/** Tells the learning platform how tall the page is. Platforms that don't know the message ignore it; nothing in it is secret. */
function reportHeight() {
  if (window.parent === window) return;
  clearTimeout(telling);
  telling = setTimeout(() => {
    const height = Math.ceil(page().getBoundingClientRect().height);
    if (Math.abs(height - told) < 4) return;
    told = height;
    window.parent.postMessage({ subject: "lti.frameResize", height }, "*");
  }, 120);
}

new ResizeObserver(reportHeight).observe(page());

// ---- Beginning -----------------------------------------------------------------------------------------------------

const place = document.getElementById("session");
if (place) {
  const session = JSON.parse(place.textContent);
  const kept = history.state || {};
  place.remove();
  history.scrollRestoration = "manual";
  bearer = session ? session.bearer : kept.bearer || null;
  if (!session) typed = kept.typed || {};
  if (bearer) visit(session ? session.first : location.href, { push: false, move: "first", scroll: kept.scroll || 0 });
  else showSignedOut();
}
