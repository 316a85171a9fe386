import Duplex from './duplex.js';
import validators from 'readable-stream/lib/internal/validators.js';
import { Buffer } from './buffer.js';
import { dial, dialPath, newHandle } from './dial.js';
import { AbortError, codes, errnoError } from './errors.js';
import { Pipe } from './handle.js';
import { later, nextTick } from './process.js';
import { seconds, settings } from './settings.js';

const { validateAbortSignal, validateInt32, validateNumber, validateString } = validators;

const kOnread = Symbol('onread');
const kInto = Symbol('the buffer for what comes next');
const kEnds = Symbol('ends of writes that the gateway has');
const kCounted = Symbol('bytes of handles before');
const kDone = Symbol('bytes that were written for the stream');

/** Socket is Node's net.Socket: a stream over a handle, which is a TCP socket at the
    gateway. It may be called without new, as older programs do. */
export function Socket(options) {
  if (!(this instanceof Socket)) return new Socket(options);
  for (const name of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    if (options?.[name]) throw new codes.ERR_INVALID_ARG_VALUE(`options.${name}`, options[name], 'is not supported');
  }
  const { signal, onread, handle, keepAliveInitialDelay, fd, ...rest } = typeof options === 'number' ? { fd: options } : options ?? {};
  if (fd !== undefined) {
    validateInt32(fd, 'fd', 0);
    throw new codes.ERR_FEATURE_UNAVAILABLE_ON_PLATFORM('A file descriptor');
  }
  if (keepAliveInitialDelay !== undefined) validateNumber(keepAliveInitialDelay, 'options.keepAliveInitialDelay');
  if (rest.typeOfService !== undefined) validateInt32(rest.typeOfService, 'options.typeOfService', 0, 255);
  if (rest.blockList !== undefined && !rest.blockList?.rules) throw new codes.ERR_INVALID_ARG_TYPE('options.blockList', 'net.BlockList', rest.blockList);

  this.connecting = false;
  this.server = null;
  this._server = null;
  this._handle = null;
  this._host = null;
  this._parent = null;
  this._hadError = false;
  this._peername = null;
  this._sockname = null;
  this.allowHalfOpen = Boolean(rest.allowHalfOpen);
  this[kEnds] = [];
  this[kCounted] = { read: 0, written: 0 };
  this[kDone] = 0;
  this[kOnread] = onread !== null && typeof onread === 'object' && typeof onread.callback === 'function'
    && (onread.buffer instanceof Uint8Array || typeof onread.buffer === 'function') ? onread : null;
  this[kInto] = this[kOnread] && nextBuffer(this[kOnread]);
  this.blockList = rest.blockList;
  this._options = { noDelay: Boolean(rest.noDelay), keepAlive: Boolean(rest.keepAlive), delay: seconds(keepAliveInitialDelay), tos: rest.typeOfService ?? 0 };
  Duplex.call(this, { ...rest, allowHalfOpen: this.allowHalfOpen, emitClose: false, autoDestroy: true, objectMode: false, decodeStrings: true });

  this.on('end', onReadableStreamEnd);
  if (handle) {
    this._takeHandle(handle);
    this._sockname = handle.local;
    this._peername = handle.remote;
    if (rest.pauseOnCreate) Duplex.prototype.pause.call(this);
    else if (!rest.manualStart) this.read(0);
  }
  if (signal !== undefined) abortWith(this, signal);
}
Object.setPrototypeOf(Socket.prototype, Duplex.prototype);
Object.setPrototypeOf(Socket, Duplex);

function abortWith(socket, signal) {
  validateAbortSignal(signal, 'options.signal');
  const abort = () => socket.destroy(new AbortError(undefined, { cause: signal.reason }));
  if (signal.aborted) {
    nextTick(abort);
  } else {
    signal.addEventListener('abort', abort);
    socket.once('close', () => signal.removeEventListener('abort', abort));
  }
}

function onReadableStreamEnd() {
  if (!this.allowHalfOpen) this.write = writeAfterFIN;
}

/** writeAfterFIN is write for a socket whose peer has ended, and which has ended
    therefore. */
function writeAfterFIN(chunk, encoding, cb) {
  if (!this.writableEnded) return Socket.prototype.write.call(this, chunk, encoding, cb);
  const done = typeof encoding === 'function' ? encoding : cb;
  const error = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
  if (typeof done === 'function') nextTick(done, error);
  this.destroy(error);
  return false;
}

