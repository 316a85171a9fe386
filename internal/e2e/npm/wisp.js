// wisp-js: the client of its authors, v1 and v2, in Node and in a page.
import { client, extensions } from '@mercuryworkshop/wisp-js/client';

const opened = (conn) => new Promise((open, fail) => {
  conn.onopen = open;
  conn.onclose = () => fail(new Error('the connection is closed'));
});

const closed = (stream) => new Promise((done) => {
  stream.onclose = (reason) => done(reason.toString(16));
});

// Gathers n bytes from a stream.
const received = (stream, n) => new Promise((done, fail) => {
  const got = new Uint8Array(n);
  let at = 0;
  stream.onmessage = (data) => {
    got.set(data, at);
    if ((at += data.length) === n) done(got);
  };
  stream.onclose = (reason) => fail(new Error(`closed with ${reason.toString(16)} after ${at} bytes`));
});

async function sha256(bytes) {
  const sum = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes));
  return [...sum].map((b) => b.toString(16).padStart(2, '0')).join('');
}

export async function run({ url, host, greeter, echo, nobody, guarded, user, key }, say) {
  for (const wisp_version of [1, 2]) {
    const conn = new client.ClientConnection(url, { wisp_version });
    await opened(conn);
    say(`v${conn.wisp_version}`);

    const greeting = conn.create_stream(host, greeter);
    const hello = received(greeting, 15);
    greeting.send(new TextEncoder().encode('哇咔咔'));
    say(new TextDecoder().decode(await hello));
    greeting.close();

    const data = new Uint8Array(3 << 20).map((_, i) => (i * 7919) >> 5);
    const sum = await sha256(data);
    for (const size of [100, 65536, 1 << 20]) {
      const stream = conn.create_stream(host, echo);
      const back = received(stream, data.length);
      for (let at = 0; at < data.length; at += size) stream.send(data.slice(at, at + size));
      say(`${size} ${await sha256(await back) === sum}`);
      stream.close();
    }

    say(`refused ${await closed(conn.create_stream(host, nobody))}`);
    say(`blocked ${await closed(conn.create_stream('unlisted.test', 80))}`);
    conn.onclose = () => {};
    conn.close();
  }
  for (const password of [key, 'not the key']) {
    const wisp_extensions = [new extensions.PasswordAuthExtension({ client_config: { username: user, password } })];
    const conn = new client.ClientConnection(guarded, { wisp_version: 2, wisp_extensions });
    say(await opened(conn).then(() => 'let in', () => 'kept out'));
    conn.onclose = () => {};
    conn.close();
  }
}
