// Package conn holds the sockets of a chat node and knows neither chat nor the log behind it.
//
// In go HTTP requests that want a WebSocket, a streamed HTTP response or server-sent events, and bare TCP sockets. Out come a Conn, to
// which any goroutine writes framed bytes without ever blocking, and calls of a Handler: a whole message from the client, an emptied queue, a pulse, a
// deadline, the end.
//
// Everything is event driven and no method of Handler or Conn assumes a goroutine per connection. A WebSocket
// has a small goroutine while its client speaks; idle ones are parked on epoll, without a goroutine. There is no goroutine that
// writes: Write goes straight to the socket, and only what a full socket leaves is queued and flushed in the background.
//
// Nothing here is unbounded. Connections are limited in total and per address, a frame in bytes and in the time from its first byte to
// its last, a queue in bytes, and a reader that takes nothing at all for a while is closed. Each limit has a counter.
package conn
