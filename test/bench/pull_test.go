package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// pullers is how many connections ask at a time, and chatSizes are how many messages the chats have.
const pullers = 20

var chatSizes = []int{20, 200, 2000, 20_000}

// BenchmarkPull measures what a request of distributed-chat costs the server, in chats of several sizes, beside a server that only answers.
func BenchmarkPull(b *testing.B) {
	b.Run(limit, func(b *testing.B) {
		s := startBareHTTP(b)
		measureRequests(b, s, "pull-ping", size.duration(), 0, func(int64) string { return get("/ping") })
		b.ReportMetric(0, "ns/op")
	})
	b.Run(ours, func(b *testing.B) {
		address := fmt.Sprintf("127.0.0.1:%d", process.ReservePort(b))
		node := process.StartChatnode(b, process.ChatnodeOptions{Flags: []string{"--pull-listen", address}})
		s := &server{system: ours, address: address, pid: node.PID()}
		measureRequests(b, s, "pull-ping", size.duration(), 0, func(int64) string { return get("/ping") })
		for _, messages := range chatSizes {
			measureChats(b, s, messages)
		}
		b.ReportMetric(0, "ns/op")
	})
}

func startBareHTTP(tb testing.TB) *server {
	tb.Helper()
	const program = "../../.cache/bench/barehttp"
	if output, err := exec.Command("go", "build", "-o", program, "./barehttp").CombinedOutput(); err != nil {
		tb.Fatalf("build barehttp: %v\n%s", err, output)
	}
	return startChild(tb, limit, nil, program)
}

// sends is how many messages are sent for the measurement into chats of one size. There are several, since one chat stores its messages one after
// the other, and so many small ones that these hardly grow.
const sends = 2000

func measureChats(b *testing.B, s *server, messages int) {
	chats := int64(max(4, 2*sends/messages))
	name := func(n int64) string { return fmt.Sprintf("of%d.%d:b", messages, n%chats) }
	send := func(n int64) string { return post(name(n), strings.Repeat("x", size.Text)) }
	requests(b, s, time.Time{}, chats*int64(messages), send)
	of := fmt.Sprintf("pull-%d-", messages)
	measureRequests(b, s, of+"send", 0, sends, send)
	page := func(n int64) string { return get("/api/pull?limit=10&chat=" + name(n)) }
	newest := func(n int64) string { return get("/api/pull?limit=10&reverse=true&chat=" + name(n)) }
	requests(b, s, time.Time{}, 4*chats, page) // warms up
	measureRequests(b, s, of+"pull", size.duration(), 0, page)
	measureRequests(b, s, of+"newest", size.duration(), 0, newest)
	if messages > pullers*100 {
		measureWalk(b, s, of+"once", name(0), messages)
	}
}

// measureWalk reads a chat from one end to the other, so that every page is asked for once.
func measureWalk(b *testing.B, s *server, key, chat string, messages int) {
	m, err := startMeter(s.pid)
	must(b, err)
	pages, cursor := int64(0), int64(0)
	for seen := 0; seen < messages; pages++ {
		var p struct {
			Messages []json.RawMessage `json:"messages"`
			Next     int64             `json:"next_cursor"`
		}
		response, err := http.Get(fmt.Sprintf("http://%s/api/pull?limit=10&cursor=%d&chat=%s", s.address, cursor, chat))
		must(b, err)
		must(b, json.NewDecoder(response.Body).Decode(&p))
		must(b, response.Body.Close())
		if seen, cursor = seen+len(p.Messages), p.Next; cursor == 0 && seen < messages {
			b.Fatalf("the chat ends after %d messages", seen)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	record(b, s.system, key+"-µs", perUnit(b, m, pages))
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }

func post(chat, text string) string {
	body := fmt.Sprintf(`{"chat":%q,"sender":"b","text":%q}`, chat, text)
	return fmt.Sprintf("POST /api/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// measureRequests makes requests for a time or, if that is 0, so many, and records the CPU time of one and how many were answered a second.
func measureRequests(b *testing.B, s *server, key string, duration time.Duration, count int64, request func(n int64) string) {
	b.Helper()
	var until time.Time
	if duration > 0 {
		requests(b, s, time.Now().Add(time.Second), 1<<40, request) // warms up
		until, count = time.Now().Add(duration), 1<<40
	}
	m, err := startMeter(s.pid)
	must(b, err)
	done := requests(b, s, until, count, request)
	_, passed, err := m.read()
	must(b, err)
	record(b, s.system, key+"-µs", perUnit(b, m, done))
	record(b, s.system, key+"/s", float64(done)/passed.Seconds())
}

// requests makes them on connections that are kept, each the next one when the last was answered, and says how many were answered.
func requests(b *testing.B, s *server, until time.Time, count int64, request func(n int64) string) int64 {
	b.Helper()
	var next, done atomic.Int64
	var all sync.WaitGroup
	for range pullers {
		all.Go(func() {
			conn, err := net.Dial("tcp", s.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			for n := next.Add(1); n <= count && (until.IsZero() || time.Now().Before(until)); n = next.Add(1) {
				if err := ask(conn, r, request(n)); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return done.Load()
}

func ask(conn net.Conn, r *bufio.Reader, request string) error {
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s: %s", response.Status, body)
	}
	return err
}
