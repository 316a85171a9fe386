import { Buffer, dial, equal, failing, log, net, ok, once, pair, read, serve, test, throws, unused } from './kit.js';

test('connect: options, port and host, port alone, a listener', async () => {
  const server = await serve((socket) => socket.end());
  const { port } = server.address();
  for (const connect of [
    (cb) => net.connect({ port, host: '127.0.0.1' }, cb),
    (cb) => net.connect(port, '127.0.0.1', cb),
    (cb) => net.connect(port, cb),
    (cb) => net.createConnection(String(port), 'localhost', cb),
    (cb) => net.createConnection({ port: String(port) }, cb),
    (cb) => new net.Socket().connect(port, '127.0.0.1', cb),
    (cb) => new net.Socket().connect({ port, host: '127.0.0.1' }, cb),
  ]) {
    let called = 0;
    const socket = connect(() => called++);
    ok(socket instanceof net.Socket);
    socket.resume();
    await once(socket, 'close');
    equal(called, 1, 'calls of the listener');
  }
});

test('connect: lookup, connectionAttempt, connect, ready, in this order', async () => {
  const server = await serve();
  const socket = dial(server, { host: 'localhost', family: 4 });
  const seen = log(socket, 'lookup', 'connectionAttempt', 'connect', 'ready');
  let args;
  socket.on('lookup', (...a) => { args = a; });
  let tried;
  socket.on('connectionAttempt', (...a) => { tried = a; });
  await once(socket, 'ready');
  equal(args, [null, '127.0.0.1', 4, 'localhost']);
  equal(tried, ['127.0.0.1', server.address().port, 4]);
  equal(seen, ['lookup', 'connectionAttempt', 'connect', 'ready']);
});

test('connect to an address looks nothing up', async () => {
  const server = await serve();
  const socket = dial(server);
  const seen = log(socket, 'lookup', 'connect');
  await once(socket, 'ready');
  equal(seen, ['connect']);
});

test('connecting, pending, readyState', async () => {
  const server = await serve();
  const idle = new net.Socket();
  equal([idle.connecting, idle.pending, idle.readyState], [false, true, 'open']);
  const socket = dial(server);
  equal([socket.connecting, socket.pending, socket.readyState], [true, true, 'opening']);
  await once(socket, 'connect');
  equal([socket.connecting, socket.pending, socket.readyState], [false, false, 'open']);
  socket.end();
  equal(socket.readyState, 'readOnly');
  socket.destroy();
  equal([socket.destroyed, socket.readyState, socket.pending], [true, 'closed', true]);
});

test('addresses of both ends agree', async () => {
  const { server, client, socket } = await pair();
  equal([client.remoteAddress, client.remotePort, client.remoteFamily], ['127.0.0.1', server.address().port, 'IPv4']);
  equal([client.localAddress, client.localPort, client.localFamily], [socket.remoteAddress, socket.remotePort, socket.remoteFamily]);
  equal([socket.localAddress, socket.localPort, socket.localFamily], ['127.0.0.1', server.address().port, 'IPv4']);
  const { address, family, port } = client.address();
  equal([address, family, port], ['127.0.0.1', 'IPv4', client.localPort]);
  equal(new net.Socket().address(), {});
  equal(new net.Socket().remoteAddress, undefined);
});

test('a local address and port of choice', async () => {
  const server = await serve((socket) => socket.resume());
  const [port, another, absent] = await unused(3);
  const accepted = once(server, 'connection');
  const socket = dial(server, { localAddress: '127.0.0.1', localPort: port });
  const [[other]] = await Promise.all([accepted, once(socket, 'connect')]);
  equal([socket.localAddress, socket.localPort, other.remotePort], ['127.0.0.1', port, port]);
  const twice = await failing(dial(server, { localAddress: '127.0.0.1', localPort: port }), 'EADDRNOTAVAIL');
  equal([twice.message, twice.syscall], [`connect EADDRNOTAVAIL 127.0.0.1:${server.address().port} - Local (127.0.0.1:${port})`, 'connect']);
  const nobody = await failing(dial(server, { port: absent, localPort: another }), 'ECONNREFUSED');
  equal([nobody.message, nobody.localAddress, nobody.localPort],
    [`connect ECONNREFUSED 127.0.0.1:${absent} - Local (0.0.0.0:${another})`, '0.0.0.0', another]);
});

