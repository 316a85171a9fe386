import readable from 'readable-stream/lib/ours/errors.js';

export const { AbortError, codes } = readable;

/** received is how Node ends a message about a value. */
function received(value) {
  return new codes.ERR_INVALID_ARG_TYPE('x', 'y', value).message.replace(/^.* Received /s, '');
}

/** define makes a class of errors with a code, as Node has them. */
function define(code, Base, text) {
  codes[code] = class extends Base {
    constructor(...args) {
      super(typeof text === 'string' ? text : text(...args));
      this.code = code;
    }

    toString() {
      return `${this.name} [${code}]: ${this.message}`;
    }
  };
}

define('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', TypeError, (what) => `${what} is unavailable in a web page: its sockets are at a gateway`);
define('ERR_INVALID_ADDRESS', Error, 'Invalid address');
define('ERR_INVALID_ADDRESS_FAMILY', RangeError, (family, host, port) => `Invalid address family: ${family} ${host}:${port}`);
define('ERR_INVALID_HANDLE_TYPE', TypeError, 'This handle type cannot be sent');
define('ERR_INVALID_IP_ADDRESS', TypeError, (ip) => `Invalid IP address: ${ip}`);
define('ERR_IP_BLOCKED', Error, (ip) => `IP(${ip}) is blocked by net.BlockList`);
define('ERR_MISSING_ARGS', TypeError, (...names) => `The ${names.map((name) => `"${name}"`).join(' or ')} argument must be specified`);
define('ERR_SERVER_ALREADY_LISTEN', Error, 'Listen method has been called more than once without closing.');
define('ERR_SERVER_NOT_RUNNING', Error, 'Server is not running.');
define('ERR_SOCKET_BAD_PORT', RangeError, (name, port) => `${name} should be >= 0 and < 65536. Received ${received(port)}.`);
define('ERR_SOCKET_CLOSED', Error, 'Socket is closed');
define('ERR_SOCKET_CLOSED_BEFORE_CONNECTION', Error, 'Socket closed before the connection was established');

/** invalidFamily is the error of a family that is none, with what was asked. */
export function invalidFamily(family, host, port) {
  return Object.assign(new codes.ERR_INVALID_ADDRESS_FAMILY(family, host, port), { host, port });
}

// What the system says of a code: a few that a server meets.
const words = {
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  EINVAL: 'invalid argument',
  EMFILE: 'too many open files',
  ENETUNREACH: 'network is unreachable',
};

function systemError(message, { code, errno, cause }, syscall, more) {
  const error = new Error(message, cause === undefined || cause === null ? undefined : { cause });
  return Object.assign(error, { errno, code, syscall }, more);
}

const place = (address, port) => (port > 0 ? `${address}:${port}` : address);
const named = (address, port) => (port > 0 ? { address, port } : { address });

/** errnoError is what a call on a socket met: "read ECONNRESET". */
export function errnoError(failure, syscall) {
  return systemError(`${syscall} ${failure.code}`, failure, syscall);
}

/** connectError says what a connect to an address, or a path, met, and from where. */
export function connectError(failure, address, port, local = null) {
  const from = local ? ` - Local (${local.address}:${local.port})` : '';
  const more = local ? { localAddress: local.address, localPort: local.port } : {};
  return systemError(`connect ${failure.code} ${place(address, port)}${from}`, failure, 'connect', { ...named(address, port), ...more });
}

/** bindError says why a socket has not the local address that was chosen. */
export function bindError(failure, address, port) {
  return systemError(`bind ${failure.code} ${place(address, port)}`, failure, 'bind', named(address, port));
}

/** listenError says why a server does not listen. */
export function listenError(failure, address, port) {
  return systemError(`listen ${failure.code}: ${words[failure.code] ?? 'the gateway refuses'} ${place(address, port)}`, failure, 'listen', named(address, port));
}

/** lookupError says why a name has no address. */
export function lookupError(failure, hostname) {
  return systemError(`getaddrinfo ${failure.code} ${hostname}`, failure, 'getaddrinfo', { hostname });
}

/** several is the error of a connect that failed at each of its addresses. */
export function several(errors) {
  const error = new AggregateError(errors);
  error.code = errors[0].code;
  return error;
}
