package centrifuge

import (
	"fmt"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestChannelNames(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[0], "ann")
	for _, test := range []struct {
		channel string
		code    uint32 // 0: fine
	}{
		{"room:a.b", 0}, {"room:*", 0}, {"room:>", 0}, {"room:a b", 0}, {"room:🙂 é\n\x00", 0}, {"room:" + strings.Repeat("x", 128), 0},
		{"room:$JS.API.>", 0}, {"open.*.>", 0}, {"dm:ann,bob", 0}, {"user:ann", 105},
		{"", 107}, {"room:", 107}, {"room:" + strings.Repeat("x", 129), 107}, {"room:" + strings.Repeat("é", 5<<10), 107}, {"dm:bob,ann", 107},
		{"dm:ann", 107}, {"dm:bob,carl", 103}, {"user:bob", 103}, {"closed", 102},
	} {
		reply := c.do(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: test.channel}})
		code := uint32(0)
		if reply.Error != nil {
			code = reply.Error.Code
		}
		if code != test.code {
			t.Errorf("%.40q: error %v, want %d", test.channel, reply.Error, test.code)
		}
		if code != 0 || strings.HasPrefix(test.channel, "open") {
			continue
		}
		c.publish(test.channel, "for "+test.channel)
		push := c.push()
		if push.Channel == "user:ann" { // tells of the new conversation
			push = c.push()
		}
		if push.Channel != test.channel || textOf(t, push.Pub) != "for "+test.channel {
			t.Errorf("%.40q: %+v", test.channel, push)
		}
	}
}

func TestSubscribingTwiceAndEnding(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		c := n.connect(t, via, "ann")
		c.subscribe("room:a")
		again := &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a"}}
		if reply := c.do(again); reply.Error == nil || reply.Error.Code != 105 {
			t.Errorf("%+v", reply)
		}
		for range 2 { // the second time there is nothing to end, which is no error
			c.ok(&protocol.Command{Unsubscribe: &protocol.UnsubscribeRequest{Channel: "room:a"}})
		}
		c.publish("room:a", "before")
		if len(c.pushes) != 0 {
			t.Errorf("%+v", <-c.pushes)
		}
		begun := c.subscribe("room:a")
		c.publish("room:a", "after")
		// What was sent just before may still be on its way: then it comes, and the position says so.
		for text := ""; text != "after"; {
			pub := c.push().Pub
			if text = textOf(t, pub); pub.Offset <= begun.Offset {
				t.Errorf("%q has offset %d, and the subscription began at %d", text, pub.Offset, begun.Offset)
			}
		}
	})
}

func TestCommandsOnOneChannelKeepTheirOrder(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[0], "ann")
	var commands []*protocol.Command
	for i := range 300 {
		channel := fmt.Sprint("room:", i%3)
		if i/3%2 == 0 {
			commands = append(commands, &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: channel}})
		} else {
			commands = append(commands, &protocol.Command{Unsubscribe: &protocol.UnsubscribeRequest{Channel: channel}})
		}
	}
	c.begin(commands...)
	for i, command := range commands {
		if reply := c.await(command); reply.Error != nil {
			t.Fatalf("command %d: %v", i, reply.Error)
		}
	}
}

func TestAThousandSubscriptionsInOneFrame(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[0], "ann")
	var commands []*protocol.Command
	for i := range 1000 {
		commands = append(commands, &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: fmt.Sprint("room:", i), Recover: true, Epoch: "before"}})
	}
	c.begin(commands...)
	refused := 0
	for _, command := range commands {
		if reply := c.await(command); reply.Error != nil && reply.Error.Code == 106 {
			refused++
		} else if reply.Error != nil || reply.Subscribe.Recovered || !reply.Subscribe.WasRecovering {
			t.Fatalf("%+v", reply)
		}
	}
	if refused != 1 { // the personal feed has a place too
		t.Errorf("%d refused", refused)
	}
}

