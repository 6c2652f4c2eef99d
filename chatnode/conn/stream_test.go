package conn

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// farewellEvents is a handler that has a last word.
type farewellEvents struct{ *events }

func (farewellEvents) Farewell(code int, reason string) []byte {
	return Lines.Append(nil, []byte(reason+"!"))
}

func versions() map[string]func(*httptest.Server) {
	return map[string]func(*httptest.Server){
		"http1": (*httptest.Server).Start,
		"tls":   (*httptest.Server).StartTLS,
		"http2": func(s *httptest.Server) {
			s.EnableHTTP2 = true
			s.StartTLS()
		},
	}
}

// open requests a stream and returns the response and the server's handler.
func (n *node) open(method, path, body string) (*http.Response, *events) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	n.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, n.http.URL+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	resp, err := n.http.Client().Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp, next(n.t, n.made, "connection")
}

func TestStreamsCarryFramesAtOnce(t *testing.T) {
	for version, setup := range versions() {
		for path, contentType := range map[string]string{"/lines": "application/json", "/prefixed": "application/octet-stream",
			"/sse": "text/event-stream"} {
			t.Run(version+path, func(t *testing.T) {
				n := startNode(t, Options{}, setup)
				resp, e := n.open("POST", path, "first")
				if (version == "http2") != (resp.ProtoMajor == 2) {
					t.Fatalf("spoke %s", resp.Proto)
				}
				for header, want := range map[string]string{"Content-Type": contentType, "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
					if got := resp.Header.Get(header); got != want {
						t.Errorf("%s: %q", header, got)
					}
				}
				if got := next(t, e.frames, "first message"); got != "first" {
					t.Fatalf("got %q", got)
				}
				if !e.conn.Deliver([]byte("second")) || <-e.frames != "second" {
					t.Fatal("not delivered")
				}
				for _, message := range []string{"one", strings.Repeat("two", 20000), "three"} {
					wire := e.conn.Framing().Append(nil, []byte(message))
					e.conn.Write(wire)
					got := make([]byte, len(wire))
					if _, err := io.ReadFull(resp.Body, got); err != nil || !bytes.Equal(got, wire) {
						t.Fatalf("got %.100q, %v", got, err)
					}
				}
				e.conn.Close(3001, "shutdown")
				if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
					t.Fatalf("after Close: %q, %v", rest, err)
				}
				_ = next(t, e.closed, "Closed")
				if e.conn.Deliver([]byte("too late")) {
					t.Fatal("delivered after Close")
				}
				eventually(t, "released", func() bool { return n.Connections() == 0 })
			})
		}
	}
}

func TestFarewellIsTheLastThing(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	made := make(chan *Conn, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.AcceptStream(w, r, Lines, nil, func(c *Conn) (Handler, error) {
			c.Write([]byte("written in newHandler\n"))
			made <- c
			return farewellEvents{newEvents(t)}, nil
		})
	}))
	defer web.Close()
	resp, err := http.Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	c := <-made
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); line != "written in newHandler\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	c.Write([]byte("queued\n"))
	c.Close(3001, "shutdown")
	if rest, err := io.ReadAll(lines); string(rest) != "queued\nshutdown!\n" {
		t.Fatalf("got %q, %v", rest, err)
	}
}

func TestConnectionServesTheNextRequestAfterAStream(t *testing.T) {
	t.Parallel()
	const limit = 3 * time.Second
	n := startNode(t, Options{CloseTimeout: limit}, nil)
	first, e := n.open("POST", "/lines", "")
	e.conn.Close(3001, "")
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Fatal(err)
	}
	// The close timeout was a deadline of the same socket.
	passed := time.Now().Add(limit + limit/4)
	eventually(t, "longer than the limit", func() bool { return time.Now().After(passed) })
	resp, e := n.open("POST", "/lines", "")
	e.conn.Write([]byte("fine\n"))
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "fine\n" {
		t.Fatalf("got %q, %v", line, err)
	}
}

func TestClientThatLeavesAStreamEndsIt(t *testing.T) {
	for version, setup := range versions() {
		t.Run(version, func(t *testing.T) {
			n := startNode(t, Options{}, setup)
			resp, e := n.open("GET", "/sse", "")
			_ = resp.Body.Close()
			if cause := next(t, e.closed, "Closed"); cause.Code != 1006 || !cause.Remote {
				t.Fatalf("handler got %v", cause)
			}
			eventually(t, "released", func() bool { return n.Connections() == 0 })
		})
	}
}

