package conn

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// soakTime is how long the soak lasts; CONN_SOAK makes it longer.
func soakTime(t *testing.T) time.Duration {
	text := os.Getenv("CONN_SOAK")
	if text == "" {
		return 3 * busyGap
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestNothingIsLostOrLeftBehindInASoak has clients come, speak in every rhythm, be silent and go in every way, all at the same time. Each
// echo must come whole and in order, and in the end nothing is left of anybody.
func TestNothingIsLostOrLeftBehindInASoak(t *testing.T) {
	for name, setup := range map[string]func(*httptest.Server){"plain": (*httptest.Server).Start, "tls": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{MaxPerAddress: 1000, PingInterval: 100 * time.Millisecond, CloseTimeout: 500 * time.Millisecond}, setup)
			n.prepare = func(e *events) {
				<-n.made // makes room for e
				e.deadlines = make(chan int, 6*4)
				e.onDrained = func() {}
				e.onFrame = func(c *Conn, payload []byte) {
					c.After(rand.N(time.Second), rand.IntN(Deadlines))
					c.Cancel(rand.IntN(Deadlines))
					if !c.Write(c.Framing().Append(nil, payload)) {
						t.Error("queue is full")
					}
				}
			}
			n.made <- nil
			end := time.Now().Add(soakTime(t))
			var all sync.WaitGroup
			for range 60 {
				all.Go(func() {
					for time.Now().Before(end) {
						n.soakOne()
					}
				})
			}
			all.Wait()
			eventually(t, "released", func() bool { return n.Connections() == 0 })
			n.wantNothingLeft()
		})
	}
}

// soakOne is the life of one client.
func (n *node) soakOne() {
	dialer := &websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Subprotocols: []string{"test-binary"}}
	client, _, err := dialer.Dial(n.url("/ws"), nil)
	if err != nil {
		n.t.Error(err)
		return
	}
	defer client.Close()
	_ = client.SetReadDeadline(time.Now().Add(patience))
	for round := range rand.IntN(6) {
		<-time.After(rand.N(2 * busyGap / time.Duration(1+rand.IntN(500))))
		if err := soakRound(client, round); err != nil {
			n.t.Error(err)
			return
		}
	}
	soakEnd(client)
}

// soakRound sends a burst of messages, torn into pieces anywhere and with pings in between, and reads the echoes.
func soakRound(client *websocket.Conn, round int) error {
	var sent [][]byte
	var wire []byte
	for i := range 1 + rand.IntN(4) {
		message := bytes.Repeat([]byte{byte(i)}, 8+rand.IntN(1<<uint(rand.IntN(14))))
		binary.BigEndian.PutUint64(message, uint64(round)<<32|rand.Uint64()>>32)
		sent = append(sent, message)
		if rand.IntN(4) == 0 {
			wire = appendMasked(wire, wsFinal|websocket.PingMessage, []byte("there?"))
		}
		cut := rand.IntN(len(message))
		if rand.IntN(3) > 0 {
			wire = appendMasked(wire, wsFinal|opBin, message)
			continue
		}
		wire = appendMasked(wire, opBin, message[:cut])
		wire = appendMasked(wire, wsFinal|websocket.PingMessage, nil)
		wire = appendMasked(wire, wsFinal, message[cut:])
	}
	for len(wire) > 0 {
		size := 1 + rand.IntN(len(wire))
		if _, err := client.NetConn().Write(wire[:size]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		wire = wire[size:]
		if rand.IntN(3) == 0 {
			<-time.After(rand.N(5 * time.Millisecond))
		}
	}
	for i, want := range sent {
		if _, got, err := client.ReadMessage(); err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("round %d, echo %d: %d bytes that differ from %d, %w", round, i, len(got), len(want), err)
		}
	}
	return nil
}

// soakEnd leaves politely, silently, with a reset, or in the middle of a message.
func soakEnd(client *websocket.Conn) {
	switch rand.IntN(4) {
	case 0:
		_ = client.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
		_, _, _ = client.ReadMessage()
	case 1:
		if tcp, ok := client.NetConn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	case 2:
		_, _ = client.NetConn().Write(appendMasked(nil, wsFinal|opBin, make([]byte, 1000))[:500])
	}
}

// appendMasked appends a client's frame; the mask is zero, so the payload stands as it is.
func appendMasked(dst []byte, first byte, payload []byte) []byte {
	at := len(dst) + 1
	dst = appendWebSocket(dst, 0, payload)
	dst[at-1] = first
	dst[at] |= 0x80
	head := len(dst) - len(payload)
	return slices.Insert(dst, head, 0, 0, 0, 0)
}

func (n *node) wantNothingLeft() {
	n.t.Helper()
	if queued := value(n.t, n.metrics.queued); queued != 0 {
		n.t.Errorf("%v bytes are queued", queued)
	}
	if open := value(n.t, n.metrics.connections.WithLabelValues("websocket")); open != 0 {
		n.t.Errorf("%v connections are counted", open)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.conns)+len(n.byAddress) > 0 {
		n.t.Errorf("%d connections and %d addresses are known", len(n.conns), len(n.byAddress))
	}
	n.wheel.mu.Lock()
	defer n.wheel.mu.Unlock()
	for _, t := range n.wheel.slots {
		if t != nil {
			n.t.Error("a connection is in the wheel")
		}
	}
}
