// A program runs in a worker of a sandboxed frame (sandbox.html), which is made
// anew for each run and removed when it is over. The frame has no network: the
// WebSockets are ours, so that their Origin is the gateway's own, and their
// messages go through a port. What may be dialled is the gateway's to say.

import { element } from '../dom.js';
import { Streams, connects, tells } from './streams.js';
import { t } from '../words.js';

const BEGIN = 10000; // ms that a frame may take to begin
const SOCKETS = 4; // WebSockets of one program
const MESSAGE = 64 << 10; // bytes of one of its messages: more the gateway does not take
const WAITING = 16 << 20; // bytes of them that wait to be sent
const PARTING = 1000; // ms that the sockets of a program that is over may take to end
const DOUBT = 300; // ms until a dial that was refused is not followed by another
const LAST = 250; // ms for their last events to come, after that

export const State = { OVER: 0, RUNS: 1, PARTS: 2 };

let library = null; // what a worker needs

// load gets it once.
async function load() {
  library ??= fetch(new URL('./dist/worker.js', import.meta.url)).then((response) => {
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.text();
  });
  library.catch(() => { library = null; });
  return library;
}

/** Runner runs one program at a time. */
export class Runner {
  /** name is the program's file. print is called with what it prints, changed
      when its state is another, fault with the line that it broke at, called
      with what its lines do, overhear with what the gateway tells of its sockets,
      and refused when it refuses what the program dials. */
  constructor(name, { print, changed, fault, called, overhear, refused }) {
    Object.assign(this, { name, print, changed, fault, called, overhear, refused });
    this.state = State.OVER;
    this.run = null; // what is of one run
  }

  /** start runs a program, once the one before is over. */
  async start(source) {
    if (this.state === State.RUNS) return;
    const before = this.run?.parted;
    const run = { sockets: new Map(), frame: null, port: null, timer: 0, parted: null, before, hint: new Hint(this.refused) };
    this.run = run;
    this.set(State.RUNS);
    try {
      const text = await load();
      await before;
      if (this.run === run && this.state === State.RUNS) this.begin(run, text, source);
    } catch (error) {
      this.fail(run, error.message);
    }
  }

  begin(run, text, source) {
    const { port1, port2 } = new MessageChannel();
    run.port = port1;
    port1.onmessage = ({ data }) => this.hear(run, data);
    run.frame = element('iframe', 'sandbox', { sandbox: 'allow-scripts', src: 'sandbox', title: this.name, hidden: '' });
    run.frame.addEventListener('load', () => {
      // A frame without an origin has no other name than *; it is ours, and new.
      run.frame.contentWindow.postMessage({ library: text, program: { name: this.name, source } }, '*', [port2]);
    }, { once: true });
    run.timer = setTimeout(() => this.fail(run, t('p-silent')), BEGIN);
    document.body.append(run.frame);
  }

  fail(run, why) {
    if (this.run !== run || this.state !== State.RUNS) return;
    this.print([['stderr', t('p-broken', why)]]);
    this.stop();
  }

  // hear takes a message of the worker's. It is a stranger's, whatever it says.
  hear(run, message) {
    if (this.run !== run || this.state !== State.RUNS || !Array.isArray(message)) return;
    const [verb, a, b, c] = message;
    if (verb === 'begun') clearTimeout(run.timer);
    else if (verb === 'print') this.print([[String(a), String(b)]]);
    else if (verb === 'fault') this.fault(Number.isSafeInteger(a) ? a : 0);
    else if (verb === 'call' || verb === 'socket') this.called(...message);
    else if (verb === 'end') this.stop(Number(a) || 0);
    else if (verb === 'open') this.open(run, Number(a));
    else if (verb === 'send') this.send(run, Number(a), b);
    else if (verb === 'close') run.sockets.get(Number(a))?.ws.close(...closing(b, c));
  }

  /** shown tells the program that so many of its lines have been dealt with. */
  shown(lines) {
    this.run?.port?.postMessage(['shown', lines]);
  }

  open(run, id) {
    if (run.sockets.has(id) || run.sockets.size >= SOCKETS) {
      run.port.postMessage(['closed', id, 1006, '']);
      return;
    }
    const ws = begun.open();
    const socket = { ws, streams: new Streams(), gone: null };
    run.sockets.set(id, socket);
    ws.onopen = () => run.port.postMessage(['opened', id, ws.protocol]);
    ws.onmessage = ({ data }) => {
      const bytes = new Uint8Array(data);
      if (connects(bytes)) run.hint.forget();
      if (socket.streams.refuses(bytes)) run.hint.give();
      socket.streams.received(bytes);
      if (tells(bytes)) this.overhear(bytes);
      if (socket.gone === null) run.port.postMessage(['message', id, data], [data]);
      else if (socket.streams.open.size === 0) setTimeout(() => ws.close(1000), LAST);
    };
    ws.onclose = ({ code, reason }) => {
      run.sockets.delete(id);
      if (socket.gone === null) run.port.postMessage(['closed', id, code, reason]);
      else socket.gone();
    };
  }

  send(run, id, data) {
    const socket = run.sockets.get(id);
    if (!socket || socket.ws.readyState !== WebSocket.OPEN) return;
    if (!(data instanceof ArrayBuffer) || data.byteLength > MESSAGE || socket.ws.bufferedAmount > WAITING) {
      socket.ws.close(4002, 'porthole.v1: message is too big');
      return;
    }
    socket.streams.sent(new Uint8Array(data));
    socket.ws.send(data);
  }

  /** stop ends the program at once, with its sockets and listeners. Their last
      events are waited for: they belong on the ladder. */
  stop(code = null) {
    if (this.state !== State.RUNS) return;
    const { run } = this;
    clearTimeout(run.timer);
    run.hint.now();
    run.frame?.remove();
    run.port?.close();
    run.parted = Promise.all([run.before, ...[...run.sockets.values()].map(part)]);
    run.parted.then(() => { if (this.run === run && this.state === State.PARTS) this.set(State.OVER); });
    this.set(State.PARTS, code);
  }

  set(state, code = null) {
    this.state = state;
    this.changed(code);
  }
}

// Hint says once that what a program dials is refused. One address may be, and the
// next is not: so it waits a little.
class Hint {
  constructor(say) {
    this.say = say;
    this.timer = 0;
    this.over = false;
  }

  give() { if (!this.over) this.timer ||= setTimeout(() => this.now(), DOUBT); }

  forget() {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  now() {
    if (this.timer === 0 || this.over) return;
    this.forget();
    this.over = true;
    this.say();
  }
}

// closing is what a browser lets a WebSocket be closed with.
const closing = (code, reason) => (code === 1000 || (code >= 3000 && code < 5000) ? [code, String(reason ?? '').slice(0, 40)] : []);

// part ends what a WebSocket carries, and then itself.
function part(socket) {
  return new Promise((gone) => {
    socket.gone = gone;
    const { ws, streams } = socket;
    const last = ws.readyState === WebSocket.OPEN ? streams.farewell() : [];
    for (const message of last) ws.send(message);
    if (ws.readyState !== WebSocket.OPEN) ws.close();
    else setTimeout(() => ws.close(1000), streams.open.size === 0 ? LAST : PARTING);
  });
}
