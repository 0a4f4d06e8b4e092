// An answer as it arrives: the events of its stream, taken up again where the connection dropped.

const TRIES = 8;
const LONGEST_PAUSE = 8000;

/** The server did not take what was asked of it; `response` says why. */
export class Refused extends Error {
  constructor(response) {
    super(`refused with ${response.status}`);
    this.response = response;
  }
}

/**
 * Tells `told(name, data)` each event until it returns true: then the answer is whole. `open(lastId)` gives a promise of the
 * response, or null where there is nothing to resume. A connection that drops is opened again after a pause; `dropped()` is told
 * of each time. Throws Refused, AbortError, SignedOut, or TypeError when it has been tried often enough.
 */
export async function followAnswer({ open, told, dropped, signal }) {
  let lastId = "";
  for (let tries = 0; tries <= TRIES; tries += 1) {
    if (tries) await pause(Math.min(400 * 2 ** (tries - 1), LONGEST_PAUSE), signal);
    try {
      const opening = open(lastId);
      if (!opening) break;
      const response = await opening;
      if (!response.ok || !response.body) throw new Refused(response);
      for await (const { id, name, data } of events(response.body)) {
        if (id) lastId = id;
        tries = 0;
        if (told(name, data)) return;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a TypeError is fetch's word for a network that failed
    }
    dropped();
  }
  throw new TypeError("the connection dropped");
}

/** Waits, at most until the network is back. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => { clearTimeout(timer); removeEventListener("online", end); signal.removeEventListener("abort", stop); resolve(); };
    const stop = () => { end(); reject(signal.reason); };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
    signal.addEventListener("abort", stop);
  });
}

/** The events of a text/event-stream body, their data read as JSON. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r\n\r\n|\n\n/); // the two line ends that servers write
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { id: "", name: "message", data: [] };
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith("event:")) event.name = line.slice(6).trim();
        else if (line.startsWith("id:")) event.id = line.slice(3).trim();
        else if (line.startsWith("data:")) event.data.push(line.slice(5).replace(/^ /, ""));
      }
      if (event.data.length) yield { ...event, data: JSON.parse(event.data.join("\n")) };
    }
  }
}
