// The last rung: the login starts again in a window of its own, where our cookies are first-party.

const find = (id) => document.getElementById(id);

export function offerNewWindow() {
  find("working").hidden = true;
  find("choice").hidden = false;
  const link = find("new-window");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    // A sandboxed frame without allow-popups opens nothing and says nothing: then the page says it.
    const opened = window.open(link.href, "_blank");
    find("blocked").hidden = opened !== null;
  });
  // In a sandboxed frame no request of ours can succeed: what is offered is only what works.
  const onwards = find("continue");
  if (onwards && self.origin === "null") onwards.hidden = true;
  link.focus();
}
