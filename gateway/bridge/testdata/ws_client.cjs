// Plays scripts, one a line of stdin, with the WebSocket of npm's ws, and prints
// what came of each. See differential_test.go.
const readline = require('node:readline');
const { WebSocket } = require(process.argv[2]);

const bytes = (base64) => Buffer.from(base64 ?? '', 'base64');

function play({ url, steps, size, pings, code, reason }) {
  return new Promise((resolve) => {
    const ws = new WebSocket(url);
    const came = { echo: [], size: 0, pongs: [], error: '' };
    let played = false;
    let closing = false;
    const leave = () => { // once all is back
      if (closing || !played || code < 0 || came.size < size || (pings > 0 && came.pongs.length === 0)) return;
      if (pings > 0 && came.pongs.at(-1) !== (pings - 1).toString()) return;
      closing = true;
      if (code) ws.close(code, bytes(reason));
      else ws.close();
    };
    ws.on('open', () => {
      for (const step of steps) {
        if (step.kind === 'ping') ws.ping(bytes(step.data));
        else if (step.kind === 'pong') ws.pong(bytes(step.data));
        else ws.send(bytes(step.data), { fin: step.fin, binary: step.kind === 'binary' });
      }
      played = true;
      leave();
    });
    ws.on('message', (data, binary) => {
      if (!binary) came.error += 'a text message; ';
      came.echo.push(data);
      came.size += data.length;
      leave();
    });
    ws.on('pong', (data) => { came.pongs.push(data.toString()); leave(); });
    ws.on('error', (err) => { came.error += `${err}; `; });
    ws.on('close', (code, reason) => {
      const echo = Buffer.concat(came.echo).toString('base64');
      resolve({ echo, pongs: came.pongs, error: came.error, code, reason: reason.toString() });
    });
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await play(JSON.parse(line))));
  }
})();
