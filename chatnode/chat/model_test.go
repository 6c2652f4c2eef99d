package chat

import (
	options "flag"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// fleet is a service on a backbone that can be closed and opened again.
type fleet struct {
	t       *testing.T
	options backbone.Options
	b       *backbone.Backbone
	s       *Service
	apps    int
}

func (f *fleet) open() {
	b, err := backbone.Open(f.t.Context(), f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.b = b
	f.s = must(New(Options{
		Log: b, Tables: b, Signals: b, ImplicitRooms: true, Limits: Limits{TextBytes: 100, DataBytes: 100},
	}))(f.t)
	f.s.lists.long = 2 // so that some lists are remembered, and some not
}

func (f *fleet) close() {
	f.s.Close()
	if err := f.b.Close(); err != nil {
		f.t.Error(err)
	}
}

// play does things in a world and in a fleet, where they should do the same.
type play struct {
	*rapid.T
	fleet *fleet
	world *world
	app   string
	count int
}

var (
	players    = []string{"ann", "bob", "carl"}
	stages     = []string{"room:a", "room:b", "room:since", "dm:ann,bob"}
	directPair = []string{"ann", "bob"}
)

// TestCountsListsAndHistoryAreExact plays random plays. Each is an application of its own, in the same fleet.
func TestCountsListsAndHistoryAreExact(t *testing.T) {
	f := &fleet{t: t, options: backbone.Options{
		DataDir: t.TempDir(), Prefix: "test", Shards: 2, Create: true, Logger: slog.New(slog.DiscardHandler),
	}}
	f.open()
	defer func() { f.close() }()
	checkTimes(t, 25, func(rt *rapid.T) {
		f.apps++
		p := &play{T: rt, fleet: f, world: &world{rooms: map[string]*worldRoom{}}, app: fmt.Sprint("app", f.apps)}
		for _, name := range stages {
			p.world.rooms[name] = &worldRoom{name: name, members: map[string]*worldMember{}, since: name == "room:since"}
		}
		must(f.s.CreateRoom(t.Context(), Actor{App: p.app, Server: true}, &chatv1.CreateRoomRequest{
			Room: "room:since", Kind: open, History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED,
		}))(t)
		rt.Repeat(map[string]func(*rapid.T){
			"send": p.send, "send more": p.send, "edit": p.edit, "delete": p.delete, "react": p.react,
			"read": p.mark, "join": p.join, "leave": p.leave, "restart": p.restart, "look": p.look,
		})
		p.look(rt)
	})
}

// checkTimes is rapid.Check with fewer runs than usual, unless the command line says how many.
func checkTimes(t *testing.T, times int, property func(*rapid.T)) {
	t.Helper()
	checks := options.Lookup("rapid.checks")
	if checks != nil && checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set(fmt.Sprint(times)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	rapid.Check(t, property)
}

func (p *play) actor(user string) Actor { return Actor{App: p.app, User: user, Client: "c"} }

// someone draws a user who may be in the room.
func (p *play) someone(room *worldRoom) string {
	if room.name == Direct("ann", "bob") {
		return rapid.SampledFrom(directPair).Draw(p.T, "user")
	}
	return rapid.SampledFrom(players).Draw(p.T, "user")
}

func (p *play) room() *worldRoom { return p.world.rooms[rapid.SampledFrom(stages).Draw(p.T, "room")] }

// message draws a message, with its number from 1; nil if there is none.
func (p *play) message(room *worldRoom) (*worldMessage, int) {
	if len(room.messages) == 0 {
		return nil, 0
	}
	number := rapid.IntRange(1, len(room.messages)).Draw(p.T, "message")
	return room.messages[number-1], number
}

func (p *play) words() (text string, mentions []string) {
	p.count++
	return fmt.Sprint("text ", p.count), rapid.SliceOfNDistinct(rapid.SampledFrom(players), 0, 2, rapid.ID[string]).Draw(p.T, "mentions")
}

// visible says whether a user may see the message with this number.
func (r *worldRoom) visible(user string, number int) bool {
	return !r.since || r.members[user] != nil && number > r.members[user].floor
}

func (p *play) send(rt *rapid.T) {
	p.T = rt
	room := p.room()
	user := p.someone(room)
	text, mentions := p.words()
	q := &chatv1.SendRequest{Id: newID(), Room: room.name, Text: &text, Mentions: mentions}
	if first, _ := p.message(room); first != nil && rapid.Bool().Draw(rt, "in a thread") {
		q.Thread, q.ReplyTo = first.Offset, first.Id
	}
	sent := must(p.fleet.s.Send(p.fleet.t.Context(), p.actor(user), q))(p.fleet.t)
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		runtime.Gosched() // no two messages come in the same millisecond, between which lists could not tell
	}
	if room.name == Direct("ann", "bob") {
		p.world.begin(room, directPair...)
	}
	room.messages = append(room.messages, &worldMessage{at: p.world.tick(), Message: &chatv1.Message{
		Id: q.Id, Offset: sent.GetOffset(), Sender: user, Time: sent.GetTime(), Text: &text, Mentions: mentions, Thread: q.Thread, ReplyTo: q.ReplyTo,
	}})
}

// verdict compares what came of a wish with what should have.
func (p *play) verdict(what string, err error, allowed bool) {
	if (err == nil) != allowed {
		p.Fatalf("%s: allowed %v, but %v", what, allowed, err)
	}
}

func (p *play) edit(rt *rapid.T) {
	p.T = rt
	room := p.room()
	m, number := p.message(room)
	if m == nil {
		rt.Skip("nothing was said")
	}
	user := p.someone(room)
	text, mentions := p.words()
	q := &chatv1.EditRequest{Room: room.name, Offset: m.Offset, Id: newID(), Text: &text, Mentions: mentions}
	sent, err := p.fleet.s.Edit(p.fleet.t.Context(), p.actor(user), q)
	allowed := m.Sender == user && !m.Deleted && room.visible(user, number)
	if p.verdict("edit", err, allowed); allowed {
		m.Text, m.Mentions, m.Edited = &text, mentions, sent.GetTime()
	}
}

func (p *play) delete(rt *rapid.T) {
	p.T = rt
	room := p.room()
	m, number := p.message(room)
	if m == nil {
		rt.Skip("nothing was said")
	}
	user := p.someone(room)
	_, err := p.fleet.s.Delete(p.fleet.t.Context(), p.actor(user), &chatv1.DeleteRequest{Room: room.name, Offset: m.Offset, Id: newID()})
	allowed := m.Sender == user && room.visible(user, number)
	p.verdict("delete", err, allowed)
	m.Deleted = m.Deleted || allowed
}

func (p *play) react(rt *rapid.T) {
	p.T = rt
	room := p.room()
	m, number := p.message(room)
	if m == nil {
		rt.Skip("nothing was said")
	}
	r := reacted{p.someone(room), rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "reaction")}
	remove := rapid.Bool().Draw(rt, "remove")
	_, err := p.fleet.s.React(p.fleet.t.Context(), p.actor(r.user), &chatv1.ReactRequest{
		Room: room.name, Offset: m.Offset, Id: newID(), Reaction: r.reaction, Remove: remove,
	})
	allowed := !m.Deleted && room.visible(r.user, number)
	if p.verdict("react", err, allowed); allowed {
		m.react(r, remove)
	}
}

func (p *play) mark(rt *rapid.T) {
	p.T = rt
	room := p.room()
	user := p.someone(room)
	offset, read := rapid.SampledFrom([]uint64{0, 1, 1 << 40}).Draw(rt, "beyond"), rapid.Bool().Draw(rt, "read")
	if m, _ := p.message(room); m != nil {
		offset += m.Offset
	}
	var got *chatv1.Marks
	var err error
	if read {
		got, err = p.fleet.s.Read(p.fleet.t.Context(), p.actor(user), &chatv1.ReadRequest{Room: room.name, Offset: offset})
	} else {
		got, err = p.fleet.s.Delivered(p.fleet.t.Context(), p.actor(user), &chatv1.DeliveredRequest{Room: room.name, Offset: offset})
	}
	if room.name == Direct("ann", "bob") && !room.begun {
		p.verdict("mark", err, true)
		return
	}
	allowed := room.members[user] != nil
	if p.verdict("mark", err, allowed); allowed {
		room.move(user, offset, read)
		if want := room.marks(user); !proto.Equal(got, want) {
			rt.Fatalf("%s's marks are\n%v, should be\n%v", user, got, want)
		}
	}
}

func (p *play) join(rt *rapid.T) {
	p.T = rt
	room := p.room()
	user := p.someone(room)
	_, err := p.fleet.s.Join(p.fleet.t.Context(), p.actor(user), &chatv1.JoinRequest{Room: room.name})
	direct := room.name == Direct("ann", "bob")
	if p.verdict("join", err, !direct); !direct && room.members[user] == nil {
		room.members[user] = &worldMember{floor: len(room.messages), listed: p.world.tick()}
	}
}

func (p *play) leave(rt *rapid.T) {
	p.T = rt
	room := p.room()
	user := p.someone(room)
	_, err := p.fleet.s.Leave(p.fleet.t.Context(), p.actor(user), &chatv1.LeaveRequest{Room: room.name})
	direct := room.name == Direct("ann", "bob")
	if p.verdict("leave", err, !direct); !direct {
		delete(room.members, user)
	}
}

func (p *play) restart(rt *rapid.T) {
	p.T = rt
	if rapid.IntRange(0, 3).Draw(rt, "really if 0") == 0 {
		p.fleet.close()
		p.fleet.open()
	}
}

// look compares everything that everybody sees.
func (p *play) look(rt *rapid.T) {
	p.T = rt
	ctx, s := p.fleet.t.Context(), p.fleet.s
	for _, user := range players {
		reply := must(s.Rooms(ctx, p.actor(user), &chatv1.RoomsRequest{}))(p.fleet.t)
		lines, unread, mentions := p.world.list(user)
		var got []string
		for _, c := range reply.GetRooms() {
			got = append(got, line(c.GetRoom().GetRoom(), c.GetLast().GetText(), c.GetMarks()))
		}
		if !slices.Equal(got, lines) || reply.GetUnread() != unread || reply.GetMentions() != mentions {
			rt.Fatalf("%s sees\n%q\n%d unread, %d mentions, should see\n%q\n%d unread, %d mentions",
				user, got, reply.GetUnread(), reply.GetMentions(), lines, unread, mentions)
		}
		for _, name := range stages {
			room := p.world.rooms[name]
			if name == Direct("ann", "bob") && user == "carl" {
				continue
			}
			reply := must(s.Messages(ctx, p.actor(user), &chatv1.MessagesRequest{Room: name, Limit: mostMessages}))(p.fleet.t)
			want := &chatv1.MessagesReply{Epoch: reply.GetEpoch(), Head: reply.GetHead()}
			for i, m := range room.messages {
				if room.visible(user, i+1) {
					want.Messages = append(want.Messages, m.see(room))
				}
			}
			if !proto.Equal(reply, want) {
				rt.Fatalf("%s reads in %s\n%v\nshould read\n%v", user, name, reply, want)
			}
		}
	}
}

// react changes the reactions that stand; one that was there once comes back to its place.
func (m *worldMessage) react(r reacted, remove bool) {
	if m.order == nil {
		m.order = map[reacted]int{}
	}
	if _, known := m.order[r]; !known && !remove {
		m.order[r] = len(m.order)
	}
	m.reactions = slices.DeleteFunc(m.reactions, func(other reacted) bool { return other == r })
	if !remove {
		m.reactions = append(m.reactions, r)
	}
	slices.SortFunc(m.reactions, func(a, b reacted) int { return m.order[a] - m.order[b] })
}
