package conn

import (
	"net/http"
	"net/http/httptest"
	"strings"
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

// lateCloser closes its connection at a deadline, and then takes its time.
type lateCloser struct {
	*events
	closing, release chan struct{}
}

func (l *lateCloser) Deadline(int) { l.conn.Close(3001, "late") }

func (l *lateCloser) Closed(error) {
	close(l.closing)
	<-l.release
}

func TestHandlerThatClosesSlowlyAtADeadlineDelaysNobodyElse(t *testing.T) {
	n := startNode(t, Options{PingInterval: 100 * time.Millisecond}, nil)
	slow := &lateCloser{newEvents(t), make(chan struct{}), make(chan struct{})}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = n.AcceptWebSocket(w, r, nil, func(c *Conn, _ string) (Handler, error) {
			slow.conn = c
			c.After(0, 0)
			return slow, nil
		})
	}))
	defer web.Close()
	_, quick := n.dial(nil, nil)
	client, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(web.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer close(slow.release)
	next(t, slow.closing, "Closed")
	for len(quick.pulses) > 0 {
		<-quick.pulses
	}
	for range 3 {
		next(t, quick.pulses, "Pulse")
	}
}
