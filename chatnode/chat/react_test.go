package chat

import (
	"fmt"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func TestReactionsAreCountedAndTakenBack(t *testing.T) {
	s, b := start(t, noLimits)
	at := say(t, s, ann, "room:a", "hi")
	react := func(name, reaction string, remove bool) *chatv1.Sent {
		t.Helper()
		return must(s.React(t.Context(), someone(name), &chatv1.ReactRequest{
			Room: "room:a", Offset: at, Id: newID(), Reaction: reaction, Remove: remove,
		}))(t)
	}
	now := func(want ...*chatv1.Reaction) {
		t.Helper()
		same(t, "reactions", &chatv1.Message{Reactions: history(t, s, ann, "room:a")[0].GetReactions()}, &chatv1.Message{Reactions: want})
	}
	if none := react("bob", "👍", true); none.GetOffset() != 0 {
		t.Fatalf("taking back what never was answered %v", none)
	}
	first := react("bob", "👍", false)
	same(t, "the same once more", react("bob", "👍", false), first)
	react("carl", "🎉", false)
	react("carl", "👍", false)
	now(&chatv1.Reaction{Reaction: "👍", Count: 2, Users: []string{"bob", "carl"}}, &chatv1.Reaction{Reaction: "🎉", Count: 1, Users: []string{"carl"}})
	removed := react("bob", "👍", true)
	same(t, "taken back once more", react("bob", "👍", true), removed)
	now(&chatv1.Reaction{Reaction: "🎉", Count: 1, Users: []string{"carl"}}, &chatv1.Reaction{Reaction: "👍", Count: 1, Users: []string{"carl"}})
	react("bob", "👍", false)
	page := must(b.After(t.Context(), testFeed("room:a"), 0, 100))(t)
	if len(page.Messages) != 6 {
		t.Fatalf("%d events are stored", len(page.Messages))
	}
}

func TestReactionsAreBounded(t *testing.T) {
	s, _ := start(t, noLimits)
	at := say(t, s, ann, "room:a", "hi")
	for i := range maxReactions + 1 {
		_, err := s.React(t.Context(), ann, &chatv1.ReactRequest{Room: "room:a", Offset: at, Id: newID(), Reaction: fmt.Sprint(i)})
		if i < maxReactions && err != nil {
			t.Fatal(err)
		}
		if i == maxReactions {
			expect(t, Limit, err)
		}
	}
	for _, reaction := range []string{"", strings.Repeat("x", maxReaction+1), "\xff"} {
		_, err := s.React(t.Context(), ann, &chatv1.ReactRequest{Room: "room:a", Offset: at, Id: newID(), Reaction: reaction})
		expect(t, Invalid, err)
	}
}
