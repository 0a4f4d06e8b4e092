// The platform's storage for tools whose cookies are blocked (LTI Client Side postMessages and Platform Storage 1.0).
// A secret is sent only to the origin of the registered authentication URL. An answer counts only from the window that
// was asked, from that origin, with our own message id. Whatever does not answer within two seconds does not exist.

const PATIENCE = 2000;

const keyOf = (data) => `lti_state_${data.id}`;

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

// The first of some answers that is one; null when none is.
function firstOf(answers) {
  return new Promise((resolve) => {
    let left = answers.length;
    for (const answer of answers) {
      answer.then((found) => {
        left -= 1;
        if (found || left === 0) resolve(found);
      });
    }
  });
}

// Asks the frame that the login named and, in the same two seconds, the platform which frame it is: some platforms know no
// lti.capabilities, and Canvas's mobile apps name a frame where nobody listens. That question holds no secret and may go to any
// origin. Resolves to {answer, frame}, or null where there is no storage or `holds` says that the answer is none.
async function askStorage(data, message, holds) {
  const platform = platformWindow();
  if (!data.storage_target || !platform) return null;
  const askFrame = async (frame) => {
    const answer = frame && (await ask(frame, data.storage_origin, message));
    return answer && holds(answer) ? { answer, frame } : null;
  };
  const named = frameNamed(data.storage_target);
  const askElsewhere = async () => {
    const answer = await ask(platform, "*", { subject: "lti.capabilities" });
    if (!answer || !Array.isArray(answer.supported_messages)) return null;
    const entry = answer.supported_messages.find((one) => one && one.subject === message.subject);
    const frame = entry && entry.frame ? frameNamed(entry.frame) : named;
    return frame === named ? null : askFrame(frame);
  };
  return firstOf([askFrame(named), askElsewhere()]);
}

export async function putValue(data, value) {
  const message = { subject: "lti.put_data", key: keyOf(data), value };
  return (await askStorage(data, message, (answer) => answer.value === value)) !== null;
}

// The value that was kept, taken out as it is read: it has one use.
export async function takeValue(data) {
  const message = { subject: "lti.get_data", key: keyOf(data) };
  const found = await askStorage(data, message, (answer) => typeof answer.value === "string");
  if (!found) return null;
  remove(data, found.frame);
  return found.answer.value;
}

// Takes the value back unread, when another way was quicker: the platform keeps only so many.
export function forgetValue(data) {
  const frame = data.storage_target ? frameNamed(data.storage_target) : null;
  if (frame) remove(data, frame);
}

function remove(data, frame) {
  const message = { subject: "lti.put_data", message_id: crypto.randomUUID(), key: keyOf(data), value: null };
  frame.postMessage(message, data.storage_origin);
}
