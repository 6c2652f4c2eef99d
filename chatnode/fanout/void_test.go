package fanout

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// ringOf makes messages from words like "1", "2e1" (2 edits 1), "3d1" (deletes) and "4r1" (reacts to).
func ringOf(words string) (all []*backbone.Message) {
	for word := range strings.FieldsSeq(words) {
		m := &backbone.Message{Note: backbone.Note{Kind: backbone.NoteMessage}}
		var kind rune
		if n, _ := fmt.Sscanf(word, "%d%c%d", &m.Offset, &kind, &m.Note.Target); n == 3 {
			m.Note.Kind = map[rune]backbone.NoteKind{'e': backbone.NoteEdit, 'd': backbone.NoteDelete, 'r': backbone.NoteReaction}[kind]
		}
		all = append(all, m)
	}
	return all
}

func TestRingForgetsWhatTheLogErases(t *testing.T) {
	for _, c := range []struct{ older, had, news, want string }{
		{"", "1 2 3", "4e2", "[1 3 4]"},
		{"", "1 2 3 4e2", "5e2", "[1 3 5]"},
		{"", "1 2 3r2 4e2 5r1", "6d2", "[1 5 6]"},
		{"", "1 2 3d2", "4e2 5", "[1 3 5]"},
		{"", "1 2", "3e1 4e1 5d1", "[2 5]"},
		{"", "1 2", "3r1", "[1 2 3]"},
		{"", "1", "2e9", "[1 2]"},
		{"1 2 3", "6 7e2 8d3", "9", "[1 6 7 8 9]"},
		{"1 2 3e1", "6", "7", "[2 3 6 7]"},
	} {
		var g ring
		g.clear(5)
		if c.older == "" {
			g.clear(0)
		}
		g.append(ringOf(c.had), 1<<20)
		g.extend(0, ringOf(c.older), 1<<20)
		g.append(ringOf(c.news), 1<<20)
		bytes := 0
		for _, m := range g.messages {
			bytes += m.Size()
		}
		if got := fmt.Sprint(offsetsOf(g.messages)); got != c.want || g.bytes != bytes || g.floor != 0 {
			t.Errorf("%+v: %s from %d, %d bytes of %d", c, got, g.floor, g.bytes, bytes)
		}
	}
}

func TestAnEditedMessageIsNotRecoveredFromTheRing(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		log.append(lobby, 1, "zero")
		watcher := &testMember{limit: unlimited}
		subscribe(t, h, lobby, Request{}, watcher)
		watcher.sub.Start()
		log.appendNoted(lobby, 1, "secret", backbone.Note{Kind: backbone.NoteMessage})
		log.appendNoted(lobby, 1, "other", backbone.Note{Kind: backbone.NoteMessage})
		synctest.Wait()
		log.appendNoted(lobby, 1, "edit", backbone.Note{Kind: backbone.NoteEdit, Target: 2})
		synctest.Wait()
		late := &testMember{limit: unlimited}
		result := subscribe(t, h, lobby, Request{Since: at(1)}, late)
		if got := fmt.Sprint(offsetsOf(result.Messages)); got != "[3 4]" || !result.Recovered || result.Head.Offset != 4 {
			t.Fatalf("recovered %s, %+v", got, result)
		}
		wantOffsets(t, "live", watcher.offsets(), []uint64{2, 3, 4})
	})
}
