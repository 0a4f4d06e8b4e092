// The platform's storage for tools whose cookies are blocked (LTI Client Side postMessages and Platform Storage 1.0).
// A secret is sent only to the origin of the registered authentication URL. An answer counts only from the window that
// was asked, from that origin, with our own message id. Whatever does not answer within two seconds does not exist.

const PATIENCE = 2000;

function platformWindow() {
  if (window.parent !== window) return window.parent;
  return window.opener;
}

function frameNamed(name) {
  const platform = platformWindow();
  if (!platform) return null;
  if (!name || name === "_parent") return platform;
  try {
    return platform.frames[name] || null;
  } catch {
    return null;
  }
}

function ask(target, origin, message) {
  return new Promise((resolve) => {
    const id = crypto.randomUUID();
    const done = (answer) => {
      clearTimeout(timer);
      window.removeEventListener("message", listen);
      resolve(answer);
    };
    const listen = (event) => {
      if (event.source !== target || (origin !== "*" && event.origin !== origin)) return;
      const answer = event.data;
      if (!answer || typeof answer !== "object" || answer.message_id !== id) return;
      if (answer.subject !== message.subject + ".response") return;
      done(answer.error ? null : answer);
    };
    const timer = setTimeout(() => done(null), PATIENCE);
    window.addEventListener("message", listen);
    try {
      target.postMessage({ ...message, message_id: id }, origin);
    } catch {
      done(null);
    }
  });
}

// Where the platform keeps values, or null. Canvas names a frame in its mobile apps too, where nobody listens, so the
// platform is asked first; that question holds no secret and may go to any origin.
async function storageFrame(data) {
  const platform = platformWindow();
  if (!data.storage_target || !platform) return null;
  const answer = await ask(platform, "*", { subject: "lti.capabilities" });
  if (!answer || !Array.isArray(answer.supported_messages)) return null;
  const put = answer.supported_messages.find((one) => one && one.subject === "lti.put_data");
  return put ? frameNamed(put.frame || data.storage_target) : null;
}

export async function putValue(data, value) {
  const frame = await storageFrame(data);
  if (!frame) return false;
  const answer = await ask(frame, data.storage_origin, { subject: "lti.put_data", key: `lti_state_${data.id}`, value });
  return answer !== null && answer.value === value;
}

// The value that was kept, taken out as it is read: it has one use.
export async function takeValue(data) {
  const frame = await storageFrame(data);
  if (!frame) return null;
  const key = `lti_state_${data.id}`;
  const answer = await ask(frame, data.storage_origin, { subject: "lti.get_data", key });
  if (!answer || typeof answer.value !== "string") return null;
  frame.postMessage({ subject: "lti.put_data", message_id: crypto.randomUUID(), key, value: null }, data.storage_origin);
  return answer.value;
}

// Takes the value back unread, when another way was quicker: the platform keeps only so many.
export function forgetValue(data) {
  const frame = data.storage_target ? frameNamed(data.storage_target) : null;
  const key = `lti_state_${data.id}`;
  if (frame) frame.postMessage({ subject: "lti.put_data", message_id: crypto.randomUUID(), key, value: null }, data.storage_origin);
}
