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

func TestAbruptServersSendNoCloseFrame(t *testing.T) {
	n := startNode(t, Options{Abrupt: true}, nil)
	client, e := n.dial(nil, nil)
	e.conn.Write(WSText.Append(nil, []byte("last words")))
	e.conn.Close(1001, "going")
	if _, payload, err := client.ReadMessage(); err != nil || string(payload) != "last words" {
		t.Errorf("got %q, %v", payload, err)
	}
	var end *websocket.CloseError
	if _, _, err := client.ReadMessage(); !errors.As(err, &end) || end.Code != websocket.CloseAbnormalClosure {
		t.Errorf("the connection ends with %v", err)
	}
	if own := next(t, e.closed, "the end"); own.Code != 1001 || own.Remote {
		t.Errorf("the server's own end is %v", own)
	}

	// Who says goodbye is answered.
	polite, _ := n.dial(nil, nil)
	if err := polite.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := polite.ReadMessage(); !websocket.IsCloseError(err, 1000) {
		t.Errorf("a client that says goodbye is answered with %v", err)
	}
}
