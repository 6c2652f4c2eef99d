package conn

import "time"

// link is the transport's half of a connection: how bytes leave, and how it ends. attempt and the deadlines are called with Conn.mu held,
// step without it and only by the flusher.
type link interface {
	// attempt writes what can be written without waiting, perhaps nothing.
	attempt(p []byte) (int, error)
	// step waits until it has written a part of p, or until the deadline. n > 0 or an error.
	step(p []byte) (n int, err error)
	// writeBy and readBy set deadlines; the zero time means none.
	writeBy(t time.Time)
	readBy(t time.Time)
	// close ends reading and writing at once. It does not wait and may be called more than once.
	close()
	// leave lets go of the transport, politely if close was not called. It is called once, last, without Conn.mu.
	leave()
}

// stepBytes is what a step writes at most where a transport cannot tell how much of a write has left: the client must take as much in a
// stall timeout.
const stepBytes = 16 << 10