/** receive hands over what the handle has read. */
function receive(socket, bytes, failure) {
  socket._unrefTimer();
  if (failure) {
    socket.destroy(errnoError(failure, 'read'));
  } else if (bytes === null) {
    socket.push(null);
    socket.read(0);
  } else if (socket[kOnread] === null) {
    if (!socket.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) stop(socket);
  } else {
    for (let at = 0; at < bytes.length;) {
      const handle = socket._handle;
      if (!handle?.reading) { // it was paused, or is gone
        handle?.putBack(bytes.subarray(at));
        return;
      }
      const into = socket[kInto];
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      const more = socket[kOnread].callback.call(socket, part.length, into);
      socket[kInto] = nextBuffer(socket[kOnread]);
      if (more === false) socket.pause();
    }
  }
}

function nextBuffer({ buffer }) {
  return typeof buffer === 'function' ? buffer() : buffer;
}

function stop(socket) {
  if (socket._handle) socket._handle.readStop();
}

function start(socket) {
  if (socket._handle && !socket._handle.reading) socket._handle.readStart();
}

const methods = {
  /** takeHandle puts a socket over a handle. */
  _takeHandle(handle) {
    this._handle = handle;
    handle.owner = this;
    handle.onread = (bytes, failure) => receive(this, bytes, failure);
  },

  connect(...args) {
    const [options, cb] = Array.isArray(args[0]) && args[0].normalized ? args[0] : normalizeArgs(args);
    const { path } = options;
    if (options.port === undefined && (path === undefined || path === null)) throw new codes.ERR_MISSING_ARGS('options', 'port', 'path');
    if (path) validateString(path, 'options.path');
    if (Object.hasOwn(this, 'write')) delete this.write;
    if (this.destroyed) {
      this._handle = null;
      this._peername = null;
      this._sockname = null;
      this._undestroy();
      this[kEnds] = [];
      this[kCounted] = { read: 0, written: 0 };
      this[kDone] = 0;
    }
    const { noDelay, keepAlive, keepAliveInitialDelay = 0 } = options;
    if (options.blockList !== undefined) this.blockList = options.blockList;
    if (noDelay !== undefined) this._options.noDelay = Boolean(noDelay);
    if (keepAlive !== undefined) Object.assign(this._options, { keepAlive: Boolean(keepAlive), delay: seconds(keepAliveInitialDelay) });
    if (!this._handle) this._takeHandle(newHandle(path));
    if (typeof cb === 'function') this.once('connect', cb);
    this._unrefTimer();
    this.connecting = true;
    if (path) dialPath(this, path);
    else dial(this, options);
    return this;
  },

  /** connected is called by the dial. */
  _connected() {
    this.connecting = false;
    this._sockname = this._handle.local;
    this._peername = this._handle.remote;
    this._setOptions();
    this._unrefTimer();
    this.emit('connect');
    this.emit('ready');
    if (!this.destroyed && !this.isPaused()) start(this);
  },

  read(n) {
    if (this[kOnread] && !this.connecting) start(this);
    return Duplex.prototype.read.call(this, n);
  },

  pause() {
    if (this[kOnread] && !this.connecting) stop(this);
    return Duplex.prototype.pause.call(this);
  },

  resume() {
    if (this[kOnread] && !this.connecting) start(this);
    return Duplex.prototype.resume.call(this);
  },

  _read(n) {
    if (this.connecting || !this._handle) this.once('connect', () => this._read(n));
    else start(this);
  },

  /** write calls back once the kernel has taken the bytes: those that the gateway
      has are written for the stream already, so that the next may follow. */
  write(chunk, encoding, cb) {
    if (typeof encoding === 'function') [cb, encoding] = [encoding, undefined];
    const handle = this._handle;
    return Duplex.prototype.write.call(this, chunk, encoding, (error) => {
      const end = error ? undefined : this[kEnds].shift();
      if (typeof cb !== 'function') return;
      if (end === undefined) cb(error);
      else end.handle.receipt(end.at, (failure) => cb(failure ? errnoError(failure, 'write') : null));
    });
  },

  _write(chunk, encoding, done) {
    this._writeAll([chunk], chunk, done);
  },

  _writev(chunks, done) {
    const list = chunks.map(({ chunk }) => chunk);
    this._writeAll(list, Buffer.concat(list), done);
  },

  _writeAll(chunks, bytes, done) {
    if (this.connecting) {
      const closed = () => done(new codes.ERR_SOCKET_CLOSED_BEFORE_CONNECTION());
      this.once('close', closed);
      this.once('connect', () => {
        this.off('close', closed);
        this._writeAll(chunks, bytes, done);
      });
      return;
    }
    const handle = this._handle;
    if (!handle) {
      done(new codes.ERR_SOCKET_CLOSED());
      return;
    }
    this._unrefTimer();
    let at = handle.bytesWritten;
    for (const chunk of chunks) this[kEnds].push({ handle, at: at += chunk.length });
    handle.write(bytes, (failure) => {
      this._unrefTimer();
      if (failure) this[kEnds].length = 0;
      else this[kDone] += bytes.length;
      done(failure ? errnoError(failure, 'write') : null);
    });
  },

  _final(done) {
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    if (!this._handle) {
      done();
      return;
    }
    this._handle.shutdown(() => done()); // what broke the connection shows in reading
  },

  end(chunk, encoding, cb) {
    Duplex.prototype.end.call(this, chunk, encoding, cb);
    return this;
  },

  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  },

  resetAndDestroy() {
    if (!this._handle) {
      this.destroy(new codes.ERR_SOCKET_CLOSED());
    } else if (this._handle instanceof Pipe) {
      throw new codes.ERR_INVALID_HANDLE_TYPE();
    } else if (this.connecting) {
      this.once('connect', () => this._reset());
    } else {
      this._reset();
    }
    return this;
  },

  _reset() {
    this._resets = true;
    return this.destroy();
  },

  _destroy(exception, done) {
    this.connecting = false;
    this._endTimer();
    const handle = this._handle;
    const hadError = Boolean(exception);
    if (handle) {
      this[kCounted] = { read: handle.bytesRead, written: handle.bytesWritten };
      this._handle = null;
      this._sockname = null;
      handle[this._resets ? 'reset' : 'close'](() => this.emit('close', hadError));
      this._resets = false;
      done(exception);
    } else {
      done(exception);
      later(() => this.emit('close', hadError));
    }
    if (this._server) {
      this._server._connections--;
      this._server._emitCloseIfDrained();
      this._server = null;
    }
  },

  address() {
    return { ...this._sockname };
  },

  _getsockname() { return this._sockname ?? {}; },
  _getpeername() { return this._peername ?? {}; },
};

