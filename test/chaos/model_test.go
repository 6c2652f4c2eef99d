package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// stage is a room in plain memory, as it should be.
type stage struct {
	name    string
	direct  bool
	since   bool // members don't see what was before they joined
	said    []*saying
	members map[string]*standing
}

// standing is how a member is in a room.
type standing struct {
	read, delivered uint64
	floor           int // what was said before the member came
}

// saying is one message.
type saying struct {
	id, sender, text string
	offset, thread   uint64
	mentions         []string
	edited, deleted  bool
	reactions        map[string]bool // "x by ann"
}

// visible says whether a user may see the message with this number, from 0.
func (s *stage) visible(user string, number int) bool {
	return !s.since || s.members[user] != nil && number >= s.members[user].floor
}

// last is the newest message that isn't deleted; nil if there is none.
func (s *stage) last() *saying {
	for _, m := range slices.Backward(s.said) {
		if !m.deleted {
			return m
		}
	}
	return nil
}

// mark moves a member's marks to an offset, or to the newest message if that is before it.
func (s *stage) mark(user string, offset uint64, read bool) {
	end := uint64(0)
	if last := s.last(); last != nil {
		end = last.offset
	}
	m := s.members[user]
	if read {
		m.read = max(m.read, min(offset, end))
	}
	m.delivered = max(m.delivered, min(offset, end))
}

// marks are those of a member, in words.
func (s *stage) marks(user string) string {
	m := s.members[user]
	unread, mentions := 0, 0
	for _, said := range s.said[m.floor:] {
		if said.deleted || said.sender == user || said.offset <= m.read {
			continue
		}
		unread++
		if slices.Contains(said.mentions, user) {
			mentions++
		}
	}
	return fmt.Sprintf("read %d delivered %d unread %d mentions %d", m.read, m.delivered, unread, mentions)
}

func wordsOfMarks(m *chatv1.Marks) string {
	return fmt.Sprintf("read %d delivered %d unread %d mentions %d", m.GetRead(), m.GetDelivered(), m.GetUnread(), m.GetMentions())
}

// line is the room on a member's list, in words.
func (s *stage) line(user string) string {
	text := ""
	if last := s.last(); last != nil && s.visible(user, slices.Index(s.said, last)) {
		text = last.text
	}
	return fmt.Sprintf("%s %q %s", s.name, text, s.marks(user))
}

func wordsOfConversation(c *chatv1.Conversation) string {
	return fmt.Sprintf("%s %q %s", c.GetRoom().GetRoom(), c.GetLast().GetText(), wordsOfMarks(c.GetMarks()))
}

// wordsOfList are a list of conversations by name, in words.
func wordsOfList(reply *chatv1.RoomsReply) string {
	var lines []string
	for _, c := range reply.GetRooms() {
		lines = append(lines, wordsOfConversation(c))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// history is what a user reads in the room, in words, a line for each message.
func (s *stage) history(user string) (lines []string) {
	for number, m := range s.said {
		if s.visible(user, number) {
			lines = append(lines, s.see(m))
		}
	}
	return lines
}

func (s *stage) see(m *saying) string {
	if m.deleted {
		return fmt.Sprintf("%d %s by %s deleted", m.offset, m.id, m.sender)
	}
	replies := 0
	for _, other := range s.said {
		if other.thread == m.offset && !other.deleted {
			replies++
		}
	}
	return words(m.offset, m.id, m.sender, m.text, m.mentions, m.edited, slices.Sorted(maps.Keys(m.reactions)), replies)
}

func words(offset uint64, id, sender, text string, mentions []string, edited bool, reactions []string, replies int) string {
	return fmt.Sprintf("%d %s by %s: %q to %q edited %v, reactions %q, %d replies", offset, id, sender, text, mentions, edited, reactions, replies)
}

// wordsOfMessages are messages in words, as history gives them.
func wordsOfMessages(messages []*chatv1.Message) string {
	var lines []string
	for _, m := range messages {
		if m.GetDeleted() {
			lines = append(lines, fmt.Sprintf("%d %s by %s deleted", m.GetOffset(), m.GetId(), m.GetSender()))
			continue
		}
		var reactions []string
		for _, r := range m.GetReactions() {
			for _, user := range r.GetUsers() {
				reactions = append(reactions, r.GetReaction()+" by "+user)
			}
		}
		slices.Sort(reactions)
		lines = append(lines, words(m.GetOffset(), m.GetId(), m.GetSender(), m.GetText(), m.GetMentions(), m.GetEdited() > 0, reactions,
			int(m.GetReplies())))
	}
	return strings.Join(lines, "\n")
}
