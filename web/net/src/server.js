import { EventEmitter } from 'events';
import validators from 'readable-stream/lib/internal/validators.js';
import { validatePort } from './dial.js';
import { codes, errnoError, listenError, lookupError } from './errors.js';
import { again, era, listener, regained, session } from './gateway.js';
import { isIP } from './ip.js';
import { nextTick } from './process.js';
import { normalizeArgs, Socket } from './socket.js';

const { validateAbortSignal, validateNumber } = validators;

const unavailable = (what) => new codes.ERR_FEATURE_UNAVAILABLE_ON_PLATFORM(what);

/** Server is Node's net.Server, whose listener is at the gateway. */
export function Server(options, connectionListener) {
  if (!(this instanceof Server)) return new Server(options, connectionListener);
  EventEmitter.call(this);
  if (typeof options === 'function') [connectionListener, options] = [options, {}];
  else if (options !== undefined && options !== null && typeof options !== 'object') throw new codes.ERR_INVALID_ARG_TYPE('options', 'Object', options);
  const { allowHalfOpen = false, pauseOnConnect = false, noDelay, keepAlive = false, keepAliveInitialDelay, highWaterMark, blockList } = options ?? {};
  if (keepAliveInitialDelay !== undefined) validateNumber(keepAliveInitialDelay, 'options.keepAliveInitialDelay');
  if (blockList !== undefined && !blockList?.rules) throw new codes.ERR_INVALID_ARG_TYPE('options.blockList', 'net.BlockList', blockList);
  if (typeof connectionListener === 'function') this.on('connection', connectionListener);
  this._connections = 0;
  this._handle = null;
  this._unref = false;
  this._attempt = 0; // the newest listen or close: an older one is of no account
  this._freeing = 0; // listeners whose port is not free yet
  this.allowHalfOpen = allowHalfOpen;
  this.pauseOnConnect = Boolean(pauseOnConnect);
  this.noDelay = noDelay === undefined ? undefined : Boolean(noDelay);
  this.keepAlive = Boolean(keepAlive);
  this.keepAliveInitialDelay = Math.max(0, Math.trunc((keepAliveInitialDelay ?? 0) / 1000)); // seconds, as in Node
  this.highWaterMark = highWaterMark;
  this.blockList = blockList;
}
Object.setPrototypeOf(Server.prototype, EventEmitter.prototype);
Object.setPrototypeOf(Server, EventEmitter);

/** accept makes a connection a socket, unless there are too many. */
function accept(server, handle) {
  const { address, family, port } = handle.remote;
  if (server.maxConnections !== undefined && server.maxConnections !== null && server._connections >= server.maxConnections) {
    server.emit('drop', {
      localAddress: handle.local.address, localPort: handle.local.port, localFamily: handle.local.family,
      remoteAddress: address, remotePort: port, remoteFamily: family,
    });
    handle.close();
    return;
  }
  if (server.blockList?.check(address, family.toLowerCase())) {
    handle.close();
    return;
  }
  const socket = new Socket({
    handle,
    allowHalfOpen: server.allowHalfOpen,
    pauseOnCreate: server.pauseOnConnect,
    readableHighWaterMark: server.highWaterMark,
    writableHighWaterMark: server.highWaterMark,
    noDelay: server.noDelay,
    keepAlive: server.keepAlive,
    keepAliveInitialDelay: server.keepAliveInitialDelay * 1000,
  });
  socket._setOptions();
  server._connections++;
  socket.server = server;
  socket._server = server;
  server.emit('connection', socket);
}

const patience = 30_000; // ms, with a port that is refused to a server that had it

/** open listens at an address, or wherever the gateway allows it. A server outlives its
    gateway: then lost is the handle that it had, and its program is told of nothing. */
function open(server, host, port, family, lost = null) {
  const handle = listener(host, port, family);
  const listening = () => nextTick(() => server._handle === handle && server.emit('listening'));
  const begun = era;
  let refused = lost?.refused ?? 0; // when it was first, since it listened
  const over = (error) => {
    server._handle = null;
    nextTick(() => server.emit('error', error));
    if (handle.local !== null) server._emitCloseIfDrained(); // behind the error
  };
  const regain = () => {
    handle.refused = refused;
    const mine = (then) => () => server._handle === handle && (begun === era ? then : gone)();
    again().then(mine(() => open(server, host, handle.local.port, family, handle)), mine(gone));
  };
  const gone = () => {
    if (begun === era) regain();
    else over(errnoError(handle.session.failure('accept'), 'accept'));
  };
  if (server._unref) handle.unref();
  server._handle = handle;
  server._asked = { address: host, port };
  handle.onconnection = (_, connection) => accept(server, connection);
  handle.onlistening = () => {
    refused = 0;
    regained();
    if (!lost) listening();
  };
  handle.onfailed = (failure) => {
    refused ||= performance.now();
    if (lost && failure.code !== 'EACCES' && performance.now() - refused < patience) regain();
    else over(listenError(failure, failure.address || host || '::', port));
  };
  handle.ongone = gone;
  if (lost) handle.local = lost.local;
  else if (handle.local !== null) listening();
}

