package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// BenchmarkFlat prints what a page, a count and a far page cost in a small room and a large one, on a short list of rooms and a long one, in
// a short history and a long one: the median in microseconds by size, and that of the largest by that of the one before it, which is ten or
// a hundred times smaller: near 1 if size costs nothing.
func BenchmarkFlat(b *testing.B) {
	b.Run("members", flatMembers)
	b.Run("rooms", flatRooms)
	b.Run("messages", flatMessages)
}

// sized is something asked of a room or a list of so many, after something that isn't measured.
type sized struct {
	n     int
	ask   func(context.Context) error
	first func() error
}

// flat asks the same of each size, in turn, so that whatever else the machine does hits all alike.
func flat(b *testing.B, name string, all ...sized) {
	const rounds = 50
	b.Run(name, func(b *testing.B) {
		times := make([][]time.Duration, len(all))
		for round := range rounds*b.N + 1 {
			for i, s := range all {
				if s.first != nil {
					if err := s.first(); err != nil {
						b.Fatalf("before asking of %d: %v", s.n, err)
					}
				}
				began := time.Now()
				if err := s.ask(b.Context()); err != nil {
					b.Fatalf("of %d: %v", s.n, err)
				}
				if round > 0 { // the first one fills caches
					times[i] = append(times[i], time.Since(began))
				}
			}
		}
		medians := make([]float64, len(all))
		for i, s := range all {
			slices.Sort(times[i])
			medians[i] = float64(times[i][len(times[i])/2].Nanoseconds()) / 1000
			b.ReportMetric(medians[i], "µs-of-"+strconv.Itoa(s.n))
		}
		b.ReportMetric(medians[len(all)-1]/medians[len(all)-2], "growth")
		b.ReportMetric(0, "ns/op")
	})
}

func flatMembers(b *testing.B) {
	s, log := start(b, noLimits)
	asks := map[string][]sized{}
	for _, n := range []int{1000, 10_000, 100_000} {
		name := fmt.Sprint("room:of-", n)
		must(s.CreateRoom(b.Context(), theServer, &chatv1.CreateRoomRequest{Room: name, Kind: group}))(b)
		feed := testFeed(name)
		revisions := make([]uint64, n)
		inBulk(b, n, func(i int) (err error) {
			m := memberRecord{Membership: joined, Role: chatv1.Role_ROLE_MEMBER, Since: 1}
			revisions[i], err = log.Put(b.Context(), layout.Members, memberKey(feed, fmt.Sprint("user-", i)), must(json.Marshal(m))(b), 0)
			return err
		})
		slices.Sort(revisions)
		page := func(cursor func() string) func(context.Context) error {
			return func(ctx context.Context) error {
				q := &chatv1.MembersRequest{Room: name, Limit: 100, Cursor: cursor()}
				return enough(100)(len(must(s.Members(ctx, theServer, q))(b).GetMembers()))
			}
		}
		asks["page"] = append(asks["page"], sized{n: n, ask: page(func() string { return "" })})
		asks["far page"] = append(asks["far page"], sized{n: n, ask: page(func() string {
			return strconv.FormatUint(revisions[n/2+rand.IntN(n/3)], 10)
		})})
		asks["count"] = append(asks["count"], sized{n: n, ask: func(ctx context.Context) error {
			return enough(n)(int(must(s.GetRoom(ctx, theServer, &chatv1.GetRoomRequest{Room: name}))(b).GetMembers()))
		}})
		asks["send"] = append(asks["send"], sized{n: n, ask: func(ctx context.Context) error {
			text := "hi"
			_, err := s.Send(ctx, Actor{App: DefaultApp, User: "user-7"}, &chatv1.SendRequest{Room: name, Id: newID(), Text: &text})
			return err
		}})
	}
	for _, what := range []string{"page", "far page", "count", "send"} {
		flat(b, what, asks[what]...)
	}
}

