import { createServer } from './server.js';
import { createConnection } from './socket.js';
import { outcome, readable, writable } from './streams.js';

const accepting = Symbol('a connection that a server has accepted');

/** TCPSocket has the shape of Direct Sockets: all that there is comes with opened. */
export class TCPSocket {
  #socket;

  constructor(remoteAddress, remotePort, { noDelay = false, keepAliveDelay, dnsQueryType } = {}) {
    if (remoteAddress === accepting) {
      this.#over(remotePort);
      return;
    }
    const family = { ipv4: 4, ipv6: 6 }[dnsQueryType] ?? 0;
    const keepAlive = keepAliveDelay === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAliveDelay };
    this.#over(createConnection({ host: String(remoteAddress), port: remotePort, family, noDelay, allowHalfOpen: true, ...keepAlive }));
  }

  #over(socket) {
    this.#socket = socket;
    const describe = () => ({
      readable: readable(socket),
      writable: writable(socket),
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      localAddress: socket.localAddress,
      localPort: socket.localPort,
    });
    const { opened, closed } = outcome(socket, describe);
    this.opened = socket.connecting ? opened : Promise.resolve(describe());
    this.closed = closed;
  }

  /** close ends the socket; what is under way is written. */
  async close() {
    await this.opened;
    this.#socket.destroySoon();
    return this.closed;
  }
}

/** TCPServerSocket listens, and its connections are a stream of TCPSockets. */
export class TCPServerSocket {
  #server;
  #finish; // of the stream of connections

  constructor(localAddress, { localPort = 0, backlog, ipv6Only } = {}) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    this.#server = server;
    this.closed = new Promise((resolve, reject) => {
      server.once('close', resolve);
      server.once('error', reject);
    });
    this.closed.catch(() => {});
    const connections = new ReadableStream({
      start: (control) => {
        server.on('connection', (socket) => control.enqueue(new TCPSocket(accepting, socket)));
        server.once('error', (error) => control.error(error));
        this.#finish = () => control.close();
      },
      cancel: () => server.close(),
    });
    this.opened = new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => {
        const { address, port } = server.address();
        resolve({ readable: connections, localAddress: address, localPort: port });
      });
    });
    this.opened.catch(() => {});
    server.listen({ host: localAddress, port: localPort, backlog, ipv6Only });
  }

  /** close listens no more. Who has a connection keeps it. */
  async close() {
    await this.opened;
    if (!this.#server.listening) return;
    this.#finish();
    this.#server.close();
  }
}
