package conn

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
)

// patience is how long tests wait for what must happen.
const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// events is a handler that passes on what it is told, and fails the test if two of its methods run at a time.
type events struct {
	t         testing.TB
	conn      *Conn
	busy      atomic.Int32
	frames    chan string
	drained   chan struct{}
	pulses    chan struct{}
	deadlines chan int
	closed    chan *CloseError
	// onFrame and onDrained, if set, run instead of passing on.
	onFrame   func(c *Conn, payload []byte)
	onDrained func()
}

func newEvents(t testing.TB) *events {
	return &events{t: t, frames: make(chan string, 4096), drained: make(chan struct{}, 4096), pulses: make(chan struct{}, 4096),
		deadlines: make(chan int, 16), closed: make(chan *CloseError, 2)}
}

func (e *events) enter() func() {
	if e.busy.Add(1) != 1 {
		e.t.Error("two methods of a handler at a time")
	}
	if len(e.closed) > 0 {
		e.t.Error("a method of a handler after Closed")
	}
	return func() { e.busy.Add(-1) }
}

func (e *events) Frame(payload []byte) {
	defer e.enter()()
	if e.onFrame != nil {
		e.onFrame(e.conn, payload)
		return
	}
	e.frames <- string(payload)
}

func (e *events) Drained() {
	defer e.enter()()
	if e.onDrained != nil {
		e.onDrained()
		return
	}
	e.drained <- struct{}{}
}

func (e *events) Pulse() {
	defer e.enter()()
	e.pulses <- struct{}{}
}

func (e *events) Deadline(kind int) {
	defer e.enter()()
	e.deadlines <- kind
}

func (e *events) Closed(err error) {
	defer e.enter()()
	var end *CloseError
	if !errors.As(err, &end) {
		panic(err)
	}
	e.closed <- end
}

// node is a server behind real sockets.
type node struct {
	*Server
	t    testing.TB
	http *httptest.Server
	// made holds the handler of each connection, in order.
	made chan *events
	// prepare, if set, sees each handler before its connection starts.
	prepare func(e *events)
	listen  *listener
}

// listener can make the sockets it accepts small.
type listener struct {
	net.Listener
	sendBuffer atomic.Int32
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if size := l.sendBuffer.Load(); err == nil && size > 0 {
		err = c.(*net.TCPConn).SetWriteBuffer(int(size))
	}
	return c, err
}

var subprotocols = []Subprotocol{{"test-binary", WSBinary}}

// startNode serves /ws, /lines, /prefixed and /sse; setup may change the HTTP server before it starts.
func startNode(t testing.TB, o Options, setup func(*httptest.Server)) *node {
	n := &node{Server: New(o), t: t, made: make(chan *events, 2048)}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		_ = n.AcceptWebSocket(w, r, subprotocols, func(c *Conn, _ string) (Handler, error) { return n.handler(c), nil })
	})
	for path, framing := range map[string]Framing{"/lines": Lines, "/prefixed": LengthPrefixed, "/sse": SSE} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { n.stream(w, r, framing) })
	}
	n.http = httptest.NewUnstartedServer(mux)
	n.listen = &listener{Listener: n.http.Listener}
	n.http.Listener = n.listen
	if setup == nil {
		n.http.Start()
	} else {
		setup(n.http)
	}
	t.Cleanup(func() {
		n.Close()
		n.http.Close()
	})
	return n
}

func (n *node) stream(w http.ResponseWriter, r *http.Request, framing Framing) {
	first, err := n.ReadBody(w, r, 1<<10)
	if err != nil {
		return
	}
	if len(first) == 0 {
		first = nil
	}
	_ = n.AcceptStream(w, r, framing, first, func(c *Conn) (Handler, error) { return n.handler(c), nil })
}

func (n *node) handler(c *Conn) Handler {
	e := newEvents(n.t)
	e.conn = c
	if n.prepare != nil {
		n.prepare(e)
	}
	n.made <- e
	return e
}

func (n *node) url(path string) string { return "ws" + strings.TrimPrefix(n.http.URL, "http") + path }

// dial opens a WebSocket and returns the client and the server's handler.
func (n *node) dial(dialer *websocket.Dialer, header http.Header) (*websocket.Conn, *events) {
	n.t.Helper()
	if dialer == nil {
		dialer = &websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	}
	client, resp, err := dialer.Dial(n.url("/ws"), header)
	if err != nil {
		n.t.Fatalf("dial: %v", err)
	}
	_ = resp.Body.Close()
	n.t.Cleanup(func() { _ = client.Close() })
	_ = client.SetReadDeadline(time.Now().Add(patience))
	return client, next(n.t, n.made, "connection")
}

// smallWindow dials sockets that take little. Small segments keep the loopback from waiting until a window of 64 KiB is free.
func smallWindow() *websocket.Dialer {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		set := func(fd uintptr) {
			err = errors.Join(syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10),
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1000))
		}
		return errors.Join(raw.Control(set), err)
	}}
	return &websocket.Dialer{NetDialContext: dialer.DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}

// onWheel waits until a connection's pulses are planned, which is just after its handler was made.
func (n *node) onWheel(e *events) {
	n.t.Helper()
	eventually(n.t, "place on the wheel", func() bool {
		n.wheel.mu.Lock()
		defer n.wheel.mu.Unlock()
		return e.conn.timer.at != 0
	})
}

func next[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func wantCode(t testing.TB, err error, code int) {
	t.Helper()
	if !websocket.IsCloseError(err, code) {
		t.Fatalf("client got %v, want close code %d", err, code)
	}
}

// value reads a counter or a gauge.
func value(t testing.TB, m prometheus.Metric) float64 {
	t.Helper()
	var read dto.Metric
	if err := m.Write(&read); err != nil {
		t.Fatal(err)
	}
	return read.GetCounter().GetValue() + read.GetGauge().GetValue()
}
