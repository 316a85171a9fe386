import { nextTick } from './process.js';
import { Ring } from './ring.js';
import { data, maxWindow, op, overhead, reason } from './wire.js';

const readSize = 64 << 10; // bytes handed over at once, as by libuv

/** Stream is one TCP socket at the gateway: its credit, and its ends. Its handler
    is told data, end and error in the order of the stream, and only while it reads;
    broken and closed come as soon as they are known. */
export class Stream {
  constructor(session, id, handler = null) {
    this.session = session;
    this.id = id;
    this.handler = handler;
    this.credit = -1; // bytes that may be written; -1 before the first
    this.sent = 0; // the op that ended our side, 0 if none did
    this.ring = new Ring();
    this.reading = false;
    this.due = false; // a turn to flush the ring
    this.read = 0; // bytes read, in all
    this.owed = id % 2 === 0 ? maxWindow : 0; // bytes read that the gateway has no credit for yet
    this.fin = false;
    this.broke = null;
    this.reason = 0; // why it ended; 0 while it lives
    this.told = { end: false, error: false };
  }

  get abandoned() {
    return this.sent === op.reset || this.sent === op.close;
  }

  /** write sends what the credit allows, and returns how many bytes that was. */
  write(bytes) {
    if (this.credit < 0) this.credit = this.session.window;
    if (this.sent !== 0 || this.reason !== 0) return 0;
    const n = Math.min(bytes.length, this.credit);
    this.credit -= n;
    const most = this.session.message - overhead;
    for (let at = 0; at < n; at += most) this.session.write(data(this.id, bytes.subarray(at, Math.min(n, at + most))));
    return n;
  }

  /** finish shuts our side down, behind what was written. */
  finish() {
    if (this.sent === 0) this.#end(op.fin);
  }

  /** reset aborts: the peer gets RST. */
  reset() {
    this.#abandon(op.reset);
  }

  /** close ends both ways. What is unsent or unread resets the peer. */
  close() {
    this.#abandon(op.close, this.read);
  }

  #abandon(what, ...fields) {
    if (this.abandoned) return;
    this.ring = new Ring();
    this.#end(what, ...fields);
  }

  #end(what, ...fields) {
    this.sent = what;
    if (this.reason === 0) this.session.send(what, this.id, ...fields);
  }

  option(name, value) {
    if (this.reason === 0) this.session.send(op.option, this.id, name, value);
  }

  readStart() {
    this.reading = true;
    if (this.id % 2 === 0 && this.owed === maxWindow && this.read === 0) this.#pay(); // the first of one that was accepted
    this.#turn();
  }

  /** readStop holds the peer back: what is not read gives no credit. */
  readStop() {
    this.reading = false;
  }

  #turn() {
    if (this.due || (this.ring.length === 0 && !this.fin && this.broke === null)) return;
    this.due = true;
    nextTick(() => {
      this.due = false;
      while (this.reading && this.ring.length > 0) this.#take(this.ring.read(readSize));
      this.#settle();
    });
  }

  #take(bytes) {
    this.read += bytes.length;
    this.owed += bytes.length;
    // In quarters of the window: often enough that the gateway never waits.
    if (this.owed >= maxWindow / 4) this.#pay();
    this.handler.data(bytes);
  }

  /** putBack makes bytes that were read unread. */
  putBack(bytes) {
    this.read -= bytes.length;
    this.owed -= bytes.length;
    const behind = this.ring;
    this.ring = new Ring();
    this.ring.write(bytes);
    this.ring.write(behind.read(behind.length));
  }

  #pay() {
    if (this.reason === 0 && !this.abandoned) this.session.send(op.credit, this.id, this.owed);
    this.owed = 0;
  }

  parse(r) {
    switch (r.op) {
      case op.data: {
        const bytes = r.rest();
        if (this.ring.length + bytes.length > maxWindow) throw new Error('porthole: data beyond the window');
        return bytes;
      }
      case op.connected: return r.connected();
      case op.failed: case op.error: return r.failure();
      case op.wrote: {
        const n = r.number();
        if (this.credit < 0 || n > this.session.window - this.credit) throw new Error('porthole: more was taken than was sent');
        return n;
      }
      case op.closed: return r.number();
      default: return null;
    }
  }

  receive(what, body) {
    switch (what) {
      case op.data:
        if (this.abandoned) break;
        if (this.reading && this.ring.length === 0) this.#take(body);
        else this.ring.write(body);
        break;
      case op.connected: this.handler.connected(body); break;
      case op.failed: this.handler.failed(body); break;
      case op.error:
        this.broke = body;
        this.handler.broken(body);
        break;
      case op.wrote:
        this.credit += body;
        this.handler.wrote(body);
        break;
      case op.fin: this.fin = true; break;
      case op.finished: this.handler.finished(); break;
      case op.closed:
        if (body === reason.shutdown) break; // the session ends, and says why
        this.session.streams.delete(this.id);
        this.end(body);
        break;
    }
    this.#settle();
  }

  /** end ends the stream, for a reason. */
  end(why) {
    this.reason = why;
    if (this.broke === null && why === reason.gone) {
      this.broke = this.session.failure('read');
      this.handler.broken(this.broke);
    }
    this.handler.closed(why);
    this.#settle();
  }

  /** settle tells of the ends whose turn has come: behind the last byte. */
  #settle() {
    if (this.due || !this.reading || this.ring.length > 0 || this.abandoned) return;
    if (this.fin && !this.told.end) {
      this.told.end = true;
      this.handler.end();
    }
    // Of no account once both sides have ended.
    if (this.broke !== null && !this.told.error && !(this.told.end && this.sent === op.fin)) {
      this.told.error = true;
      this.handler.error(this.broke);
    }
  }
}