const getters = {
  pending() { return !this._handle || this.connecting; },
  _connecting() { return this.connecting; },
  readyState() {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  },
  bufferSize() { return this._handle ? this.writableLength : undefined; },
  bytesRead() { return this._handle ? this._handle.bytesRead : this[kCounted]?.read; },
  _bytesDispatched() { return this._handle ? this._handle.bytesWritten : this[kCounted]?.written; },
  bytesWritten() {
    if (this[kDone] === undefined) return undefined; // of the prototype
    return this.destroyed ? this[kCounted].written : this[kDone] + this.writableLength;
  },
  remoteAddress() { return this._getpeername().address; },
  remoteFamily() { return this._getpeername().family; },
  remotePort() { return this._getpeername().port; },
  localAddress() { return this._getsockname().address; },
  localFamily() { return this._getsockname().family; },
  localPort() { return this._getsockname().port; },
};

for (const [name, value] of Object.entries({ ...methods, ...settings })) Object.defineProperty(Socket.prototype, name, { value, writable: true, configurable: true });
for (const [name, get] of Object.entries(getters)) Object.defineProperty(Socket.prototype, name, { get, configurable: true, enumerable: true });
Object.defineProperty(Socket.prototype, 'constructor', { value: Socket, writable: true, configurable: true });

/** normalizeArgs sorts out how connect and listen were called: options, callback. */
export function normalizeArgs(args) {
  let options = {};
  const [first] = args;
  if (typeof first === 'object' && first !== null) options = first;
  else if (typeof first === 'string' && !(Number(first) >= 0)) options.path = first;
  else if (args.length > 0) {
    options.port = first;
    if (args.length > 1 && typeof args[1] === 'string') [, options.host] = args;
  }
  const last = args[args.length - 1];
  return Object.assign([options, typeof last === 'function' ? last : null], { normalized: true });
}

/** createConnection is net.createConnection, and net.connect. */
export function createConnection(...args) {
  const normalized = normalizeArgs(args);
  const [options] = normalized;
  const socket = new Socket(options);
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(normalized);
}
