import { dial, elsewhere, equal, log, net, ok, once, pair, read, serve, test, throws, tidy } from './kit.js';

test('the chapter: a server that says hello, and its client', async () => {
  const server = net.createServer();
  tidy(server);
  const seen = log(server, 'listening', 'connection', 'close', 'error');
  server.on('connection', (socket) => {
    socket.on('data', (data) => {
      socket.write(`你好${data}`);
    });
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const client = net.connect({ port: server.address().port, host: 'localhost' }, () => client.write('哇咔咔'));
  client.setEncoding('utf8');
  let text = '';
  client.on('data', (data) => {
    text += data;
    if (text.length === 5) client.end();
  });
  await once(client, 'close');
  equal(text, '你好哇咔咔');
  server.close();
  await once(server, 'close');
  equal(seen, ['listening', 'connection', 'close']);
});

test('createServer: options and listener', async () => {
  let calls = 0;
  for (const server of [
    net.createServer(() => calls++),
    net.createServer({}, () => calls++),
    net.createServer({ allowHalfOpen: true }).on('connection', () => calls++),
    new net.Server(() => calls++),
  ]) {
    tidy(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    dial(server);
    await once(server, 'connection');
  }
  equal(calls, 4);
  for (const wrong of ['path', 5, true]) throws(() => net.createServer(wrong), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => net.createServer({ keepAliveInitialDelay: 'x' }), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('close waits for the connections', async () => {
  const { server, client, socket } = await pair();
  const seen = log(server, 'close');
  let called = 0;
  ok(server.close((error) => {
    called++;
    equal(error, undefined);
  }) === server);
  ok(!server.listening);
  equal(server.address(), null);
  client.write('still here');
  equal(await read(socket, 10), 'still here');
  equal(seen, []);
  client.end();
  await once(server, 'close');
  equal(called, 1);
});

test('close of a server that does not listen', async () => {
  const server = net.createServer();
  const error = await new Promise((done) => { server.close(done); });
  equal([error.code, error.message], ['ERR_SERVER_NOT_RUNNING', 'Server is not running.']);
});

test('after close no one gets in', async () => {
  const server = await serve();
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const [error] = await once(net.connect(port, '127.0.0.1'), 'error');
  equal(error.code, 'ECONNREFUSED');
});

test('getConnections', async () => {
  const { server, client } = await pair();
  const count = () => new Promise((done) => {
    ok(server.getConnections((error, n) => {
      equal(error, null);
      done(n);
    }) === server);
  });
  equal(await count(), 1);
  const more = once(server, 'connection');
  const other = dial(server);
  await more;
  equal(await count(), 2);
  other.destroy();
  client.destroy();
  server.close();
  await once(server, 'close');
  equal(await count(), 0);
});

test('maxConnections and drop', async () => {
  const server = await serve();
  server.maxConnections = 1;
  const first = dial(server);
  const [socket] = await once(server, 'connection');
  const dropped = once(server, 'drop');
  const second = dial(server);
  second.resume();
  second.on('error', () => {});
  const [data] = await dropped;
  equal([data.localAddress, data.localPort, data.localFamily], ['127.0.0.1', server.address().port, 'IPv4']);
  equal([data.remoteAddress, data.remoteFamily], ['127.0.0.1', 'IPv4']);
  ok(data.remotePort > 0);
  await once(second, 'close');
  ok(!first.destroyed);
  socket.destroy();
  server.maxConnections = 0;
  const none = once(server, 'drop');
  const third = dial(server);
  third.resume();
  await none;
}, { since: 21 });

test('pauseOnConnect: nothing is lost', async () => {
  const server = await serve({ pauseOnConnect: true });
  const accepted = once(server, 'connection');
  const client = dial(server);
  client.end('all of it');
  const [socket] = await accepted;
  ok(socket.isPaused());
  await elsewhere();
  equal(socket.bytesRead, 0);
  equal(await read(socket.resume()), 'all of it');
});

test('blockList: of a server', async () => {
  const blockList = new net.BlockList();
  blockList.addAddress('127.0.0.1');
  const server = await serve({ blockList });
  const seen = log(server, 'connection');
  const client = dial(server);
  client.resume();
  client.on('error', () => {});
  await once(client, 'close');
  equal(seen, []);
}, { since: 22 });

test('ref and unref return the server', async () => {
  const server = net.createServer();
  ok(server.ref() === server && server.unref() === server);
  const other = await serve();
  ok(other.unref() === other && other.ref() === other);
});

test('Symbol.asyncDispose closes', async () => {
  const server = await serve();
  await server[Symbol.asyncDispose]();
  ok(!server.listening);
});

test('a server takes events off again', async () => {
  const server = await serve();
  const seen = [];
  const listener = () => seen.push('connection');
  server.on('connection', listener);
  server.off('connection', listener);
  const accepted = once(server, 'connection');
  dial(server);
  await accepted;
  equal(seen, []);
  equal(server.listenerCount('connection'), 1); // the kit's
});

test('an error of one connection leaves the server alone', async () => {
  const server = await serve((socket) => socket.pipe(socket));
  const one = dial(server);
  await once(one, 'connect');
  one.resetAndDestroy();
  const two = dial(server);
  two.end('hi');
  equal(await read(two), 'hi');
});
