// Messages of the tool in its frame, as a platform answers them. A sandboxed frame has no origin, so there the window alone says
// who speaks.

const stored = new Map();

function answerStorage(frame, data, origin) {
  const reply = { subject: `${data.subject}.response`, message_id: data.message_id };
  if (data.subject === "lti.capabilities") {
    const storage = frame.dataset.storage ? [{ subject: "lti.put_data" }, { subject: "lti.get_data" }] : [];
    return { ...reply, supported_messages: [{ subject: "lti.capabilities" }, { subject: "lti.frameResize" }, { subject: "lti.close" }, ...storage] };
  }
  if (!frame.dataset.storage || origin === "null") {
    return { ...reply, error: { code: "unsupported_subject", message: "This platform keeps no data for the frame." } };
  }
  if (typeof data.key !== "string" || !data.message_id) {
    return { ...reply, error: { code: "bad_request", message: "key and message_id are needed." } };
  }
  if (data.subject === "lti.get_data") {
    return { ...reply, key: data.key, value: stored.get(data.key) ?? null };
  }
  if (data.value === null || data.value === undefined) {
    stored.delete(data.key);
  } else if (stored.size >= 500 || String(data.value).length > 4096) {
    return { ...reply, error: { code: "storage_exhaustion", message: "Too much data." } };
  } else {
    stored.set(data.key, String(data.value));
  }
  return { ...reply, key: data.key, value: data.value ?? null };
}

/** Answers the tool in this frame. */
export function listen(frame) {
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || typeof event.data !== "object" || event.data === null) {
      return;
    }
    const sandboxed = frame.hasAttribute("sandbox");
    if (event.origin !== frame.dataset.origin && !(sandboxed && event.origin === "null")) {
      return;
    }
    const { subject, height } = event.data;
    if (subject === "lti.frameResize") {
      const pixels = Number(height);
      if (Number.isFinite(pixels)) {
        frame.style.height = `${Math.min(Math.max(pixels, 240), 6000)}px`;
      }
    } else if (subject === "lti.close" || subject === "org.imsglobal.lti.close") {
      frame.hidden = true;
      frame.style.display = "none";
      frame.removeAttribute("src");
      const closed = document.getElementById("closed");
      closed.hidden = false;
      closed.querySelector("a").focus();
    } else if (["lti.capabilities", "lti.put_data", "lti.get_data"].includes(subject)) {
      frame.contentWindow.postMessage(answerStorage(frame, event.data, event.origin), sandboxed ? "*" : event.origin);
    }
  });
}
