// Node's net, in a web page: the same names, over sockets of a Porthole gateway.
import './inspect.js'; // before who takes it
import { BlockList, SocketAddress } from './address.js';
import { Buffer } from './buffer.js';
import { connect as connectStreams } from './connect.js';
import { leastAttempt, selection } from './dial.js';
import { TCPServerSocket, TCPSocket } from './direct.js';
import { codes } from './errors.js';
import { configure, disconnect, ready } from './gateway.js';
import { isIP, isIPv4, isIPv6 } from './ip.js';
import { createServer, Server } from './server.js';
import { createConnection, normalizeArgs, Socket } from './socket.js';

const connect = createConnection;
const Stream = Socket;
const sockets = { connect: connectStreams }; // as WinterTC names the module of its own

/** BoundSocket would bind before it returns, which no gateway can answer in time. */
class BoundSocket {
  constructor() {
    throw new codes.ERR_FEATURE_UNAVAILABLE_ON_PLATFORM('BoundSocket');
  }
}

function getDefaultAutoSelectFamily() {
  return selection.on;
}

function setDefaultAutoSelectFamily(on) {
  if (typeof on !== 'boolean') throw new codes.ERR_INVALID_ARG_TYPE('value', 'boolean', on);
  selection.on = on;
}

function getDefaultAutoSelectFamilyAttemptTimeout() {
  return selection.timeout;
}

function setDefaultAutoSelectFamilyAttemptTimeout(ms) {
  if (typeof ms !== 'number') throw new codes.ERR_INVALID_ARG_TYPE('value', 'number', ms);
  if (!Number.isInteger(ms) || ms < 1 || ms > 2 ** 31 - 1) throw new codes.ERR_OUT_OF_RANGE('value', '>= 1 && <= 2147483647', ms);
  selection.timeout = Math.max(ms, leastAttempt);
}

export {
  BlockList, BoundSocket, Buffer, Server, Socket, SocketAddress, Stream, TCPServerSocket, TCPSocket,
  configure, connect, createConnection, createServer, disconnect,
  getDefaultAutoSelectFamily, getDefaultAutoSelectFamilyAttemptTimeout,
  isIP, isIPv4, isIPv6, normalizeArgs as _normalizeArgs, ready,
  setDefaultAutoSelectFamily, setDefaultAutoSelectFamilyAttemptTimeout, sockets,
};

export default {
  BlockList, BoundSocket, Buffer, Server, Socket, SocketAddress, Stream, TCPServerSocket, TCPSocket,
  configure, connect, createConnection, createServer, disconnect,
  getDefaultAutoSelectFamily, getDefaultAutoSelectFamilyAttemptTimeout,
  isIP, isIPv4, isIPv6, _normalizeArgs: normalizeArgs, ready,
  setDefaultAutoSelectFamily, setDefaultAutoSelectFamilyAttemptTimeout, sockets,
};
