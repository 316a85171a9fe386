import validators from 'readable-stream/lib/internal/validators.js';
import { bindError, connectError, codes, invalidFamily, lookupError, several } from './errors.js';
import { session } from './gateway.js';
import { Pipe, TCP } from './handle.js';
import { isIP } from './ip.js';
import { nextTick } from './process.js';

const { validateFunction, validateNumber } = validators;

// How a socket that connects to a name goes through its addresses (RFC 8305 §5).
export const selection = { on: true, timeout: 500 }; // ms for each of them but the last; more than Node's, for the way to the gateway
const knownHints = 0x38; // ADDRCONFIG, ALL and V4MAPPED of Node's dns; a gateway has its own
export const leastAttempt = 10; // ms

export function validatePort(port, name) {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 65535) {
    throw new codes.ERR_SOCKET_BAD_PORT(name, port);
  }
  return number;
}

/** lookup asks the gateway for the addresses of a name, in the shape of dns.lookup.
    The localhost of a gateway that no target names is its loopback all the same. */
function lookup(hostname, { family, hints, all }, done) {
  if (hints & ~knownHints) throw new codes.ERR_INVALID_ARG_VALUE('hints', hints);
  session().resolve(hostname, family, (failure, addresses) => {
    if (failure?.code === 'EACCES' && hostname === 'localhost') addresses = ['127.0.0.1', '::1'];
    else if (failure) return done(lookupError(failure, hostname));
    const found = addresses.map((address) => ({ address, family: isIP(address) })).filter((a) => !family || a.family === family);
    if (found.length === 0) return done(lookupError({ code: 'ENOTFOUND', errno: -3008 }, hostname));
    return all ? done(null, found) : done(null, found[0].address, found[0].family);
  });
}

/** target is what to ask the gateway for, for its policy to judge: the name, if it
    was the gateway that said it has this address. */
function target(host, address, port) {
  const named = host && session().resolved.get(host)?.has(address);
  return named ? { host, address, port } : { host: address, address: '', port };
}

/** near is where our end is to be, in the words of the wire: an address that stands
    for all of them is none. */
function near({ address, port }) {
  return { local: /^[0.:]*$/.test(address ?? '') ? '' : address, localPort: port };
}

/** because says why a dial failed: connect, or the bind before it. */
function because(failure, { address, family }, port, from) {
  const local = { address: from.address || (family === 4 ? '0.0.0.0' : '::'), port: from.port };
  return failure.syscall === 'bind' ? bindError(failure, local.address, local.port) : connectError(failure, address, port, from.port > 0 ? local : null);
}

export function dialPath(socket, path) {
  const handle = socket._handle;
  handle.connect({ host: path.replace(/^\0/, '@'), address: '', port: 0 }, (failure) => {
    settle(socket, handle, failure && connectError(failure, path));
  });
}

/** dial connects a socket to a host and port: once its addresses are known, to the
    one, or to one after the other. */
export function dial(socket, options) {
  const { localAddress, localPort, autoSelectFamily = selection.on } = options;
  const host = options.host || 'localhost';
  const family = { IPv4: 4, IPv6: 6 }[options.family] ?? options.family ?? 0;
  if (localAddress && !isIP(localAddress)) throw new codes.ERR_INVALID_IP_ADDRESS(localAddress);
  if (localPort) {
    validateNumber(localPort, 'options.localPort');
    validatePort(localPort, 'options.localPort');
  }
  const from = { address: localAddress, port: localPort || 0 };
  if (typeof options.port !== 'undefined' && typeof options.port !== 'number' && typeof options.port !== 'string') {
    throw new codes.ERR_INVALID_ARG_TYPE('options.port', ['number', 'string'], options.port);
  }
  const port = validatePort(options.port ?? 0, 'options.port');
  if (typeof autoSelectFamily !== 'boolean') throw new codes.ERR_INVALID_ARG_TYPE('options.autoSelectFamily', 'boolean', autoSelectFamily);
  let { autoSelectFamilyAttemptTimeout: patience = selection.timeout } = options;
  if (typeof patience !== 'number') throw new codes.ERR_INVALID_ARG_TYPE('options.autoSelectFamilyAttemptTimeout', 'number', patience);
  if (patience < 1 || !Number.isInteger(patience)) throw new codes.ERR_OUT_OF_RANGE('options.autoSelectFamilyAttemptTimeout', '>= 1', patience);
  patience = Math.max(patience, leastAttempt);

  const literal = isIP(host);
  if (literal) {
    nextTick(() => socket.connecting && single(socket, null, { address: host, family: literal }, port, from));
    return;
  }
  if (options.lookup !== undefined) validateFunction(options.lookup, 'options.lookup');
  const find = options.lookup ?? lookup;
  socket._host = host;
  const query = { family, hints: options.hints || 0 };
  if (autoSelectFamily && family !== 4 && family !== 6 && !localAddress) {
    find(host, { ...query, all: true }, (error, addresses) => found(error, addresses ?? []));
  } else {
    find(host, query, (error, address, kind) => found(error, [{ address, family: kind }], true));
  }

  function found(error, addresses, alone = false) {
    if (error || alone) socket.emit('lookup', error, addresses[0]?.address, addresses[0]?.family, host);
    else for (const { address, family: kind } of addresses) socket.emit('lookup', error, address, kind, host);
    if (!socket.connecting) return;
    if (error) {
      nextTick(() => fail(socket, error));
      return;
    }
    const [first] = addresses;
    const valid = addresses.filter(({ address, family: kind }) => isIP(address) && (kind === 4 || kind === 6));
    if (valid.length === 0) {
      const wrong = isIP(first?.address) ? invalidFamily(first.family, host, port) : new codes.ERR_INVALID_IP_ADDRESS(first?.address);
      nextTick(() => fail(socket, wrong));
    } else if (valid.length === 1) {
      single(socket, host, valid[0], port, from);
    } else {
      series(socket, host, alternate(valid), port, from, patience);
    }
  }
}

