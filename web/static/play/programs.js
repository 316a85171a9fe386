// The two programs to begin with: a server and a client of Node's net, with what
// is said beside them in the visitor's language.

const server = ({ listening, connection, stream, error, close, inuse }) => `const net = require('net')

const server = net.createServer()

// ${listening}
server.on('listening', () => {
  const { address, port } = server.address()
  console.log(\`listening on \${address}:\${port}\`)
})

// ${connection}
server.on('connection', (socket) => {
  console.log('connection')

  // ${stream}
  socket.on('data', (data) => {
    console.log('data', data)
    socket.write('你好' + data)
  })

  // ${error}
  socket.on('error', (error) => {
    console.log('error', error.code)
    socket.destroy()
  })
})

// ${close}
server.on('close', () => console.log('close'))

// ${inuse}
server.on('error', (error) => {
  console.log(error.code === 'EADDRINUSE' ? 'address already in use' : error.message)
})

server.listen(4321, 'localhost')
`;

const client = ({ connect, data, close, error }) => `const net = require('net')

const socket = net.connect(4321, 'localhost')

// ${connect}
socket.on('connect', () => {
  console.log('connect')
  socket.write('哇咔咔')
})

// ${data}
socket.on('data', (data) => {
  console.log(data.toString())
  socket.end()
})

// ${close}
socket.on('close', () => console.log('close'))

// ${error}
socket.on('error', (error) => {
  console.log('error', error.code)
})
`;

/** programs are both, in English and Chinese. */
export const programs = {
  server: [
    server({
      listening: 'once the listener is up', connection: 'for each client, with a duplex socket',
      stream: 'the bytes of one read: TCP is a stream, and a read is no message', error: 'this socket broke; the server lives on',
      close: 'once the listener is closed and every connection has ended', inuse: 'a port that is in use, for one',
    }),
    server({
      listening: '监听已经开始', connection: '每来一个客户端触发一次，给出一个双工的 socket',
      stream: '一次读到的字节：TCP 是流，一次读不等于一条消息', error: '这个 socket 出错了，服务端继续运行',
      close: '监听已关闭，并且所有连接都已结束', inuse: '例如端口已被占用',
    }),
  ],
  client: [
    client({
      connect: 'the connection is there', data: 'what the server has answered', close: 'the socket is closed, both ways',
      error: 'nothing listens there, for one',
    }),
    client({ connect: '连接已经建立', data: '服务端的回答', close: 'socket 已完全关闭', error: '例如那里没有服务端在监听' }),
  ],
};
