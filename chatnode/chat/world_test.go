package chat

import (
	"cmp"
	"fmt"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// world is chat in plain memory, as it should be.
type world struct {
	rooms map[string]*worldRoom
	// clock orders what happens.
	clock int
}

type worldRoom struct {
	name     string
	messages []*worldMessage
	members  map[string]*worldMember
	begun    bool
	since    bool // members don't see what was before they joined
}

type worldMember struct {
	read, delivered uint64
	floor           int // messages that were there when the user came
	listed          int // when the room came on the list
}

type worldMessage struct {
	*chatv1.Message
	at        int // the clock's
	reactions []reacted
	order     map[reacted]int // in which they came first
}

// see is the message as it should be read.
func (m *worldMessage) see(room *worldRoom) *chatv1.Message {
	if m.Deleted {
		return &chatv1.Message{Id: m.Id, Offset: m.Offset, Sender: m.Sender, Time: m.Time, Deleted: true}
	}
	seen := &chatv1.Message{
		Id: m.Id, Offset: m.Offset, Sender: m.Sender, Time: m.Time, Text: m.Text, Mentions: m.Mentions, Thread: m.Thread, ReplyTo: m.ReplyTo,
		Edited: m.Edited,
	}
	for _, other := range room.messages {
		if other.Thread == m.Offset && !other.Deleted {
			seen.Replies++
		}
	}
	for _, r := range m.reactions {
		i := slices.IndexFunc(seen.Reactions, func(c *chatv1.Reaction) bool { return c.Reaction == r.reaction })
		if i < 0 {
			i = len(seen.Reactions)
			seen.Reactions = append(seen.Reactions, &chatv1.Reaction{Reaction: r.reaction})
		}
		seen.Reactions[i].Count++
		seen.Reactions[i].Users = append(seen.Reactions[i].Users, r.user)
	}
	return seen
}

// newest is the number of the newest message that isn't deleted, counted from 1; 0 if there is none.
func (r *worldRoom) newest() int {
	for i, m := range slices.Backward(r.messages) {
		if !m.Deleted {
			return i + 1
		}
	}
	return 0
}

// marks are what the user's marks should be.
func (r *worldRoom) marks(user string) *chatv1.Marks {
	member := r.members[user]
	marks := &chatv1.Marks{Room: r.name, User: user, Read: member.read, Delivered: member.delivered}
	for _, m := range r.messages[member.floor:] {
		if m.Deleted || m.Sender == user || m.Offset <= member.read {
			continue
		}
		marks.Unread++
		if slices.Contains(m.Mentions, user) {
			marks.Mentions++
		}
	}
	return marks
}

// move moves marks to an offset, or to the newest message if that is before it.
func (r *worldRoom) move(user string, offset uint64, read bool) {
	member := r.members[user]
	if newest := r.newest(); newest == 0 {
		offset = 0
	} else {
		offset = min(offset, r.messages[newest-1].Offset)
	}
	if read {
		member.read = max(member.read, offset)
	}
	member.delivered = max(member.delivered, offset)
}

// begin puts a direct conversation on the lists of both.
func (w *world) begin(r *worldRoom, users ...string) {
	if r.begun {
		return
	}
	r.begun = true
	for _, user := range users {
		r.members[user] = &worldMember{listed: w.tick()}
	}
}

func (w *world) tick() int {
	w.clock++
	return w.clock
}

// list is how the user's list should look: a line for each room.
func (w *world) list(user string) (lines []string, unread, mentions uint32) {
	var all []*worldRoom
	for _, r := range w.rooms {
		if r.members[user] != nil {
			all = append(all, r)
		}
	}
	rank := func(r *worldRoom) (has bool, at int) {
		if newest := r.newest(); newest > 0 {
			return true, r.messages[newest-1].at
		}
		return false, r.members[user].listed
	}
	slices.SortFunc(all, func(a, b *worldRoom) int {
		hasA, atA := rank(a)
		hasB, atB := rank(b)
		if hasA != hasB {
			if hasA {
				return -1
			}
			return 1
		}
		return cmp.Compare(atB, atA)
	})
	for _, r := range all {
		marks := r.marks(user)
		unread += marks.Unread
		mentions += marks.Mentions
		last := ""
		if newest := r.newest(); newest > 0 && !(r.since && newest <= r.members[user].floor) {
			last = r.messages[newest-1].GetText()
		}
		lines = append(lines, line(r.name, last, marks))
	}
	return lines, unread, mentions
}

func line(room, last string, m *chatv1.Marks) string {
	return fmt.Sprintf("%s %q read %d delivered %d unread %d mentions %d", room, last, m.GetRead(), m.GetDelivered(), m.GetUnread(), m.GetMentions())
}
