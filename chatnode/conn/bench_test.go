package conn

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dialRaw opens a WebSocket with as little memory of its own as possible, for the client's share is in the same process.
func dialRaw(b *testing.B, address string) net.Conn {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	const handshake = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	if _, err := io.WriteString(c, handshake); err != nil {
		b.Fatal(err)
	}
	var answer [512]byte
	for seen := ""; !strings.HasSuffix(seen, "\r\n\r\n"); {
		n, err := c.Read(answer[:])
		if err != nil {
			b.Fatal(err)
		}
		seen += string(answer[:n])
	}
	return c
}

// idle is a handler that does nothing.
type idle struct{}

func (idle) Frame([]byte) {}
func (idle) Drained()     {}
func (idle) Pulse()       {}
func (idle) Deadline(int) {}
func (idle) Closed(error) {}

// benchNode opens n connections and returns both ends.
func benchNode(b *testing.B, n int) (conns []*Conn, clients []net.Conn) {
	made := make(chan *Conn, n)
	s := New(Options{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.AcceptWebSocket(w, r, nil, func(c *Conn, _ string) (Handler, error) {
			made <- c
			return idle{}, nil
		})
	}))
	for range n {
		clients = append(clients, dialRaw(b, web.Listener.Addr().String()))
		conns = append(conns, <-made)
	}
	b.Cleanup(func() {
		for _, c := range clients {
			_ = c.Close()
		}
		s.Close()
		web.Close()
	})
	return conns, clients
}

// BenchmarkIdleMemory prints what a connection costs that has spoken once and is silent since: heap and stacks of the whole process, less
// the client's share, which is taken to be that of a bare socket and is printed too.
func BenchmarkIdleMemory(b *testing.B) {
	connections := min(5000, raiseFileLimit(b)/5)
	bare := memoryOf(func() (end func()) { return bareSockets(b, connections) })
	before := settledMemory()
	conns, clients := benchNode(b, connections)
	speak(b, conns, clients)
	used := settledMemory() - before
	runtime.KeepAlive(conns)
	perSocket := float64(bare) / float64(2*connections)
	b.ReportMetric((float64(used)/float64(connections)-perSocket)/1024, "KB/conn")
	b.ReportMetric(perSocket/1024, "KB/socket")
	b.ReportMetric(float64(connections), "conns")
	b.ReportMetric(0, "ns/op")
}

// speak has every client send a message and take an answer, so that buffers and stacks have been used.
func speak(b *testing.B, conns []*Conn, clients []net.Conn) {
	hello := WSText.Append(nil, []byte("hello"))
	for i, c := range clients {
		if _, err := c.Write(frameBytes(0x81, "hello")); err != nil {
			b.Fatal(err)
		}
		conns[i].Write(hello)
		if _, err := io.ReadFull(c, make([]byte, len(hello))); err != nil {
			b.Fatal(err)
		}
	}
}

func memoryOf(open func() (end func())) int64 {
	before := settledMemory()
	closeAll := open()
	used := settledMemory() - before
	closeAll()
	return used
}

// settledMemory collects until stacks have shrunk to what they need.
func settledMemory() int64 {
	var m runtime.MemStats
	last := int64(-1)
	for range 20 {
		runtime.GC()
		runtime.ReadMemStats(&m)
		now := int64(m.HeapAlloc + m.StackInuse)
		if last >= 0 && now >= last-last/1000 {
			return now
		}
		last = now
	}
	return last
}

// bareSockets opens n pairs without a goroutine.
func bareSockets(b *testing.B, n int) (closeAll func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var all []io.Closer
	for range n {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, client, server)
	}
	return func() {
		for _, c := range append(all, l) {
			_ = c.Close()
		}
	}
}

func raiseFileLimit(b *testing.B) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	return int(min(limit.Cur, 1<<20))
}

// BenchmarkFanOut writes one frame to each of 1,000 connections, with Conn.Write and with bare write(2) on the same sockets, and prints the
// time of one write. The clients read between rounds, off the clock, so that no queue forms.
func BenchmarkFanOut(b *testing.B) {
	const members, round = 1000, 50
	for _, size := range []int{100, 1000} {
		frame := WSText.Append(nil, []byte(strings.Repeat("x", size)))
		conns, clients := benchNode(b, members)
		for name, write := range map[string]func(){"conn": writeAll(b, conns, frame), "raw": writeAllRaw(b, conns, frame)} {
			b.Run(fmt.Sprintf("%s-%d", name, size), func(b *testing.B) {
				var spent time.Duration
				for i := range b.N {
					if i%round == 0 {
						b.StopTimer()
						drainAll(b, clients, len(frame)*min(i, round))
						b.StartTimer()
					}
					began := cpuTime(b)
					write()
					spent += cpuTime(b) - began
				}
				b.StopTimer()
				drainAll(b, clients, len(frame)*((b.N-1)%round+1))
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/members, "cpu-ns/write")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/members, "ns/write")
			})
		}
	}
}

func writeAll(b *testing.B, conns []*Conn, frame []byte) func() {
	return func() {
		for _, c := range conns {
			if !c.Write(frame) {
				b.Fatal("refused")
			}
		}
	}
}

func writeAllRaw(b *testing.B, conns []*Conn, frame []byte) func() {
	var descriptors []int
	for _, c := range conns {
		raw := c.link.(*descriptor).raw
		if err := raw.Control(func(fd uintptr) { descriptors = append(descriptors, int(fd)) }); err != nil {
			b.Fatal(err)
		}
	}
	return func() {
		for _, fd := range descriptors {
			if _, err := syscall.Write(fd, frame); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func drainAll(b *testing.B, clients []net.Conn, n int) {
	waste := make([]byte, n)
	for _, c := range clients {
		if _, err := io.ReadFull(c, waste); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is what the process has used, user and system.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
