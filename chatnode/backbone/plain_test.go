package backbone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// modelMessage is a message as it should be.
type modelMessage struct {
	offset, thread, sender uint64
	words                  uint64 // where the newest text is
	text                   string
	mentions               []uint64
	edited, deleted        bool
	reactions              []string
	reacted                []uint64 // where these are
}

// plainRoom is a room in plain memory, which the log with its owners should agree with.
type plainRoom struct {
	b        *Backbone
	feed     Feed
	messages []*modelMessage
	// void are the events that must be gone in the end.
	void  []uint64
	count int
	last  uint64
	// kept is the last event that isn't void itself. Of later ones an index that is built again can't know.
	kept uint64
}

func (m *plainRoom) append(n Note) (uint64, string) {
	m.count++
	text := fmt.Sprint(m.feed.Name, "-", m.count)
	r, err := m.b.Enqueue(m.feed, Draft{ID: text, Sender: fmt.Sprint(m.count % 7), Data: []byte(text), Note: n}).Wait(context.Background())
	if err != nil {
		panic(err)
	}
	m.last = r.Offset
	if n.Kind == NoteNone || n.Kind == NoteMessage || n.Kind == NoteDelete || !m.deleted(n.Target) {
		m.kept = m.last
	}
	return r.Offset, text
}

func (m *plainRoom) deleted(offset uint64) bool {
	return slices.ContainsFunc(m.messages, func(of *modelMessage) bool { return of.offset == offset && of.deleted })
}

func (m *plainRoom) say(sender, thread uint64, mentions ...uint64) {
	offset, text := m.append(Note{Kind: NoteMessage, Target: thread, Sender: sender, Mentions: mentions})
	m.messages = append(m.messages, &modelMessage{offset: offset, words: offset, thread: thread, sender: sender, text: text, mentions: mentions})
}

func (m *plainRoom) edit(of *modelMessage, mentions ...uint64) {
	offset, text := m.append(Note{Kind: NoteEdit, Target: of.offset, Thread: of.thread, Sender: of.sender, Mentions: mentions})
	if of.deleted {
		m.void = append(m.void, offset)
		return
	}
	m.void = append(m.void, of.words)
	of.words, of.text, of.mentions, of.edited = offset, text, mentions, true
}

func (m *plainRoom) remove(of *modelMessage) {
	m.append(Note{Kind: NoteDelete, Target: of.offset, Thread: of.thread, Sender: of.sender})
	of.deleted = true
	m.void = append(append(m.void, of.offset, of.words), of.reacted...)
}

func (m *plainRoom) react(of *modelMessage, sender uint64) {
	offset, text := m.append(Note{Kind: NoteReaction, Target: of.offset, Sender: sender})
	if of.deleted {
		m.void = append(m.void, offset)
		return
	}
	of.reactions, of.reacted = append(of.reactions, text), append(of.reacted, offset)
}

// line is a message in the words of lines.
func (m *plainRoom) line(of *modelMessage) string {
	line, replies := fmt.Sprint(of.offset, " ", of.text), 0
	if of.edited {
		line += " edited"
	}
	for _, r := range of.reactions {
		line += " " + r
	}
	if of.deleted {
		line = fmt.Sprint(of.offset, " (deleted)")
	}
	for _, other := range m.messages {
		if other.thread == of.offset && !other.deleted {
			replies++
		}
	}
	if replies > 0 {
		line += fmt.Sprint(" +", replies)
	}
	return line
}

// lines are all messages.
func (m *plainRoom) lines() (all []string) {
	for _, of := range m.messages {
		all = append(all, m.line(of))
	}
	return all
}

// unread is the answer to a question.
func (m *plainRoom) unread(q UnreadQuestion) (u Unread) {
	for _, of := range m.messages {
		if of.deleted {
			continue
		}
		u.Last = of.offset
		if of.offset <= q.After || of.sender == q.User {
			continue
		}
		u.Messages++
		if slices.Contains(of.mentions, q.User) {
			u.Mentions++
		}
	}
	return u
}

// awaitErasures waits until everything void is gone from the stream.
func (m *plainRoom) awaitErasures(t *testing.T) {
	stream, err := m.b.js.Stream(context.Background(), m.b.layout.Stream(m.b.layout.ShardOf(m.feed)))
	if err != nil {
		t.Fatal(err)
	}
	var left []uint64
	defer func() {
		if t.Failed() {
			t.Logf("still there: %v", left)
		}
	}()
	await(t, "erasures", func() bool {
		left = slices.DeleteFunc(slices.Clone(m.void), func(seq uint64) bool {
			_, err := stream.GetMsg(context.Background(), seq)
			return errors.Is(err, jetstream.ErrMsgNotFound)
		})
		return len(left) == 0
	})
}
