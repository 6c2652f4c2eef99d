// Package chattest is the one table of who may call which method of chat in which kind of room, for the tests of everything through which
// methods can be called: the domain itself, and each gateway.
//
// In come ways to call methods as a user and as a server; Cases gives what to do with them, and Run does one of them: it makes a room, lets
// somebody stand to it as the case says, calls the method and says what was other than it should be.
package chattest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// What a Caller's error is besides its words.
var (
	// ErrDenied says that the actor may not do that.
	ErrDenied = errors.New("denied")
	// ErrInvalid says that the request can't be right; of a server, what only a user can do.
	ErrInvalid = errors.New("invalid")
)

// Caller calls a method by its name in the service, such as "CreateRoom", as that user; an empty one is the application's server. Refusals
// are ErrDenied or ErrInvalid, wrapped; any other error is a failure.
type Caller func(ctx context.Context, user, method string, request proto.Message) (reply proto.Message, err error)

// Case is one cell of the table.
type Case struct {
	// Name says it all in words.
	Name string
	// Method is the name of what is called.
	Method string
	// Kind is the room's, As how the actor stands to it: "stranger", "invited", "banned", "reader", "member", "moderator", "owner" or "server";
	// in a direct conversation "stranger", "member", "blocked" (by the other of the two) or "server".
	Kind chatv1.RoomKind
	As   string
	// Allowed says whether it is to succeed.
	Allowed bool
	// Room is the channel of the room, Actor the user's name: set them for a protocol that can't say every name, otherwise they are chosen.
	// A room must be new.
	Room, Actor string

	row *row
}

// places are how users stand to a room, apart from servers.
var places = []string{"stranger", "invited", "banned", "reader", "member", "moderator", "owner"}

var kinds = []struct {
	kind chatv1.RoomKind
	name string
	who  func(r *row) string
}{
	{chatv1.RoomKind_ROOM_KIND_GROUP, "group", func(r *row) string { return r.group }},
	{chatv1.RoomKind_ROOM_KIND_OPEN, "open room", func(r *row) string { return r.open }},
	{chatv1.RoomKind_ROOM_KIND_CHANNEL, "channel", func(r *row) string { return r.channel }},
	{chatv1.RoomKind_ROOM_KIND_DIRECT, "direct conversation", func(r *row) string { return r.direct }},
}

// Cases is the whole table. Those of servers are left out for gateways on which there are none.
func Cases(servers bool) (cases []Case) {
	for i := range table {
		r := &table[i]
		for _, kind := range kinds {
			at := places
			if kind.kind == chatv1.RoomKind_ROOM_KIND_DIRECT {
				at = []string{"stranger", "member", "blocked"}
			}
			if servers {
				at = append(at[:len(at):len(at)], "server")
			}
			for _, place := range at {
				cases = append(cases, Case{
					Name:   strings.TrimSpace(r.method+" "+r.what) + " in a " + kind.name + " as " + place,
					Method: r.method, Kind: kind.kind, As: place,
					Allowed: contains(kind.who(r), place), row: r,
				})
			}
		}
	}
	return cases
}

func contains(list, place string) bool {
	for _, p := range strings.Fields(list) {
		if p == place {
			return true
		}
	}
	return false
}

// Run sets the case's stage by calls as a server, and as users who say something; then it has the actor call the method. The error says what
// was other than it should be.
func (c *Case) Run(ctx context.Context, server, user Caller) error {
	if c.As == "server" {
		return c.RunBy(ctx, server, user, server)
	}
	return c.RunBy(ctx, server, user, user)
}

// RunBy is Run with an actor who calls in another way than those on the stage.
func (c *Case) RunBy(ctx context.Context, server, user, actor Caller) error {
	st, err := c.set(ctx, server, user)
	if err != nil {
		return fmt.Errorf("%s: set the stage: %w", c.Name, err)
	}
	_, err = actor(ctx, st.actor, c.Method, c.row.request(st))
	switch {
	case c.Allowed && err != nil:
		return fmt.Errorf("%s: must be allowed: %w", c.Name, err)
	case !c.Allowed && err == nil:
		return fmt.Errorf("%s: must be refused", c.Name)
	case c.Allowed || errors.Is(err, ErrDenied) || c.As == "server" && errors.Is(err, ErrInvalid):
		return nil
	}
	return fmt.Errorf("%s: must be denied: %w", c.Name, err)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
