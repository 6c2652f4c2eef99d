// A socket.io server that does what the benchmarks ask of a chat server: rooms,
// messages to everybody in a room, and an acknowledgement. It stores nothing.
//
// It follows socket.io's own advice for many connections: WebSocket only, and
// the handshake's request is let go of. Its standard output begins with the
// address it listens on; it ends when its standard input does.

import { createServer } from 'node:http'
import { Server } from 'socket.io'

const http = createServer((request, response) => {
  if (request.url === '/collect') globalThis.gc()
  response.end('ok\n')
})

const io = new Server(http, { transports: ['websocket'], serveClient: false })

io.engine.on('connection', (connection) => {
  connection.request = null
})

io.on('connection', (socket) => {
  socket.on('join', (room, acknowledge) => {
    socket.join(room)
    acknowledge()
  })
  socket.on('send', (room, text, acknowledge) => {
    io.to(room).emit('message', text)
    acknowledge()
  })
})

http.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${http.address().port}`))
process.stdin.on('end', () => process.exit()).resume()
