package backbone

import (
	"fmt"
	"testing"
)

// noted appends a message with a note.
func noted(t testing.TB, b *Backbone, feed Feed, text string, n Note) uint64 {
	t.Helper()
	r, err := b.Enqueue(feed, Draft{ID: fmt.Sprint(text, "-", t.Name()), Sender: "ann", Data: []byte(text), Note: n}).Wait(t.Context())
	if err != nil {
		t.Fatalf("append %s: %v", text, err)
	}
	return r.Offset
}

var ann, bob, cid = NameHash("ann"), NameHash("bob"), NameHash("cid")

func say(sender uint64, mentions ...uint64) Note {
	return Note{Kind: NoteMessage, Sender: sender, Mentions: mentions}
}

func reply(to, sender uint64) Note { return Note{Kind: NoteMessage, Target: to, Sender: sender} }

func edit(target, sender uint64, mentions ...uint64) Note {
	return Note{Kind: NoteEdit, Target: target, Sender: sender, Mentions: mentions}
}

func remove(target uint64) Note { return Note{Kind: NoteDelete, Target: target} }

func react(target, sender uint64) Note {
	return Note{Kind: NoteReaction, Target: target, Sender: sender}
}

// lines are entries in words: offset, text, what became of them.
func lines(entries []Entry) (all []string) {
	for _, e := range entries {
		line := fmt.Sprint(e.Offset, " ")
		switch {
		case e.Message != nil:
			line += string(e.Message.Data)
		case e.Deleted != nil:
			line += "(deleted)"
		default:
			line += "(gone)"
		}
		if e.Edited != nil {
			line += " edited"
		}
		for _, r := range e.Reactions {
			line += " " + string(r.Data)
		}
		if e.Replies > 0 {
			line += fmt.Sprint(" +", e.Replies)
		}
		all = append(all, line)
	}
	return all
}

func view(t testing.TB, b *Backbone, feed Feed, q MessagesQuery) []string {
	t.Helper()
	v, err := b.Messages(t.Context(), feed, q)
	if err != nil {
		t.Fatalf("messages %+v: %v", q, err)
	}
	return lines(v.Entries)
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

func unread(t testing.TB, b *Backbone, feed Feed, after, user uint64) Unread {
	t.Helper()
	u, err := b.Unread(t.Context(), []UnreadQuestion{{feed, after, user}})
	if err != nil || (u[0].Last > 0) != (u[0].LastTime > 0) {
		t.Fatalf("unread: %+v %v", u, err)
	}
	u[0].LastTime = 0
	return u[0]
}

func TestMessagesAreGivenAsTheyAreNow(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	feed := room("a")
	noted(t, b, feed, "one", say(ann, bob))
	noted(t, b, feed, "joined", Note{})
	noted(t, b, feed, "two", say(bob))
	noted(t, b, feed, "three", reply(1, bob))
	noted(t, b, feed, "four", reply(1, ann))
	same(t, "all", view(t, b, feed, MessagesQuery{}), []string{"1 one +2", "3 two", "4 three", "5 four"})
	if got, want := unread(t, b, feed, 0, bob), (Unread{Messages: 2, Mentions: 1, Last: 5}); got != want {
		t.Fatalf("unread %+v, want %+v", got, want)
	}
	noted(t, b, feed, "one!", edit(1, ann))
	noted(t, b, feed, "+1", react(3, ann))
	noted(t, b, feed, "ok", react(3, cid))
	noted(t, b, feed, "del", remove(4))
	noted(t, b, feed, "one!!", edit(1, ann, cid))
	same(t, "changed", view(t, b, feed, MessagesQuery{}), []string{"1 one!! edited +1", "3 two +1 ok", "4 (deleted)", "5 four"})
	same(t, "thread", view(t, b, feed, MessagesQuery{Thread: 1}), []string{"4 (deleted)", "5 four"})
	same(t, "newest two", view(t, b, feed, MessagesQuery{Limit: 2}), []string{"4 (deleted)", "5 four"})
	same(t, "after", view(t, b, feed, MessagesQuery{After: 1, Limit: 2}), []string{"3 two +1 ok", "4 (deleted)"})
	same(t, "before", view(t, b, feed, MessagesQuery{Before: 4, Limit: 1}), []string{"3 two +1 ok"})
	if got, want := unread(t, b, feed, 0, bob), (Unread{Messages: 2, Mentions: 0, Last: 5}); got != want {
		t.Fatalf("unread %+v, want %+v", got, want)
	}
	if got, want := unread(t, b, feed, 3, cid), (Unread{Messages: 1, Mentions: 0, Last: 5}); got != want {
		t.Fatalf("unread %+v, want %+v", got, want)
	}
}