/** find is listen at a name: its first address. */
function find(server, host, port, family) {
  const attempt = server._attempt;
  session().resolve(host, family, (failure, addresses) => {
    if (attempt !== server._attempt) return;
    if (failure) server.emit('error', lookupError(failure, host));
    else open(server, addresses[0], port, family);
  });
}

function abortWith(server, signal) {
  validateAbortSignal(signal, 'options.signal');
  const abort = () => server.close();
  if (signal.aborted) {
    nextTick(abort);
  } else {
    signal.addEventListener('abort', abort);
    server.once('close', () => signal.removeEventListener('abort', abort));
  }
}

const methods = {
  listen(...args) {
    const [options, cb] = normalizeArgs(args);
    if (this._handle) throw new codes.ERR_SERVER_ALREADY_LISTEN();
    if (cb !== null) this.once('listening', cb);
    if (options.handle || options._handle || options instanceof Server) throw unavailable('A handle to listen on');
    if (options.signal !== undefined) abortWith(this, options.signal);
    if (typeof options.fd === 'number' && options.fd >= 0) throw unavailable('A file descriptor to listen on');
    if (args.length === 0 || typeof args[0] === 'function' || (options.port === undefined && 'port' in options) || options.port === null) options.port = 0;
    if (typeof options.port === 'number' || typeof options.port === 'string') {
      const port = validatePort(options.port, 'options.port');
      if (options.reusePort) throw unavailable('reusePort');
      const host = options.host ?? '';
      const family = options.ipv6Only ? 6 : 0;
      this._attempt++;
      if (host === '' || host === 'localhost' || isIP(host)) open(this, host, port, family);
      else find(this, host, port, family);
      return this;
    }
    if (typeof options.path === 'string' && options.path !== '') throw unavailable('A path to listen on');
    if (!('port' in options || 'path' in options)) throw new codes.ERR_INVALID_ARG_VALUE('options', options, 'must have the property "port" or "path"');
    throw new codes.ERR_INVALID_ARG_VALUE('options', options);
  },

  /** address is where the server listens. For a port of choice it can be told at
      once; for any port it is, if a spare was ready. */
  address() {
    if (!this._handle) return null;
    if (this._handle.local !== null) return { ...this._handle.local };
    const { address, port } = this._asked;
    if (port === 0) return null;
    const shown = isIP(address) ? address : '127.0.0.1';
    return { address: shown, family: `IPv${isIP(shown)}`, port };
  },

  getConnections(cb) {
    nextTick(cb, null, this._connections);
    return this;
  },

  close(cb) {
    this._attempt++;
    if (typeof cb === 'function') {
      if (this._handle) this.once('close', cb);
      else this.once('close', () => cb(new codes.ERR_SERVER_NOT_RUNNING()));
    }
    const handle = this._handle;
    if (handle) {
      this._handle = null;
      this._freeing++;
      handle.close(() => {
        this._freeing--;
        this._emitCloseIfDrained();
      });
    } else {
      this._emitCloseIfDrained();
    }
    return this;
  },

  _emitCloseIfDrained() {
    if (this._handle || this._connections > 0 || this._freeing > 0) return;
    nextTick(() => this.emit('close'));
  },

  ref() {
    this._unref = false;
    this._handle?.ref();
    return this;
  },

  unref() {
    this._unref = true;
    this._handle?.unref();
    return this;
  },

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    if (!this._handle) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.close((error) => (error ? reject(error) : resolve()));
    });
  },
};

for (const name of Reflect.ownKeys(methods)) Object.defineProperty(Server.prototype, name, { value: methods[name], writable: true, configurable: true });
Object.defineProperty(Server.prototype, 'listening', { get() { return Boolean(this._handle); }, configurable: true, enumerable: true });

export function createServer(options, connectionListener) {
  return new Server(options, connectionListener);
}

