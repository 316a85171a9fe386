// The package outside of a page, by require, with a WebSocket from npm:
// node outside.cjs NET WS GATEWAY
const [, , bundle, ws, url] = process.argv;
const net = require(bundle);
net.configure({ url, WebSocket: require(ws).WebSocket });

net.ready({ listen: true }).then(() => {
  const server = net.createServer((socket) => socket.pipe(socket));
  server.listen(0);
  const client = net.connect(server.address().port);
  client.end('哇咔咔');
  client.on('data', (data) => console.log(String(data), Buffer.isBuffer(data), net.default.Socket === net.Socket));
  client.on('close', () => server.close(() => net.disconnect()));
});
