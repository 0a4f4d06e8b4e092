// The login page: leaves two secrets with this browser (the cookie is the third), then goes on to the platform.

import { offerNewWindow } from "./new-window.js";
import { putValue } from "./platform-storage.js";

const data = JSON.parse(document.getElementById("launch-data").textContent);

function keepInSession() {
  try {
    sessionStorage.setItem(`lti_${data.id}`, data.session_value);
    return sessionStorage.getItem(`lti_${data.id}`) === data.session_value;
  } catch {
    return false;
  }
}

// Chromium with third-party cookies blocked refuses a frame its session storage and keeps its partitioned cookies. The
// login's own cookie cannot be read here (HttpOnly), so a probe of the same kind tells whether it was kept.
function keepsCookies() {
  try {
    const probe = `__Host-lti_probe_${data.id}`;
    document.cookie = `${probe}=1; Path=/; Secure; SameSite=None; Partitioned; Max-Age=60`;
    const kept = document.cookie.includes(`${probe}=1`);
    document.cookie = `${probe}=; Path=/; Secure; SameSite=None; Partitioned; Max-Age=0`;
    return kept;
  } catch {
    return false;
  }
}

const keptHere = keepInSession() || keepsCookies();
const keptThere = await putValue(data, data.storage_value);
if (keptHere || keptThere || window.parent === window) {
  location.replace(data.auth_url);
} else {
  // A browser that keeps neither storage nor a cookie for this frame cannot be bound in it. The way out is offered now and not
  // after the launch: Moodle's launches work once, and a restart after one is refused.
  offerNewWindow();
}
