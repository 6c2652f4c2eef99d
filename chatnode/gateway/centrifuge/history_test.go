package centrifuge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestHistoryInBothDirections(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Limits.HistoryMessages = 20 })
	writer := n.connect(t, transports[0], "ann")
	var offsets []uint64
	writer.subscribe("room:a")
	for i := range 30 {
		writer.publish("room:a", fmt.Sprint(i))
		offsets = append(offsets, writer.push().Pub.Offset)
	}
	eachTransport(t, n, func(t *testing.T, via transport) {
		c := n.connect(t, via, "bob")
		page := func(q protocol.HistoryRequest) *protocol.HistoryResult {
			t.Helper()
			q.Channel = "room:a"
			return c.ok(&protocol.Command{History: &q}).History
		}
		epoch := page(protocol.HistoryRequest{}).Epoch
		at := func(i int) *protocol.StreamPosition {
			return &protocol.StreamPosition{Epoch: epoch, Offset: offsets[i]}
		}
		down := func(from, count int) (texts []string) {
			for i := range count {
				texts = append(texts, fmt.Sprint(from-i))
			}
			return texts
		}
		up := func(from, count int) []string {
			texts := down(from+count-1, count)
			slices.Reverse(texts)
			return texts
		}
		for name, test := range map[string]struct {
			q    protocol.HistoryRequest
			want []string
		}{
			"only the position":     {protocol.HistoryRequest{}, nil},
			"the position, since":   {protocol.HistoryRequest{Since: at(3)}, nil},
			"from the start":        {protocol.HistoryRequest{Limit: 5}, up(0, 5)},
			"from the end":          {protocol.HistoryRequest{Limit: 5, Reverse: true}, down(29, 5)},
			"after a position":      {protocol.HistoryRequest{Limit: 5, Since: at(9)}, up(10, 5)},
			"before a position":     {protocol.HistoryRequest{Limit: 5, Since: at(9), Reverse: true}, down(8, 5)},
			"after the end":         {protocol.HistoryRequest{Limit: 5, Since: at(29)}, nil},
			"before the start":      {protocol.HistoryRequest{Limit: 5, Since: at(0), Reverse: true}, nil},
			"before everything":     {protocol.HistoryRequest{Limit: 5, Since: &protocol.StreamPosition{Epoch: epoch}, Reverse: true}, nil},
			"without an epoch":      {protocol.HistoryRequest{Limit: 5, Since: &protocol.StreamPosition{Offset: offsets[9]}}, up(10, 5)},
			"as many as are given":  {protocol.HistoryRequest{Limit: -1}, up(0, 20)},
			"more than are allowed": {protocol.HistoryRequest{Limit: 1 << 30, Reverse: true}, down(29, 20)},
		} {
			result := page(test.q)
			var texts []string
			for _, p := range result.Publications {
				texts = append(texts, textOf(t, p))
				if p.Info.User != "ann" || p.Time == 0 {
					t.Errorf("%+v", p)
				}
			}
			if !slices.Equal(texts, test.want) || result.Offset != offsets[29] || result.Epoch != epoch {
				t.Errorf("%s: %q at %d, want %q at %d", name, texts, result.Offset, test.want, offsets[29])
			}
		}
		foreign := &protocol.StreamPosition{Epoch: "other", Offset: offsets[3]}
		for _, q := range []*protocol.HistoryRequest{
			{Channel: "room:a", Limit: 1, Since: foreign}, {Channel: "room:a", Since: foreign}, {Channel: "room:a", Limit: 1, Since: foreign, Reverse: true},
		} {
			if reply := c.do(&protocol.Command{History: q}); reply.Error == nil || reply.Error.Code != 112 {
				t.Errorf("%+v: %+v", q, reply)
			}
		}
		if reply := c.do(&protocol.Command{History: &protocol.HistoryRequest{Channel: "user:ann", Limit: 1}}); reply.Error == nil || reply.Error.Code != 103 {
			t.Errorf("%+v", reply)
		}
	})
}

func TestAPageOfLargeMessagesIsCut(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Limits.HistoryBytes = 20 << 10 })
	c := n.connect(t, transports[1], "ann")
	for range 5 {
		c.publish("room:a", strings.Repeat("x", 8<<10))
	}
	first := c.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: "room:a", Limit: 10}}).History
	if len(first.Publications) != 2 || first.Offset <= first.Publications[1].Offset {
		t.Errorf("%d publications up to %d", len(first.Publications), first.Offset)
	}
}

// meter counts the messages that pages of a log have.
type meter struct {
	Log
	read atomic.Int64
}

func (m *meter) After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error) {
	page, err := m.Log.After(ctx, feed, offset, limit)
	m.read.Add(int64(len(page.Messages)))
	return page, err
}

func (m *meter) Before(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error) {
	page, err := m.Log.Before(ctx, feed, offset, limit)
	m.read.Add(int64(len(page.Messages)))
	return page, err
}

func TestNotMuchMoreIsReadThanGoesOut(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Limits.HistoryBytes = 20 << 10 })
	log := &meter{Log: n.backbone}
	n.gateway.options.Log = log
	c := n.connect(t, transports[0], "ann")
	large := strings.Repeat("x", 4<<10)
	for i := range 150 {
		c.publish("room:large", large)
		c.publish("room:small", fmt.Sprint(i))
	}
	for _, reverse := range []bool{false, true} {
		log.read.Store(0)
		page := c.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: "room:large", Limit: 150, Reverse: reverse}}).History
		if read := log.read.Load(); len(page.Publications) != 4 || read > 50 {
			t.Errorf("%d publications, for which %d were read", len(page.Publications), read)
		}
		page = c.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: "room:small", Limit: 60, Reverse: reverse}}).History
		for i, p := range page.Publications {
			want := fmt.Sprint(i)
			if reverse {
				want = fmt.Sprint(149 - i)
			}
			if got := textOf(t, p); got != want {
				t.Fatalf("publication %d is %q, want %q", i, got, want)
			}
		}
		if len(page.Publications) != 60 {
			t.Errorf("%d publications", len(page.Publications))
		}
	}
}

func TestHistoryOfWhoJoinedLaterBeginsThere(t *testing.T) {
	n := startNode(t, nil)
	q := &chatv1.CreateRoomRequest{Room: "room:a", History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED, Members: []string{"ann"}}
	if _, err := n.gateway.options.Chat.CreateRoom(t.Context(), backend, q); err != nil {
		t.Fatal(err)
	}
	ann, bob := n.connect(t, transports[0], "ann"), n.connect(t, transports[0], "bob")
	for i := range 5 {
		ann.publish("room:a", fmt.Sprint("early ", i))
	}
	invite := &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}, Add: true}
	if _, err := n.gateway.options.Chat.Invite(t.Context(), backend, invite); err != nil {
		t.Fatal(err)
	}
	ann.publish("room:a", "late")
	for _, since := range []*protocol.StreamPosition{nil, {Offset: 1}} {
		page := bob.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: "room:a", Limit: 3, Since: since}}).History
		var all string
		for _, p := range page.Publications {
			all += string(p.Data)
		}
		if !strings.Contains(all, "late") || strings.Contains(all, "early") {
			t.Errorf("since %v bob reads %s", since, all)
		}
	}
}
