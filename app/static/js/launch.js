// The page after a launch whose cookie did not come along: shows the server one of the secrets that the login left, rung
// by rung: the platform's storage, this frame's session storage, storage access (one click), a new window.

import { offerNewWindow } from "./new-window.js";
import { forgetValue, takeValue } from "./platform-storage.js";
import { mayAsk, offerAccess, takeUpAccess } from "./storage-access.js";

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

// What the login left here: {value, platform}, where `platform` is whether the platform had kept its value; {} for nothing.
function takeFromSession() {
  try {
    const kept = sessionStorage.getItem(`lti_${data.id}`);
    sessionStorage.removeItem(`lti_${data.id}`);
    return JSON.parse(kept) || {};
  } catch {
    return {};
  }
}

async function climb() {
  const session = takeFromSession();
  // A platform that did not answer at the login is not waited for a second time.
  const stored = session.platform === false ? null : await takeValue(data);
  if (stored && (await redeem(stored))) return;
  if (session.value && (await redeem(session.value))) {
    forgetValue(data);
    return;
  }
  if ((await takeUpAccess()) && (await redeem(null))) return;
  if (!(await mayAsk())) {
    offerNewWindow();
    return;
  }
  offerAccess(async () => {
    // The cookie of this login may have been kept all along. If not, a new login can leave one now.
    if (!(await redeem(null))) location.replace(data.restart_url);
  });
}

await climb();
