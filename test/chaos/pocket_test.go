package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// pocket is a device that keeps what it is told, and shows what comes of it.
type pocket struct {
	*device
	t *testing.T

	mu sync.Mutex
	// told are events by channel and offset; holes the channels of which the server could not tell everything after a reconnect.
	told  map[string]map[uint64]*event
	holes map[string]bool
}

// event is what a device reads of one.
type event struct {
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	Sender     string   `json:"sender"`
	Time       int64    `json:"time"`
	Text       string   `json:"text"`
	Mentions   []string `json:"mentions"`
	Target     uint64   `json:"target"`
	Of         string   `json:"of"`
	Author     string   `json:"author"`
	Reaction   string   `json:"reaction"`
	Remove     bool     `json:"remove"`
	User       string   `json:"user"`
	Role       string   `json:"role"`
	MutedUntil int64    `json:"muted_until"`
	Title      string   `json:"title"`
	Change     string   `json:"change"`
	Room       string   `json:"room"`
	Read       uint64   `json:"read"`
	Delivered  uint64   `json:"delivered"`
	Status     string   `json:"status"`
}

// newPocket connects a device to that node first. The server subscribes it to the user's rooms.
func newPocket(t *testing.T, f *fleet, user string, node int) *pocket {
	t.Helper()
	p := &pocket{t: t, told: map[string]map[uint64]*event{}, holes: map[string]bool{}}
	p.device = &device{user: user, Client: f.mustDial(t, user, f.addresses(node), client.Options{
		Reconnect: true, Timeout: answerWait, Encoding: protocol.Encoding(node % 2),
		OnConnect: p.connected, OnServerPublication: p.hear, OnServerUnsubscribe: func(channel string, code uint32) {
			t.Errorf("%s lost its place in %s with code %d", user, channel, code)
		},
	})}
	return p
}

func (p *pocket) connected(result *protocol.ConnectResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for channel, sub := range result.Subs {
		if sub.WasRecovering && !sub.Recovered {
			p.holes[channel] = true
		}
	}
}

