package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// roomMembers is how many members each user's room has: the user, and the next ones.
const roomMembers = 3

// turns are what a user changes, one after another: mostly what people do most.
var turns = []string{
	"send", "read", "read", "react", "send", "read", "edit", "read", "send", "status", "read", "role", "send", "read", "react", "read",
	"delete", "read", "block", "title",
}

// owner is a user with a room and two devices: what is changed on the first is waited for on the second.
type owner struct {
	name, room  string
	number      int
	turn        int // counts changes
	first, then *client.Client
	saying      uint64          // the newest message of the user's own, 0: none or deleted
	there       map[string]bool // what goes to and fro, by kind
	moot        int             // marks that did not come to where they should

	mu      sync.Mutex
	newest  map[string]uint64 // message of each room, as the first device knows
	read    map[string]uint64
	waiting map[string]change // by what shows it
	times   map[string][]time.Duration
}

// change is one under way; of a mark, to that offset.
type change struct {
	kind string
	at   time.Time
	read uint64
}

func ownerName(number int) string { return fmt.Sprintf("user-%d", number) }

func newOwner(number int) *owner {
	return &owner{
		name: ownerName(number), room: fmt.Sprintf("room:of-%d", number), number: number, turn: number,
		there: map[string]bool{}, newest: map[string]uint64{}, read: map[string]uint64{}, waiting: map[string]change{}, times: map[string][]time.Duration{},
	}
}

// enter connects both devices, and makes the room.
func (o *owner) enter(ctx context.Context, token, first, then string) (err error) {
	// The server subscribes them to the personal feed, and the devices themselves to the rooms, which come later.
	if o.first, err = client.Dial(ctx, first, client.Options{Token: token, OnServerPublication: o.heardFirst}); err != nil {
		return err
	}
	if o.then, err = client.Dial(ctx, then, client.Options{Token: token, OnServerPublication: o.heardThen}); err != nil {
		return err
	}
	var members []string
	for i := 1; i < roomMembers; i++ {
		members = append(members, ownerName((o.number+i)%size.Users))
	}
	if _, err = o.call(ctx, "create_room", map[string]any{"room": o.room, "members": members}); err != nil {
		return err
	}
	for i := range roomMembers {
		room := newOwner((o.number - i + size.Users) % size.Users).room
		for device, heard := range map[*client.Client]func(string, *protocol.Publication){o.first: o.heardFirst, o.then: o.heardThen} {
			if err := o.follow(ctx, device, room, heard); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow subscribes a device to a room, which may not be there yet.
func (o *owner) follow(ctx context.Context, device *client.Client, room string, heard func(string, *protocol.Publication)) error {
	ctx, cancel := context.WithTimeout(ctx, hearLimit)
	defer cancel()
	for {
		_, err := device.Subscribe(ctx, room, client.SubscribeOptions{
			OnPublication: func(p *protocol.Publication) { heard(room, p) },
		})
		var refused *protocol.Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &refused) || pause(ctx, hearStep) != nil:
			return err
		}
	}
}

func (o *owner) leave() {
	for _, device := range []*client.Client{o.first, o.then} {
		if device != nil {
			device.Close()
		}
	}
}

// answer is what is read of answers.
type answer struct {
	Offset uint64 `json:"offset"`
	Read   uint64 `json:"read"`
}

// call calls a method on the first device.
func (o *owner) call(ctx context.Context, method string, q map[string]any) (a answer, err error) {
	data, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, hearLimit)
	defer cancel()
	if data, err = o.first.RPC(ctx, "chat."+method, data); err != nil {
		return a, fmt.Errorf("%s %v: %w", method, q, err)
	}
	return a, json.Unmarshal(data, &a)
}

// change does the next thing, and waits until it is acknowledged.
func (o *owner) change(ctx context.Context) (err error) {
	o.turn++
	kind := turns[o.turn%len(turns)]
	room, unread := o.unread()
	if kind == "read" && unread == 0 || o.saying == 0 && (kind == "react" || kind == "edit" || kind == "delete") {
		kind = "send"
	}
	id := uuid.Must(uuid.NewV7()).String()
	about := map[string]any{"room": o.room, "offset": o.saying, "id": id}
	switch kind {
	case "send":
		o.expect(id, kind)
		var sent answer
		sent, err = o.call(ctx, "send", map[string]any{"room": o.room, "id": id, "text": strings.Repeat("x", size.Text)})
		o.saying = sent.Offset
	case "read":
		err = o.mark(ctx, room, unread)
	case "react":
		about["reaction"] = fmt.Sprint("r", o.turn)
		o.expect(id, kind)
		_, err = o.call(ctx, "react", about)
	case "edit":
		about["text"] = strings.Repeat("y", size.Text)
		o.expect(id, kind)
		_, err = o.call(ctx, "edit", about)
	case "delete":
		o.expect(id, kind)
		o.saying = 0
		_, err = o.call(ctx, "delete", about)
	default:
		err = o.changeState(ctx, kind)
	}
	return err
}

// changeState changes what stands in tables: to and fro, so that each call changes something.
func (o *owner) changeState(ctx context.Context, kind string) (err error) {
	back := o.there[kind]
	o.there[kind] = !back
	either := func(one, other string) string {
		if back {
			return one
		}
		return other
	}
	switch kind {
	case "status":
		status := either("online", "away")
		o.expect("status "+status, kind)
		_, err = o.call(ctx, "set_status", map[string]any{"status": "STATUS_" + strings.ToUpper(status)})
	case "role":
		role, user := either("member", "moderator"), ownerName((o.number+1)%size.Users)
		o.expect("member "+user+role, kind)
		_, err = o.call(ctx, "set_role", map[string]any{"room": o.room, "user": user, "role": "ROLE_" + strings.ToUpper(role)})
	case "block":
		o.expect(fmt.Sprint("block ", back), kind)
		_, err = o.call(ctx, "block", map[string]any{"user": "somebody", "remove": back})
	case "title":
		title := fmt.Sprint(o.name, o.turn)
		o.expect(title, kind)
		_, err = o.call(ctx, "update_room", map[string]any{"room": o.room, "title": title})
	}
	return err
}

// mark reads a room up to an offset. It may end before, which is no change then that is waited for.
func (o *owner) mark(ctx context.Context, room string, offset uint64) error {
	key := "mark " + room
	o.mu.Lock()
	o.waiting[key] = change{"read", time.Now(), offset}
	o.mu.Unlock()
	a, err := o.call(ctx, "read", map[string]any{"room": room, "offset": offset})
	if err == nil && a.Read < offset {
		o.mu.Lock()
		delete(o.waiting, key)
		o.mu.Unlock()
		o.moot++
	}
	return err
}

// unread is a room with a message that the user has not read, and its offset; 0 if there is none. It is read then.
func (o *owner) unread() (string, uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for room, offset := range o.newest {
		if offset > o.read[room] {
			o.read[room] = offset
			return room, offset
		}
	}
	return "", 0
}
