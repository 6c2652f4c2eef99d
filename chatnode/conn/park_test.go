package conn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// parked tells whether a connection has no goroutine.
func parked(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.place != 0
}

func needParking(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("connections are parked on Linux only")
	}
}

func say(t *testing.T, client *websocket.Conn, text string) {
	t.Helper()
	if err := client.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Error(err)
		return
	}
	if _, got, err := client.ReadMessage(); err != nil || string(got) != text {
		t.Errorf("got %q, %v; want %q", got, err, text)
	}
}

func TestSilentClientIsParkedAndHeardAgain(t *testing.T) {
	needParking(t)
	n := startNode(t, Options{}, nil)
	n.prepare = echo
	client, e := n.dial(nil, nil)
	for i := range 3 {
		eventually(t, "parked", func() bool { return parked(e.conn) })
		say(t, client, fmt.Sprint("first ", i))
		began := time.Now()
		say(t, client, fmt.Sprint("second ", i))
		if parked(e.conn) && time.Since(began) < busyGap {
			t.Error("a busy client is parked")
		}
	}
}

func TestParkedConnectionCloses(t *testing.T) {
	needParking(t)
	for name, end := range map[string]func(e *events, client *websocket.Conn){
		"by the server":  func(e *events, _ *websocket.Conn) { e.conn.Close(4000, "enough") },
		"by the client":  func(_ *events, client *websocket.Conn) { _ = client.Close() },
		"by both":        func(e *events, client *websocket.Conn) { e.conn.Close(4000, "enough"); _ = client.Close() },
		"by the network": func(e *events, _ *websocket.Conn) { e.conn.abort(&CloseError{Code: codeAbnormal, Remote: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{CloseTimeout: time.Second}, nil)
			client, e := n.dial(nil, nil)
			eventually(t, "parked", func() bool { return parked(e.conn) })
			end(e, client)
			_ = next(t, e.closed, "Closed")
			eventually(t, "released", func() bool { return n.Connections() == 0 })
		})
	}
}

func TestBusyClientMayPing(t *testing.T) {
	n := startNode(t, Options{FrameTimeout: patience}, nil)
	n.prepare = echo
	client, e := n.dial(nil, nil)
	say(t, client, "one")
	say(t, client, "two") // from here on more is expected, for a while
	pongs := make(chan string, 1)
	client.SetPongHandler(func(data string) error { pongs <- data; return nil })
	if err := client.WriteControl(websocket.PingMessage, []byte("still there"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	later := time.AfterFunc(3*busyGap, func() { _ = client.WriteMessage(websocket.TextMessage, []byte("three")) })
	defer later.Stop()
	if _, got, err := client.ReadMessage(); err != nil || string(got) != "three" {
		t.Fatalf("got %q, %v", got, err)
	}
	next(t, pongs, "pong")
	if len(e.closed) > 0 {
		t.Error("closed for a pause after a ping")
	}
}

// Clients come, speak at all kinds of intervals and go, so that descriptors are used again while others wake up.
func TestManyClientsWakeUpAndGo(t *testing.T) {
	n := startNode(t, Options{}, nil)
	n.prepare = echo
	end := time.Now().Add(3 * busyGap)
	const most = 40 // connections of a client
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			for range most {
				if time.Now().After(end) {
					return
				}
				client, _, err := websocket.DefaultDialer.Dial(n.url("/ws"), nil)
				if err != nil {
					t.Error(err)
					return
				}
				_ = client.SetReadDeadline(time.Now().Add(patience))
				for j := range rand.IntN(5) {
					<-time.After(rand.N(2 * busyGap / time.Duration(1+rand.IntN(200))))
					say(t, client, fmt.Sprint(i, " ", j))
				}
				_ = client.Close()
			}
		})
	}
	all.Wait()
	eventually(t, "released", func() bool { return n.Connections() == 0 })
}