func TestStreamReaderThatTakesNothingIsClosed(t *testing.T) {
	for version, setup := range versions() {
		t.Run(version, func(t *testing.T) {
			n := startNode(t, Options{StallTimeout: 300 * time.Millisecond, CloseTimeout: 300 * time.Millisecond, QueueBytes: 32 << 20}, setup)
			_, e := n.open("GET", "/lines", "")
			// More than the sockets of both sides hold.
			for range 256 {
				e.conn.Write(make([]byte, 64<<10))
			}
			if cause := next(t, e.closed, "Closed"); cause.Code != 3008 || cause.Remote {
				t.Fatalf("handler got %v", cause)
			}
			eventually(t, "released", func() bool { return n.Connections() == 0 })
			if queued := value(t, n.metrics.queued); queued != 0 {
				t.Fatalf("metric says %v bytes are queued", queued)
			}
		})
	}
}

func TestStreamReaderThatStopsAndGoesOnGetsEverythingInOrder(t *testing.T) {
	for version, setup := range versions() {
		t.Run(version, func(t *testing.T) {
			n := startNode(t, Options{}, setup)
			resp, e := n.open("GET", "/prefixed", "")
			body := bufio.NewReader(resp.Body)
			sent, read := 0, 0
			for range 5 {
				for len(e.drained) > 0 {
					<-e.drained
				}
				for e.conn.Write(LengthPrefixed.Append(nil, numbered(sent, 5000))) {
					sent++
				}
				for ; read < sent; read++ {
					size, err := binary.ReadUvarint(body)
					if err != nil || size != 5000 {
						t.Fatalf("message %d: size %d, %v", read, size, err)
					}
					got := make([]byte, size)
					if _, err := io.ReadFull(body, got); err != nil || !bytes.Equal(got, numbered(read, 5000)) {
						t.Fatalf("message %d is torn or out of order, %v", read, err)
					}
				}
				next(t, e.drained, "Drained")
			}
		})
	}
}

func TestHandlerThatIsRefusedAnswersTheStreamWith500(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	no := errors.New("no")
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.AcceptStream(w, r, SSE, nil, func(c *Conn) (Handler, error) {
			c.Write([]byte("not to be seen"))
			return nil, no
		})
		if !errors.Is(err, no) {
			t.Errorf("got %v", err)
		}
	}))
	defer web.Close()
	resp, err := http.Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 500 || string(body) != `{"error":"connection could not be set up"}`+"\n" {
		t.Fatalf("%d %q", resp.StatusCode, body)
	}
	eventually(t, "released", func() bool { return s.Connections() == 0 })
}

func TestBodyIsBoundedInBytesAndTime(t *testing.T) {
	n := startNode(t, Options{}, nil)
	resp, err := http.Post(n.http.URL+"/lines", "application/json", strings.NewReader(strings.Repeat("x", 1<<10+1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Fatalf("too large: %d", resp.StatusCode)
	}
	n = startNode(t, Options{FrameTimeout: 200 * time.Millisecond}, nil)
	client, err := net.Dial("tcp", n.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "POST /lines HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	slow, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = slow.Body.Close()
	if slow.StatusCode != http.StatusRequestTimeout {
		t.Fatalf("too slow: %d", slow.StatusCode)
	}
}

func TestStreamsOutliveTheTimeLimitsOfTheHTTPServer(t *testing.T) {
	const limit = 3 * time.Second
	for version, setup := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, Options{}, func(s *httptest.Server) {
				s.Config.ReadTimeout, s.Config.WriteTimeout = limit, limit
				setup(s)
			})
			resp, e := n.open("POST", "/lines", "")
			passed := time.Now().Add(limit + limit/2)
			eventually(t, "longer than the limit", func() bool { return time.Now().After(passed) })
			e.conn.Write([]byte("fine\n"))
			if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "fine\n" {
				t.Fatalf("got %q, %v", line, err)
			}
		})
	}
}

// An event source has no body; one that is announced and does not come would hold the answer up, and the connection's place.
func TestAStreamWhoseRequestDoesNotEndIsRefused(t *testing.T) {
	n := startNode(t, Options{FrameTimeout: time.Second}, nil)
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = n.AcceptStream(w, r, SSE, nil, func(c *Conn) (Handler, error) { return n.handler(c), nil })
	}))
	defer bare.Close()
	client, err := net.Dial("tcp", bare.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(client).ReadString('\n')
	if err != nil || !strings.Contains(answer, "408") {
		t.Errorf("answered %q, %v", answer, err)
	}
	eventually(t, "no connection", func() bool { return n.Connections() == 0 })
}
