package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// rawNode serves bare sockets.
func rawNode(t *testing.T, o Options) (n *node, dial func() (net.Conn, *events)) {
	t.Helper()
	n = startNode(t, o, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			_ = n.AcceptRaw(socket, func(c *Conn) (Handler, error) { return n.handler(c), nil })
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-served
	})
	return n, func() (net.Conn, *events) {
		t.Helper()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		_ = client.SetDeadline(time.Now().Add(patience))
		return client, next(t, n.made, "connection")
	}
}

func TestBareSocketsCarryBytesAsTheyAre(t *testing.T) {
	_, dial := rawNode(t, Options{})
	client, e := dial()
	sent := bytes.Repeat([]byte("all bytes \x00\xff"), 500)
	for _, piece := range [][]byte{sent[:1], sent[1:700], sent[700:]} {
		if _, err := client.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	var got []byte
	for len(got) < len(sent) {
		got = append(got, next(t, e.frames, "bytes")...)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came, and they are others", len(got))
	}
	if e.conn.Framing() != Raw || e.conn.RemoteAddr() != "127.0.0.1" {
		t.Errorf("%s from %s", e.conn.Framing(), e.conn.RemoteAddr())
	}
	if !e.conn.Write(Raw.Append(nil, sent)) {
		t.Fatal("the write was refused")
	}
	back := make([]byte, len(sent))
	if _, err := io.ReadFull(client, back); err != nil || !bytes.Equal(back, sent) {
		t.Errorf("read %d bytes: %v", len(back), err)
	}
}

func TestABareSocketEndsWithEitherSide(t *testing.T) {
	n, dial := rawNode(t, Options{})
	client, e := dial()
	e.conn.Write([]byte("bye"))
	e.conn.Close(1000, "done")
	if rest, err := io.ReadAll(client); err != nil || string(rest) != "bye" {
		t.Errorf("the client read %q: %v", rest, err)
	}
	if end := next(t, e.closed, "end"); end.Code != 1000 || end.Remote {
		t.Errorf("end %v", end)
	}
	_ = client.Close()

	client, e = dial()
	_ = client.Close()
	if end := next(t, e.closed, "end"); !end.Remote || !errors.Is(end, io.EOF) {
		t.Errorf("end %v", end)
	}
	eventually(t, "nobody is left", func() bool { return n.Connections() == 0 })
}

func TestSilentBareSocketsAreParked(t *testing.T) {
	n, dial := rawNode(t, Options{})
	if n.parker == nil {
		t.Skip("sockets can't be parked here")
	}
	client, e := dial()
	for _, word := range []string{"one", "two"} {
		eventually(t, "the socket is parked", func() bool {
			e.conn.mu.Lock()
			defer e.conn.mu.Unlock()
			return e.conn.place != 0
		})
		if _, err := client.Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
		if got := next(t, e.frames, "bytes"); got != word {
			t.Errorf("%q came", got)
		}
	}
}

func TestBareSocketsAreLimitedAsAllOthers(t *testing.T) {
	n, dial := rawNode(t, Options{MaxConnections: 1})
	first, _ := dial()
	second, err := net.Dial("tcp", first.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_ = second.SetDeadline(time.Now().Add(patience))
	if got, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came", got)
	}
	if refused := value(t, n.metrics.refused.WithLabelValues("total")); refused != 1 {
		t.Errorf("%v were refused", refused)
	}
}
