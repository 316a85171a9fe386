// ssh2, over net alone.
import { Client } from 'ssh2';

export async function run({ host, port, user, key }, say) {
  const client = new Client();
  await new Promise((done, fail) => {
    client.on('ready', done).on('error', fail).connect({ host, port, username: user, privateKey: key });
  });
  const exec = (command) => new Promise((done, fail) => {
    client.exec(command, (error, stream) => {
      if (error) return fail(error);
      let n = 0;
      let text = '';
      stream.on('data', (b) => { n += b.length; if (text.length < 100) text += b; });
      stream.on('close', () => done({ n, text }));
    });
  });
  say(`uname ${(await exec('uname -a')).text.trim()}`);
  say(`bytes ${(await exec('head -c 5000000 /dev/zero')).n}`);
  client.end();
}
