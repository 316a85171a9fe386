import { codes } from './errors.js';
import { createConnection } from './socket.js';
import { outcome, readable, writable } from './streams.js';

/** StreamSocket is what connect gives: WinterTC's Socket. */
class StreamSocket {
  #socket;

  constructor(socket) {
    this.#socket = socket;
    const { opened, closed } = outcome(socket, () => ({
      localAddress: `${socket.localAddress}:${socket.localPort}`,
      remoteAddress: `${socket.remoteAddress}:${socket.remotePort}`,
    }));
    this.opened = opened;
    this.closed = closed;
    this.readable = readable(socket);
    this.writable = writable(socket);
    this.secureTransport = 'off';
    this.upgraded = false;
  }

  /** close ends both ways, behind what was written. */
  close() {
    this.#socket.destroySoon();
    return this.closed;
  }

  startTls() {
    throw new codes.ERR_FEATURE_UNAVAILABLE_ON_PLATFORM('TLS');
  }
}

/** where reads "host:port", "[v6]:port", or an object with these. */
function where(address) {
  if (typeof address === 'object' && address !== null) return { host: String(address.hostname), port: address.port };
  const [, v6, name, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  if (port === undefined) throw new TypeError(`Invalid address: ${address}`);
  return { host: v6 ?? name, port: Number(port) };
}

/** connect opens a socket with web streams (WinterTC Sockets API). */
export function connect(address, { secureTransport = 'off', allowHalfOpen = false } = {}) {
  if (secureTransport !== 'off') throw new codes.ERR_FEATURE_UNAVAILABLE_ON_PLATFORM('TLS');
  return new StreamSocket(createConnection({ ...where(address), allowHalfOpen }));
}
