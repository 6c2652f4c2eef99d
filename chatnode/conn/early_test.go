package conn

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A client that talks before the handshake's answer is cut off, and nobody else notices.
func TestClientThatDoesNotWaitForTheHandshakeIsCutOff(t *testing.T) {
	n := startNode(t, Options{}, nil)
	other, events := n.dial(nil, nil)
	const request = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for _, early := range [][]byte{frameBytes(0x81, "too early"), {0}, make([]byte, 64<<10)} {
		c, err := net.Dial("tcp", n.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(append([]byte(request), early...)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(c); len(answer) > 0 || isTimeout(err) {
			t.Errorf("%d bytes early: answered %q, %v", len(early), answer, err)
		}
		_ = c.Close()
	}
	eventually(t, "their places", func() bool { return n.Connections() == 1 })
	if err := other.WriteMessage(websocket.TextMessage, []byte("still here")); err != nil {
		t.Fatal(err)
	}
	next(t, events.frames, "message of the other connection")
}
