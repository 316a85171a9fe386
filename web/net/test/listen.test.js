import { dial, equal, failing, inPage, log, net, ok, once, serve, test, throws, tidy } from './kit.js';

function idle() {
  const server = net.createServer();
  tidy(server);
  return server;
}

test('listen(0), and address() in the same turn', async () => {
  for (let i = 0; i < 3; i++) {
    const server = idle();
    const seen = log(server, 'listening');
    ok(server.listen(0) === server);
    const at = server.address();
    ok(at.port > 0, 'it has a port');
    ok(server.listening);
    equal(seen, [], 'listening comes later');
    await once(server, 'listening');
    equal(server.address(), at);
    const accepted = once(server, 'connection');
    const client = net.connect(at.port);
    await accepted;
    client.destroy();
    if (inPage) await net.ready({ listen: true }); // spares are made anew
  }
});

test('listen: port, host, backlog, callback, options, nothing', async () => {
  for (const args of [[], [0], [0, '127.0.0.1'], [0, '127.0.0.1', 5], [0, 5], [{ port: 0 }], [{ port: 0, host: '127.0.0.1', backlog: 5, exclusive: true }], ['0'], [undefined], [null], [{ port: undefined }], [{ port: null }]]) {
    const server = idle();
    let called = 0;
    server.listen(...args, () => called++);
    await once(server, 'listening');
    equal(called, 1, `calls for ${JSON.stringify(args)}`);
    ok(server.address().port > 0);
    const accepted = once(server, 'connection');
    const client = net.connect(server.address().port);
    await accepted;
    client.destroy();
  }
});

test('listen on a port, and again once it is free', async () => {
  const first = await serve();
  const { port } = first.address();
  const second = idle();
  second.listen(port, '127.0.0.1');
  const error = await failing(second, 'EADDRINUSE');
  equal(error.message, `listen EADDRINUSE: address already in use 127.0.0.1:${port}`);
  equal([error.errno, error.syscall, error.address, error.port], [-98, 'listen', '127.0.0.1', port]);
  ok(!second.listening);
  first.close();
  await once(first, 'close');
  second.listen(port, '127.0.0.1');
  await once(second, 'listening');
  equal(second.address(), { address: '127.0.0.1', family: 'IPv4', port });
  second.close();
  second.listen(port, '127.0.0.1');
  await once(second, 'listening');
});

test('listen twice: ERR_SERVER_ALREADY_LISTEN', async () => {
  const server = await serve();
  throws(() => server.listen(0), 'ERR_SERVER_ALREADY_LISTEN');
});

test('close right after listen: no listening', async () => {
  const server = idle();
  const seen = log(server, 'listening', 'close');
  server.listen(0, () => seen.push('callback'));
  server.close();
  await once(server, 'close');
  equal(seen, ['close']);
});

test('what listen does not take', () => {
  const server = net.createServer();
  for (const port of [-1, 65536, 1.5, NaN]) throws(() => server.listen(port), 'ERR_SOCKET_BAD_PORT', RangeError);
  for (const wrong of [{}, { host: 'localhost' }, true, false, { port: false }]) throws(() => server.listen(wrong), 'ERR_INVALID_ARG_VALUE', TypeError);
});

test('listen with a signal', async () => {
  const server = idle();
  const control = new AbortController();
  server.listen({ port: 0, host: '127.0.0.1', signal: control.signal });
  await once(server, 'listening');
  control.abort();
  await once(server, 'close');
  const already = idle();
  already.listen({ port: 0, signal: AbortSignal.abort() });
  await once(already, 'close');
  throws(() => idle().listen({ port: 0, signal: 'INVALID' }), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('listen on IPv6', async () => {
  const server = idle();
  server.listen(0, '::1');
  await once(server, 'listening');
  const { address, family } = server.address();
  equal([address, family], ['::1', 'IPv6']);
  const accepted = once(server, 'connection');
  const client = dial(server, { host: '::1' });
  const [socket] = await accepted;
  if (client.connecting) await once(client, 'connect');
  equal([client.remoteAddress, client.remoteFamily], ['::1', 'IPv6']);
  equal([socket.remotePort, socket.remoteFamily], [client.localPort, 'IPv6']);
});

test('listening and address() of a server that does not listen', () => {
  const server = net.createServer();
  equal([server.listening, server.address()], [false, null]);
});

test('a server listens again after close', async () => {
  const server = idle();
  for (let i = 0; i < 3; i++) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  }
});
