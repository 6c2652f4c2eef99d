package conn

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// numbered is a payload of size bytes that begins with its number.
func numbered(i, size int) []byte {
	p := bytes.Repeat([]byte{byte(i)}, size)
	binary.BigEndian.PutUint32(p, uint32(i))
	return p
}

// wantNumbered reads one message and checks that it is whole and the one that is due.
func wantNumbered(t *testing.T, client *websocket.Conn, i, size int) {
	t.Helper()
	_, got, err := client.ReadMessage()
	if err != nil {
		t.Fatalf("message %d: %v", i, err)
	}
	if !bytes.Equal(got, numbered(i, size)) {
		t.Fatalf("message %d is torn or out of order: %d bytes, number %d", i, len(got), binary.BigEndian.Uint32(got))
	}
}

func transports() map[string]func(*httptest.Server) {
	return map[string]func(*httptest.Server){"plain": (*httptest.Server).Start, "tls": (*httptest.Server).StartTLS}
}

func TestReaderThatStopsAndGoesOnGetsEverythingInOrder(t *testing.T) {
	for name, setup := range transports() {
		t.Run(name, func(t *testing.T) {
			const queue, rounds = 64 << 10, 20
			n := startNode(t, Options{QueueBytes: queue}, setup)
			n.listen.sendBuffer.Store(4096)
			client, e := n.dial(smallWindow(), nil)
			size := func(i int) int { return 4 + i*37%3000 }
			sent, read := 0, 0
			for range rounds {
				for len(e.drained) > 0 {
					<-e.drained
				}
				// Until a write is refused: the reader has stopped.
				for e.conn.Write(WSBinary.Append(nil, numbered(sent, size(sent)))) {
					sent++
					if backlog := e.conn.Backlog(); backlog > queue {
						t.Fatalf("%d bytes are queued", backlog)
					}
				}
				for ; read < sent; read++ {
					wantNumbered(t, client, read, size(read))
				}
				next(t, e.drained, "Drained")
			}
			eventually(t, "empty queue", func() bool { return e.conn.Backlog() == 0 })
			if queued := value(t, n.metrics.queued); queued != 0 {
				t.Fatalf("metric says %v bytes are queued", queued)
			}
			if refused := value(t, n.metrics.refusedWrites); refused != rounds {
				t.Fatalf("metric says %v writes were refused", refused)
			}
		})
	}
}

func TestWritersAndReaderAtOnce(t *testing.T) {
	for name, setup := range transports() {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{QueueBytes: 32 << 10}, setup)
			n.listen.sendBuffer.Store(4096)
			// The lock is held while writing, as that of a room would be.
			var mu sync.Mutex
			drained := sync.NewCond(&mu)
			n.prepare = func(e *events) {
				e.onDrained = func() {
					mu.Lock()
					defer mu.Unlock()
					drained.Broadcast()
				}
			}
			client, e := n.dial(smallWindow(), nil)
			const writers, each = 4, 300
			shared := make([]byte, 0, 2000)
			shared = WSBinary.Append(shared, numbered(7, 1500))
			before := bytes.Clone(shared)
			var wait sync.WaitGroup
			for range writers {
				wait.Go(func() {
					for range each {
						mu.Lock()
						for !e.conn.Write(shared) {
							drained.Wait()
						}
						mu.Unlock()
					}
				})
			}
			for range writers * each {
				wantNumbered(t, client, 7, 1500)
			}
			wait.Wait()
			if !bytes.Equal(before, shared) {
				t.Fatal("the shared buffer was changed")
			}
		})
	}
}

func TestFrameLargerThanTheQueueIsTakenWhenNothingWaits(t *testing.T) {
	n := startNode(t, Options{QueueBytes: 1000}, nil)
	n.listen.sendBuffer.Store(4096)
	client, e := n.dial(smallWindow(), nil)
	const size = 8 << 20
	if !e.conn.Write(WSBinary.Append(nil, numbered(0, size))) {
		t.Fatal("refused")
	}
	if e.conn.Write(WSBinary.Append(nil, numbered(1, 4))) {
		t.Fatal("taken though the queue is over its bound")
	}
	wantNumbered(t, client, 0, size)
	next(t, e.drained, "Drained")
	if !e.conn.Write(WSBinary.Append(nil, numbered(2, 4))) {
		t.Fatal("refused though nothing waits")
	}
	wantNumbered(t, client, 2, 4)
}

func TestReaderThatTakesNothingIsClosed(t *testing.T) {
	for name, setup := range transports() {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{StallTimeout: 300 * time.Millisecond, PingInterval: time.Millisecond, SlowCode: 3999}, setup)
			n.listen.sendBuffer.Store(4096)
			_, e := n.dial(smallWindow(), nil)
			for len(e.closed) == 0 && e.conn.Write(WSBinary.Append(nil, make([]byte, 5000))) {
			}
			pulses := len(e.pulses)
			if cause := next(t, e.closed, "Closed"); cause.Code != 3999 || cause.Remote {
				t.Fatalf("handler got %v", cause)
			}
			if more := len(e.pulses) - pulses; more > 1 {
				t.Fatalf("%d pulses while bytes were queued", more)
			}
			eventually(t, "released", func() bool { return n.Connections() == 0 })
			if slow := value(t, n.metrics.slow.WithLabelValues("taking")); slow != 1 {
				t.Fatalf("metric says %v were slow", slow)
			}
			if queued := value(t, n.metrics.queued); queued != 0 {
				t.Fatalf("metric says %v bytes are queued", queued)
			}
		})
	}
}