/** alternate orders addresses so that the families take turns, the first's first. */
function alternate(addresses) {
  const [{ family }] = addresses;
  const one = addresses.filter((a) => a.family === family);
  const other = addresses.filter((a) => a.family !== family);
  const order = [];
  for (let i = 0; i < Math.max(one.length, other.length); i++) order.push(...[one[i], other[i]].filter(Boolean));
  return order;
}

function blocked(socket, { address, family }) {
  return socket.blockList?.check(address, `ipv${family}`) ? new codes.ERR_IP_BLOCKED(address) : null;
}

function single(socket, host, to, port, from) {
  const no = blocked(socket, to);
  if (no) {
    fail(socket, no);
    return;
  }
  const { address, family } = to;
  socket.emit('connectionAttempt', address, port, family);
  if (!socket.connecting || !socket._handle) return; // a listener may have ended it
  const handle = socket._handle;
  handle.connect({ ...target(host, address, port), ...near(from) }, (failure) => {
    const error = failure && because(failure, to, port, from);
    if (error) socket.emit('connectionAttemptFailed', address, port, family, error);
    settle(socket, handle, error);
  });
}

/** series tries one address after the other, and gives each but the last its time. */
function series(socket, host, addresses, port, from, patience) {
  const errors = [];
  socket.autoSelectFamilyAttemptedAddresses = [];
  const attempt = (i) => {
    if (!socket.connecting) return;
    if (i === addresses.length) {
      fail(socket, errors.length === 1 ? errors[0] : several(errors));
      return;
    }
    const { address, family } = addresses[i];
    const no = blocked(socket, addresses[i]);
    if (no) {
      errors.push(no);
      attempt(i + 1);
      return;
    }
    if (i > 0) socket._takeHandle(new TCP());
    const handle = socket._handle;
    socket.autoSelectFamilyAttemptedAddresses.push(`${address}:${port}`);
    socket.emit('connectionAttempt', address, port, family);
    if (!socket.connecting) return;
    const timer = i < addresses.length - 1 && setTimeout(() => {
      if (!socket.connecting || socket._handle !== handle) return;
      handle.close();
      errors.push(connectError({ code: 'ETIMEDOUT', errno: -110 }, address, port));
      socket.emit('connectionAttemptTimeout', address, port, family);
      attempt(i + 1);
    }, patience);
    handle.connect({ ...target(host, address, port), ...near(from) }, (failure) => {
      clearTimeout(timer);
      if (!failure || !socket.connecting) {
        settle(socket, handle, null);
        return;
      }
      const error = because(failure, addresses[i], port, from);
      errors.push(error);
      socket.emit('connectionAttemptFailed', address, port, family, error);
      attempt(i + 1);
    });
  };
  attempt(0);
}

function fail(socket, error) {
  if (socket.connecting) socket.destroy(error);
}

/** settle tells a socket that it is connected, or why not. */
function settle(socket, handle, error) {
  if (socket.destroyed || socket._handle !== handle) return;
  if (error) socket.destroy(error);
  else socket._connected();
}

/** newHandle is a handle for a path, or for an address. */
export const newHandle = (path) => (path ? new Pipe() : new TCP());
