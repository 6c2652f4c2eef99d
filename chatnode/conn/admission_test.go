package conn

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// refused dials and returns the status and the reason of the answer.
func (n *node) refused(header http.Header) (int, string) {
	n.t.Helper()
	client, resp, err := websocket.DefaultDialer.Dial(n.url("/ws"), header)
	if err == nil {
		_ = client.Close()
		n.t.Fatal("not refused")
	}
	return reasonOf(n.t, resp)
}

func reasonOf(t testing.TB, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var answer struct{ Error string }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%d %q: %v", resp.StatusCode, body, err)
	}
	return resp.StatusCode, answer.Error
}

func (n *node) wantRefused(header http.Header, status int, label string) {
	n.t.Helper()
	before := value(n.t, n.metrics.refused.WithLabelValues(label))
	got, reason := n.refused(header)
	if got != status || reason == "" {
		n.t.Fatalf("%d %q, want %d", got, reason, status)
	}
	if now := value(n.t, n.metrics.refused.WithLabelValues(label)); now != before+1 {
		n.t.Fatalf("metric says %v were refused for %s", now, label)
	}
}

func TestLimitOfAllConnections(t *testing.T) {
	n := startNode(t, Options{MaxConnections: 2}, nil)
	first, _ := n.dial(nil, nil)
	_, stream := n.open("POST", "/lines", "")
	n.wantRefused(nil, http.StatusServiceUnavailable, "total")
	resp, err := http.Post(n.http.URL+"/sse", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := reasonOf(t, resp); status != http.StatusServiceUnavailable {
		t.Fatalf("stream got %d", status)
	}
	_ = first.Close()
	eventually(t, "room for one", func() bool { return n.Connections() == 1 })
	n.dial(nil, nil)
	n.wantRefused(nil, http.StatusServiceUnavailable, "total")
	stream.conn.Close(3001, "")
	eventually(t, "room for one", func() bool { return n.Connections() == 1 })
	n.dial(nil, nil)
}

func TestLimitPerAddress(t *testing.T) {
	n := startNode(t, Options{MaxPerAddress: 2, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil)
	from := func(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }
	first, e := n.dial(nil, from("198.51.100.1"))
	if got := e.conn.RemoteAddr(); got != "198.51.100.1" {
		t.Fatalf("address %s", got)
	}
	n.dial(nil, from("198.51.100.1"))
	n.wantRefused(from("198.51.100.1"), http.StatusTooManyRequests, "address")
	n.dial(nil, from("198.51.100.2"))
	_ = first.Close()
	eventually(t, "room for one", func() bool { return n.Connections() == 2 })
	n.dial(nil, from("198.51.100.1"))
	n.wantRefused(from("198.51.100.1"), http.StatusTooManyRequests, "address")
}

func TestHandshakeRate(t *testing.T) {
	hand := &clock{now: time.Unix(1000, 0)}
	n := startNode(t, Options{HandshakesPerSecond: 2, Now: hand.Now}, nil)
	n.dial(nil, nil)
	n.dial(nil, nil)
	n.wantRefused(nil, http.StatusServiceUnavailable, "rate")
	hand.advance(500 * time.Millisecond)
	n.dial(nil, nil)
	n.wantRefused(nil, http.StatusServiceUnavailable, "rate")
}

func TestHandshakesThatAreNone(t *testing.T) {
	n := startNode(t, Options{Origins: []string{"https://app.example.com"}}, nil)
	n.wantRefused(http.Header{"Origin": {"https://evil.com"}}, http.StatusForbidden, "origin")
	n.dial(nil, http.Header{"Origin": {"https://app.example.com"}})
	resp, err := http.Get(n.http.URL + "/ws")
	if err != nil {
		t.Fatal(err)
	}
	if status, reason := reasonOf(t, resp); status != http.StatusUpgradeRequired || reason == "" {
		t.Fatalf("%d %q", status, reason)
	}
	n.wantRefused(http.Header{"Sec-WebSocket-Version": {"12"}}, http.StatusBadRequest, "handshake")
	if held := n.Connections(); held != 1 {
		t.Fatalf("%d connections", held)
	}
}

// The HTTP server survives a handler that panics, so its place must not be lost.
func TestHandlerThatPanicsGivesItsPlaceBack(t *testing.T) {
	s := New(Options{MaxPerAddress: 1})
	defer s.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		_ = s.AcceptWebSocket(w, r, nil, func(*Conn, string) (Handler, error) { panic(http.ErrAbortHandler) })
	})
	mux.HandleFunc("/lines", func(w http.ResponseWriter, r *http.Request) {
		_ = s.AcceptStream(w, r, Lines, nil, func(c *Conn) (Handler, error) {
			c.Write([]byte("not to be seen"))
			panic(http.ErrAbortHandler)
		})
	})
	web := httptest.NewServer(mux)
	defer web.Close()
	client, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(web.URL, "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := client.ReadMessage(); err == nil || isTimeout(err) {
		t.Fatalf("the socket is open: %v", err)
	}
	eventually(t, "released WebSocket", func() bool { return s.Connections() == 0 })
	if resp, err := http.Get(web.URL + "/lines"); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("answered %d", resp.StatusCode)
	}
	eventually(t, "released stream", func() bool { return s.Connections() == 0 })
	if queued := value(t, s.metrics.queued); queued != 0 {
		t.Fatalf("%v bytes are queued", queued)
	}
}
