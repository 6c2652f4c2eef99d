package interwork

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/chatfleet/chatfleet/chatnode/chat/chattest"
	"github.com/chatfleet/chatfleet/test/client"
)

// gateway is a way in, and how one asks for the methods of chat there.
type gateway struct {
	name string
	// acts says whether clients act as the application's server or each as the user who they are.
	server bool
	// asks has the methods for which one can ask. What one can't ask for in just that case is errUnsayable.
	asks map[string]ask
	// room and actor name what a case is about where not every name can be said.
	room, actor func() string
}

// ask asks for a method as a user, or as the application's server. It waits until it is known what became of it: nil says that it was done,
// chattest.ErrDenied that it was refused in the protocol's own way, and not done.
type ask func(s *stage, user string, request proto.Message) error

// errUnsayable says that the protocol has no way to ask for that.
var errUnsayable = errors.New("the protocol can't say that")

// gateways are all ways in but the service itself.
var gateways = []gateway{
	chat21Rights, chat21APIRights, chattpRights, browserRights, trackRights, anonymousRights, heimdallrRights, pullRights, cometQLRights,
}

// atOnce is how many cases are tried at a time: most of the time they wait for the log.
const atOnce = 8

// The one table of who may call what holds on each gateway, as far as its protocol can ask for it.
func TestWhoMayCallWhichMethodOnEachGateway(t *testing.T) {
	n := start(t)
	for i := range gateways {
		g := &gateways[i]
		t.Run(g.name, func(t *testing.T) {
			var work errgroup.Group
			work.SetLimit(atOnce)
			var asked counts
			for _, c := range g.cases() {
				work.Go(func() error {
					t.Run(c.Name, func(t *testing.T) {
						s := n.on(t)
						err := c.RunBy(s.ctx, s.asServer, s.overAPI, g.by(s))
						if errors.Is(err, errUnsayable) {
							return
						}
						if err != nil {
							t.Error(err)
						}
						asked.count(c.Method)
					})
					return nil
				})
			}
			_ = work.Wait() // there are no errors
			for method := range g.asks {
				if asked.of[method] == 0 {
					t.Errorf("%s was never asked for", method)
				}
			}
			t.Logf("cases by method: %v", asked.of)
		})
	}
}

// cases are those of the table for which one can ask there.
func (g *gateway) cases() (cases []chattest.Case) {
	for _, c := range chattest.Cases(g.server) {
		if g.asks[c.Method] == nil || g.server != (c.As == "server") {
			continue
		}
		if c.Room, c.Actor = name(g.room), name(g.actor); c.Room != "" {
			c.Room = "room:" + c.Room
		}
		cases = append(cases, c)
	}
	return cases
}

// counts counts the cases of methods.
type counts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *counts) count(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.of[method]++
}

func name(choose func() string) string {
	if choose == nil {
		return ""
	}
	return choose()
}

// by asks as a case's actor.
func (g *gateway) by(s *stage) chattest.Caller {
	return func(_ context.Context, user, method string, request proto.Message) (proto.Message, error) {
		return nil, g.asks[method](s, user, request)
	}
}

// done tells from whether something has happened whether it was refused.
func done(happened bool) error {
	if happened {
		return nil
	}
	return chattest.ErrDenied
}

// refused is ErrDenied if the error says one of these, and otherwise the error.
func refused(err error, words ...string) error {
	for _, w := range words {
		if err != nil && strings.Contains(err.Error(), w) {
			return fmt.Errorf("%w: %w", chattest.ErrDenied, err)
		}
	}
	return err
}

// partner is the other user of a direct conversation.
func partner(channel, user string) (other string, ok bool) {
	pair, ok := strings.CutPrefix(channel, "dm:")
	one, two, _ := strings.Cut(pair, ",")
	switch user {
	case one:
		return two, ok
	case two:
		return one, ok
	}
	return "", false
}

// The same table, whole, with each way of calling the service itself.
func TestWhoMayCallWhichMethodOverTheAPIAndTheSocket(t *testing.T) {
	s := start(t).on(t)
	socket := sockets{node: s.node, clients: map[string]*client.Client{}}
	for name, way := range map[string]struct {
		user    chattest.Caller
		servers bool
	}{
		"with tokens over the API": {s.overAPI, true},
		"over the socket":          {socket.call, false},
	} {
		t.Run(name, func(t *testing.T) {
			work, ctx := errgroup.WithContext(t.Context())
			work.SetLimit(atOnce)
			cases := chattest.Cases(way.servers)
			for i := range cases {
				work.Go(func() error {
					if err := cases[i].Run(ctx, s.asServer, way.user); err != nil {
						t.Error(err)
					}
					return nil
				})
			}
			if err := work.Wait(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d cases", len(cases))
		})
	}
}
