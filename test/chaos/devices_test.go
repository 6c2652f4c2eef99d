package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/test/wait"
)

const (
	// theDoor is an open room where people only come and go.
	theDoor = "room:door"
	// deviceUsers is how many users there are besides the mute one, who only watches.
	deviceUsers = 4
	theMute     = "mute"
	// changesBetween two steps of the test are made by every user at least.
	changesBetween = 20
)

var sharedRooms = []string{"room:devices-one", "room:devices-two"}

// household is users with two devices each on different nodes.
type household struct {
	t     *testing.T
	fleet *fleet
	users []*dweller

	mu sync.Mutex
	// lasting are messages that nobody deletes, by room.
	lasting map[string][]uint64
}

// dweller is one user, who changes things on either device.
type dweller struct {
	*rand.Rand
	home    *household
	name    string
	devices [2]*pocket
	rooms   []string
	// mine are the user's own messages, by room; lasting ones are not deleted.
	mine map[string][]mine
	// fro is what goes to and fro.
	fro  map[string]bool
	done atomic.Int64
}

type mine struct {
	offset  uint64
	lasting bool
}

// TestChaosDevicesOfAUserShowTheSame has users change things on both of their devices while devices lose their connections and nodes are
// killed. Then both show the same, made of nothing but what they have been told, and the service says so too.
func TestChaosDevicesOfAUserShowTheSame(t *testing.T) {
	rounds := number(t, "CHAOS_ROUNDS", 1)
	f := startNodes(t, 3, 3, "--commands-per-second", "100000")
	h := newHousehold(t, f)
	changing, ctx := errgroup.WithContext(t.Context())
	stop := make(chan struct{})
	for _, u := range h.users[:deviceUsers] {
		changing.Go(func() error { return u.run(ctx, stop) })
	}
	for range rounds {
		if !h.goOn(ctx) {
			break
		}
		h.cut()
		h.goOn(ctx)
		start := f.killNode()
		h.goOn(ctx)
		h.cut()
		h.goOn(ctx)
		start()
		f.waitReady()
		h.cut()
		h.goOn(ctx)
	}
	close(stop)
	if err := changing.Wait(); err != nil {
		t.Fatal(err)
	}
	h.compare()
}

