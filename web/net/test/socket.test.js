import { Buffer, dial, elsewhere, equal, log, net, ok, once, pair, read, serve, still, test, throws } from './kit.js';

test('data is a Buffer, or text by setEncoding', async () => {
  const { client, socket } = await pair();
  socket.write('哇咔咔');
  const [chunk] = await once(client, 'data');
  ok(Buffer.isBuffer(chunk), 'a Buffer');
  equal(chunk.toString(), '哇咔咔');
  ok(client.setEncoding('utf8') === client);
  socket.write(Buffer.from('你').subarray(0, 2));
  await new Promise((done) => { socket.write(Buffer.from('你').subarray(2), done); });
  equal((await once(client, 'data'))[0], '你');
  client.setEncoding('hex');
  socket.write('A');
  equal((await once(client, 'data'))[0], '41');
});

test('write takes text in an encoding, and bytes', async () => {
  const { client, socket } = await pair();
  client.write('68656c6c6f', 'hex');
  client.write(new Uint8Array([0x20]));
  client.write(Buffer.from('w'));
  client.write('b3JsZA==', 'base64');
  client.end('\xe9', 'latin1');
  equal(await read(socket), 'hello world\ufffd');
});

test('write does not take other things', async () => {
  const { client } = await pair();
  for (const wrong of [5, {}, true, undefined, [1]]) throws(() => client.write(wrong), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => client.write(null), 'ERR_STREAM_NULL_VALUES', TypeError);
});

test('bytesRead and bytesWritten', async () => {
  const { client, socket } = await pair();
  equal([client.bytesRead, client.bytesWritten], [0, 0]);
  socket.on('data', (chunk) => socket.write(chunk));
  client.write('哇');
  client.write(Buffer.from('ab'));
  equal(client.bytesWritten, 5);
  equal((await read(client, 5)).length, 3);
  equal([client.bytesRead, client.bytesWritten], [5, 5]);
  client.destroy();
  equal([client.bytesRead, client.bytesWritten], [5, 5], 'after destroy');
});

test('pause and resume', async () => {
  const { client, socket } = await pair();
  const got = [];
  client.on('data', (chunk) => got.push(chunk.toString()));
  ok(client.pause() === client);
  ok(client.isPaused());
  await new Promise((done) => { socket.write('x', done); });
  await elsewhere();
  equal(got, []);
  ok(client.resume() === client);
  await once(client, 'data');
  equal(got, ['x']);
});

test('a paused socket holds its peer back, and loses nothing', async () => {
  const { client, socket } = await pair();
  const size = 16 << 20;
  let sent = 0;
  const block = Buffer.alloc(1 << 16, 7);
  const fill = () => {
    while (sent < size) {
      sent += block.length;
      if (!socket.write(block)) return;
    }
    socket.end();
  };
  socket.on('drain', fill);
  client.pause();
  fill();
  await still(() => sent);
  ok(sent < size, `${sent} bytes are sent to a peer that does not read`);
  let got = 0;
  client.on('data', (chunk) => { got += chunk.length; });
  client.resume();
  await once(client, 'end');
  equal(got, size);
});

test('setTimeout: after a time without a byte', async () => {
  const { client } = await pair();
  const seen = log(client, 'timeout');
  equal(client.timeout, undefined);
  let called = 0;
  ok(client.setTimeout(30, () => called++) === client);
  equal(client.timeout, 30);
  await once(client, 'timeout');
  equal([seen.length, called], [1, 1]);
  ok(!client.destroyed);
  client.write('x');
  await once(client, 'timeout');
  equal(called, 1, 'calls of the callback');
  client.setTimeout(0);
  equal(client.timeout, 0);
});

test('setTimeout: bytes put it off', async () => {
  const { client, socket } = await pair();
  client.resume();
  const seen = log(client, 'timeout');
  client.setTimeout(500);
  for (const start = performance.now(); performance.now() - start < 1000;) {
    socket.write('x');
    await once(client, 'data');
  }
  equal(seen, []);
});

test('setTimeout: what it does not take', () => {
  const socket = new net.Socket();
  for (const wrong of ['100', true, undefined, null, {}, () => {}]) throws(() => socket.setTimeout(wrong), 'ERR_INVALID_ARG_TYPE', TypeError);
  for (const wrong of [-1, NaN, Infinity]) throws(() => socket.setTimeout(wrong), 'ERR_OUT_OF_RANGE', RangeError);
  throws(() => socket.setTimeout(1, 'x'), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('setNoDelay, setKeepAlive, ref, unref return the socket', async () => {
  const { client } = await pair({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 }, { noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 });
  for (const socket of [client, new net.Socket()]) {
    ok(socket.setNoDelay() === socket && socket.setNoDelay(false) === socket);
    ok(socket.setKeepAlive(true, 1000) === socket && socket.setKeepAlive(false) === socket);
    ok(socket.ref() === socket && socket.unref() === socket && socket.ref() === socket);
  }
  throws(() => new net.Socket({ keepAliveInitialDelay: 'x' }), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('setNoDelay and setKeepAlive reach the handle', async () => {
  const server = await serve();
  const socket = new net.Socket({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 3000 });
  const calls = [];
  socket.connect(server.address().port, '127.0.0.1', () => {
    socket._handle.setNoDelay = (on) => calls.push(['noDelay', on]);
    socket._handle.setKeepAlive = (on, delay) => calls.push(['keepAlive', on, delay]);
    socket.setNoDelay(false);
    socket.setKeepAlive(true, 5000);
    socket.destroy();
  });
  await once(socket, 'close');
  equal(calls, [['noDelay', false], ['keepAlive', true, 5]]);
  equal(socket._handle, null);
});

test('setTypeOfService, getTypeOfService', () => {
  const socket = new net.Socket();
  equal(socket.getTypeOfService(), 0);
  ok(socket.setTypeOfService(0x10) === socket);
  equal(socket.getTypeOfService(), 0x10);
  throws(() => socket.setTypeOfService(256), 'ERR_OUT_OF_RANGE', RangeError);
  throws(() => socket.setTypeOfService('1'), 'ERR_INVALID_ARG_TYPE', TypeError);
}, { since: 24 });

test('pipe: an echo of a megabyte', async () => {
  const server = await serve((socket) => socket.pipe(socket));
  const client = dial(server);
  const sent = Buffer.alloc(1 << 20);
  for (let i = 0; i < sent.length; i++) sent[i] = i * 31 + (i >> 8);
  client.end(sent);
  const chunks = [];
  client.on('data', (chunk) => chunks.push(chunk));
  await once(client, 'end');
  ok(Buffer.concat(chunks).equals(sent), 'the same bytes');
});

test('server: what accepted a socket', async () => {
  const { server, client, socket } = await pair();
  ok(socket.server === server);
  ok(!client.server);
});

test('read: in pieces of a size', async () => {
  const { client, socket } = await pair();
  socket.end('abcdef');
  const got = [];
  client.on('readable', () => {
    for (let piece; (piece = client.read(4) ?? client.read()) !== null;) got.push(piece.toString());
  });
  await once(client, 'end');
  equal(got.join(''), 'abcdef');
});

test('unshift gives bytes back', async () => {
  const { client, socket } = await pair();
  socket.end('head body');
  const [chunk] = await once(client, 'data');
  client.pause();
  client.unshift(chunk.subarray(5));
  equal(await read(client.resume()), chunk.toString().slice(5));
});
