package conn

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// follow reads until the close and sends its code and time.
func follow(client *websocket.Conn, ends chan<- end) {
	for {
		if _, _, err := client.ReadMessage(); err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				ends <- end{closed.Code, time.Now()}
			} else {
				ends <- end{-1, time.Now()}
			}
			_ = client.Close()
			return
		}
	}
}

type end struct {
	code int
	at   time.Time
}

func TestDrainClosesInSlicesAndRefusesNewcomers(t *testing.T) {
	const connections, period = 50, time.Second
	n := startNode(t, Options{}, nil)
	ends := make(chan end, connections)
	for range connections {
		client, _ := n.dial(nil, nil)
		go follow(client, ends)
	}
	_, stream := n.open("POST", "/lines", "")
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- n.Drain(context.Background(), period, 3001, "shutdown") }()
	early, late := 0, 0
	for i := range connections {
		e := next(t, ends, "close")
		if i == 0 {
			n.wantRefused(nil, http.StatusServiceUnavailable, "draining")
		}
		if e.code != 3001 {
			t.Fatalf("code %d", e.code)
		}
		if passed := e.at.Sub(began); passed < period/4 {
			early++
		} else if passed > period/2 {
			late++
		}
	}
	if early > connections/2 || late < connections/4 {
		t.Fatalf("%d in the first quarter, %d in the second half", early, late)
	}
	_ = next(t, stream.closed, "Closed of the stream")
	if err := next(t, done, "end of the drain"); err != nil {
		t.Fatal(err)
	}
	if held := n.Connections(); held != 0 {
		t.Fatalf("%d connections", held)
	}
}

func TestDrainEndsEarlyWhenNobodyIsLeft(t *testing.T) {
	n := startNode(t, Options{}, nil)
	client, _ := n.dial(nil, nil)
	done := make(chan error, 1)
	go func() { done <- n.Drain(context.Background(), time.Hour, 3001, "shutdown") }()
	_ = client.Close()
	if err := next(t, done, "end of the drain"); err != nil {
		t.Fatal(err)
	}
	if err := n.Drain(context.Background(), time.Hour, 3001, "again"); err != nil {
		t.Fatal(err)
	}
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	n := startNode(t, Options{}, nil)
	n.dial(nil, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Drain(ctx, time.Hour, 3001, "shutdown") }()
	cancel()
	if err := next(t, done, "end of the drain"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}
