import { session } from './gateway.js';
import { later, nextTick } from './process.js';
import { maxWindow, option } from './wire.js';

const none = () => {};
const notConnected = { code: 'ENOTCONN', errno: -107 };
const closed = { code: 'EBADF', errno: -9 };
const broken = { code: 'EPIPE', errno: -32 };

/** TCP is the handle beneath a socket. Its owner sets onread, which is given bytes,
    or null at the end, or a failure behind it. */
export class TCP {
  constructor() {
    this.owner = null;
    this.onread = none;
    this.reading = false;
    this.bytesRead = 0;
    this.bytesWritten = 0; // handed to the gateway
    this.taken = 0; // … and taken by the kernel there
    this.stream = null;
    this.local = null;
    this.remote = null;
    this.dialled = none; // given a failure, or null once connected
    this.writes = []; // that wait for credit
    this.receipts = []; // that wait for the kernel
    this.failure = null; // what broke the socket
    this.shut = none; // once our side has ended
    this.over = false; // it is closed, or was reset
    this.options = new Map();
    this.refed = true;
  }

  /** adopt takes over a connection that a listener has accepted. */
  adopt(stream, local, remote) {
    this.stream = stream;
    stream.handler = this;
    this.local = local;
    this.remote = remote;
  }

  /** connect dials a host, by an address of it unless that is empty. */
  connect(to, done) {
    this.dialled = done;
    this.stream = session().dial({ ...to, window: maxWindow, options: [...this.options] }, this);
    if (this.reading) this.stream.readStart();
  }

  // What the stream tells.

  connected({ local, remote }) {
    this.local = local;
    this.remote = remote;
    const done = this.dialled;
    this.dialled = none;
    done(null);
  }

  failed(failure) {
    const done = this.dialled;
    this.dialled = none;
    done(failure);
  }

  data(bytes) {
    this.bytesRead += bytes.length;
    this.onread(bytes);
  }

  /** putBack is for bytes that a reader did not take: they come again. */
  putBack(bytes) {
    this.bytesRead -= bytes.length;
    this.stream.putBack(bytes);
  }

  end() { this.onread(null); }
  error(failure) { this.onread(null, failure); }

  /** broken fails what is still to be written. */
  broken(failure) {
    this.failure = failure;
    const { writes, receipts, shut } = this;
    this.writes = [];
    this.receipts = [];
    this.shut = none;
    for (const { done } of receipts) done(failure);
    for (const { done } of writes) done(failure);
    shut(failure);
  }

  wrote(n) {
    this.taken += n;
    this.owner?._unrefTimer();
    while (this.receipts.length > 0 && this.receipts[0].at <= this.taken) this.receipts.shift().done(null);
    this.#pump();
  }

  finished() {
    const done = this.shut;
    this.shut = none;
    done(null);
  }

  closed() {
    this.failed(this.failure ?? this.stream.session.failure('connect'));
    this.finished();
  }

  // What the socket asks for.

  /** write hands bytes to the gateway, as soon as there is credit for them. */
  write(bytes, done) {
    if (this.over || this.failure !== null || this.stream.reason !== 0) {
      nextTick(done, this.over ? closed : broken);
      return;
    }
    this.writes.push({ rest: bytes, done });
    if (this.writes.length === 1) this.#pump();
  }

  #pump() {
    while (this.writes.length > 0) {
      const [write] = this.writes;
      const n = this.stream.write(write.rest);
      this.bytesWritten += n;
      write.rest = write.rest.subarray(n);
      if (write.rest.length > 0) return;
      this.writes.shift();
      write.done(null);
    }
  }

  /** receipt calls back once the kernel has taken the bytes up to at. */
  receipt(at, done) {
    if (at <= this.taken || this.over) done(null);
    else if (this.failure !== null) done(this.failure);
    else this.receipts.push({ at, done });
  }

  get writeQueueSize() {
    return this.writes.reduce((sum, { rest }) => sum + rest.length, 0);
  }

  shutdown(done) {
    if (this.failure !== null || this.stream.reason !== 0) {
      nextTick(done, notConnected);
      return;
    }
    this.shut = done;
    this.stream.finish();
  }

  readStart() {
    this.reading = true;
    this.stream?.readStart();
  }

  readStop() {
    this.reading = false;
    this.stream?.readStop();
  }

  close(done = none) {
    this.stream?.close();
    this.#leave(done);
  }

  reset(done = none) {
    this.stream?.reset();
    this.#leave(done);
  }

  /** leave lets go of what waits. What became of bytes under way no one can say. */
  #leave(done) {
    this.over = true;
    this.onread = none;
    this.dialled = none;
    const left = [...this.receipts, ...this.writes];
    this.receipts = [];
    this.writes = [];
    this.shut = none;
    later(() => {
      for (const write of left) write.done(null);
      done();
    });
  }

  getsockname(out) { return this.#name(out, this.local); }
  getpeername(out) { return this.#name(out, this.remote); }

  #name(out, name) {
    Object.assign(out, name);
    return name === null ? notConnected.errno : 0;
  }

  setNoDelay(on) {
    this.#option(option.noDelay, on ? 1 : 0);
    return 0;
  }

  /** setKeepAlive takes seconds, as the kernel does. */
  setKeepAlive(on, delay) {
    this.#option(option.keepAlive, on ? (delay || 7200) * 1000 : 0);
    return 0;
  }

  #option(name, value) {
    this.options.set(name, value);
    this.stream?.option(name, value);
  }

  ref() { this.refed = true; }
  unref() { this.refed = false; }
  hasRef() { return this.refed; }
}

/** Pipe is the handle of a socket to a path: a Unix socket of the gateway's machine. */
export class Pipe extends TCP {}
