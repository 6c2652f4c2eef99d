package push

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// countingChat counts what it is asked for.
type countingChat struct {
	Chat
	asked atomic.Int64
}

func (c *countingChat) Messages(ctx context.Context, a chat.Actor, q *chatv1.MessagesRequest) (*chatv1.MessagesReply, error) {
	c.asked.Add(1)
	return c.Chat.Messages(ctx, a, q)
}

func (c *countingChat) Mail(ctx context.Context, a chat.Actor, behind func(backbone.Feed) uint64) ([]chat.Mail, error) {
	c.asked.Add(1)
	return c.Chat.Mail(ctx, a, behind)
}

// counting gives a node whose polls don't wait, and what counts the questions to its chat.
func counting(t *testing.T) (n *node, asked *atomic.Int64) {
	t.Helper()
	c := &countingChat{}
	n = start(t, "", func(o *Options) { c.Chat, o.Chat, o.Interval = o.Chat, c, true })
	return n, &c.asked
}

func TestALetterBehindManyOfOnesOwnIsFoundSoon(t *testing.T) {
	n, asked := counting(t)
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	_, _, _ = l.poll(t.Context(), n)
	for i := range 300 {
		n.natively(t, "bob", "ann", fmt.Sprint(i))
	}
	n.natively(t, "ann", "bob", "the answer")
	asked.Store(0)
	if m := l.next(t, n); m.Message != "the answer" {
		t.Fatal(m)
	}
	if got := asked.Load(); got > 12 {
		t.Errorf("it took %d questions", got)
	}
}

func TestManyLettersThatTheTimeAlonePassesOverArePassedSoonAndOnce(t *testing.T) {
	n, asked := counting(t)
	n.join(t, "bob")
	channel := n.login(t, "bob")
	for i := range 300 {
		n.natively(t, "ann", "bob", fmt.Sprint(i))
	}
	for _, most := range []int64{12, 2} {
		l := listener{channel: channel, modified: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}
		asked.Store(0)
		if _, r, err := l.poll(t.Context(), n); err != nil || r.status != http.StatusNotModified {
			t.Fatal(r, err)
		}
		if got := asked.Load(); got > most {
			t.Errorf("it took %d questions, want at most %d", got, most)
		}
	}
	l := listener{channel: channel, modified: time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}
	n.natively(t, "ann", "bob", "new")
	if m := l.next(t, n); m.Message != "new" {
		t.Fatal(m)
	}
}
