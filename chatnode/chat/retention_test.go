package chat

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/test/wait"
)

// clock is a time that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *clock) options(o Options) Options {
	o.Now = c.now
	return o
}

// textsIn are those that are in a room.
func textsIn(t testing.TB, s *Service, room string) (all []string) {
	t.Helper()
	for _, m := range history(t, s, theServer, room) {
		if !m.GetDeleted() {
			all = append(all, m.GetText())
		}
	}
	return all
}

func TestMessagesGoWhenTheyAreOlderThanTheirRoomKeepsThem(t *testing.T) {
	var c clock
	s, b := startWith(t, c.options(Options{Limits: noLimits, ImplicitRooms: true}))
	for room, keep := range map[string]int64{"room:day": 24 * 3600, "room:all": 0} {
		q := &chatv1.CreateRoomRequest{Room: room, RetentionSeconds: keep, Members: []string{"bob"}}
		must(s.CreateRoom(t.Context(), ann, q))(t)
		first := say(t, s, ann, room, "first")
		must(s.React(t.Context(), someone("bob"), &chatv1.ReactRequest{Room: room, Offset: first, Id: newID(), Reaction: "+1"}))(t)
		say(t, s, ann, room, "second")
	}
	expire := func() {
		t.Helper()
		var from uint64
		if err := newSweepRound(s).expire(t.Context(), &from); err != nil || from != 0 {
			t.Fatalf("%v, at %d", err, from)
		}
	}
	expire()
	if got := textsIn(t, s, "room:day"); len(got) != 2 {
		t.Fatalf("too early: %q", got)
	}
	c.pass(25 * time.Hour)
	edited := say(t, s, ann, "room:all", "third")
	must(s.Edit(t.Context(), ann, &chatv1.EditRequest{Room: "room:all", Offset: edited, Id: newID(), Text: proto.String("third!")}))(t)
	expire()
	if got := textsIn(t, s, "room:day"); len(got) != 0 {
		t.Fatalf("left: %q", got)
	}
	unread := must(s.Rooms(t.Context(), someone("bob"), &chatv1.RoomsRequest{}))(t)
	for _, r := range unread.GetRooms() {
		want := map[string]uint32{"room:day": 0, "room:all": 3}[r.GetRoom().GetRoom()]
		if r.GetMarks().GetUnread() != want {
			t.Errorf("%s has %d unread", r.GetRoom().GetRoom(), r.GetMarks().GetUnread())
		}
	}
	wait.For(t, time.Minute, "the words to be erased", func(context.Context) error {
		page := must(b.After(t.Context(), testFeed("room:day"), 0, 100))(t)
		for _, m := range page.Messages {
			if m.Note.Kind == backbone.NoteMessage || m.Note.Kind == backbone.NoteReaction {
				return fmt.Errorf("offset %d is left", m.Offset)
			}
		}
		return nil
	})
	c.pass(3 * time.Hour)
	expire()
	page := must(b.After(t.Context(), testFeed("room:day"), 0, 100))(t)
	if len(page.Messages) != 0 {
		t.Fatalf("%d events are left, such as %s", len(page.Messages), page.Messages[0].Data)
	}
	if got := history(t, s, ann, "room:day"); len(got) != 0 {
		t.Fatalf("the room begins with %v", got)
	}
	if got := textsIn(t, s, "room:all"); len(got) != 3 {
		t.Fatalf("a room that keeps all has %q", got)
	}
	say(t, s, ann, "room:day", "new")
	if got := textsIn(t, s, "room:day"); len(got) != 1 {
		t.Fatalf("the room has %q", got)
	}
}

func TestAnOldMessageThatWasEditedGoesTooWithinHours(t *testing.T) {
	var c clock
	s, _ := startWith(t, c.options(Options{Limits: noLimits, ImplicitRooms: true}))
	must(s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: "room:a", RetentionSeconds: 3600}))(t)
	old := say(t, s, ann, "room:a", "old")
	say(t, s, ann, "room:a", "another")
	c.pass(4 * time.Hour)
	// The log's own clock stands still, so the edit is as old as the message; that it is found by its target is what counts here.
	must(s.Edit(t.Context(), ann, &chatv1.EditRequest{Room: "room:a", Offset: old, Id: newID(), Text: proto.String("old!")}))(t)
	wait.For(t, time.Minute, "nothing to be left", func(context.Context) error {
		var from uint64
		if err := newSweepRound(s).expire(t.Context(), &from); err != nil {
			t.Fatal(err)
		}
		if left := history(t, s, ann, "room:a"); len(left) > 0 {
			return fmt.Errorf("%v are left", left)
		}
		return nil
	})
}
