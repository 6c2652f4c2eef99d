package centrifuge

import (
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// sessionOf finds the session of a streaming client.
func (n *node) sessionOf(c *rawClient) *session {
	n.gateway.mu.Lock()
	defer n.gateway.mu.Unlock()
	return n.gateway.emulated[c.result.Session]
}

func TestALostSubscriptionIsSubscribedAgain(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[2], "ann")
	begun := c.subscribe("room:a")
	sub := n.sessionOf(c).find("room:a")
	sub.place.Close()
	sub.Reset() // as the fan-out does when the feed's epoch has changed
	if push := c.push(); push.Channel != "room:a" || push.Unsubscribe == nil || push.Unsubscribe.Code != 2500 {
		t.Errorf("%+v", push)
	}
	c.publish("room:a", "missed")
	result := c.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{
		Channel: "room:a", Recover: true, Epoch: begun.Epoch, Offset: begun.Offset,
	}}).Subscribe
	if !result.Recovered {
		t.Errorf("%+v", result)
	}
}

func TestALostServerSideSubscriptionEndsTheConnection(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[4], "ann")
	sub := n.sessionOf(c).find("user:ann")
	sub.place.Close()
	sub.Reset()
	c.wantEnd(3010)
}

func TestNothingIsLeftOfAClosedSession(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		before := n.hub.Rooms()
		c := n.connect(t, via, "ann")
		for _, channel := range []string{"room:a", "room:b"} {
			c.subscribe(channel)
		}
		if got := n.metric("chatnode_centrifuge_sessions"); got != 1 {
			t.Errorf("%v sessions", got)
		}
		c.cut()
		eventually(t, "no session", func() bool { return n.metric("chatnode_centrifuge_sessions") == 0 && n.conns.Connections() == 0 })
		if len(n.gateway.emulated) != 0 || n.hub.Rooms() > before+3 {
			t.Errorf("%d sessions, %d rooms", len(n.gateway.emulated), n.hub.Rooms())
		}
	})
}

func TestAServerThatEndsSaysSoOnEveryTransport(t *testing.T) {
	n := startNode(t, nil)
	var clients []*rawClient
	for _, via := range transports {
		c := n.connect(t, via, "ann")
		c.subscribe("room:a")
		clients = append(clients, c)
	}
	done := make(chan error, 1)
	go func() {
		done <- n.conns.Drain(t.Context(), 0, int(protocol.DisconnectShutdown.Code), protocol.DisconnectShutdown.Reason)
	}()
	for _, c := range clients {
		c.wantEnd(3001)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