func (p *pocket) hear(channel string, got *protocol.Publication) {
	e := &event{}
	if err := json.Unmarshal(got.Data, e); err != nil {
		p.t.Errorf("%s in %s: %v", p.user, channel, err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[channel] == nil {
		p.told[channel] = map[uint64]*event{}
	}
	if got.Offset > 0 { // else it is a signal
		p.told[channel][got.Offset] = e
	}
}

// catchUp reads a channel's history.
func (p *pocket) catchUp(ctx context.Context, channel string) error {
	for since := (protocol.StreamPosition{}); ; {
		at := since
		page, err := p.History(ctx, protocol.HistoryRequest{Channel: channel, Since: &at, Limit: 1000})
		if err != nil {
			return fmt.Errorf("%s reads the history of %s: %w", p.user, channel, err)
		}
		for _, publication := range page.Publications {
			p.hear(channel, publication)
			since.Offset = publication.Offset
		}
		if len(page.Publications) == 0 || since.Offset >= page.Offset {
			return nil
		}
	}
}

// mend reads what the server said that it could not tell, and gives how many channels that were.
func (p *pocket) mend(ctx context.Context) (int, error) {
	p.mu.Lock()
	holes := slices.Sorted(maps.Keys(p.holes))
	p.mu.Unlock()
	for _, channel := range holes {
		if err := p.catchUp(ctx, channel); err != nil {
			return 0, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, channel := range holes {
		delete(p.holes, channel)
	}
	return len(holes), nil
}

// events are those of a channel, in their order. It needs mu.
func (p *pocket) events(channel string) []*event {
	var all []*event
	for _, offset := range slices.Sorted(maps.Keys(p.told[channel])) {
		all = append(all, p.told[channel][offset])
	}
	return all
}

// shows is what the device shows, in words: those of asks.
func (p *pocket) shows(rooms []string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.events("user:" + p.user)
	var list, rest []string
	for _, name := range rooms {
		s, title, members := p.room(name)
		s.members[p.user] = &standing{}
		for _, e := range own {
			if e.Type == "mark" && e.Room == name {
				m := s.members[p.user]
				m.read, m.delivered = max(m.read, e.Read), max(m.delivered, e.Delivered)
			}
		}
		list = append(list, s.line(p.user)+" "+title)
		rest = append(append(rest, s.history(p.user)...), members...)
	}
	var status *event
	door, blocked := false, map[string]*event{}
	for _, e := range own {
		switch {
		case e.Type == "status" && (status == nil || e.Time > status.Time):
			status = e
		case e.Type == "block" && (blocked[e.User] == nil || e.Time > blocked[e.User].Time):
			blocked[e.User] = e
		case e.Type == "conversation" && e.Room == theDoor:
			door = e.Change == "joined"
		}
	}
	if door {
		list = append(list, (&stage{name: theDoor, members: map[string]*standing{p.user: {}}}).line(p.user)+" ")
	}
	maps.DeleteFunc(blocked, func(_ string, e *event) bool { return e.Remove })
	word := "online"
	if status != nil {
		word = status.Status
	}
	return inWords(list, rest, word, slices.Sorted(maps.Keys(blocked)))
}

func inWords(list, rest []string, status string, blocked []string) string {
	slices.Sort(list)
	return fmt.Sprintf("%s\n%s\nstatus %s, blocked %q", strings.Join(list, "\n"), strings.Join(rest, "\n"), status, blocked)
}

// room is what the events of a room make of it: messages, title, and members. It needs mu.
func (p *pocket) room(name string) (s *stage, title string, members []string) {
	said, places := map[uint64]*saying{}, map[string]string{}
	at := func(offset uint64) *saying {
		if said[offset] == nil {
			said[offset] = &saying{offset: offset, reactions: map[string]bool{}}
		}
		return said[offset]
	}
	for _, offset := range slices.Sorted(maps.Keys(p.told[name])) {
		switch e := p.told[name][offset]; e.Type {
		case "message":
			m := at(offset)
			m.id, m.sender, m.text, m.mentions = e.ID, e.Sender, e.Text, e.Mentions
		case "edit":
			m := at(e.Target)
			m.id, m.sender, m.text, m.mentions, m.edited = e.Of, e.Sender, e.Text, e.Mentions, true
		case "delete":
			m := at(e.Target)
			m.id, m.sender, m.deleted = e.Of, e.Author, true
		case "reaction":
			if m, what := at(e.Target), e.Reaction+" by "+e.Sender; e.Remove {
				delete(m.reactions, what)
			} else {
				m.reactions[what] = true
			}
		case "member":
			places[e.User] = memberWords(name, e.User, e.Role, e.MutedUntil)
		case "room":
			title = e.Title
		}
	}
	s = &stage{name: name, said: slices.Collect(maps.Values(said)), members: map[string]*standing{}}
	slices.SortFunc(s.said, func(a, b *saying) int { return cmp.Compare(a.offset, b.offset) })
	return s, title, slices.Sorted(maps.Values(places))
}

func memberWords(room, user, role string, mutedUntil int64) string {
	return fmt.Sprintf("%s: %s is %s, muted until %d", room, user, role, mutedUntil)
}

// asks is what the service says of the same, in words.
func (p *pocket) asks(ctx context.Context, rooms []string) (string, error) {
	var reply chatv1.RoomsReply
	if err := p.attempt(ctx, "chat.rooms", &chatv1.RoomsRequest{}, &reply); err != nil {
		return "", err
	}
	var list, rest []string
	for _, c := range reply.GetRooms() {
		list = append(list, wordsOfConversation(c)+" "+c.GetRoom().GetTitle())
	}
	for _, room := range rooms {
		words, err := p.askOf(ctx, room)
		if err != nil {
			return "", err
		}
		rest = append(rest, words...)
	}
	var presence chatv1.PresenceReply
	if err := p.attempt(ctx, "chat.presence", &chatv1.PresenceRequest{Users: []string{p.user}}, &presence); err != nil {
		return "", err
	}
	status := strings.ToLower(strings.TrimPrefix(presence.GetUsers()[0].GetStatus().String(), "STATUS_"))
	var blocks chatv1.BlockReply
	if err := p.attempt(ctx, "chat.blocks", &chatv1.BlocksRequest{}, &blocks); err != nil {
		return "", err
	}
	slices.Sort(blocks.Users)
	return inWords(list, rest, status, blocks.GetUsers()), nil
}

// askOf is what the service says of a room.
func (p *pocket) askOf(ctx context.Context, room string) (all []string, err error) {
	for before := uint64(0); ; {
		var page chatv1.MessagesReply
		if err := p.attempt(ctx, "chat.messages", &chatv1.MessagesRequest{Room: room, Limit: pageOf, Before: before}, &page); err != nil {
			return nil, err
		}
		if len(page.GetMessages()) > 0 {
			all = append(strings.Split(wordsOfMessages(page.GetMessages()), "\n"), all...)
			before = page.GetMessages()[0].GetOffset()
		}
		if !page.GetMore() {
			break
		}
	}
	if strings.HasPrefix(room, "dm:") {
		return all, nil // whose members nobody can change
	}
	var members chatv1.MembersReply
	if err := p.attempt(ctx, "chat.members", &chatv1.MembersRequest{Room: room}, &members); err != nil {
		return nil, err
	}
	var places []string
	for _, m := range members.GetMembers() {
		role := strings.ToLower(strings.TrimPrefix(m.GetRole().String(), "ROLE_"))
		places = append(places, memberWords(room, m.GetUser(), role, m.GetMutedUntil()))
	}
	slices.Sort(places)
	return append(all, places...), nil
}
