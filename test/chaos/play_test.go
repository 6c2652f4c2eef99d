package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// play is some users who do things at random, one after another, in rooms of their own, and a model of what should come of it.
type play struct {
	*rand.Rand
	stages []*stage
	users  []string
	// devices are the users' own, by name.
	devices map[string]*device
	count   int
	// done counts what was done.
	done atomic.Int64
}

// newPlay is a play for three users, whose devices the caller adds, and a host.
func newPlay(number int, random *rand.Rand) *play {
	p := &play{Rand: random, devices: map[string]*device{}}
	for _, name := range []string{"ann", "bob", "carl"} {
		p.users = append(p.users, fmt.Sprintf("%s-%d", name, number))
	}
	for _, s := range []*stage{
		{name: fmt.Sprintf("room:a-%d", number)}, {name: fmt.Sprintf("room:b-%d", number)},
		{name: fmt.Sprintf("room:since-%d", number), since: true},
		{name: "dm:" + p.users[0] + "," + p.users[1], direct: true},
	} {
		s.members = map[string]*standing{}
		p.stages = append(p.stages, s)
	}
	return p
}

// host makes what has to be made before the play.
func (p *play) host(ctx context.Context, host *device) error {
	for _, s := range p.stages {
		if !s.since {
			continue
		}
		q := &chatv1.CreateRoomRequest{
			Room: s.name, Kind: chatv1.RoomKind_ROOM_KIND_OPEN, History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED,
		}
		if err := host.call(ctx, "chat.create_room", q, &chatv1.Room{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// acts are what users do, those more often that stand there more often.
var acts = []func(p *play, ctx context.Context, s *stage, d *device) error{
	(*play).send, (*play).send, (*play).send, (*play).edit, (*play).delete, (*play).react, (*play).read, (*play).join, (*play).join,
	(*play).leave,
}

// looksEvery is how many acts there are to one look of a user at everything.
const looksEvery = 10

// go on until the stop.
func (p *play) run(ctx context.Context, stop <-chan struct{}) error {
	return repeat(ctx, stop, func() error {
		s := p.stages[p.IntN(len(p.stages))]
		d := p.devices[p.someone(s)]
		var err error
		if p.IntN(looksEvery) == 0 {
			err = p.look(ctx, d)
		} else {
			err = acts[p.IntN(len(acts))](p, ctx, s, d)
		}
		if err != nil {
			return err
		}
		p.done.Add(1)
		return nil
	})
}

// repeat does something again and again until the stop, an error, or the context's end, which is one.
func repeat(ctx context.Context, stop <-chan struct{}, do func() error) error {
	for {
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		if err := do(); err != nil {
			return err
		}
	}
}

// someone draws a user who may be in the room.
func (p *play) someone(s *stage) string {
	if s.direct {
		return p.users[p.IntN(2)]
	}
	return p.users[p.IntN(len(p.users))]
}

// pick draws a message that is there and that the user may see; nil if it is none of those, or there is none.
func (p *play) pick(s *stage, user string) *saying {
	if len(s.said) == 0 {
		return nil
	}
	number := p.IntN(len(s.said))
	if m := s.said[number]; !m.deleted && s.visible(user, number) {
		return m
	}
	return nil
}

// own draws one of the user's own among them.
func (p *play) own(s *stage, user string) *saying {
	for range s.said {
		if m := p.pick(s, user); m != nil && m.sender == user {
			return m
		}
	}
	return nil
}

func (p *play) words() (text string, mentions []string) {
	p.count++
	for _, user := range p.users {
		if p.IntN(3) == 0 {
			mentions = append(mentions, user)
		}
	}
	return fmt.Sprint("text ", p.count), mentions
}

func (p *play) send(ctx context.Context, s *stage, d *device) error {
	m := &saying{id: newID(), sender: d.user, reactions: map[string]bool{}}
	m.text, m.mentions = p.words()
	if first := p.pick(s, d.user); first != nil && p.IntN(2) == 0 {
		m.thread = first.offset
	}
	var sent chatv1.Sent
	q := &chatv1.SendRequest{Id: m.id, Room: s.name, Text: &m.text, Mentions: m.mentions, Thread: m.thread}
	if err := d.call(ctx, "chat.send", q, &sent, nil); err != nil {
		return err
	}
	if s.direct && len(s.said) == 0 {
		s.members[p.users[0]], s.members[p.users[1]] = &standing{}, &standing{}
	}
	m.offset = sent.GetOffset()
	s.said = append(s.said, m)
	return nil
}

func (p *play) edit(ctx context.Context, s *stage, d *device) error {
	m := p.own(s, d.user)
	if m == nil {
		return nil
	}
	text, mentions := p.words()
	q := &chatv1.EditRequest{Room: s.name, Offset: m.offset, Id: newID(), Text: &text, Mentions: mentions}
	err := d.call(ctx, "chat.edit", q, &chatv1.Sent{}, nil)
	m.text, m.mentions, m.edited = text, mentions, true
	return err
}

func (p *play) delete(ctx context.Context, s *stage, d *device) error {
	m := p.own(s, d.user)
	if m == nil {
		return nil
	}
	m.deleted = true
	return d.call(ctx, "chat.delete", &chatv1.DeleteRequest{Room: s.name, Offset: m.offset, Id: newID()}, &chatv1.Sent{}, nil)
}

func (p *play) react(ctx context.Context, s *stage, d *device) error {
	m := p.pick(s, d.user)
	if m == nil {
		return nil
	}
	reaction := []string{"x", "y"}[p.IntN(2)]
	q := &chatv1.ReactRequest{Room: s.name, Offset: m.offset, Id: newID(), Reaction: reaction, Remove: m.reactions[reaction+" by "+d.user]}
	if q.Remove {
		delete(m.reactions, reaction+" by "+d.user)
	} else {
		m.reactions[reaction+" by "+d.user] = true
	}
	return d.call(ctx, "chat.react", q, &chatv1.Sent{}, nil)
}

// read moves one of a member's marks, to a message or anywhere.
func (p *play) read(ctx context.Context, s *stage, d *device) error {
	if s.members[d.user] == nil {
		return nil
	}
	offset := []uint64{0, 0, 0, 1, 1 << 40}[p.IntN(5)]
	if m := p.pick(s, d.user); m != nil {
		offset += m.offset
	}
	// A mark that another node has cut short, not yet having the newest message in its index, grows with the next attempt.
	var marks chatv1.Marks
	right := func() error { return differ("marks in "+s.name, wordsOfMarks(&marks), s.marks(d.user)) }
	if p.IntN(2) == 0 {
		s.mark(d.user, offset, true)
		return d.call(ctx, "chat.read", &chatv1.ReadRequest{Room: s.name, Offset: offset}, &marks, right)
	}
	s.mark(d.user, offset, false)
	return d.call(ctx, "chat.delivered", &chatv1.DeliveredRequest{Room: s.name, Offset: offset}, &marks, right)
}

func (p *play) join(ctx context.Context, s *stage, d *device) error {
	if s.direct || s.members[d.user] != nil {
		return nil
	}
	s.members[d.user] = &standing{floor: len(s.said)}
	return d.call(ctx, "chat.join", &chatv1.JoinRequest{Room: s.name}, &chatv1.Member{}, nil)
}

func (p *play) leave(ctx context.Context, s *stage, d *device) error {
	if s.direct || s.members[d.user] == nil {
		return nil
	}
	delete(s.members, d.user)
	return d.call(ctx, "chat.leave", &chatv1.LeaveRequest{Room: s.name}, &chatv1.Member{}, nil)
}

// look compares everything that a user sees with the model. A node may be behind for a moment, so it is asked until it is right.
func (p *play) look(ctx context.Context, d *device) error {
	var lines []string
	for _, s := range p.stages {
		if s.members[d.user] != nil {
			lines = append(lines, s.line(d.user))
		}
	}
	slices.Sort(lines)
	var list chatv1.RoomsReply
	if err := d.call(ctx, "chat.rooms", &chatv1.RoomsRequest{}, &list, func() error {
		return errors.Join(differ("list", wordsOfList(&list), strings.Join(lines, "\n")), totals(&list))
	}); err != nil {
		return err
	}
	for _, s := range p.stages {
		if s.direct && s.members[d.user] == nil || s.since && s.members[d.user] == nil {
			continue
		}
		if err := p.lookInto(ctx, s, d); err != nil {
			return err
		}
	}
	return nil
}

// pageOf is how many messages are read at a time.
const pageOf = 200

// lookInto compares a room's whole history, from its end.
func (p *play) lookInto(ctx context.Context, s *stage, d *device) error {
	want := s.history(d.user)
	for before := uint64(0); ; {
		some := want[max(0, len(want)-pageOf):]
		var page chatv1.MessagesReply
		q := &chatv1.MessagesRequest{Room: s.name, Before: before, Limit: pageOf}
		if err := d.call(ctx, "chat.messages", q, &page, func() error {
			return differ("history of "+s.name, wordsOfMessages(page.GetMessages()), strings.Join(some, "\n"))
		}); err != nil {
			return err
		}
		if want = want[:len(want)-len(some)]; len(want) == 0 {
			return nil
		}
		before = page.GetMessages()[0].GetOffset()
	}
}

// totals says whether the list's totals are those of its rooms.
func totals(list *chatv1.RoomsReply) error {
	var unread, mentions uint32
	for _, c := range list.GetRooms() {
		unread += c.GetMarks().GetUnread()
		mentions += c.GetMarks().GetMentions()
	}
	return differ("totals", fmt.Sprint(list.GetUnread(), list.GetMentions()), fmt.Sprint(unread, mentions))
}

// differ says what is other than it should be, or nil.
func differ(what, got, want string) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
}
