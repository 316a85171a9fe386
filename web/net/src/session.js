import { nextTick } from './process.js';
import { Listener } from './listener.js';
import { Stream } from './stream.js';
import { Reader, message, op, overhead, reason, subprotocol } from './wire.js';

const closeProtocol = 4002; // a page may close with 1000 or 3000 to 4999 only

/** Session is one WebSocket to a gateway, with the streams and listeners that it
    carries. What is sent before the gateway's hello waits for it. Where there is no
    gateway, url included, they are told so. */
export class Session {
  constructor({ url, protocols, WebSocket }) {
    this.window = 0; // bytes of a stream under way to the gateway
    this.message = 0; // bytes of a message to it
    this.hello = null; // what it said
    this.over = null; // why there is no session any more
    this.streams = new Map();
    this.lookups = new Map();
    this.listeners = new Map();
    this.resolved = new Map(); // addresses by name: what may be dialled for it
    this.begun = new Promise((resolve, reject) => {
      this.begin = resolve;
      this.fail = reject;
    });
    this.begun.catch(() => {}); // whoever waits is told
    this.waiting = [];
    this.last = -1; // the newest id; ours are odd
    try {
      this.url = url();
      this.socket = new WebSocket(this.url, [...new Set([subprotocol, ...protocols])]);
    } catch (cause) {
      this.socket = { close() {} };
      nextTick(() => this.gone(cause));
      return;
    }
    this.socket.binaryType = 'arraybuffer';
    this.socket.addEventListener('message', (event) => this.#receive(event.data));
    this.socket.addEventListener('error', (event) => this.hello ?? this.gone(undefined, event)); // else close follows, and tells more
    this.socket.addEventListener('close', (event) => this.gone(undefined, event));
  }

  next() {
    this.last += 2;
    return this.last;
  }

  send(what, id, ...fields) {
    this.write(message(what, id, ...fields));
  }

  write(msg) {
    if (this.over !== null) return;
    if (this.hello === null) this.waiting.push(msg);
    else if (!(this.socket.readyState > 1)) this.socket.send(msg); // else it shows in close
  }

  /** end closes the WebSocket, and with it all that it carries. */
  end(code = 1000, why = '') {
    this.gone(new Error(why || 'the session was ended'));
    this.socket.close(code, why);
  }

  #receive(bytes) {
    if (this.over !== null) return;
    let r;
    try {
      r = new Reader(new Uint8Array(bytes));
      this.#check(r);
    } catch (cause) {
      this.end(closeProtocol, cause.message);
      return;
    }
    this.#handle(r);
  }

  /** check throws at what breaks the protocol, before a program is told. */
  #check(r) {
    if (r.op === op.hello) {
      const hello = r.hello();
      if (hello.message <= overhead) r.short(); // nothing could be sent
      this.opening = hello;
    } else if (r.op === op.accepted) {
      const listener = r.number();
      this.opening = { listener, ...r.connected() };
      if (!this.listeners.has(listener) || r.id % 2 !== 0 || this.streams.has(r.id)) throw new Error('porthole: a connection of no listener');
    } else {
      this.body = (this.streams.get(r.id) ?? this.listeners.get(r.id))?.parse(r);
      if (this.lookups.has(r.id)) this.body = r.op === op.failed ? [r.failure()] : [null, r.list()];
    }
  }

  #handle({ op: what, id }) {
    if (what === op.hello) {
      this.#open(this.opening);
    } else if (what === op.accepted) {
      const stream = new Stream(this, id);
      this.streams.set(id, stream);
      this.listeners.get(this.opening.listener).accept(stream, this.opening);
    } else if (this.lookups.has(id)) {
      const done = this.lookups.get(id);
      this.lookups.delete(id);
      done(...this.body);
    } else {
      (this.streams.get(id) ?? this.listeners.get(id))?.receive(what, this.body);
    }
  }

  #open(hello) {
    this.window = hello.window;
    this.message = hello.message;
    this.hello = hello;
    for (const msg of this.waiting) this.socket.send(msg);
    this.waiting = [];
    this.begin(hello);
  }

  /** resolve asks for the addresses of a host: family 4, 6, or 0 for both. */
  resolve(host, family, done) {
    if (this.over !== null) {
      nextTick(done, this.failure('getaddrinfo'));
      return;
    }
    const id = this.next();
    this.lookups.set(id, (failure, addresses) => {
      if (!failure) this.resolved.set(host, new Set([...(this.resolved.get(host) ?? []), ...addresses]));
      done(failure, addresses);
    });
    this.send(op.resolve, id, host, family);
  }

  /** dial opens a stream to a host, by one of its addresses if that is given, and
      from an address of the gateway's, local, if one is chosen. */
  dial({ host, address, port, local = '', localPort = 0, window, options }, handler) {
    const stream = new Stream(this, this.next(), handler);
    if (this.over !== null) {
      nextTick(() => stream.end(reason.gone));
    } else {
      this.streams.set(stream.id, stream);
      this.send(op.dial, stream.id, host, address, port, local, localPort, window, options);
    }
    return stream;
  }

  listen(host, port, family) {
    const listener = new Listener(this, this.next());
    if (this.over !== null) {
      nextTick(() => listener.gone());
    } else {
      this.listeners.set(listener.id, listener);
      this.send(op.listen, listener.id, host, port, family);
    }
    return listener;
  }

  /** failure is what meets a call to a gateway that cannot be reached, or is gone. */
  failure(syscall) {
    return this.hello === null
      ? { code: 'ENETUNREACH', errno: -101, syscall, address: '', port: 0, cause: this.over }
      : { code: 'ECONNRESET', errno: -104, syscall, address: '', port: 0, cause: this.over };
  }

  gone(cause, event) {
    if (this.over !== null) return;
    const code = event?.code;
    const words = [event?.reason || event?.message].filter(Boolean).map((said) => `: ${said}`);
    const what = this.hello === null ? `no gateway at ${this.url}`
      : code === 1006 ? `the connection to the gateway at ${this.url} was lost (1006)`
        : `the gateway at ${this.url} ${code === 1001 ? 'left' : 'is gone'} (${code})`;
    this.over = cause ?? Object.assign(new Error(`porthole: ${what}${words}`), { code });
    this.fail(this.over);
    const { streams, lookups, listeners } = this;
    this.waiting = [];
    this.streams = this.lookups = this.listeners = new Map();
    for (const done of lookups.values()) done(this.failure('getaddrinfo'));
    for (const listener of listeners.values()) listener.gone();
    for (const stream of streams.values()) stream.end(reason.gone);
  }
}
