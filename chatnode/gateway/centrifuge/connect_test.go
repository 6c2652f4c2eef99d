package centrifuge

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func connectWith(token string) *protocol.Command {
	return &protocol.Command{Connect: &protocol.ConnectRequest{Token: token}}
}

func TestConnectTakesGoodTokensOnly(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Anonymous = false })
	good := tokenOf(t, "ann")
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	cases := []struct {
		name, token string
		code        uint32 // an error below 3000, else a disconnect
	}{
		{"none", "", 101},
		{"expired", sign(t, map[string]any{"sub": "ann", "exp": time.Now().Add(-time.Minute).Unix()}), 109},
		{"forged", good[:len(good)-4] + "AAAA", 3500},
		{"unsigned", part(`{"alg":"none"}`) + "." + part(`{"sub":"ann"}`) + ".", 3500},
		{"garbage", "garbage", 3500},
		{"too long", string(make([]byte, auth.MaxTokenBytes+1)), 3500},
		{"without a user", sign(t, map[string]any{"info": 1}), 3500},
		{"a subscription's", sign(t, map[string]any{"sub": "ann", "channel": "room:a"}), 3500},
		{"with a user's name that is too long", tokenOf(t, string(make([]byte, 129))), 3500},
	}
	eachTransport(t, n, func(t *testing.T, via transport) {
		for _, test := range cases {
			command := connectWith(test.token)
			c := n.dial(t, via, command)
			if test.code >= 3000 {
				c.wantEnd(test.code)
				continue
			}
			if reply := c.await(command); reply.Error == nil || reply.Error.Code != test.code {
				t.Errorf("token %s: %+v", test.name, reply)
			}
		}
	})
}

func TestAFailedConnectCanBeRepeated(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Anonymous = false })
	c := n.dial(t, transports[0])
	hopeful := &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a"}}
	first := connectWith("")
	c.begin(first, hopeful)
	if reply := c.await(first); reply.Error == nil || reply.Error.Code != 101 {
		t.Errorf("%+v", reply)
	}
	if reply := c.await(hopeful); reply.Error == nil || reply.Error.Code != 101 {
		t.Errorf("a subscribe in the same frame: %+v", reply)
	}
	c.ok(connectWith(tokenOf(t, "ann")))
	c.subscribe("room:a")
}

func TestAConnectAtOnceAfterAFailedOneIsTaken(t *testing.T) {
	n := startNode(t, nil)
	c := n.dial(t, transports[0])
	expired := sign(t, map[string]any{"sub": "ann", "exp": time.Now().Add(-time.Minute).Unix()})
	for i := range 500 {
		if reply := c.do(connectWith(expired)); reply.Error == nil || reply.Error.Code != 109 {
			t.Fatalf("connect %d: %+v", i, reply.Error)
		}
	}
	c.ok(connectWith(tokenOf(t, "ann")))
}

func TestCommandsMayFollowConnectInItsFrame(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		connect := connectWith(tokenOf(t, "ann"))
		subscribe := &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:hope"}}
		ping := &protocol.Command{Ping: &protocol.PingRequest{}}
		c := n.dial(t, via, connect, subscribe, ping)
		if c.await(connect).Connect == nil || c.await(subscribe).Subscribe == nil || c.await(ping).Ping == nil {
			t.Error("not answered")
		}
	})
}

func TestTheFirstCommandIsConnectAndTheOnlyOne(t *testing.T) {
	t.Parallel()
	hasty := startNode(t, func(s *setup) { s.options.Limits.ConnectTimeout = 200 * time.Millisecond })
	hasty.dial(t, transports[0]).wantEnd(3502)
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		n.dial(t, via, &protocol.Command{Ping: &protocol.PingRequest{}}).wantEnd(3501)
		c := n.connect(t, via, "ann")
		if reply := c.do(connectWith("")); reply.Error == nil || reply.Error.Code != 107 {
			t.Errorf("a second connect: %+v", reply)
		}
		c.ok(&protocol.Command{Ping: &protocol.PingRequest{}})
	})
}

func TestAnAnonymousUserMayUseOpenChannelsOnly(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[0], "")
	if len(c.result.Subs) != 0 {
		t.Errorf("subscriptions of nobody: %v", c.result.Subs)
	}
	c.subscribe("open")
	c.ok(&protocol.Command{Publish: &protocol.PublishRequest{Channel: "open", Data: []byte(`[1, 2]`)}})
	if push := c.push(); string(push.Pub.Data) != "[1, 2]" || push.Pub.Info.User != "" || push.Pub.Info.Client != c.result.Client {
		t.Errorf("%+v", push.Pub)
	}
	if reply := c.do(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a"}}); reply.Error == nil || reply.Error.Code != 103 {
		t.Errorf("%+v", reply)
	}
}

func TestTheTokenNamesServerSideSubscriptions(t *testing.T) {
	n := startNode(t, nil)
	token := sign(t, map[string]any{
		"sub": "ann", "info": map[string]int{"age": 7}, "channels": []string{"room:a", "user:bob", "user:ann"},
		"subs": map[string]any{"room:b": map[string]any{"info": 1, "data": map[string]int{"x": 2}}},
	})
	eachTransport(t, n, func(t *testing.T, via transport) {
		writer := n.connect(t, transports[0], "bob")
		c := n.connectWith(t, via, &protocol.ConnectRequest{Token: token})
		if len(c.result.Subs) != 3 || c.result.Subs["user:ann"] == nil || c.result.Subs["room:a"] == nil {
			t.Fatalf("%v", c.result.Subs)
		}
		if data := c.result.Subs["room:b"].Data; string(data) != `{"x":2}` {
			t.Errorf("data %s", data)
		}
		writer.publish("room:a", "first")
		first := c.push()
		if textOf(t, first.Pub) != "first" {
			t.Errorf("%+v", first)
		}
		presence := writer.ok(&protocol.Command{Presence: &protocol.PresenceRequest{Channel: "room:b"}}).Presence.Presence
		if info := presence[c.result.Client]; info == nil || string(info.ConnInfo) != `{"age":7}` || string(info.ChanInfo) != "1" {
			t.Errorf("presence %+v", presence)
		}
		c.cut()
		writer.publish("room:a", "second")
		again := n.connectWith(t, via, &protocol.ConnectRequest{Token: token, Subs: map[string]*protocol.SubscribeRequest{
			"room:a": {Recover: true, Epoch: c.result.Subs["room:a"].Epoch, Offset: first.Pub.Offset},
		}})
		sub := again.result.Subs["room:a"]
		if !sub.Recovered || !sub.WasRecovering {
			t.Errorf("%+v", sub)
		}
		missed := sub.Publications
		if len(missed) == 0 { // it was acknowledged, and had not come to this node yet
			missed = append(missed, again.push().Pub)
		}
		if len(missed) != 1 || textOf(t, missed[0]) != "second" {
			t.Errorf("%+v", missed)
		}
	})
	if got := n.metric("chatnode_centrifuge_skipped_server_subscriptions_total"); got != 2*float64(len(transports)) {
		t.Errorf("%v channels skipped", got)
	}
}

func TestServerSideSubscriptionsAreLimited(t *testing.T) {
	n := startNode(t, nil)
	var channels []string
	for i := range 250 {
		channels = append(channels, fmt.Sprint("room:", i))
	}
	c := n.connectWith(t, transports[1], &protocol.ConnectRequest{Token: sign(t, map[string]any{"sub": "ann", "channels": channels})})
	if len(c.result.Subs) != 200 {
		t.Errorf("%d subscriptions", len(c.result.Subs))
	}
	c.subscribe("room:other")
}
