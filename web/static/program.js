// The program and its WebSocket. Both begin to come before anything is drawn,
// and neither waits for the other: what the gateway says first is kept until
// there is someone to hear it.

import './wasm_exec.js'; // Go's own: it makes the global Go

/** ears belong to those who draw, once they are there. */
export const ears = {
  arrived() {}, // a share of the program, which is so many bytes
  news() {}, // once until the next frame
};

// gateway is where the WebSocket goes: beside the page, wherever that is.
function gateway() {
  const url = new URL('ws', location.href);
  url.hash = '';
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

// count tells how much of a response has come: it counts decoded bytes, and
// says it in those that were sent. It counts a copy, so that the browser can
// keep the program in compiled form with the original.
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

// knock opens a WebSocket, and keeps what it tells.
function knock() {
  const ws = new WebSocket(gateway(), 'porthole.v1');
  const early = [];
  ws.binaryType = 'arraybuffer';
  ws.onmessage = ws.onclose = (event) => early.push(event);
  return { ws, early };
}

let first = knock();
let program = null; // what the program exports

// open gives the program a WebSocket: the first, or another once that is gone.
// A message is put where it has room for it, and then told of by its length.
function open(at, room, gone) {
  const { ws, early } = first ?? knock();
  first = null;
  ws.onmessage = ({ data }) => {
    if (data.byteLength > room) {
      ws.close(4002, 'porthole.v1: message is too big');
      return;
    }
    new Uint8Array(program.mem.buffer, at, room).set(new Uint8Array(data));
    program.receive(data.byteLength);
  };
  ws.onclose = () => gone();
  queueMicrotask(() => early.forEach((event) => ws[`on${event.type}`](event)));
  return {
    send(from, length) {
      if (ws.readyState === WebSocket.OPEN) ws.send(new Uint8Array(program.mem.buffer, from, length)); // or it gets nowhere
    },
    close: (code, reason) => ws.close(code, reason),
  };
}

async function start() {
  try {
    const go = new Go();
    const response = await fetch(new URL('page.wasm', import.meta.url));
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    count(response.clone()).catch(() => {}); // what breaks it breaks the other too
    const { instance } = await WebAssembly.instantiateStreaming(response, go.importObject);
    program = instance.exports;
    const ended = go.run(instance);
    globalThis.porthole.start(open, () => ears.news());
    return { ended };
  } catch (error) {
    first?.ws.close();
    throw error;
  }
}

/** started tells that the program runs, and then when it has ended. */
export const started = start();
started.catch(() => {}); // those who draw say so, once they are there
