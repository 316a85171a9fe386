import { Buffer, dial, elsewhere, equal, log, net, ok, once, pair, read, serve, test } from './kit.js';

test('write calls back, in order, and before finish', async () => {
  const { client, socket } = await pair();
  socket.resume();
  const seen = log(client, 'finish');
  for (const name of ['a', 'b', 'c']) client.write(name, () => seen.push(name));
  client.end(() => seen.push('end'));
  await once(socket, 'end');
  if (!client.writableFinished) await once(client, 'finish');
  equal(seen.slice(0, 3), ['a', 'b', 'c']);
  equal([...seen.slice(3)].sort(), ['end', 'finish']);
});

test('two writes do not wait for each other', async () => {
  const { client, socket } = await pair();
  const start = performance.now();
  for (let i = 0; i < 20; i++) {
    client.write('one');
    client.write('two');
    await read(socket, 6);
  }
  ok(performance.now() - start < 1500, `20 rounds in ${performance.now() - start} ms`);
});

test('drain: once more may be written', async () => {
  const { client, socket } = await pair();
  const seen = log(client, 'drain');
  ok(!client.write(Buffer.alloc(8 << 20)), 'write says that it is enough');
  ok(client.writableNeedDrain);
  equal(seen, []);
  let got = 0;
  socket.on('data', (chunk) => { got += chunk.length; });
  await once(client, 'drain');
  equal(client.writableLength, 0);
  client.end();
  await once(socket, 'end');
  equal(got, 8 << 20);
});

test('a small write needs no drain', async () => {
  const { client } = await pair();
  equal(client.write('x'), true);
});

test('bufferSize and writableLength while the peer does not read', async () => {
  const { client, socket } = await pair({ pauseOnConnect: true });
  equal(client.bufferSize, 0);
  client.write(Buffer.alloc(16 << 20));
  await elsewhere();
  ok(client.bufferSize > 0, 'bytes wait');
  equal(client.writableLength, client.bufferSize);
  equal(client.bytesWritten, 16 << 20);
  let got = 0;
  socket.on('data', (chunk) => { got += chunk.length; });
  socket.resume();
  client.end();
  await once(socket, 'end');
  equal(got, 16 << 20);
});

test('cork and uncork', async () => {
  const { client, socket } = await pair();
  const got = read(socket);
  client.cork();
  client.write('a');
  client.write('b', 'latin1');
  client.write(Buffer.from('c'));
  await elsewhere();
  equal(socket.bytesRead, 0);
  client.uncork();
  client.end();
  equal(await got, 'abc');
});

test('highWaterMark: of sockets a server accepts', async () => {
  const { client, socket } = await pair({ highWaterMark: 1000 });
  equal([socket.readableHighWaterMark, socket.writableHighWaterMark], [1000, 1000]);
  ok(client.writableHighWaterMark >= 16384);
}, { since: 20 });

test('many sockets at once', async () => {
  const server = await serve((socket) => socket.pipe(socket));
  const all = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const client = dial(server);
    client.end(`number ${i}`);
    return read(client);
  }));
  equal(all, Array.from({ length: 50 }, (_, i) => `number ${i}`));
});

test('write callbacks of a socket that is destroyed', async () => {
  const { client, socket } = await pair({ pauseOnConnect: true });
  let calls = 0;
  client.write(Buffer.alloc(32 << 20), () => calls++);
  client.write('more', (error) => {
    calls++;
    ok(error, 'it was never written');
  });
  client.destroy();
  await once(client, 'close');
  equal(calls, 2);
  socket.destroy();
});

test('an empty write calls back', async () => {
  const { client } = await pair();
  await new Promise((done) => { client.write('', done); });
  await new Promise((done) => { client.write(Buffer.alloc(0), done); });
  ok(!client.destroyed);
});

test('end with a callback, twice', async () => {
  const { client, socket } = await pair();
  socket.resume();
  ok(client.end('x', () => {}) === client);
  await once(client, 'finish');
  const error = await new Promise((done) => { client.end(done); });
  ok(error === undefined || error === null || ['ERR_STREAM_ALREADY_FINISHED', 'ERR_STREAM_DESTROYED'].includes(error.code), `${error}`);
  ok(net.Socket);
});