func flatRooms(b *testing.B) {
	s, log := start(b, noLimits)
	asks := map[string][]sized{}
	for _, n := range []int{100, 1000, 10_000} {
		user := fmt.Sprint("in-", n)
		inBulk(b, n, func(i int) error {
			feed := testFeed(fmt.Sprintf("room:%d-of-%d", i, n))
			rows := map[string]any{
				layout.Members: memberRecord{Membership: joined, Role: chatv1.Role_ROLE_MEMBER, Since: 1}, layout.Inbox: inboxRecord{Listed: int64(i + 1)},
			}
			for table, key := range map[string]string{layout.Members: memberKey(feed, user), layout.Inbox: inboxKey(feed, user)} {
				if _, err := log.Put(b.Context(), table, key, must(json.Marshal(rows[table]))(b), 0); err != nil {
					return err
				}
			}
			return appendTo(b, log, feed, 1)
		})
		page := func(cursor func() string, limit uint32) func(context.Context) error {
			return func(context.Context) error {
				return enough(int(limit))(len(rooms(b, s, user, &chatv1.RoomsRequest{Limit: limit, Cursor: cursor()}).GetRooms()))
			}
		}
		first := page(func() string { return "" }, 50)
		var cursors []string
		for q := (&chatv1.RoomsRequest{Limit: 50}); ; q.Cursor = cursors[len(cursors)-1] {
			reply := rooms(b, s, user, q)
			if reply.GetCursor() == "" {
				break
			}
			cursors = append(cursors, reply.GetCursor())
		}
		asks["page"] = append(asks["page"], sized{n: n, ask: first})
		asks["page after 20 messages"] = append(asks["page after 20 messages"], sized{n, first, func() error {
			for range 20 {
				if err := appendTo(b, log, testFeed(fmt.Sprintf("room:%d-of-%d", rand.IntN(n), n)), 1); err != nil {
					return err
				}
			}
			return nil
		}})
		asks["page that nothing is known of"] = append(asks["page that nothing is known of"], sized{n, first, func() error {
			s.lists.changed("")
			return nil
		}})
		asks["far page"] = append(asks["far page"], sized{n: n, ask: page(func() string { return cursors[rand.IntN(len(cursors))] }, 50)})
		asks["unread of all"] = append(asks["unread of all"], sized{n: n, ask: func(context.Context) error {
			return enough(n)(int(rooms(b, s, user, &chatv1.RoomsRequest{Limit: 1}).GetUnread()))
		}})
		asks["subscriptions"] = append(asks["subscriptions"], sized{n: n, ask: func(ctx context.Context) error {
			return enough(100)(len(must(s.Joined(ctx, someone(user), 100))(b)))
		}})
	}
	for _, what := range []string{"page", "far page", "unread of all", "subscriptions", "page after 20 messages", "page that nothing is known of"} {
		flat(b, what, asks[what]...)
	}
}

func flatMessages(b *testing.B) {
	s, log := start(b, noLimits)
	asks := map[string][]sized{}
	for _, n := range []int{10_000, 1_000_000} {
		name := fmt.Sprint("room:of-", n)
		must(s.CreateRoom(b.Context(), theServer, &chatv1.CreateRoomRequest{Room: name, Kind: group}))(b)
		feed := testFeed(name)
		if err := appendTo(b, log, feed, n); err != nil {
			b.Fatal(err)
		}
		head := must(s.Messages(b.Context(), theServer, &chatv1.MessagesRequest{Room: name, Limit: 1}))(b).GetHead()
		page := func(before func() uint64) func(context.Context) error {
			return func(ctx context.Context) error {
				q := &chatv1.MessagesRequest{Room: name, Limit: 50, Before: before()}
				return enough(50)(len(must(s.Messages(ctx, theServer, q))(b).GetMessages()))
			}
		}
		unread := func(behind int) func(context.Context) error {
			q := []backbone.UnreadQuestion{{Feed: feed, After: head - uint64(behind), User: 7}}
			return func(ctx context.Context) error { return enough(behind)(must(log.Unread(ctx, q))(b)[0].Messages) }
		}
		asks["page"] = append(asks["page"], sized{n: n, ask: page(func() uint64 { return 0 })})
		asks["far page"] = append(asks["far page"], sized{n: n, ask: page(func() uint64 { return head - uint64(n/3+rand.IntN(n/2)) })})
		asks["count of 100"] = append(asks["count of 100"], sized{n: n, ask: unread(100)})
		asks["count of 9000"] = append(asks["count of 9000"], sized{n: n, ask: unread(9000)})
	}
	for _, what := range []string{"page", "far page", "count of 100", "count of 9000"} {
		flat(b, what, asks[what]...)
	}
}

// enough says that less came than there is, so that no wrong answer is measured.
func enough(want int) func(int) error {
	return func(got int) error {
		if got != want {
			return fmt.Errorf("%d instead of %d", got, want)
		}
		return nil
	}
}

// inBulk does n things, many at a time.
func inBulk(b *testing.B, n int, do func(int) error) {
	b.Helper()
	var workers sync.WaitGroup
	next := make(chan int)
	for range 128 {
		workers.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// appendTo appends messages of bob to a room.
func appendTo(b *testing.B, log *backbone.Backbone, feed backbone.Feed, n int) error {
	b.Helper()
	const atOnce = 4096
	for ; n > 0; n -= atOnce {
		pending := make([]*backbone.Pending, min(n, atOnce))
		for i := range pending {
			text := "about as long as a message in a room mostly is"
			e := Event{ID: newID(), Type: eventMessage, Sender: "bob", Time: 1, Content: Content{Text: &text}}
			// One message of a sender to a room is on its way at a time.
			pending[i] = log.Enqueue(feed, backbone.Draft{ID: e.ID, Sender: fmt.Sprint("bob-", i), Data: must(json.Marshal(&e))(b), Note: e.note()})
		}
		for _, p := range pending {
			if _, err := p.Wait(b.Context()); err != nil {
				return err
			}
		}
	}
	return nil
}
