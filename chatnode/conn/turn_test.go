package conn

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestHandlerCallsComeOneAtATime has everything happen at once; the handler itself checks its turns.
func TestHandlerCallsComeOneAtATime(t *testing.T) {
	n := startNode(t, Options{PingInterval: time.Millisecond}, nil)
	const connections, frames = 20, 200
	n.prepare = func(e *events) {
		e.onFrame = func(c *Conn, payload []byte) {
			c.Write(WSText.Append(nil, payload))
			c.After(0, 1)
		}
	}
	var all []*events
	for range connections {
		client, e := n.dial(nil, nil)
		all = append(all, e)
		go func() {
			for range frames {
				if client.WriteMessage(websocket.TextMessage, []byte("x")) != nil {
					return
				}
			}
		}()
		go func() {
			for {
				if _, _, err := client.ReadMessage(); err != nil {
					return
				}
			}
		}()
		go func() {
			for range frames {
				e.conn.Deliver([]byte("y"))
			}
		}()
	}
	for _, e := range all {
		next(t, e.deadlines, "Deadline")
		next(t, e.pulses, "Pulse")
		e.conn.Close(3001, "enough")
	}
	for _, e := range all {
		_ = next(t, e.closed, "Closed")
	}
}

func TestSlowHandlerDelaysNobodyElse(t *testing.T) {
	n := startNode(t, Options{PingInterval: 100 * time.Millisecond}, nil)
	release := make(chan struct{})
	n.prepare = func(e *events) { e.onFrame = func(*Conn, []byte) { <-release } }
	client, slow := n.dial(nil, nil)
	_, quick := n.dial(nil, nil)
	if err := client.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "busy handler", func() bool { return slow.busy.Load() == 1 })
	for len(slow.pulses) > 0 {
		<-slow.pulses
	}
	for range 3 {
		next(t, quick.pulses, "Pulse")
	}
	slow.conn.Close(3001, "close does not wait for the handler either")
	if len(slow.closed)+len(slow.pulses) > 0 {
		t.Fatal("told something out of turn")
	}
	close(release)
	_ = next(t, slow.closed, "Closed")
}
