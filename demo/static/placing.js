// The pages on which Workside chooses an activity or registers itself: its frame, and where to go when it is done.

import { listen } from "./frame.js";

const frame = document.getElementById("tool");
if (frame) {
  listen(frame);
  addEventListener("message", (event) => {
    // Our own page inside the frame, which took the tool's answer.
    if (event.origin === location.origin && event.source === frame.contentWindow && event.data?.subject === "demo.added") {
      const address = new URL(event.data.address, location.href);
      if (address.origin === location.origin) {
        location.href = address.href;
      }
    }
  });
}
