// The rung before the last: the browser asks the person whether Workside may use its cookies inside this page. It takes a
// click, and most browsers ask only where Workside was opened in a window of its own before.

import { offerNewWindow } from "./new-window.js";

const find = (id) => document.getElementById(id);

/** Whether there is something to ask for. */
export async function mayAsk() {
  if (!document.requestStorageAccess || !document.hasStorageAccess) return false;
  try {
    return !(await document.hasStorageAccess());
  } catch {
    return false;
  }
}

/** Takes up an agreement that was given before: no click is needed then. True where there is access now. */
export async function takeUpAccess() {
  try {
    const permission = await navigator.permissions.query({ name: "storage-access" });
    if (permission.state !== "granted") return false;
    await document.requestStorageAccess();
    return true;
  } catch {
    return false;
  }
}

/** Offers the button; `granted` is what comes after a yes. A no leads to the new window. */
export function offerAccess(granted) {
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
    granted();
  });
  button.focus();
}
