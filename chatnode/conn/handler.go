package conn

import "fmt"

// Handler is a gateway's half of a connection.
//
// Its methods never run at the same time for one connection, so a handler needs no lock for what only they touch. They run on borrowed
// goroutines: Frame on the one that reads (or that called Deliver), Pulse and Deadline on the one that all connections share, so these two
// must not wait for anything, and whoever has something slow to do starts a goroutine of its own. Write, Close, After and the other methods
// of Conn may be called from within all of them. Conn.Write and Conn.Close never call the handler on their caller's stack, so they may be
// called under any lock.
type Handler interface {
	// Frame takes one whole message from the client, of a bare socket what has come; payload is valid only during the call. While it runs
	// nothing more is read from this client, which slows it down.
	Frame(payload []byte)
	// Drained says that the queue, which had bytes waiting or refused a Write, is empty again. With TLS and streamed responses it comes after
	// nearly every Write, so it should cost nothing when the handler waits for nothing.
	Drained()
	// Pulse comes every ping interval, unless bytes are queued: a client that has yet to take those needs no ping.
	Pulse()
	// Deadline comes once after Conn.After(d, kind), unless it was cancelled or set anew within one of these calls.
	Deadline(kind int)
	// Closed comes once and last; err is a *CloseError. It comes when the connection is given up, which may be before the last bytes have
	// left.
	Closed(err error)
}

// Farewell is implemented by handlers that have something to say at the end: what it returns, framed, is the last message that the client
// gets if the server closes the connection, before the close frame where the transport has one (Lines, LengthPrefixed and SSE don't). It may
// be empty. It may run beside the handler's other methods, and must not call the Conn.
type Farewell interface {
	Farewell(code int, reason string) []byte
}

// Codes of RFC 6455 that this package uses itself.
const (
	codeGoingAway = 1001
	codeProtocol  = 1002
	codeNone      = 1005
	codeAbnormal  = 1006
	codeNotUTF8   = 1007
	codeTooBig    = 1009
	codeInternal  = 1011
)

// CloseError says how a connection ended.
type CloseError struct {
	// Code is the WebSocket close code; 1005 if the client gave none, 1006 if the network ended the connection.
	Code   int
	Reason string
	// Remote is true if the client or the network ended it.
	Remote bool
	// Err is what the network reported, or nil.
	Err error
}

func (e *CloseError) Error() string {
	by := "server"
	if e.Remote {
		by = "client"
	}
	text := fmt.Sprintf("connection closed by the %s with code %d", by, e.Code)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what the network reported.
func (e *CloseError) Unwrap() error { return e.Err }