func TestAHundredThousandSubscriptionsAreRefusedOneByOne(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Limits.Subscriptions = 10 })
	c := n.connect(t, transports[1], "ann")
	var all []*protocol.Command
	for len(all) < 100_000 {
		var frame []*protocol.Command
		for range 2000 {
			frame = append(frame, &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: fmt.Sprint("room:", len(all))}})
			all = append(all, frame[len(frame)-1])
		}
		c.begin(frame...)
	}
	granted := 0
	for _, command := range all {
		switch reply := c.await(command); {
		case reply.Error == nil:
			granted++
		case reply.Error.Code != 106:
			t.Fatalf("%+v", reply.Error)
		}
	}
	if granted != 9 {
		t.Errorf("%d granted", granted)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frames > 1000 {
		t.Errorf("the answers came in %d frames", c.frames)
	}
}

func TestPresenceAndComingAndGoing(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		room := "room:" + t.Name()
		ann := n.connect(t, via, "ann")
		ann.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: room, JoinLeave: true}})
		if push := ann.push(); push.Join == nil || push.Join.Info.Client != ann.result.Client {
			t.Errorf("%+v", push)
		}
		bob := n.connect(t, via, "bob")
		bob.subscribe(room)
		if push := ann.push(); push.Channel != room || push.Join == nil || push.Join.Info.User != "bob" || push.Join.Info.Client != bob.result.Client {
			t.Errorf("%+v", push)
		}
		other := n.connect(t, via, "bob")
		other.subscribe(room)
		ann.push()
		presence := ann.ok(&protocol.Command{Presence: &protocol.PresenceRequest{Channel: room}}).Presence.Presence
		if len(presence) != 3 || presence[bob.result.Client].User != "bob" {
			t.Errorf("presence %+v", presence)
		}
		stats := ann.ok(&protocol.Command{PresenceStats: &protocol.PresenceStatsRequest{Channel: room}}).PresenceStats
		if stats.NumClients != 3 || stats.NumUsers != 2 {
			t.Errorf("stats %+v", stats)
		}
		bob.ok(&protocol.Command{Unsubscribe: &protocol.UnsubscribeRequest{Channel: room}})
		if push := ann.push(); push.Leave == nil || push.Leave.Info.Client != bob.result.Client {
			t.Errorf("%+v", push)
		}
		other.cut()
		if push := ann.push(); push.Leave == nil || push.Leave.Info.Client != other.result.Client {
			t.Errorf("%+v", push)
		}
		if len(bob.pushes) != 0 {
			t.Errorf("bob did not ask for %+v", <-bob.pushes)
		}
	})
}

func TestWhoMayNotSeeTheMembersOfARoomDoesNotSeeWhoIsThere(t *testing.T) {
	n := startNode(t, nil)
	q := &chatv1.CreateRoomRequest{Room: "room:news", Kind: chatv1.RoomKind_ROOM_KIND_CHANNEL, Members: []string{"ann"}}
	if _, err := n.gateway.options.Chat.CreateRoom(t.Context(), backend, q); err != nil {
		t.Fatal(err)
	}
	stranger, ann := n.connect(t, transports[0], "bob"), n.connect(t, transports[0], "ann")
	stranger.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:news", JoinLeave: true}})
	look := func() *protocol.Command {
		return &protocol.Command{Presence: &protocol.PresenceRequest{Channel: "room:news"}}
	}
	if reply := stranger.do(look()); reply.Error == nil || reply.Error.Code != 103 {
		t.Errorf("a stranger sees %+v", reply)
	}
	ann.subscribe("room:news")
	if here := ann.ok(look()).Presence.Presence; len(here) != 2 {
		t.Errorf("a member sees %+v", here)
	}
	if _, err := n.gateway.options.Chat.Publish(backend, "room:news", []byte(`"after ann came"`)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for push := stranger.push(); push.Pub == nil; push = stranger.push() {
		if push.Join != nil {
			t.Errorf("a stranger hears that %s came", push.Join.Info.User)
		}
	}
}
