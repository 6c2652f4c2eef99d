package chat

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/search"
	"github.com/chatfleet/chatfleet/chatnode/search/query"
	"github.com/chatfleet/chatfleet/test/wait"
)

// searching gives a service that can be searched.
func searching(t *testing.T) *Service {
	t.Helper()
	s, b := start(t, noLimits)
	index, err := search.New(t.Context(), b, search.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	s.options.Search = index
	return s
}

// findings pages through everything that is found.
func findings(t *testing.T, s *Service, a Actor, words, room string) (found []string) {
	t.Helper()
	q := &chatv1.SearchRequest{Query: words, Room: room, Limit: 2}
	for {
		reply := must(s.Search(t.Context(), a, q))(t)
		for _, m := range reply.GetMessages() {
			found = append(found, m.GetRoom()+" "+m.GetText())
		}
		if q.Cursor = reply.GetCursor(); q.Cursor == "" {
			return found
		}
	}
}

func finds(t *testing.T, s *Service, a Actor, words, room string, want ...string) {
	t.Helper()
	wait.For(t, 30*time.Second, words+" to be found", func(context.Context) error {
		if got := findings(t, s, a, words, room); !slices.Equal(got, want) {
			return errors.New("found " + listed(got))
		}
		return nil
	})
}

func listed(all []string) (s string) {
	for _, one := range all {
		s += "[" + one + "]"
	}
	return s
}

func TestASearchGoesOverTheRoomsOfTheUserAndNoOthers(t *testing.T) {
	s := searching(t)
	made(t, s, "room:a", group, "bob")
	made(t, s, "room:b", group, "bob")
	made(t, s, "room:secret", group)
	bob := someone("bob")
	say(t, s, ann, "room:a", "first word")
	say(t, s, ann, "room:secret", "secret word")
	say(t, s, bob, "room:b", "second word")
	say(t, s, ann, "dm:ann,bob", "third word")
	finds(t, s, ann, "word", "", "dm:ann,bob third word", "room:b second word", "room:secret secret word", "room:a first word")
	finds(t, s, bob, "word", "", "dm:ann,bob third word", "room:b second word", "room:a first word")
	finds(t, s, bob, "WORD second", "", "room:b second word")
	finds(t, s, bob, "word", "room:a", "room:a first word")
	finds(t, s, someone("stranger"), "word", "")
	_, err := s.Search(t.Context(), bob, &chatv1.SearchRequest{Query: "word", Room: "room:secret"})
	expect(t, Denied, err)
	_, err = s.Search(t.Context(), bob, &chatv1.SearchRequest{Query: "word", Room: "dm:ann,carl"})
	expect(t, Denied, err)
	finds(t, s, theServer, "word", "room:secret", "room:secret secret word")
	other := bob
	other.App = "other"
	finds(t, s, other, "word", "")

	// Rights are those of now, whatever the index knows.
	must(s.Kick(t.Context(), ann, &chatv1.KickRequest{Room: "room:a", User: "bob"}))(t)
	finds(t, s, bob, "word", "", "dm:ann,bob third word", "room:b second word")
}

func TestASearchShowsMessagesAsTheyAreNow(t *testing.T) {
	s := searching(t)
	made(t, s, "room:a", group)
	edited, deleted := say(t, s, ann, "room:a", "wrong word"), say(t, s, ann, "room:a", "another word")
	finds(t, s, ann, "word", "", "room:a another word", "room:a wrong word")
	must(s.Edit(t.Context(), ann, &chatv1.EditRequest{Room: "room:a", Offset: edited, Id: newID(), Text: ptr("right term")}))(t)
	must(s.Delete(t.Context(), ann, &chatv1.DeleteRequest{Room: "room:a", Offset: deleted, Id: newID()}))(t)
	// At once, since what is found is read from the log.
	if got := findings(t, s, ann, "word", ""); len(got) > 0 {
		t.Fatal(got)
	}
	finds(t, s, ann, "term", "", "room:a right term")
}

func ptr[V any](v V) *V { return &v }

func TestASearchDoesNotShowWhatWasBeforeJoining(t *testing.T) {
	s := searching(t)
	setRoom(t, s, "room:a", roomRecord{Kind: open, Created: 1, History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED})
	enter(t, s, "room:a", "ann")
	for range 15 {
		say(t, s, ann, "room:a", "early word")
	}
	enter(t, s, "room:a", "bob")
	say(t, s, ann, "room:a", "late word")
	finds(t, s, someone("bob"), "word", "room:a", "room:a late word")
	if got := findings(t, s, someone("stranger"), "word", "room:a"); len(got) > 0 {
		t.Fatal(got)
	}
}

// unsearchable answers with one error.
type unsearchable struct{ err error }

func (u unsearchable) Search(context.Context, query.Question) (query.Answer, error) {
	return query.Answer{}, u.err
}

// halves gives a partial page, and then a whole one.
type halves struct{ asked int }

func (h *halves) Search(_ context.Context, q query.Question) (query.Answer, error) {
	if h.asked++; q.Cursor == "" {
		return query.Answer{Cursor: "next", Partial: true}, nil
	}
	return query.Answer{}, nil
}

func TestASearchSaysIfItIsPartial(t *testing.T) {
	s, _ := start(t, noLimits)
	both := &halves{}
	s.options.Search = both
	reply := must(s.Search(t.Context(), ann, &chatv1.SearchRequest{Query: "word", Room: "room:a"}))(t)
	if !reply.GetPartial() || reply.GetCursor() != "" || both.asked != 2 {
		t.Errorf("%v after %d questions", reply, both.asked)
	}
	reply = must(s.Search(t.Context(), ann, &chatv1.SearchRequest{Query: "word", Room: "room:a", Cursor: "next"}))(t)
	if reply.GetPartial() {
		t.Error("a whole page is partial")
	}
}

func TestWrongSearchesGetTheirError(t *testing.T) {
	s, _ := start(t, noLimits)
	_, err := s.Search(t.Context(), ann, &chatv1.SearchRequest{Query: "word"})
	expect(t, NoMethod, err)
	s.options.Search = unsearchable{backbone.ErrUnavailable}
	_, err = s.Search(t.Context(), ann, &chatv1.SearchRequest{Query: "word", Room: "room:a"})
	expect(t, Unavailable, err)
	s.options.Search = unsearchable{query.ErrCursor}
	for _, q := range []*chatv1.SearchRequest{{}, {Query: "..."}, {Query: "word", Limit: 101}, {Query: "word", Room: "nonsense"}, {Query: "word", Room: "room:a", Cursor: "x"}} {
		_, err := s.Search(t.Context(), ann, q)
		if kind := kindOf(t, err); kind != Invalid && kind != Denied {
			t.Errorf("%v: %v", q, err)
		}
	}
	_, err = s.Search(t.Context(), theServer, &chatv1.SearchRequest{Query: "word"})
	expect(t, Invalid, err)
}
