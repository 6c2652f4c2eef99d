package chat

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func texts(messages []*chatv1.Message) (all []string) {
	for _, m := range messages {
		all = append(all, m.GetText())
	}
	return all
}

func TestPagesOfMessagesJoinInBothDirections(t *testing.T) {
	s, _ := start(t, noLimits)
	const n = 120
	var all []string
	var first uint64
	for i := range n {
		all = append(all, fmt.Sprint(i))
		at := say(t, s, ann, "room:a", fmt.Sprint(i))
		if i == 0 {
			first = at
		}
		must(s.React(t.Context(), ann, &chatv1.ReactRequest{Room: "room:a", Offset: at, Id: newID(), Reaction: "x"}))(t)
	}
	if got := history(t, s, ann, "room:a"); !slices.Equal(texts(got), all[n-defaultMessages:]) {
		t.Fatalf("by default: %v", texts(got))
	}
	for _, limit := range []uint32{1, 7, 51, 60, 200} {
		backwards, forwards := []string{}, []string{"0"}
		q := &chatv1.MessagesRequest{Room: "room:a", Limit: limit}
		for more := true; more; {
			reply := must(s.Messages(t.Context(), ann, q))(t)
			backwards = append(texts(reply.GetMessages()), backwards...)
			q.Before, more = reply.GetMessages()[0].GetOffset(), reply.GetMore()
		}
		q = &chatv1.MessagesRequest{Room: "room:a", Limit: limit, After: first}
		for more := true; more; {
			reply := must(s.Messages(t.Context(), ann, q))(t)
			forwards = append(forwards, texts(reply.GetMessages())...)
			q.After, more = reply.GetMessages()[len(reply.GetMessages())-1].GetOffset(), reply.GetMore()
		}
		if !slices.Equal(backwards, all) || !slices.Equal(forwards, all) {
			t.Fatalf("by %d: backwards %v, forwards %v", limit, backwards, forwards)
		}
	}
	if behind := must(s.Messages(t.Context(), ann, &chatv1.MessagesRequest{Room: "room:a", After: math.MaxUint64}))(t); len(behind.GetMessages()) > 0 {
		t.Fatalf("behind everything: %v", texts(behind.GetMessages()))
	}
	for _, q := range []*chatv1.MessagesRequest{
		{Room: "room:a", Limit: mostMessages + 1}, {Room: "room:a", Before: 5, After: 3}, {Room: "user:ann"}, {},
	} {
		_, err := s.Messages(t.Context(), ann, q)
		expect(t, Invalid, err)
	}
}

func TestPagesOfGreatMessagesAreBounded(t *testing.T) {
	s, _ := start(t, Limits{TextBytes: 60 << 10, DataBytes: 1000})
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprint(i, strings.Repeat("x", 50<<10)))
		say(t, s, ann, "room:a", all[i])
	}
	var got []string
	q := &chatv1.MessagesRequest{Room: "room:a"}
	pages := 0
	for more := true; more; pages++ {
		reply := must(s.Messages(t.Context(), ann, q))(t)
		if size := proto.Size(reply); size > pageBytes {
			t.Fatalf("a page has %d bytes", size)
		}
		got = append(texts(reply.GetMessages()), got...)
		q.Before, more = reply.GetMessages()[0].GetOffset(), reply.GetMore()
	}
	if !slices.Equal(got, all) || pages < 3 {
		t.Fatalf("%d messages in %d pages", len(got), pages)
	}
}

func TestHistoryOfBeforeJoiningIsHiddenByPolicy(t *testing.T) {
	s, _ := start(t, noLimits)
	setRoom(t, s, "room:a", roomRecord{Kind: open, Created: 1, History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED})
	enter(t, s, "room:a", "ann")
	early := say(t, s, ann, "room:a", "early")
	say(t, s, ann, "room:a", "early too")
	enter(t, s, "room:a", "bob")
	say(t, s, ann, "room:a", "late")
	bob := someone("bob")
	for _, q := range []*chatv1.MessagesRequest{{}, {Limit: 1}, {Limit: 2}, {After: 1}, {After: early}} {
		q.Room = "room:a"
		reply := must(s.Messages(t.Context(), bob, q))(t)
		if got := texts(reply.GetMessages()); !slices.Equal(got, []string{"late"}) || q.Limit != 1 && reply.GetMore() {
			t.Fatalf("%v gave bob %v, more %v", q, got, reply.GetMore())
		}
	}
	late := history(t, s, bob, "room:a")[0].GetOffset()
	for _, before := range []uint64{early, early + 1, late} {
		reply := must(s.Messages(t.Context(), bob, &chatv1.MessagesRequest{Room: "room:a", Before: before}))(t)
		if len(reply.GetMessages()) > 0 || reply.GetMore() || reply.GetHead() == 0 || reply.GetEpoch() == "" {
			t.Fatalf("before %d: %v", before, reply)
		}
	}
	_, err := s.React(t.Context(), bob, &chatv1.ReactRequest{Room: "room:a", Offset: early, Id: newID(), Reaction: "x"})
	expect(t, NotFound, err)
	if got := history(t, s, someone("stranger"), "room:a"); len(got) > 0 {
		t.Fatalf("a stranger sees %v", texts(got))
	}
	if got := texts(history(t, s, ann, "room:a")); len(got) != 3 {
		t.Fatalf("ann sees %v", got)
	}
}

func TestAThreadIsReadWithItsFirstMessage(t *testing.T) {
	s, _ := start(t, noLimits)
	say(t, s, ann, "room:a", "before")
	root := say(t, s, ann, "room:a", "root")
	want := []string{"root"}
	for i := range 6 {
		text := fmt.Sprint(i)
		send(t, s, ann, &chatv1.SendRequest{Room: "room:a", Text: &text, Thread: root})
		say(t, s, ann, "room:a", "between")
		want = append(want, text)
	}
	for _, limit := range []uint32{0, 1, 3, 6, 7} {
		backwards, forwards := []string{}, []string{}
		q := &chatv1.MessagesRequest{Room: "room:a", Thread: root, Limit: limit}
		for more := true; more; {
			reply := must(s.Messages(t.Context(), ann, q))(t)
			backwards = append(texts(reply.GetMessages()), backwards...)
			q.Before, more = reply.GetMessages()[0].GetOffset(), reply.GetMore()
		}
		q = &chatv1.MessagesRequest{Room: "room:a", Thread: root, Limit: limit, After: 1}
		for more := true; more; {
			reply := must(s.Messages(t.Context(), ann, q))(t)
			forwards = append(forwards, texts(reply.GetMessages())...)
			q.After, more = reply.GetMessages()[len(reply.GetMessages())-1].GetOffset(), reply.GetMore()
		}
		if !slices.Equal(backwards, want) || !slices.Equal(forwards, want) {
			t.Fatalf("by %d: backwards %v, forwards %v", limit, backwards, forwards)
		}
	}
	if got := history(t, s, ann, "room:a")[1]; got.GetReplies() != 6 {
		t.Fatalf("%d replies", got.GetReplies())
	}
}
