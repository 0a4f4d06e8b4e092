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

const keptHere = keepInSession();
const keptThere = await putValue(data, data.storage_value);
if (keptHere || keptThere || window.parent === window) {
  location.replace(data.auth_url);
} else {
  // A browser that refuses this frame its session storage refuses its cookies too. The way out is offered now and not
  // after the launch: Moodle's launches work once, and a restart after one is refused.
  offerNewWindow();
}
