package chat

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func valueOf(t testing.TB, data string) *structpb.Value {
	t.Helper()
	v := &structpb.Value{}
	if err := v.UnmarshalJSON([]byte(data)); err != nil {
		t.Fatal(err)
	}
	return v
}

func edit(room string, offset uint64, text string) *chatv1.EditRequest {
	return &chatv1.EditRequest{Room: room, Offset: offset, Id: newID(), Text: &text}
}

func TestEditReplacesTheWordsAndErasesTheFormer(t *testing.T) {
	s, b := start(t, noLimits)
	root := say(t, s, ann, "room:a", "root")
	q := &chatv1.SendRequest{Room: "room:a", Text: proto.String("one"), ReplyTo: "r", Mentions: []string{"bob"}, Thread: root}
	at := send(t, s, ann, q)
	was := stored(t, b, "room:a", at)
	first := must(s.Edit(t.Context(), ann, edit("room:a", at, "two")))(t)
	if stored(t, b, "room:a", at) != nil {
		t.Fatal("the former words are still in the log when the edit answers")
	}
	second := edit("room:a", at, "three")
	second.Mentions = []string{"carl"}
	sent := must(s.Edit(t.Context(), ann, second))(t)
	if stored(t, b, "room:a", first.GetOffset()) != nil {
		t.Fatal("the words of the former edit are still in the log")
	}
	got := history(t, s, ann, "room:a")
	same(t, "message", got[1], &chatv1.Message{
		Id: q.Id, Offset: at, Sender: "ann", Time: was.Time, Text: proto.String("three"), ReplyTo: "r", Mentions: []string{"carl"}, Thread: root,
		Edited: sent.GetTime(),
	})
	if e := stored(t, b, "room:a", sent.GetOffset()); e.Type != "edit" || e.Target != at || e.Of != q.Id || e.Sent != was.Time || e.Sender != "ann" ||
		e.ReplyTo != "r" || e.Thread != root || *e.Text != "three" {
		t.Fatalf("the edit's event is not enough to show the message: %+v", e)
	}
	if got[0].GetReplies() != 1 {
		t.Fatalf("the thread has %d replies", got[0].GetReplies())
	}
}

func TestRetriesOfAnEditAnswerTheSame(t *testing.T) {
	s, b := start(t, noLimits)
	at := say(t, s, ann, "room:a", "one")
	q := edit("room:a", at, "two")
	first := must(s.Edit(t.Context(), ann, q))(t)
	same(t, "retry", must(s.Edit(t.Context(), ann, q))(t), first)
	newer := must(s.Edit(t.Context(), ann, edit("room:a", at, "three")))(t)
	if late := must(s.Edit(t.Context(), ann, q))(t); late.GetOffset() != first.GetOffset() {
		t.Fatalf("a late retry answers %v, the first attempt %v", late, first)
	}
	if stored(t, b, "room:a", newer.GetOffset()) == nil || history(t, s, ann, "room:a")[0].GetText() != "three" {
		t.Fatal("a late retry took the newer words away")
	}
}

func TestAnIDThatWasUsedForSomethingElseChangesNothing(t *testing.T) {
	s, _ := start(t, noLimits)
	q := &chatv1.SendRequest{Room: "room:a", Text: proto.String("one")}
	at := send(t, s, ann, q)
	wrong := edit("room:a", at, "two")
	wrong.Id = q.Id
	_, err := s.Edit(t.Context(), ann, wrong)
	expect(t, Conflict, err)
	_, err = s.Delete(t.Context(), ann, &chatv1.DeleteRequest{Room: "room:a", Offset: at, Id: q.Id})
	expect(t, Conflict, err)
	_, err = s.React(t.Context(), ann, &chatv1.ReactRequest{Room: "room:a", Offset: at, Id: q.Id, Reaction: "x"})
	expect(t, Conflict, err)
	if got := history(t, s, ann, "room:a"); got[0].GetText() != "one" || got[0].GetDeleted() {
		t.Fatalf("the message is %v", got[0])
	}
}

func TestWhoMayEditAndDelete(t *testing.T) {
	s, _ := start(t, noLimits)
	setRoom(t, s, "room:a", roomRecord{Kind: open, Created: 1})
	appoint(t, s, "room:a", "mod", chatv1.Role_ROLE_MODERATOR)
	appoint(t, s, "room:a", "bob", chatv1.Role_ROLE_MEMBER)
	at := say(t, s, ann, "room:a", "one")
	for _, name := range []string{"bob", "mod", "stranger"} {
		_, err := s.Edit(t.Context(), someone(name), edit("room:a", at, "x"))
		expect(t, Denied, err)
	}
	must(s.Edit(t.Context(), theServer, edit("room:a", at, "by the server")))(t)
	if got := history(t, s, ann, "room:a")[0]; got.GetText() != "by the server" || got.GetSender() != "ann" {
		t.Fatalf("after the server's edit: %v", got)
	}
	for _, name := range []string{"bob", "stranger"} {
		_, err := s.Delete(t.Context(), someone(name), &chatv1.DeleteRequest{Room: "room:a", Offset: at, Id: newID()})
		expect(t, Denied, err)
	}
	must(s.Delete(t.Context(), someone("mod"), &chatv1.DeleteRequest{Room: "room:a", Offset: at, Id: newID()}))(t)
	_, err := s.Edit(t.Context(), ann, edit("room:a", at, "again"))
	expect(t, NotFound, err)
	_, err = s.Edit(t.Context(), ann, edit("room:a", at+100, "nowhere"))
	expect(t, NotFound, err)
	_, err = s.Edit(t.Context(), ann, &chatv1.EditRequest{Room: "room:a", Offset: say(t, s, ann, "room:a", "x"), Id: newID()})
	expect(t, Invalid, err)
}

func TestDeletionTakesTheMessageItsEditsAndReactionsAway(t *testing.T) {
	s, b := start(t, noLimits)
	q := &chatv1.SendRequest{Room: "room:a", Text: proto.String("one"), Thread: 3}
	at := send(t, s, ann, q)
	was := stored(t, b, "room:a", at)
	edited := must(s.Edit(t.Context(), ann, edit("room:a", at, "two")))(t)
	reaction := must(s.React(t.Context(), someone("bob"), &chatv1.ReactRequest{Room: "room:a", Offset: at, Id: newID(), Reaction: "x"}))(t)
	gone := &chatv1.DeleteRequest{Room: "room:a", Offset: at, Id: newID()}
	deleted := must(s.Delete(t.Context(), ann, gone))(t)
	for _, offset := range []uint64{at, edited.GetOffset(), reaction.GetOffset()} {
		if e := stored(t, b, "room:a", offset); e != nil {
			t.Errorf("still in the log when the deletion answers: %+v", e)
		}
	}
	same(t, "message", history(t, s, ann, "room:a")[0], &chatv1.Message{Id: q.Id, Offset: at, Sender: "ann", Time: was.Time, Deleted: true})
	same(t, "retry", must(s.Delete(t.Context(), ann, gone))(t), deleted)
	gone.Id = newID()
	same(t, "second deletion", must(s.Delete(t.Context(), ann, gone))(t), deleted)
	_, err := s.React(t.Context(), ann, &chatv1.ReactRequest{Room: "room:a", Offset: at, Id: newID(), Reaction: "x"})
	expect(t, NotFound, err)
}