// newHousehold makes the rooms, and connects the devices.
func newHousehold(t *testing.T, f *fleet) *household {
	t.Helper()
	h := &household{t: t, fleet: f, lasting: map[string][]uint64{}}
	names := []string{theMute}
	for i := range deviceUsers {
		names = append(names, fmt.Sprint("user-", i))
	}
	owner := newPocket(t, f, names[1], 0)
	for _, room := range sharedRooms {
		q := &chatv1.CreateRoomRequest{Room: room, Members: names}
		if err := owner.call(t.Context(), "chat.create_room", q, &chatv1.Room{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	text := "hi"
	direct := "dm:" + names[1] + "," + names[2]
	q := &chatv1.SendRequest{Id: newID(), Room: direct, Text: &text}
	if err := owner.call(t.Context(), "chat.send", q, &chatv1.Sent{}, nil); err != nil {
		t.Fatal(err)
	}
	for i, name := range append(names[1:], theMute) {
		u := &dweller{
			Rand: rand.New(rand.NewPCG(rand.Uint64(), 1)), home: h, name: name, rooms: slices.Clone(sharedRooms),
			mine: map[string][]mine{}, fro: map[string]bool{},
		}
		if i < 2 {
			u.rooms = append(u.rooms, direct)
		}
		for n := range u.devices {
			u.devices[n] = newPocket(t, f, name, (i+n)%3)
			for _, channel := range append(u.rooms, "user:"+name) {
				if err := u.devices[n].catchUp(t.Context(), channel); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.users = append(h.users, u)
	}
	return h
}

// cut breaks the connections of some devices.
func (h *household) cut() {
	for _, u := range h.users {
		u.devices[rand.N(2)].Cut()
	}
}

// goOn returns when everybody has changed some more; false if somebody can't.
func (h *household) goOn(ctx context.Context) bool {
	h.t.Helper()
	aims := map[*dweller]int64{}
	for _, u := range h.users[:deviceUsers] {
		aims[u] = u.done.Load() + changesBetween
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := wait.Until(waiting, retryEvery, func(context.Context) error {
		for u, aim := range aims {
			if u.done.Load() < aim {
				return fmt.Errorf("%s does not go on", u.name)
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		h.t.Error(err)
	}
	return err == nil
}

// compare waits until every device shows what the service says through it: so both show the same.
func (h *household) compare() {
	h.t.Helper()
	changes, mended := int64(0), 0
	var comparing errgroup.Group
	for _, u := range h.users {
		changes += u.done.Load()
		for _, d := range u.devices {
			ctx, cancel := context.WithTimeout(h.t.Context(), patience)
			defer cancel()
			comparing.Go(func() error {
				return wait.Until(ctx, retryEvery, func(ctx context.Context) error {
					n, err := d.mend(ctx)
					if err != nil {
						return err
					}
					h.mu.Lock()
					mended += n
					h.mu.Unlock()
					said, err := d.asks(ctx, u.rooms)
					if err != nil {
						return err
					}
					return differ("what a device of "+u.name+" shows", d.shows(u.rooms), said)
				})
			})
		}
	}
	if err := comparing.Wait(); err != nil {
		h.t.Error(err)
	}
	for _, u := range h.users {
		if one, other := u.devices[0].shows(u.rooms), u.devices[1].shows(u.rooms); one != other {
			h.t.Error(differ("the devices of "+u.name, one, other))
		}
	}
	lines := strings.Count(h.users[0].devices[0].shows(h.users[0].rooms), "\n")
	h.t.Logf("%d changes by %d users with two devices each, of which one shows %d lines; %d channels were read from history",
		changes, len(h.users), lines, mended)
}

// changes are what users do, those more often that stand there more often.
var changes = []func(u *dweller, ctx context.Context, d *pocket, room string) error{
	(*dweller).send, (*dweller).send, (*dweller).send, (*dweller).edit, (*dweller).delete, (*dweller).react, (*dweller).react, (*dweller).read,
	(*dweller).read, (*dweller).status, (*dweller).block, (*dweller).pass, (*dweller).govern,
}

// run changes things, one after another, until the stop.
func (u *dweller) run(ctx context.Context, stop <-chan struct{}) error {
	return repeat(ctx, stop, func() error {
		d, room := u.devices[u.IntN(2)], u.rooms[u.IntN(len(u.rooms))]
		if err := changes[u.IntN(len(changes))](u, ctx, d, room); err != nil {
			return err
		}
		u.done.Add(1)
		return nil
	})
}

func (u *dweller) send(ctx context.Context, d *pocket, room string) error {
	text := fmt.Sprint(u.name, " says ", u.done.Load())
	q := &chatv1.SendRequest{Id: newID(), Room: room, Text: &text}
	if u.IntN(3) == 0 {
		q.Mentions = []string{"user-0", theMute}
	}
	var sent chatv1.Sent
	if err := d.call(ctx, "chat.send", q, &sent, nil); err != nil {
		return err
	}
	m := mine{sent.GetOffset(), u.IntN(2) == 0}
	u.mine[room] = append(u.mine[room], m)
	if m.lasting {
		u.home.mu.Lock()
		u.home.lasting[room] = append(u.home.lasting[room], m.offset)
		u.home.mu.Unlock()
	}
	return nil
}

func (u *dweller) edit(ctx context.Context, d *pocket, room string) error {
	if len(u.mine[room]) == 0 {
		return nil
	}
	m := u.mine[room][u.IntN(len(u.mine[room]))]
	text := fmt.Sprint(u.name, " means ", u.done.Load())
	return d.call(ctx, "chat.edit", &chatv1.EditRequest{Room: room, Offset: m.offset, Id: newID(), Text: &text}, &chatv1.Sent{}, nil)
}

func (u *dweller) delete(ctx context.Context, d *pocket, room string) error {
	i := slices.IndexFunc(u.mine[room], func(m mine) bool { return !m.lasting })
	if i < 0 {
		return nil
	}
	q := &chatv1.DeleteRequest{Room: room, Offset: u.mine[room][i].offset, Id: newID()}
	u.mine[room] = slices.Delete(u.mine[room], i, i+1)
	return d.call(ctx, "chat.delete", q, &chatv1.Sent{}, nil)
}

// last draws a message that stays, of whomever; 0 if there is none.
func (u *dweller) last(room string) uint64 {
	u.home.mu.Lock()
	defer u.home.mu.Unlock()
	if all := u.home.lasting[room]; len(all) > 0 {
		return all[max(0, len(all)-1-u.IntN(5))]
	}
	return 0
}

func (u *dweller) react(ctx context.Context, d *pocket, room string) error {
	offset := u.last(room)
	if offset == 0 {
		return nil
	}
	q := &chatv1.ReactRequest{Room: room, Offset: offset, Id: newID(), Reaction: "x", Remove: u.IntN(3) == 0}
	return d.call(ctx, "chat.react", q, &chatv1.Sent{}, nil)
}

func (u *dweller) read(ctx context.Context, d *pocket, room string) error {
	if u.IntN(2) == 0 {
		return d.call(ctx, "chat.delivered", &chatv1.DeliveredRequest{Room: room, Offset: u.last(room)}, &chatv1.Marks{}, nil)
	}
	return d.call(ctx, "chat.read", &chatv1.ReadRequest{Room: room, Offset: u.last(room)}, &chatv1.Marks{}, nil)
}

// either is the one and the other in turn.
func (u *dweller) either(what string) bool {
	u.fro[what] = !u.fro[what]
	return u.fro[what]
}

func (u *dweller) status(ctx context.Context, d *pocket, _ string) error {
	q := &chatv1.SetStatusRequest{Status: chatv1.Status_STATUS_ONLINE}
	if u.either("status") {
		q.Status = chatv1.Status_STATUS_AWAY
	}
	return d.call(ctx, "chat.set_status", q, &chatv1.UserPresence{}, nil)
}

func (u *dweller) block(ctx context.Context, d *pocket, _ string) error {
	q := &chatv1.BlockRequest{User: fmt.Sprint("pest-", u.IntN(3)), Remove: u.IntN(2) == 0}
	return d.call(ctx, "chat.block", q, &chatv1.BlockReply{}, nil)
}

// pass goes in at the door, or out.
func (u *dweller) pass(ctx context.Context, d *pocket, _ string) error {
	var q proto.Message = &chatv1.LeaveRequest{Room: theDoor}
	method := "chat.leave"
	if u.either("door") {
		method, q = "chat.join", &chatv1.JoinRequest{Room: theDoor}
	}
	return d.call(ctx, method, q, &chatv1.Member{}, nil)
}

// govern changes titles, roles and mutes, for which only the first user has the right.
func (u *dweller) govern(ctx context.Context, d *pocket, _ string) error {
	if u != u.home.users[0] {
		return nil
	}
	room := sharedRooms[u.IntN(len(sharedRooms))]
	switch u.IntN(3) {
	case 0:
		title := fmt.Sprint("title ", u.done.Load())
		return d.call(ctx, "chat.update_room", &chatv1.UpdateRoomRequest{Room: room, Title: &title}, &chatv1.Room{}, nil)
	case 1:
		q := &chatv1.SetRoleRequest{Room: room, User: "user-1", Role: chatv1.Role_ROLE_MEMBER}
		if u.either(room) {
			q.Role = chatv1.Role_ROLE_MODERATOR
		}
		return d.call(ctx, "chat.set_role", q, &chatv1.Member{}, nil)
	default:
		q := &chatv1.MuteRequest{Room: room, User: theMute}
		if u.either("mute " + room) {
			q.Seconds = 3600
		}
		return d.call(ctx, "chat.mute", q, &chatv1.Member{}, nil)
	}
}
