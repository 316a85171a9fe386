import { dial, elsewhere, equal, failing, log, net, ok, once, pair, read, serve, test } from './kit.js';

test('end: both sides end, and close comes last', async () => {
  const server = await serve((socket) => {
    socket.resume();
  });
  const socket = dial(server);
  const seen = log(socket, 'connect', 'end', 'finish', 'close', 'error');
  socket.resume();
  socket.end('bye');
  equal(await once(socket, 'close'), [false]);
  equal(seen.filter((e) => e !== 'finish'), ['connect', 'end', 'close']);
  ok(seen.includes('finish'));
  ok(socket.destroyed && socket.writableFinished && socket.readableEnded);
});

test('allowHalfOpen: a server answers after the end', async () => {
  const server = await serve({ allowHalfOpen: true }, async (socket) => {
    const all = await read(socket);
    ok(socket.writable, 'it may write still');
    socket.end(all.toUpperCase());
  });
  const socket = dial(server);
  socket.end('abc');
  equal(await read(socket), 'ABC');
});

test('allowHalfOpen: a client goes on after the end', async () => {
  const server = await serve();
  server.on('connection', (socket) => socket.end('first'));
  const accepted = once(server, 'connection');
  const client = dial(server, { allowHalfOpen: true });
  equal(client.allowHalfOpen, true);
  equal(await read(client), 'first');
  const [socket] = await accepted;
  client.end('second');
  equal(await read(socket), 'second');
});

test('without allowHalfOpen our side ends by itself', async () => {
  const server = await serve((socket) => socket.end('hi'));
  const socket = dial(server);
  const seen = log(socket, 'end', 'finish', 'close');
  socket.resume();
  await once(socket, 'close');
  equal(seen, ['end', 'finish', 'close']);
});

test('write at the end is possible, and after it EPIPE', async () => {
  const { client, socket } = await pair();
  socket.resume();
  client.resume();
  socket.end();
  await once(client, 'end');
  ok(!client.destroyed, 'not destroyed while end is told');
  await once(client, 'finish');
  const error = await new Promise((done) => {
    client.on('error', () => {});
    client.write('x', done);
  });
  ok(['EPIPE', 'ERR_STREAM_DESTROYED'].includes(error.code), `${error}`);
});

test('write after end: ERR_STREAM_WRITE_AFTER_END', async () => {
  const { client } = await pair({ allowHalfOpen: true });
  client.end();
  client.write('x');
  await failing(client, 'ERR_STREAM_WRITE_AFTER_END');
});

test('destroy: close without an error, or with one', async () => {
  const { client, socket } = await pair();
  socket.resume();
  const seen = log(client, 'error', 'end', 'finish', 'close');
  ok(client.destroy() === client);
  ok(client.destroyed);
  equal(seen, [], 'nothing at once');
  equal(await once(client, 'close'), [false]);
  equal(seen, ['close']);
  await once(socket, 'end');
  const other = await pair();
  const order = log(other.client, 'error', 'close');
  const wrong = new Error('mine');
  other.client.on('error', (e) => ok(e === wrong));
  other.client.destroy(wrong);
  equal(await once(other.client, 'close'), [true]);
  equal(order, ['error', 'close']);
});

test('destroy lets through what was written', async () => {
  const { client, socket } = await pair();
  client.write('last words');
  client.destroy();
  equal(await read(socket), 'last words');
});

test('close with unread bytes resets the peer', async () => {
  const { client, socket } = await pair({ pauseOnConnect: true });
  await new Promise((done) => { client.write('x'.repeat(100), done); });
  client.resume();
  const error = failing(client, 'ECONNRESET');
  socket.destroy();
  equal((await error).syscall, 'read');
});

test('resetAndDestroy: the peer gets ECONNRESET', async () => {
  const { client, socket } = await pair();
  socket.resume();
  const seen = log(client, 'error', 'close');
  const error = failing(socket, 'ECONNRESET');
  ok(client.resetAndDestroy() === client);
  equal((await error).message, 'read ECONNRESET');
  equal((await error).errno, -104);
  ok(client.destroyed);
  if (!client.closed) await once(client, 'close');
  equal(seen, ['close']);
});

test('resetAndDestroy while connecting waits for it', async () => {
  const server = await serve();
  const accepted = once(server, 'connection');
  const client = dial(server);
  client.resetAndDestroy();
  const [socket] = await accepted;
  socket.resume();
  await failing(socket, 'ECONNRESET');
  ok(client.destroyed);
});

test('resetAndDestroy of a socket without a connection', async () => {
  const socket = new net.Socket();
  socket.resetAndDestroy();
  await failing(socket, 'ERR_SOCKET_CLOSED');
});

test('destroySoon: when all is written', async () => {
  const { client, socket } = await pair();
  client.write('all of it');
  client.destroySoon();
  equal(await read(socket), 'all of it');
  if (!client.closed) await once(client, 'close');
  ok(client.destroyed);
});

test('a write to a peer that was reset fails', async () => {
  const { client, socket } = await pair({}, { allowHalfOpen: true });
  client.pause();
  const codes = [];
  client.on('error', (error) => codes.push(error.code));
  socket.resetAndDestroy();
  const more = () => {
    if (client.destroyed) return;
    client.write('x'.repeat(1000));
    elsewhere().then(more);
  };
  more();
  equal(await once(client, 'close'), [true]);
  equal(codes.length, 1);
  ok(['EPIPE', 'ECONNRESET'].includes(codes[0]), codes[0]);
});

test('a broken connection reports once', async () => {
  const { client, socket } = await pair();
  const seen = log(client, 'error', 'close', 'end');
  client.resume();
  client.on('error', () => {});
  socket.resetAndDestroy();
  await once(client, 'close');
  client.write('x');
  client.end();
  await elsewhere();
  equal(seen, ['error', 'close']);
});

test('for await reads to the end', async () => {
  const server = await serve((socket) => {
    socket.write('a');
    socket.end('b');
  });
  let text = '';
  for await (const chunk of dial(server)) text += chunk;
  equal(text, 'ab');
});

test('end is not told before what is unread', async () => {
  const server = await serve((socket) => socket.end('hello'));
  const socket = dial(server);
  socket.pause();
  const seen = log(socket, 'end', 'close');
  await elsewhere();
  equal(seen, []);
  equal(await read(socket.resume()), 'hello');
});
