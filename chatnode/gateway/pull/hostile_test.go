package pull

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestBadInputGetsAnErrorAndDisturbsNobody(t *testing.T) {
	c := startStack(t).serve(t, Default)
	for name, e := range map[string]struct {
		method, path, body string
		status             int
	}{
		"broken JSON":          {"POST", "/api/send", `{"chat":"a:b","sen`, 400},
		"an array":             {"POST", "/api/send", `[1]`, 400},
		"no JSON":              {"POST", "/api/send", "hello", 400},
		"deep JSON":            {"POST", "/api/send", strings.Repeat(`{"a":`, 20_000), 400},
		"a huge limit":         {"GET", "/api/pull?chat=a:b&limit=2147483647", "", 200},
		"a limit beyond":       {"GET", "/api/pull?chat=a:b&limit=2147483648", "", 400},
		"the greatest cursor":  {"GET", "/api/pull?chat=a:b&cursor=9223372036854775807", "", 200},
		"the least cursor":     {"GET", "/api/pull?chat=a:b&cursor=-9223372036854775808&reverse=1", "", 200},
		"a broken query":       {"GET", "/api/pull?chat=%zz", "", 400},
		"a large body":         {"POST", "/api/send", `{"text":"` + strings.Repeat("a", DefaultRequestBytes) + `"}`, 413},
		"a chat without names": {"GET", "/api/pull?chat=:", "", 400},
	} {
		t.Run(name, func(t *testing.T) {
			if a := c.do(t, e.method, e.path, e.body); a.status != e.status {
				t.Errorf("%d %s, want %d", a.status, a.body, e.status)
			}
		})
	}
	c.say(t, "a:b", "a", "still there")
	if p := c.fetch(t, "a:b", 0, 10, false); len(p.Messages) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestGreatestCursorsOfEveryDialect(t *testing.T) {
	s := startStack(t)
	for _, dialect := range []Dialect{DialectA, DialectB, DialectC} {
		c := s.serve(t, dialect)
		c.say(t, "a:b", "a", "x")
		for _, cursor := range []int64{1<<63 - 1, -1 << 63, 99_999_999_999, 100_000_000_000, 1} {
			for _, reverse := range []bool{false, true} {
				c.fetch(t, "a:b", cursor, 10, reverse)
				c.fetch(t, "a:b", cursor, 10, reverse)
			}
		}
	}
}

// slowChat keeps senders waiting until it is told to go on.
type slowChat struct {
	Chat
	err  error
	gate chan struct{}
}

func (s *slowChat) Send(ctx context.Context, _ chat.Actor, _ *chatv1.SendRequest) (*chatv1.Sent, error) {
	select {
	case <-s.gate:
		return &chatv1.Sent{}, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestRequestsThatAreTooManyAreToldSo(t *testing.T) {
	s := startStack(t)
	slow := &slowChat{Chat: s.chat, gate: make(chan struct{})}
	c := s.serve(t, Default, func(o *Options) { o.Chat, o.Requests = slow, 1 })
	first := make(chan int, 1)
	go func() { first <- c.do(t, "POST", "/api/send?chat=a:b&sender=a&text=x", "").status }()
	wait.Eventually(t, time.Minute, "the first request to be under way", func() string {
		if c.gateway.requests.Running() == 0 {
			return "it isn't"
		}
		return ""
	})
	if a := c.do(t, "GET", "/api/pull?chat=a:b", ""); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if refused := testutil.ToFloat64(c.gateway.metrics.refused.WithLabelValues("too_many")); refused != 1 {
		t.Errorf("%v were refused, want 1", refused)
	}
	if a := c.do(t, "GET", "/ping", ""); a.status != 200 {
		t.Errorf("ping: %d", a.status)
	}
	close(slow.gate)
	if status := <-first; status != 200 {
		t.Errorf("the first request: %d", status)
	}
}

func TestFailuresAreToldInTheDialectsWords(t *testing.T) {
	s := startStack(t)
	open := make(chan struct{})
	close(open)
	for _, e := range []struct {
		dialect Dialect
		err     error
		status  int
		words   string
	}{
		{Default, &chat.Error{Kind: chat.Unavailable, Message: "x"}, 503, notYet},
		{DialectA, &chat.Error{Kind: chat.Unavailable, Message: "x"}, 500, remoteFailed + notYet},
		{Default, &chat.Error{Kind: chat.Denied, Message: "archived"}, 403, "archived"},
		{DialectB, &chat.Error{Kind: chat.Denied, Message: "archived"}, 500, remoteRefused + "archived"},
		{Default, &chat.Error{Kind: chat.TooMany, Message: "slow down"}, 429, "slow down"},
		{DialectB, &chat.Error{Kind: chat.TooMany, Message: "slow down"}, 500, remoteFailed + "slow down"},
		{Default, errors.New("secret"), 500, "internal error"},
		{DialectB, errors.New("secret"), 500, remoteFailed + "internal error"},
		{Default, context.DeadlineExceeded, 503, "the messages can't be read at the moment; try again"},
	} {
		c := s.serve(t, e.dialect, func(o *Options) { o.Chat = &slowChat{Chat: s.chat, gate: open, err: e.err} })
		if a := c.do(t, "POST", "/api/send?chat=a:b&sender=a&text=x", ""); a.status != e.status || a.body != e.words {
			t.Errorf("dialect %s, %v: %d %s, want %d %s", e.dialect, e.err, a.status, a.body, e.status, e.words)
		}
	}
}

// TestASlowBodyHoldsNobodyUp opens requests whose bodies never come, more than may be answered at once.
func TestASlowBodyHoldsNobodyUp(t *testing.T) {
	c := startStack(t).serve(t, Default, func(o *Options) { o.Requests = 2 })
	for range 5 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprint(conn, "POST /api/send HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	c.say(t, "a:b", "a", "hello")
}

func TestAFloodOfHeadersIsRefused(t *testing.T) {
	c := startStack(t).serve(t, Default)
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	go func() {
		w := bufio.NewWriter(conn)
		_, _ = io.WriteString(w, "GET /ping HTTP/1.1\r\nHost: x\r\n")
		for i := range 100_000 {
			if _, err := fmt.Fprintf(w, "X-%d: %s\r\n", i, strings.Repeat("a", 100)); err != nil {
				return // the server has gone
			}
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return // the server closed before its answer was read
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %s", response.Status)
	}
}
