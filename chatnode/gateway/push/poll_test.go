package push

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

// waiting waits until so many polls wait at the node.
func (n *node) waiting(t testing.TB, polls int) {
	t.Helper()
	wait.Eventually(t, patience, "polls to wait", func() string {
		if got := n.gateway.pollers.count(); got != polls {
			return fmt.Sprintf("%d instead of %d", got, polls)
		}
		return ""
	})
}

// polling polls in the background, once.
func (l *listener) polling(t testing.TB, n *node) <-chan reply {
	t.Helper()
	answered := make(chan reply, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, r, err := l.poll(ctx, n)
		if err != nil {
			r.body = err.Error()
		}
		answered <- r
	}()
	return answered
}

func TestAChannelBeginsWithAMessageToBeIgnored(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	ann, bob := n.login(t, "ann"), n.login(t, "bob")
	for _, path := range []string{"/base/sub?channel_id=", "/sub?chan_id=", "/base/get?chan_id=", "/base/chattp_receive?chan_id="} {
		r, err := n.do(t.Context(), http.MethodGet, path+bob, "")
		stamp := n.gateway.options.Shape.stamp(time.Now().UnixMilli())
		if err != nil || r.status != 200 || r.header.Get("Content-Type") != "application/json" || r.header.Get("Vary") != "If-None-Match, If-Modified-Since" ||
			!strings.HasPrefix(r.body, `{"ignore":true,"message":"","from":"","to":"","timestamp":"`) || len(r.body) != len(`{"ignore":true,"message":"","from":"","to":"","timestamp":"","is_typing":false,"has_seen":false}`)+len(stamp) {
			t.Fatalf("%s: %v %v", path, r, err)
		}
	}
	n.send(t, "ann", ann, "bob", `a "quote"`)
	l := listener{channel: bob}
	if _, _, err := l.poll(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	_, r, err := l.poll(t.Context(), n)
	before, rest, _ := strings.Cut(r.body, `,"timestamp":"`)
	if err != nil || r.status != 200 || before != `{"ignore":false,"message":"a \"quote\"","from":"ann","to":"bob"` ||
		!strings.HasSuffix(rest, `+0000","is_typing":false,"has_seen":false}`) {
		t.Fatalf("%v %v", r, err)
	}
}

func TestAPollWaitsForMessagesOfEveryProtocol(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	ann, bob := n.login(t, "ann"), n.login(t, "bob")
	l := listener{channel: bob}
	if _, _, err := l.poll(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	for i, say := range []func(text string){
		func(text string) { n.send(t, "ann", ann, "bob", text) },          // a conversation that begins
		func(text string) { n.send(t, "ann", ann, "bob", text) },          // one that goes on
		func(text string) { n.natively(t, "carl", "bob", text) },          // of somebody else, elsewhere
		func(text string) { n.natively(t, "carl", "bob", text) },          //
		func(text string) { n.natively(t, "bob", "ann", "not for bob") },  // bob's own is not for bob
		func(text string) { n.natively(t, "ann", "bob", "after bob's.") }, //
	} {
		text := fmt.Sprint("message ", i)
		if i == 4 {
			say("")
			continue
		}
		answered := l.polling(t, n)
		n.waiting(t, 1)
		say(text)
		r := <-answered
		if r.status != 200 || i < 4 && !strings.Contains(r.body, text) || i == 5 && !strings.Contains(r.body, "after bob's.") {
			t.Fatalf("%d: %v", i, r)
		}
	}
}

func TestWhoMayNotReceive(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	bob := n.login(t, "bob")
	for _, c := range []struct {
		method, path, modified, tag string
		status                      int
	}{
		{http.MethodGet, "/sub?channel_id=" + stranger, "", "", 403},
		{http.MethodGet, "/sub?channel_id=x", "", "", 403},
		{http.MethodGet, "/sub?channel_id=" + bob + "a", "", "", 403},
		{http.MethodGet, "/sub?channel_id=" + strings.ToUpper(bob), "", "", 403},
		{http.MethodGet, "/sub", "", "", 400},
		{http.MethodPost, "/sub?channel_id=" + bob, "", "", 405},
		{http.MethodPut, "/sub?channel_id=" + bob, "", "", 405},
		{http.MethodDelete, "/sub?channel_id=" + bob, "", "", 405},
		{http.MethodGet, "/sub?channel_id=" + bob, "", "nonsense!", 400},
		{http.MethodGet, "/sub?channel_id=" + bob, "yesterday", "", 400},
	} {
		r, err := n.do(t.Context(), c.method, c.path, "", "If-Modified-Since", c.modified, "If-None-Match", c.tag)
		if err != nil || r.status != c.status {
			t.Errorf("%s %s: %v %v, want %d", c.method, c.path, r, err, c.status)
		}
	}
}

func TestTheNewerOfTwoPollsIsRefused(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	_, _, _ = l.poll(t.Context(), n)
	older := l
	answered := older.polling(t, n)
	n.waiting(t, 1)
	if r := <-l.polling(t, n); r.status != http.StatusConflict {
		t.Fatal(r)
	}
	n.natively(t, "ann", "bob", "x")
	if r := <-answered; r.status != 200 {
		t.Fatal(r)
	}
}

func TestTheOlderOfTwoPollsIsRefusedIfTheLastCounts(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Concurrency = Last })
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	_, _, _ = l.poll(t.Context(), n)
	older := l
	refused := older.polling(t, n)
	n.waiting(t, 1)
	answered := l.polling(t, n)
	if r := <-refused; r.status != http.StatusConflict {
		t.Fatal(r)
	}
	n.natively(t, "ann", "bob", "x")
	if r := <-answered; r.status != 200 {
		t.Fatal(r)
	}
}

