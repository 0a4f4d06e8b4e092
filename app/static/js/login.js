// The login page: leaves two secrets with this browser (the cookie is the third), then goes on to the platform.

import { offerNewWindow } from "./new-window.js";
import { putValue } from "./platform-storage.js";
import { mayAsk, offerAccess } from "./storage-access.js";

const data = JSON.parse(document.getElementById("launch-data").textContent);

// Beside the value it says whether the platform kept its own, so that the launch need not wait for one that is silent.
function keepInSession(platform) {
  const kept = JSON.stringify({ value: data.session_value, platform });
  try {
    sessionStorage.setItem(`lti_${data.id}`, kept);
    return sessionStorage.getItem(`lti_${data.id}`) === kept;
  } catch {
    return false;
  }
}

// Chromium with third-party cookies blocked may refuse a frame its session storage and keep its partitioned cookies. The
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

const keptThere = await putValue(data, data.storage_value);
const keptHere = keepInSession(keptThere) || keepsCookies();
if (keptHere || keptThere || window.parent === window) {
  location.replace(data.auth_url);
} else if (await mayAsk()) {
  // A browser that keeps neither storage nor a cookie for this frame cannot be bound in it. The ways out are offered now and not
  // after the launch: Moodle's launches work once, and a restart after one is refused.
  offerAccess(() => location.replace(data.restart_url));
} else {
  offerNewWindow();
}