test('ECONNREFUSED: the error of a port where no one listens', async () => {
  const [port] = await unused(1);
  const socket = net.connect(port, '127.0.0.1');
  const seen = log(socket, 'connect', 'connectionAttemptFailed', 'error', 'close');
  let failed;
  socket.on('connectionAttemptFailed', (...args) => { failed = args; });
  const error = await failing(socket, 'ECONNREFUSED');
  equal(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`);
  equal([error.errno, error.syscall, error.address, error.port], [-111, 'connect', '127.0.0.1', port]);
  ok(socket.destroyed && !socket.connecting);
  equal(await once(socket, 'close'), [true]);
  equal(failed.slice(0, 3), ['127.0.0.1', port, 4]);
  equal(seen, ['connectionAttemptFailed', 'error', 'close']);
});

test('several addresses that fail: an AggregateError', async () => {
  const [port] = await unused(1);
  const lookup = (host, options, done) => {
    equal(options.all, true, 'all');
    setTimeout(done, 0, null, [{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]);
  };
  const socket = net.connect({ port, host: 'two.test', lookup, autoSelectFamily: true });
  const tried = [];
  socket.on('connectionAttempt', (address) => tried.push(address));
  const error = await failing(socket, 'ECONNREFUSED');
  ok(error instanceof AggregateError);
  equal(error.errors.map((e) => e.message), [`connect ECONNREFUSED 127.0.0.1:${port}`, `connect ECONNREFUSED 127.0.0.2:${port}`]);
  equal(tried, ['127.0.0.1', '127.0.0.2']);
  equal(socket.autoSelectFamilyAttemptedAddresses, [`127.0.0.1:${port}`, `127.0.0.2:${port}`]);
});

test('autoSelectFamily goes on to the next address', async () => {
  const server = await serve();
  const { port } = server.address();
  const lookup = (host, options, done) => setTimeout(done, 0, null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]);
  const socket = dial(server, { host: 'both.test', lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 5000 });
  const seen = log(socket, 'connectionAttempt', 'connectionAttemptFailed', 'connect', 'error');
  await once(socket, 'connect');
  equal(socket.remoteAddress, '127.0.0.1');
  equal(seen, ['connectionAttempt', 'connectionAttemptFailed', 'connectionAttempt', 'connect']);
  equal(socket.autoSelectFamilyAttemptedAddresses, [`[::1]:${port}`.replace(/[[\]]/g, ''), `127.0.0.1:${port}`]);
});

test('lookup of the program: one address', async () => {
  const server = await serve();
  const asked = [];
  const lookup = (host, options, done) => {
    asked.push([host, options.family, options.all ?? false]);
    done(null, '127.0.0.1', 4);
  };
  const socket = dial(server, { host: 'my.test', family: 4, lookup });
  await once(socket, 'connect');
  equal(asked, [['my.test', 4, false]]);
  const wrong = dial(server, { host: 'my.test', lookup: (h, o, done) => done(Object.assign(new Error('no'), { code: 'ENO' })) });
  await failing(wrong, 'ENO');
  const none = dial(server, { host: 'my.test', family: 4, lookup: (h, o, done) => done(null, 'nowhere', 4) });
  await failing(none, 'ERR_INVALID_IP_ADDRESS');
  const family = dial(server, { host: 'my.test', autoSelectFamily: false, lookup: (h, o, done) => done(null, '127.0.0.1', 100) });
  await failing(family, 'ERR_INVALID_ADDRESS_FAMILY');
  throws(() => net.connect({ port: 1, host: 'a.test', lookup: 5 }), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('what connect does not take', () => {
  throws(() => net.connect(), 'ERR_MISSING_ARGS', TypeError);
  throws(() => net.connect({}), 'ERR_MISSING_ARGS', TypeError);
  for (const port of [-1, 65536, 1.5, NaN, 'x1']) throws(() => net.connect({ port }), 'ERR_SOCKET_BAD_PORT', RangeError);
  throws(() => net.connect({ port: [] }), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => net.connect({ path: 5 }), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => net.connect({ port: 1, localAddress: 'nowhere' }), 'ERR_INVALID_IP_ADDRESS', TypeError);
  throws(() => net.connect({ port: 1, localPort: 'x' }), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => net.connect({ port: 1, host: 'a.test', autoSelectFamily: 'yes' }), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => new net.Socket({ objectMode: true }), 'ERR_INVALID_ARG_VALUE', TypeError);
});

test('write and end before connect wait for it', async () => {
  const server = await serve((socket) => socket.pipe(socket));
  const socket = dial(server);
  let called = false;
  socket.write('哇', () => {
    called = !socket.connecting;
  });
  equal(socket.bytesWritten, 3);
  socket.end('咔咔');
  equal(await read(socket), '哇咔咔');
  ok(called, 'the callback comes once connected');
  equal([socket.bytesWritten, socket.bytesRead], [9, 9]);
});

test('destroy before connect', async () => {
  const server = await serve();
  const socket = dial(server);
  const seen = log(socket, 'connect', 'error', 'end', 'close');
  const written = new Promise((done) => { socket.write('x', done); });
  socket.destroy();
  equal(await once(socket, 'close'), [false]);
  equal((await written).code, 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION');
  equal(seen, ['close']);
});

test('signal: of a socket', async () => {
  const server = await serve();
  const control = new AbortController();
  const socket = dial(server, { signal: control.signal });
  await once(socket, 'connect');
  control.abort();
  equal((await once(socket, 'error'))[0].name, 'AbortError');
  const already = new net.Socket({ signal: AbortSignal.abort() });
  equal((await once(already, 'error'))[0].code, 'ABORT_ERR');
  throws(() => new net.Socket({ signal: 'INVALID' }), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('the same socket connects again', async () => {
  const server = await serve((socket) => socket.end('hi'));
  const socket = new net.Socket();
  for (let i = 0; i < 3; i++) {
    socket.connect(server.address().port, '127.0.0.1');
    equal(await read(socket), 'hi');
    await once(socket, 'close');
  }
});

test('blockList: of a socket', async () => {
  const server = await serve();
  const blockList = new net.BlockList();
  blockList.addAddress('127.0.0.1');
  const socket = dial(server, { blockList });
  await failing(socket, 'ERR_IP_BLOCKED');
}, { since: 22 });

test('timeout: an option of connect', async () => {
  const server = await serve();
  const socket = dial(server, { timeout: 20 });
  equal(socket.timeout, 20);
  await once(socket, 'timeout');
  ok(!socket.destroyed, 'it lives on');
});

test('onread: one buffer for all that comes', async () => {
  const server = await serve((socket) => socket.end('abcdefgh'));
  const buffer = Buffer.alloc(3);
  const got = [];
  const socket = dial(server, { onread: { buffer, callback(n, into) {
    ok(into === buffer, 'the buffer');
    got.push(into.toString('utf8', 0, n));
  } } });
  socket.on('data', () => got.push('data'));
  await once(socket, 'end');
  equal(got.join(''), 'abcdefgh');
  equal(got[0], 'abc');
  equal(socket.bytesRead, 8);
});

test('onread: a function that gives buffers, and false pauses', async () => {
  const server = await serve((socket) => socket.end('abcdef'));
  const got = [];
  const socket = dial(server, { onread: { buffer: () => new Uint8Array(4), callback(n, into) {
    got.push(Buffer.from(into.subarray(0, n)).toString());
    if (got.length > 1) return true;
    setTimeout(() => socket.resume(), 5);
    return false;
  } } });
  await once(socket, 'end');
  equal(got.join(''), 'abcdef');
});

test('an unknown name: ENOTFOUND', async () => {
  const socket = net.connect({ port: 80, host: 'nowhere.invalid', family: 4, lookup: undefined });
  let looked;
  socket.on('lookup', (...args) => { looked = args; });
  const [error] = await once(socket, 'error');
  ok(['ENOTFOUND', 'EAI_AGAIN', 'EACCES'].includes(error.code), `${error}`);
  equal([error.syscall, error.hostname], ['getaddrinfo', 'nowhere.invalid']);
  equal(error.message, `getaddrinfo ${error.code} nowhere.invalid`);
  ok(looked[0] === error && looked[3] === 'nowhere.invalid');
});

test('family and hints of a lookup', async () => {
  const server = await serve();
  const socket = dial(server, { host: 'localhost', family: 4, hints: 0 });
  await once(socket, 'connect');
  equal(socket.remoteFamily, 'IPv4');
  const asked = [];
  const lookup = (host, options, done) => {
    asked.push(options.hints);
    done(null, '127.0.0.1', 4);
  };
  await once(dial(server, { host: 'a.test', family: 4, hints: 32, lookup }), 'connect');
  equal(asked, [32]);
  throws(() => net.connect({ port: 1, host: 'a.test', hints: 4096 }), 'ERR_INVALID_ARG_VALUE', TypeError);
});