func TestAllPollsAreAnsweredByBroadcast(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Concurrency = Broadcast })
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	_, _, _ = l.poll(t.Context(), n)
	one, other := l, l
	first, second := one.polling(t, n), other.polling(t, n)
	n.waiting(t, 2)
	n.natively(t, "ann", "bob", "x")
	if r, s := <-first, <-second; r.status != 200 || s.status != 200 || r.body != s.body {
		t.Fatal(r, s)
	}
}

func TestAPollThatNeedNotWaitIsAnsweredWith304(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Interval = true })
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	_, _, _ = l.poll(t.Context(), n)
	if _, r, err := l.poll(t.Context(), n); err != nil || r.status != http.StatusNotModified || r.body != "" {
		t.Fatal(r, err)
	}
	n.natively(t, "ann", "bob", "x")
	if m := l.next(t, n); m.Message != "x" {
		t.Fatal(m)
	}
}

func TestAPollEndsWithItsSession(t *testing.T) {
	here, there := two(t)
	here.join(t, "bob")
	channel := here.login(t, "bob")
	l := listener{channel: channel}
	_, _, _ = l.poll(t.Context(), there)
	answered := l.polling(t, there)
	there.waiting(t, 1)
	here.want(t, logoutFine, "logout", "user_name", "bob", "channel_id", channel)
	if r := <-answered; r.status != http.StatusGone {
		t.Fatal(r)
	}
	wait.Eventually(t, patience, "the other node to know it", func() string {
		if r, err := there.do(t.Context(), http.MethodGet, "/sub?channel_id="+channel, ""); err != nil || r.status != http.StatusForbidden {
			return fmt.Sprint(r.status, err)
		}
		return ""
	})
}

func TestPollsGoElsewhereWhenTheNodeEnds(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	_, _, _ = l.poll(t.Context(), n)
	answered := l.polling(t, n)
	n.waiting(t, 1)
	n.gateway.Drain()
	if r := <-answered; r.status != http.StatusNotModified {
		t.Fatal(r)
	}
}

func TestTheTimeAloneSkipsWhatWasSaidInItsSecond(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	channel := n.login(t, "bob")
	n.natively(t, "ann", "bob", "old")
	from := func(since time.Duration) *listener {
		return &listener{channel: channel, modified: time.Now().Add(since).UTC().Format(http.TimeFormat)}
	}
	for range 2 { // who asks again has not received it
		if m := from(-time.Hour).next(t, n); m.Message != "old" {
			t.Fatal(m)
		}
	}
	passed := from(time.Hour).polling(t, n)
	n.waiting(t, 1)
	if r := <-from(-time.Hour).polling(t, n); r.status != http.StatusConflict {
		t.Fatal(r)
	}
	n.gateway.Drain()
	if r := <-passed; r.status != http.StatusNotModified {
		t.Fatal(r)
	}
}

// Whatever the timing of sends and polls, and whichever node is asked, everything is received once, and what one writes in order.
func TestEverythingIsReceivedOnceAndInOrder(t *testing.T) {
	here, there := two(t)
	nodes := []*node{here, there}
	here.join(t, "bob")
	senders, each := 5, 30
	if testing.Short() {
		each = 10
	}
	channel := here.login(t, "bob")
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				nodes[(s+i)%2].natively(t, fmt.Sprint("sender", s), "bob", fmt.Sprintf("%d %d", s, i))
			}
		})
	}
	defer sending.Wait()
	l := listener{channel: channel}
	next := make([]int, senders)
	for got := 0; got < senders*each; got++ {
		if got%7 == 3 { // an answer that got lost: the client asks again with the headers it has, at another node
			lost := l
			lost.next(t, nodes[(got+1)%2])
		}
		m := l.next(t, nodes[got%2])
		var s, i int
		if _, err := fmt.Sscanf(m.Message, "%d %d", &s, &i); err != nil || m.From != fmt.Sprint("sender", s) {
			t.Fatalf("%+v %v", m, err)
		}
		if next[s] != i {
			t.Fatalf("%d of sender %d instead of %d", i, s, next[s])
		}
		next[s]++
	}
	sending.Wait()
	answered := l.polling(t, here)
	here.waiting(t, 1)
	here.natively(t, "sender0", "bob", "the end")
	if r := <-answered; !strings.Contains(r.body, "the end") {
		t.Fatal(r)
	}
}
