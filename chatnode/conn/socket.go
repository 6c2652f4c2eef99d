package conn

import (
	"crypto/tls"
	"net"
	"time"
)

// socket is the link of a WebSocket whose connection hides its descriptor, as TLS does: all it can do is wait.
type socket struct{ net.Conn }

func (s socket) attempt([]byte) (int, error) { return 0, nil }

func (s socket) step(p []byte) (int, error) { return s.Write(p[:min(len(p), stepBytes)]) }

func (s socket) writeBy(t time.Time) { _ = s.SetWriteDeadline(t) }

func (s socket) readBy(t time.Time) { _ = s.SetReadDeadline(t) }

// close does not say goodbye to a TLS peer, because that may have to wait.
func (s socket) close() {
	if t, ok := s.Conn.(*tls.Conn); ok {
		_ = t.NetConn().Close()
		return
	}
	_ = s.Close()
}

func (s socket) leave() { _ = s.Close() }
