// A worker with a server and a client of its own, which says what they said.
import net from '/net.mjs';

onmessage = async ({ data: url }) => {
  net.configure({ url });
  await net.ready({ listen: true });
  const server = net.createServer((socket) => socket.on('data', (data) => socket.end(`你好${data}`)));
  server.listen(0);
  const client = net.connect(server.address().port, () => client.write('哇咔咔'));
  let text = '';
  client.setEncoding('utf8');
  client.on('data', (data) => { text += data; });
  client.on('close', () => server.close(() => postMessage(text)));
  client.on('error', (error) => postMessage(String(error)));
};
