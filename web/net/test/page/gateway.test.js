// What only a page has: a gateway, which has its limits, and may go.
import { dial, equal, failing, log, net, ok, once, read, serve, test, throws } from '../kit.js';

test('what a page cannot do says so', () => {
  const code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
  for (const call of [
    () => new net.Socket({ fd: 3 }),
    () => net.createServer().listen({ fd: 3 }),
    () => net.createServer().listen('/tmp/socket'),
    () => net.createServer().listen({ handle: {} }),
    () => net.createServer().listen({ port: 0, reusePort: true }),
    () => new net.BoundSocket(),
  ]) throws(call, code, TypeError);
});

test('what the policy refuses is EACCES', async () => {
  const socket = net.connect(80, '192.0.2.1');
  const error = await failing(socket, 'EACCES');
  equal([error.message, error.errno, error.syscall], ['connect EACCES 192.0.2.1:80', -13, 'connect']);
  const near = await failing(net.connect({ port: 1, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: 80 }), 'EACCES');
  equal([near.message, near.address, near.port], ['bind EACCES 127.0.0.1:80', '127.0.0.1', 80]);
  const server = net.createServer();
  server.listen(80, '127.0.0.1');
  const refused = await failing(server, 'EACCES');
  equal(refused.message, 'listen EACCES: permission denied 127.0.0.1:80');
});

test('disconnect ends all, and the next socket begins anew', async () => {
  const server = await serve();
  const accepted = once(server, 'connection');
  const client = dial(server);
  const [[socket]] = await Promise.all([accepted, once(client, 'connect')]);
  const seen = log(server, 'error', 'close');
  const errors = [failing(client, 'ECONNRESET'), failing(socket, 'ECONNRESET'), failing(server, 'ECONNRESET')];
  client.resume();
  net.disconnect();
  equal((await errors[0]).message, 'read ECONNRESET');
  await Promise.all(errors);
  ok(!server.listening);
  if (!seen.includes('close')) await once(server, 'close');
  equal(seen, ['error', 'close']);
  await net.ready({ listen: true });
  const next = await serve((s) => s.end('hi'));
  const again = dial(next);
  again.resume();
  await once(again, 'close');
});

test('a gateway that is not there: ENETUNREACH', async () => {
  net.disconnect();
  const url = new URLSearchParams(location.search).get('gateway');
  net.configure({ url: 'ws://127.0.0.1:1/ws' });
  try {
    const socket = net.connect(80, '127.0.0.1');
    const error = await failing(socket, 'ENETUNREACH');
    equal(error.message, 'connect ENETUNREACH 127.0.0.1:80');
    ok(String(error.cause).includes('no gateway at ws://127.0.0.1:1/ws'), `${error.cause}`);
    const server = net.createServer();
    server.listen(0);
    await failing(server, 'ENETUNREACH');
    const failed = await net.ready().catch((e) => e);
    ok(String(failed).includes('no gateway'), `${failed}`);
  } finally {
    net.configure({ url });
    await net.ready({ listen: true });
  }
});

test('connect to a path: a Unix socket of the gateway\'s machine', async () => {
  const path = new URLSearchParams(location.search).get('path');
  for (const connect of [(cb) => net.connect(path, cb), (cb) => net.connect({ path }, cb), (cb) => new net.Socket().connect(path, cb)]) {
    const socket = connect(() => socket.end('hi'));
    equal(await read(socket), 'hi');
    equal([socket.remoteAddress, socket.remotePort, socket.localPort], [undefined, undefined, undefined]);
  }
  const other = net.connect(path);
  await once(other, 'connect');
  throws(() => other.resetAndDestroy(), 'ERR_INVALID_HANDLE_TYPE', TypeError);
  other.destroy();
  const none = net.connect('/nowhere');
  equal((await failing(none, 'EACCES')).message, 'connect EACCES /nowhere');
});
