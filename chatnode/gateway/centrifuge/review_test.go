package centrifuge

import (
	"context"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// doorway is a source of feeds that lets nobody follow one room until it is opened.
type doorway struct {
	*backbone.Backbone
	room          string
	reached, open chan struct{}
}

func (g *doorway) Follow(ctx context.Context, feed backbone.Feed, f backbone.Follower) (*backbone.Tail, error) {
	if feed.Name == g.room {
		close(g.reached)
		<-g.open
	}
	return g.Backbone.Follow(ctx, feed, f)
}

// startWithDoorway starts a node with a doorway to a room.
func startWithDoorway(t testing.TB, room string) (*node, *doorway) {
	d := &doorway{room: room, reached: make(chan struct{}), open: make(chan struct{})}
	return startNode(t, func(s *setup) {
		s.newHub = func(b *backbone.Backbone) *fanout.Hub {
			d.Backbone = b
			return fanout.New(d, fanout.Options{})
		}
	}), d
}

// withMember makes a group of that user.
func (n *node) withMember(t testing.TB, room, user string) {
	t.Helper()
	q := &chatv1.CreateRoomRequest{Room: room, Members: []string{user}}
	if _, err := n.gateway.options.Chat.CreateRoom(t.Context(), backend, q); err != nil {
		t.Fatal(err)
	}
}

// kick ends a membership, and returns when everybody was told who could be found then.
func (n *node) kick(t testing.TB, room, user string) {
	t.Helper()
	told := make(chan struct{}, 1)
	n.gateway.options.Chat.OnChange(func(_, channel, who string) {
		if channel == room && who == user {
			select {
			case told <- struct{}{}:
			default:
			}
		}
	})
	if _, err := n.gateway.options.Chat.Kick(t.Context(), backend, &chatv1.KickRequest{Room: room, User: user}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatal("nobody was told")
	}
	eventually(t, "all changes are looked at", func() bool { return n.gateway.reviews.Waiting() == 0 })
}

// wantUnsubscribed waits for the end of a subscription.
func (c *rawClient) wantUnsubscribed(channel string) {
	c.t.Helper()
	for {
		push := c.push()
		if push.Channel == channel && push.Unsubscribe != nil {
			if push.Unsubscribe.Code != protocol.UnsubscribePermission.Code {
				c.t.Errorf("unsubscribed with %+v", push.Unsubscribe)
			}
			return
		}
	}
}

func TestWhoIsKickedWhileSubscribingIsUnsubscribed(t *testing.T) {
	n, doorway := startWithDoorway(t, "room:a")
	c := n.connect(t, transports[0], "bob")
	n.withMember(t, "room:a", "bob")
	subscribe := &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a"}}
	c.begin(subscribe)
	<-doorway.reached
	n.kick(t, "room:a", "bob")
	close(doorway.open)
	if reply := c.await(subscribe); reply.Error != nil {
		t.Fatal(reply.Error)
	}
	c.wantUnsubscribed("room:a")
}

func TestWhoIsKickedWhileConnectingIsUnsubscribed(t *testing.T) {
	n, doorway := startWithDoorway(t, "room:a")
	n.withMember(t, "room:a", "bob")
	connect := &protocol.Command{Connect: &protocol.ConnectRequest{Token: tokenOf(t, "bob")}}
	c := n.dial(t, transports[0], connect)
	<-doorway.reached
	n.kick(t, "room:a", "bob")
	close(doorway.open)
	reply := c.await(connect)
	if reply.Connect == nil || reply.Connect.Subs["room:a"] == nil {
		t.Fatalf("the room was to be subscribed to: %+v, %+v", reply.Connect, reply.Error)
	}
	c.wantUnsubscribed("room:a")
}
