package chat

import (
	"bytes"
	"context"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// saidBySomeone makes a room in which someone leaves four messages, one of them edited, and a reaction.
func saidBySomeone(t *testing.T, s *Service, someone Actor, room string) {
	t.Helper()
	his := say(t, s, Actor{App: DefaultApp, User: "bob", Client: "b"}, room, "from bob")
	for range 3 {
		say(t, s, someone, room, secretWord)
	}
	first := say(t, s, someone, room, secretWord)
	text := secretWord + " edited"
	must(s.Edit(t.Context(), someone, &chatv1.EditRequest{Room: room, Offset: first, Id: newID(), Text: &text}))(t)
	must(s.React(t.Context(), someone, &chatv1.ReactRequest{Room: room, Offset: his, Id: newID(), Reaction: secretWord}))(t)
}

// tellsOf says whether there is a secret in a room's log.
func tellsOf(t *testing.T, s *Service, room string) bool {
	t.Helper()
	page := must(s.log.After(t.Context(), testFeed(room), 0, 1000))(t)
	for _, m := range page.Messages {
		if bytes.Contains(m.Data, []byte(secretWord)) {
			return true
		}
	}
	return false
}

// look lets a node look for abandoned erasures as often as it takes.
func look(t *testing.T, s *Service) {
	t.Helper()
	seen := map[string]sighting{}
	for range eraseLooks + 1 {
		var err error
		if seen, err = s.lookForErasures(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnErasureIsFinishedByANodeThatFindsItAbandoned(t *testing.T) {
	s, m, later := mortals(t)
	crashes := 0
	for number := 1; ; number++ {
		who := someone("victim" + newID())
		room := "room:" + newID()
		saidBySomeone(t, s, who, room)
		q := &chatv1.EraseUserRequest{User: who.User}
		key := layout.RowKey(erasePrefix, DefaultApp, who.User)
		ctx, cancel := context.WithCancel(t.Context())
		heal := m.arm(number, cancel)
		_, err := s.EraseUser(ctx, theServer, q)
		cancel()
		if !heal() {
			break
		}
		if crashes++; err == nil {
			t.Fatalf("crash at write %d without an error", number)
		}
		begun := must(s.tables.Get(t.Context(), layout.Cursors, key))(t).Revision > 0
		complete := !begun && !tellsOf(t, s, room) // the last write of all
		look(t, s)
		if begun && tellsOf(t, s, room) {
			t.Fatalf("crash at write %d: nobody finished the erasure", number)
		}
		again := must(s.EraseUser(t.Context(), theServer, q))(t)
		if want := uint32(4); again.GetMessages() != want && !complete {
			t.Fatalf("crash at write %d: the receipt is of %d messages, want %d", number, again.GetMessages(), want)
		}
		if tellsOf(t, s, room) {
			t.Fatalf("crash at write %d: words are left", number)
		}
	}
	t.Logf("%d crashes", crashes)
	if crashes < 10 {
		t.Errorf("only %d crashes", crashes)
	}
	later(2 * eraseFresh)
	look(t, s)
	if n := must(s.tables.Count(t.Context(), layout.Cursors, layout.RowKey(erasePrefix)))(t); n != 0 {
		t.Errorf("%d rows of erasures are left", n)
	}
}

func TestAnErasureThatSomebodyIsAtWorkOnIsLeftAlone(t *testing.T) {
	s, b := startIn(t, t.TempDir(), Options{Limits: noLimits})
	saidBySomeone(t, s, ann, "room:a")
	e := erasure{s: s, app: DefaultApp, user: ann.User, key: layout.RowKey(erasePrefix, DefaultApp, ann.User)}
	if err := e.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]sighting{}
	for range 3 * eraseLooks {
		var err error
		if seen, err = s.lookForErasures(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
		if err := e.save(t.Context()); err != nil {
			t.Fatalf("it was taken from who is at work: %v", err)
		}
	}
	look(t, s)
	expect(t, Conflict, e.save(t.Context()))
	if tellsOf(t, s, "room:a") {
		t.Error("it was not taken from who is not")
	}
	personal := backbone.Feed{Kind: layout.User, App: DefaultApp, Name: ann.User}
	if page := must(b.After(t.Context(), personal, 0, 10))(t); len(page.Messages) > 0 {
		t.Errorf("the personal feed has %d events", len(page.Messages))
	}
}
