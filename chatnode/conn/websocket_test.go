package conn

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func echo(e *events) {
	e.onFrame = func(c *Conn, payload []byte) { c.Write(c.Framing().Append(nil, payload)) }
}

func TestWebSocketCarriesMessagesBothWays(t *testing.T) {
	for name, setup := range map[string]func(*httptest.Server){"plain": (*httptest.Server).Start, "tls": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{}, setup)
			n.prepare = echo
			client, _ := n.dial(nil, nil)
			for _, size := range []int{0, 1, 125, 126, 511, 512, 513, 65535, 65536} {
				sent := bytes.Repeat([]byte("é"), size/2+1)[:size&^1]
				if err := client.WriteMessage(websocket.TextMessage, sent); err != nil {
					t.Fatal(err)
				}
				kind, got, err := client.ReadMessage()
				if err != nil || kind != websocket.TextMessage || !bytes.Equal(got, sent) {
					t.Fatalf("size %d: kind %d, %d bytes, %v", size, kind, len(got), err)
				}
			}
		})
	}
}

func TestSubprotocolDecidesTheFraming(t *testing.T) {
	n := startNode(t, Options{}, nil)
	n.prepare = echo
	client, e := n.dial(&websocket.Dialer{Subprotocols: []string{"other", "test-binary"}}, nil)
	if client.Subprotocol() != "test-binary" || e.conn.Framing() != WSBinary {
		t.Fatalf("subprotocol %q, framing %d", client.Subprotocol(), e.conn.Framing())
	}
	if err := client.WriteMessage(websocket.BinaryMessage, []byte{0xff, 0}); err != nil {
		t.Fatal(err)
	}
	if kind, got, err := client.ReadMessage(); kind != websocket.BinaryMessage || !bytes.Equal(got, []byte{0xff, 0}) {
		t.Fatalf("kind %d, %x, %v", kind, got, err)
	}
}

// raw writes client frames byte by byte; the mask is zero, so the payload stands as it is.
func frameBytes(first byte, payload string) []byte {
	return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

func TestFragmentsAndPingsBetweenThem(t *testing.T) {
	n := startNode(t, Options{}, nil)
	client, e := n.dial(nil, nil)
	pongs := make(chan string, 4)
	client.SetPongHandler(func(data string) error { pongs <- data; return nil })
	var wire []byte
	wire = append(wire, frameBytes(0x01, "one ")...)
	wire = append(wire, frameBytes(0x89, "ping")...)
	wire = append(wire, frameBytes(0x00, "two ")...)
	wire = append(wire, frameBytes(0x80, "three")...)
	wire = append(wire, frameBytes(0x81, "next")...)
	for _, b := range wire {
		if _, err := client.NetConn().Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if got := next(t, e.frames, "message"); got != "one two three" {
		t.Fatalf("got %q", got)
	}
	if got := next(t, e.frames, "message"); got != "next" {
		t.Fatalf("got %q", got)
	}
	e.conn.Write(WSText.Append(nil, []byte("after")))
	if _, got, err := client.ReadMessage(); string(got) != "after" {
		t.Fatalf("got %q, %v", got, err)
	}
	if got := next(t, pongs, "pong"); got != "ping" {
		t.Fatalf("pong %q", got)
	}
}

func TestBadInputIsClosedWithItsCode(t *testing.T) {
	tests := map[string]struct {
		wire []byte
		code int
	}{
		"over the limit":         {append([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 1, 2, 3, 4}, make([]byte, 128<<10)...), 1009},
		"over it in fragments":   {append(frameBytes(0x01, "xx"), append([]byte{0x80, 0xfe, 0xff, 0xff, 0, 0, 0, 0}, make([]byte, 65535)...)...), 1009},
		"text that is not UTF-8": {frameBytes(0x81, "\xff\xfe"), 1007},
		"no mask":                {[]byte{0x81, 1, 'x'}, 1002},
		"reserved bits":          {frameBytes(0xf1, "x"), 1002},
		"unknown opcode":         {frameBytes(0x83, "x"), 1002},
		"stray continuation":     {frameBytes(0x80, "x"), 1002},
		"bad close code":         {frameBytes(0x88, "\x00\x05"), 1002},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{FrameBytes: 64 << 10}, nil)
			client, e := n.dial(nil, nil)
			other, otherEvents := n.dial(nil, nil)
			if _, err := client.NetConn().Write(test.wire); err != nil {
				t.Fatal(err)
			}
			_, _, err := client.ReadMessage()
			wantCode(t, err, test.code)
			if cause := next(t, e.closed, "Closed"); cause.Code != test.code || cause.Remote {
				t.Fatalf("handler got %v", cause)
			}
			_ = client.Close()
			if err := other.WriteMessage(websocket.TextMessage, []byte("still here")); err != nil {
				t.Fatal(err)
			}
			next(t, otherEvents.frames, "message of the other connection")
		})
	}
}

