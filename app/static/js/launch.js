// The page after a launch whose cookie did not come along: shows the server one of the secrets that the login left, rung
// by rung: session storage (at once), platform storage (up to some seconds), storage access (one click), a new window.

import { offerNewWindow } from "./new-window.js";
import { forgetValue, takeValue } from "./platform-storage.js";

const data = JSON.parse(document.getElementById("launch-data").textContent);
const find = (id) => document.getElementById(id);

// True when the page is being left or there is nothing more to try.
async function redeem(value) {
  let answer;
  try {
    answer = await fetch(data.redeem_url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ ticket: data.ticket, value }),
    });
  } catch {
    return false;
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok && typeof body.location === "string" && /^\/(?!\/)/.test(body.location)) {
    location.replace(body.location);
    return true;
  }
  if (body.error === "ticket_unknown") {
    for (const id of ["working", "access", "choice"]) find(id).hidden = true;
    find("late").hidden = false;
    return true;
  }
  return false;
}

function takeFromSession() {
  try {
    const value = sessionStorage.getItem(`lti_${data.id}`);
    sessionStorage.removeItem(`lti_${data.id}`);
    return value;
  } catch {
    return null;
  }
}

async function mayAsk() {
  if (!document.requestStorageAccess || !document.hasStorageAccess) return false;
  try {
    return !(await document.hasStorageAccess());
  } catch {
    return false;
  }
}

function offerAccess() {
  find("working").hidden = true;
  find("access").hidden = false;
  const button = find("ask-access");
  button.addEventListener("click", async () => {
    try {
      await document.requestStorageAccess();
    } catch {
      find("access").hidden = true;
      offerNewWindow();
      return;
    }
    // The cookie of this login may have been kept all along. If not, a new login can leave one now.
    if (!(await redeem(null))) location.replace(data.restart_url);
  });
  button.focus();
}

async function climb() {
  const session = takeFromSession();
  if (session && (await redeem(session))) {
    forgetValue(data);
    return;
  }
  const stored = await takeValue(data);
  if (stored && (await redeem(stored))) return;
  if (await mayAsk()) offerAccess();
  else offerNewWindow();
}

await climb();
