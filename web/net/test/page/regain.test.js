// A server outlives its gateway: the session is lost, and another begins.
import { dial, equal, failing, log, net, ok, once, read, serve, test } from '../kit.js';

const nowhere = 'ws://127.0.0.1:1/ws';
const query = new URLSearchParams(location.search);
const OP_FAILED = 21; // of porthole.v1

/** losing is a test that has the session's WebSocket in its hand. */
function losing(name, run) {
  test(name, async () => {
    const held = { at: '', ws: null, opens() {}, refused() {} };
    net.disconnect();
    net.configure({
      WebSocket: class extends WebSocket {
        constructor(url, protocols) {
          super(held.at || url, protocols);
          held.ws = this;
          held.opens();
          this.addEventListener('message', ({ data }) => {
            if (new Uint8Array(data)[0] === OP_FAILED) held.refused();
          });
        }
      },
    });
    const { now } = performance;
    try {
      await run(held);
    } finally {
      performance.now = now;
      net.disconnect();
      net.configure({ WebSocket });
      await net.ready({ listen: true });
    }
  });
}

/** next waits until the session's WebSocket does something. */
const next = (held, what) => new Promise((done) => { held[what] = done; });

/** lose is a server that has lost its session, and knows it, and what it has emitted
    since it listens. The next WebSocket leads to at. */
async function lose(held, at = '') {
  const server = await serve((socket) => socket.write('hi'));
  const seen = log(server, 'listening', 'error', 'close');
  const accepted = once(server, 'connection');
  const client = dial(server);
  client.resume();
  const [[socket]] = await Promise.all([accepted, once(client, 'connect')]);
  socket.resume();
  const errors = [failing(client, 'ECONNRESET'), failing(socket, 'ECONNRESET')];
  const address = server.address();
  held.at = at;
  held.ws.close(3000); // a page can say no more of it
  const [error] = await Promise.all(errors);
  equal([error.message, error.cause.code, error.cause.message], ['read ECONNRESET', 3000, `porthole: the gateway at ${query.get('gateway')} is gone (3000)`]);
  ok(server.listening);
  equal(server.address(), address);
  return { server, seen };
}

/** answers dials until the server does. */
async function answers(server) {
  for (let text = null; text !== 'hi';) {
    const client = dial(server);
    text = await read(client, 2).catch(() => null);
    client.destroy();
  }
}

/** taken is the server's port in another session. */
async function taken(server) {
  const { default: other } = await import(`/net.mjs?${Math.random()}`);
  other.configure({ url: query.get('gateway') });
  for (;;) {
    const thief = other.createServer().listen(server.address().port, '127.0.0.1');
    const had = await Promise.race([once(thief, 'listening').then(() => true), once(thief, 'error').then(() => false)]);
    if (had) return { close: () => other.disconnect(), thief };
  }
}

losing('a server outlives its session, and its program is not told', async (held) => {
  const { server, seen } = await lose(held);
  await answers(server);
  held.ws.close(3000);
  await answers(server);
  equal(seen, []);
  server.close();
  await once(server, 'close');
});

losing('while there is no gateway, a server is closed', async (held) => {
  const { server, seen } = await lose(held, nowhere);
  await next(held, 'opens');
  await next(held, 'opens');
  ok(server.listening);
  server.close();
  ok(!server.listening);
  await once(server, 'close');
  equal(seen, ['close']);
});

losing('disconnect is the end of a server without a gateway', async (held) => {
  const { server, seen } = await lose(held, nowhere);
  const error = failing(server, 'ECONNRESET');
  const closed = once(server, 'close');
  net.disconnect();
  equal((await error).message, 'accept ECONNRESET');
  await closed;
  equal(seen, ['error', 'close']);
});

losing('a port that is refused for a while', async (held) => {
  const { server, seen } = await lose(held, nowhere);
  const other = await taken(server);
  held.at = '';
  await next(held, 'refused');
  ok(server.listening);
  other.thief.on('error', () => {}); // it is disconnected
  other.close();
  await answers(server);
  equal(seen, []);
});

losing('a port that is refused for long', async (held) => {
  const { server, seen } = await lose(held, nowhere);
  const other = await taken(server);
  const { port } = server.address();
  const error = failing(server, 'EADDRINUSE');
  const closed = once(server, 'close');
  const { now } = performance;
  held.at = '';
  await next(held, 'refused');
  await new Promise((done) => { setTimeout(done); }); // and the server has been told
  performance.now = () => now.call(performance) + 31_000;
  equal((await error).message, `listen EADDRINUSE: address already in use 127.0.0.1:${port}`);
  await closed;
  equal(seen, ['error', 'close']);
  other.thief.on('error', () => {});
  other.close();
});

losing('a gateway where pages may not listen', async (held) => {
  const { server, seen } = await lose(held, query.get('strict'));
  const error = failing(server, 'EACCES');
  const closed = once(server, 'close');
  equal((await error).syscall, 'listen');
  await closed;
  ok(!server.listening);
  equal(seen, ['error', 'close']);
});