func TestCloseCodesReachTheClient(t *testing.T) {
	long := strings.Repeat("ü", 100)
	for _, test := range []struct {
		code           int
		reason, wanted string
		seen           int
	}{
		{3001, "shutdown", "shutdown", 3001},
		{3500, "", "", 3500},
		{4000, long, long[:122], 4000},
		{1005, "not to be sent", "", 1005},
	} {
		t.Run(fmt.Sprint(test.code), func(t *testing.T) {
			n := startNode(t, Options{}, nil)
			client, e := n.dial(nil, nil)
			e.conn.Write(WSText.Append(nil, []byte("last words")))
			e.conn.Close(test.code, test.reason)
			e.conn.Close(4999, "only the first counts")
			if _, got, err := client.ReadMessage(); string(got) != "last words" {
				t.Fatalf("got %q, %v", got, err)
			}
			_, _, err := client.ReadMessage()
			var closed *websocket.CloseError
			if !errors.As(err, &closed) || closed.Code != test.seen || closed.Text != test.wanted {
				t.Fatalf("got %v", err)
			}
			if cause := next(t, e.closed, "Closed"); cause.Code != test.code || cause.Remote {
				t.Fatalf("handler got %v", cause)
			}
			eventually(t, "released", func() bool { return n.Connections() == 0 })
		})
	}
}

func TestClientEndsTheConnection(t *testing.T) {
	n := startNode(t, Options{}, nil)
	polite, e := n.dial(nil, nil)
	if err := polite.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4321, "bye")); err != nil {
		t.Fatal(err)
	}
	_, _, err := polite.ReadMessage()
	wantCode(t, err, 4321)
	if cause := next(t, e.closed, "Closed"); cause.Code != 4321 || cause.Reason != "bye" || !cause.Remote {
		t.Fatalf("handler got %v", cause)
	}
	rude, e := n.dial(nil, nil)
	_ = rude.Close()
	if cause := next(t, e.closed, "Closed"); cause.Code != 1006 || !cause.Remote || cause.Err == nil {
		t.Fatalf("handler got %v", cause)
	}
	eventually(t, "released", func() bool { return n.Connections() == 0 })
}

func TestHandlerThatIsRefusedClosesWithItsCode(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	refuse := &CloseError{Code: 3504, Reason: "enough"}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.AcceptWebSocket(w, r, nil, func(*Conn, string) (Handler, error) { return nil, fmt.Errorf("limit: %w", refuse) })
		if !errors.Is(err, refuse) {
			t.Errorf("got %v", err)
		}
	}))
	defer web.Close()
	client, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(web.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = client.ReadMessage()
	wantCode(t, err, 3504)
	_ = client.Close()
	eventually(t, "released", func() bool { return s.Connections() == 0 })
}

func TestOneByteNowAndThenIsClosedAndIdleIsNot(t *testing.T) {
	t.Parallel()
	const limit = 4 * time.Second
	n := startNode(t, Options{FrameTimeout: limit}, nil)
	idle, idleEvents := n.dial(nil, nil)
	// A control frame leaves the connection idle.
	if err := idle.WriteMessage(websocket.PingMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	// So does a message that needed two reads.
	for _, part := range [][]byte{frameBytes(0x81, "hello")[:7], frameBytes(0x81, "hello")[7:]} {
		if _, err := idle.NetConn().Write(part); err != nil {
			t.Fatal(err)
		}
	}
	next(t, idleEvents.frames, "message")

	slow, e := n.dial(nil, nil)
	began := time.Now()
	go trickle(slow.NetConn(), append(frameBytes(0x01, "begin"), frameBytes(0x89, strings.Repeat("x", 100))...), 50*time.Millisecond)
	_, _, err := slow.ReadMessage()
	wantCode(t, err, 3008)
	if took := time.Since(began); took < limit*3/4 {
		t.Fatalf("closed after %v", took)
	}
	_ = next(t, e.closed, "Closed")
	if err := idle.WriteMessage(websocket.TextMessage, []byte("still here")); err != nil {
		t.Fatal(err)
	}
	if got := next(t, idleEvents.frames, "message of the idle connection"); got != "still here" {
		t.Fatalf("got %q", got)
	}
}

// trickle writes byte after byte until it cannot.
func trickle(c net.Conn, wire []byte, pause time.Duration) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for _, b := range wire {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		<-ticker.C
	}
}

func TestManyMessagesInOneSegmentAllArrive(t *testing.T) {
	n := startNode(t, Options{}, nil)
	client, e := n.dial(nil, nil)
	var wire []byte
	for i := range 1000 {
		wire = append(wire, frameBytes(0x81, fmt.Sprintf("message %d", i))...)
	}
	if _, err := client.NetConn().Write(wire); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if got := next(t, e.frames, "message"); got != fmt.Sprintf("message %d", i) {
			t.Fatalf("message %d is %q", i, got)
		}
	}
}
