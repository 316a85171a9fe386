// The program and its WebSocket. The page has begun both, and neither waits for
// the other.

import './wasm_exec.js'; // Go's own: it makes the global Go

// ears belong to those who draw, once they are there.
const ears = {
  arrived() {}, // a share of the program, which is so many bytes
  news() {}, // once until the next frame
};

// count tells how much of a response has come: it counts decoded bytes, and
// says it in those that were sent.
async function count(response) {
  const plain = Number(response.headers.get('Porthole-Size'));
  const sent = Number(response.headers.get('Content-Length'));
  let bytes = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.length;
    if (plain > 0) ears.arrived(Math.min(1, bytes / plain), sent);
  }
}

let program = null; // what the program exports
let { ws: first } = begun;

// open gives the program a WebSocket: the first, or another once that is gone.
// A message is put where it has room for it, and then told of by its length.
function open(at, room, gone) {
  const ws = first ?? begun.open();
  first = null;
  ws.onmessage = ({ data }) => {
    if (data.byteLength > room) {
      ws.close(4002, 'porthole.v1: message is too big');
      return;
    }
    new Uint8Array(program.mem.buffer, at, room).set(new Uint8Array(data));
    program.receive(data.byteLength);
  };
  ws.onclose = ({ code, reason }) => gone(code, reason);
  queueMicrotask(() => begun.early.splice(0).forEach((event) => ws[`on${event.type}`](event)));
  return {
    send(from, length) {
      if (ws.readyState === WebSocket.OPEN) ws.send(new Uint8Array(program.mem.buffer, from, length)); // or it gets nowhere
    },
    close: (code, reason) => ws.close(code, reason),
  };
}

// start tells that the program runs, and then when it has ended.
async function start() {
  try {
    const go = new Go();
    const response = await begun.response;
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    count(begun.copy).catch(() => {}); // what breaks it breaks the other too
    const instance = await WebAssembly.instantiate(await begun.module, go.importObject);
    program = instance.exports;
    const ended = go.run(instance);
    globalThis.porthole.start(open, () => ears.news(), begun.watches === true);
    return { ended };
  } catch (error) {
    first?.close();
    throw error;
  }
}

const started = start();

// What draws comes second, for it would keep the program from its first reply;
// unless that takes so long that there is something to draw: how much has come.
const LONG = 250; // ms
Promise.race([started, new Promise((done) => setTimeout(done, LONG))])
  .catch(() => {}) // what draws says so
  .then(() => import(begun.draws))
  .then((app) => app.attach(started, ears));
