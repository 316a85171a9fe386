// Echoes messages with the server of npm's ws, until stdin ends. It prints its
// port. See differential_test.go.
const { WebSocketServer } = require(process.argv[2]);

// No limit of its own: what differs must be the protocol.
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 0, maxFragments: 0, maxBufferedChunks: 0 });
server.on('listening', () => console.log(JSON.stringify(server.address().port)));
server.on('connection', (ws) => {
  ws.on('message', (data) => ws.send(data, { binary: true }));
  ws.on('error', () => {}); // the close frame tells
});
process.stdin.on('end', () => process.exit()).resume();
