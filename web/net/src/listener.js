import { later, nextTick } from './process.js';
import { TCP } from './handle.js';
import { endpoint, op } from './wire.js';

/** Listener is a TCP listener at the gateway, shaped as the handle of a server is.
    Its owner sets onlistening, onfailed, ongone and onconnection. */
export class Listener {
  constructor(session, id) {
    this.session = session;
    this.id = id;
    this.local = null; // where it listens, once that is known
    this.onlistening = () => {};
    this.onfailed = () => {};
    this.ongone = () => {};
    this.onconnection = null; // while no one has it, connections are reset
    this.closing = null; // what to call once it is closed
    this.over = false; // the gateway has it no more
    this.refed = true;
  }

  parse(r) {
    switch (r.op) {
      case op.listening: return endpoint(r.string());
      case op.failed: return r.failure();
      default: return null;
    }
  }

  receive(what, body) {
    if (what === op.listening) {
      this.local = body;
      if (this.closing === null) this.onlistening();
      return;
    }
    if (what !== op.failed && what !== op.unlistened) return;
    this.session.listeners.delete(this.id);
    this.over = true;
    if (this.closing !== null) this.closing();
    else if (what === op.failed) this.onfailed(body);
    else this.ongone(this.session.failure('accept'));
  }

  accept(stream, { local, remote }) {
    const handle = new TCP();
    handle.adopt(stream, local, remote);
    if (this.onconnection === null) handle.reset(() => {});
    else this.onconnection(null, handle);
  }

  /** gone tells that the session is: no one listens any more. */
  gone() {
    if (this.closing !== null) nextTick(this.closing);
    else if (this.local === null) this.onfailed(this.session.failure('listen'));
    else this.ongone(this.session.failure('accept'));
  }

  /** close stops listening, and calls back once the port is free. What was
      announced until then is still handed over. */
  close(done = () => {}) {
    if (this.closing !== null) return;
    this.closing = done;
    if (this.over || this.session.over !== null) later(done);
    else this.session.send(op.unlisten, this.id);
  }

  getsockname(out) {
    Object.assign(out, this.local);
    return this.local === null ? -22 : 0;
  }

  ref() { this.refed = true; }
  unref() { this.refed = false; }
  hasRef() { return this.refed; }
}
