// What only a page has: sockets with web streams.
import { equal, net, ok, once, serve, still, test, throws } from '../kit.js';

const { sockets, TCPServerSocket, TCPSocket } = net;
const encode = (text) => new TextEncoder().encode(text);

async function text(readable) {
  return new Response(readable).text();
}

async function rejects(promise, code) {
  const error = await promise.then(() => null, (e) => e);
  ok(error, `rejected with ${code}`);
  equal(error.code ?? error.name, code);
}

test('sockets.connect: there and back', async () => {
  const server = await serve((socket) => socket.pipe(socket));
  const { port } = server.address();
  for (const address of [`127.0.0.1:${port}`, { hostname: '127.0.0.1', port }]) {
    const socket = sockets.connect(address);
    equal((await socket.opened).remoteAddress, `127.0.0.1:${port}`);
    const writer = socket.writable.getWriter();
    await writer.write(encode('哇'));
    await writer.write(encode('咔咔').buffer);
    await writer.close();
    equal(await text(socket.readable), '哇咔咔');
    await socket.closed;
  }
});

test('sockets.connect: what fails', async () => {
  const server = await serve();
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const socket = sockets.connect(`127.0.0.1:${port}`);
  await rejects(socket.opened, 'ECONNREFUSED');
  await rejects(socket.closed, 'ECONNREFUSED');
  await rejects(socket.readable.getReader().read(), 'ECONNREFUSED');
  throws(() => sockets.connect('nowhere'), undefined, TypeError);
  throws(() => sockets.connect('a:1', { secureTransport: 'on' }), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM');
});

test('sockets.connect: close, and a reset', async () => {
  const server = await serve();
  const accepted = once(server, 'connection');
  const socket = sockets.connect(`127.0.0.1:${server.address().port}`);
  const [peer] = await accepted;
  peer.resume();
  await socket.opened;
  await socket.close();
  const again = once(server, 'connection');
  const other = sockets.connect(`127.0.0.1:${server.address().port}`);
  const [second] = await again;
  await other.opened;
  const read = other.readable.getReader().read();
  second.resetAndDestroy();
  await rejects(read, 'ECONNRESET');
  await rejects(other.closed, 'ECONNRESET');
});

test('a reader that does not read holds the peer back', async () => {
  const server = await serve();
  const accepted = once(server, 'connection');
  const socket = sockets.connect(`127.0.0.1:${server.address().port}`);
  const [peer] = await accepted;
  const size = 16 << 20;
  peer.end(new Uint8Array(size));
  await still(() => peer.bytesWritten - peer.writableLength);
  ok(!peer.writableFinished, 'all is written to who does not read');
  let got = 0;
  for await (const chunk of socket.readable) got += chunk.length;
  equal(got, size);
});

test('read into a buffer of the program', async () => {
  const server = await serve((socket) => socket.end('abcdef'));
  const socket = sockets.connect(`127.0.0.1:${server.address().port}`);
  const reader = socket.readable.getReader({ mode: 'byob' });
  let all = '';
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(4));
    if (done) break;
    all += new TextDecoder().decode(value);
  }
  equal(all, 'abcdef');
});

test('TCPSocket and TCPServerSocket', async () => {
  const listener = new TCPServerSocket('127.0.0.1');
  const { readable: connections, localPort, localAddress } = await listener.opened;
  equal(localAddress, '127.0.0.1');
  const client = new TCPSocket('127.0.0.1', localPort, { noDelay: true, keepAliveDelay: 1000 });
  const reader = connections.getReader();
  const { value: accepted } = await reader.read();
  ok(accepted instanceof TCPSocket);
  const [a, b] = await Promise.all([client.opened, accepted.opened]);
  equal([a.remotePort, b.localPort, b.remotePort], [localPort, localPort, a.localPort]);
  const writer = a.writable.getWriter();
  await writer.write(encode('ping'));
  await writer.close();
  equal(await text(b.readable), 'ping');
  const back = b.writable.getWriter();
  await back.write(encode('pong'));
  await back.close();
  equal(await text(a.readable), 'pong');
  await Promise.all([client.closed, accepted.closed]);
  await listener.close();
  await listener.closed;
  equal((await reader.read()).done, true);
});

test('abort resets the peer', async () => {
  const server = await serve();
  const accepted = once(server, 'connection');
  const client = new TCPSocket('127.0.0.1', server.address().port);
  const [peer] = await accepted;
  peer.resume();
  const { writable } = await client.opened;
  const error = once(peer, 'error');
  await writable.abort();
  equal((await error)[0].code, 'ECONNRESET');
});

test('TCPServerSocket where someone listens', async () => {
  const server = await serve();
  const listener = new TCPServerSocket('127.0.0.1', { localPort: server.address().port });
  await rejects(listener.opened, 'EADDRINUSE');
});