func TestReaderThatTakesALittleIsNotClosed(t *testing.T) {
	t.Parallel()
	n := startNode(t, Options{StallTimeout: 6 * time.Second}, nil)
	n.listen.sendBuffer.Store(4096)
	client, e := n.dial(smallWindow(), nil)
	const size = 2 << 20
	e.conn.Write(WSBinary.Append(nil, numbered(0, size)))
	// 8 pauses of a sixth of a stall timeout: longer than it in all.
	socket := client.NetConn()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	got, part := 0, make([]byte, 64<<10)
	for range 8 {
		<-ticker.C
		read, err := io.ReadFull(socket, part)
		if err != nil {
			t.Fatal(err)
		}
		got += read
	}
	if e.conn.Backlog() == 0 {
		t.Fatal("nothing waits any more, so this test shows nothing")
	}
	if _, err := io.CopyN(io.Discard, socket, int64(size+10-got)); err != nil {
		t.Fatal(err)
	}
	next(t, e.drained, "Drained")
}

func TestWriteAfterCloseIsCountedAndDropped(t *testing.T) {
	n := startNode(t, Options{}, nil)
	client, e := n.dial(nil, nil)
	e.conn.Close(3001, "shutdown")
	if !e.conn.Write(WSText.Append(nil, []byte("too late"))) {
		t.Fatal("refused")
	}
	_, _, err := client.ReadMessage()
	wantCode(t, err, 3001)
	if n := value(t, n.metrics.discarded); n != 1 {
		t.Fatalf("metric says %v writes were discarded", n)
	}
}

func TestWriteToAClientThatIsGoneEndsTheConnection(t *testing.T) {
	n := startNode(t, Options{}, nil)
	client, e := n.dial(nil, nil)
	if err := client.NetConn().(interface{ SetLinger(int) error }).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	eventually(t, "closed", func() bool {
		e.conn.Write(WSText.Append(nil, []byte("hello?")))
		return len(e.closed) == 1
	})
	if cause := <-e.closed; cause.Code != 1006 {
		t.Fatalf("handler got %v", cause)
	}
}

func TestCloseSendsWhatIsQueuedFirst(t *testing.T) {
	for name, setup := range transports() {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Options{}, setup)
			n.listen.sendBuffer.Store(4096)
			client, e := n.dial(smallWindow(), nil)
			sent := 0
			for e.conn.Write(WSBinary.Append(nil, numbered(sent, 3000))) {
				sent++
			}
			e.conn.Close(3001, "shutdown")
			// The handler knows before the client has taken anything.
			_ = next(t, e.closed, "Closed")
			for i := range sent {
				wantNumbered(t, client, i, 3000)
			}
			_, _, err := client.ReadMessage()
			wantCode(t, err, 3001)
		})
	}
}

func TestCloseOfAStalledReaderEndsInTime(t *testing.T) {
	n := startNode(t, Options{CloseTimeout: 200 * time.Millisecond}, nil)
	n.listen.sendBuffer.Store(4096)
	_, e := n.dial(smallWindow(), nil)
	for len(e.closed) == 0 && e.conn.Write(WSBinary.Append(nil, make([]byte, 5000))) {
	}
	e.conn.Close(3001, "shutdown")
	eventually(t, "released", func() bool { return n.Connections() == 0 })
	if queued := value(t, n.metrics.queued); queued != 0 {
		t.Fatalf("metric says %v bytes are queued", queued)
	}
}

// gorilla sets a write deadline of its own for the close frame of a client that breaks the rules, which inbound keeps from being sent.
func TestClientThatBreaksTheRulesAndReadsLateGetsAllBeforeTheClose(t *testing.T) {
	n := startNode(t, Options{FrameBytes: 10, CloseTimeout: patience}, nil)
	n.listen.sendBuffer.Store(4096)
	client, e := n.dial(smallWindow(), nil)
	large := bytes.Repeat([]byte("x"), 4<<20)
	e.conn.Write(WSText.Append(nil, large))
	e.conn.Close(4000, "enough")
	pass := func(d time.Duration) {
		later := time.Now().Add(d)
		eventually(t, d.String(), func() bool { return time.Now().After(later) })
	}
	pass(300 * time.Millisecond) // until the socket is full
	if err := client.WriteMessage(websocket.TextMessage, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	pass(1500 * time.Millisecond) // longer than gorilla's deadline
	if _, got, err := client.ReadMessage(); err != nil || len(got) != len(large) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	_, _, err := client.ReadMessage()
	wantCode(t, err, 4000)
}

func TestWriteToALostSocketCountsNothingAsSent(t *testing.T) {
	n := startNode(t, Options{}, nil)
	client, e := n.dial(nil, nil)
	e.conn.Write(WSText.Append(nil, []byte("one")))
	if _, _, err := client.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	e.conn.link.close()
	before := value(t, n.metrics.sent)
	e.conn.Write(WSText.Append(nil, []byte("two")))
	if after := value(t, n.metrics.sent); after != before {
		t.Fatalf("%v bytes were sent", after-before)
	}
	_ = next(t, e.closed, "Closed")
}
