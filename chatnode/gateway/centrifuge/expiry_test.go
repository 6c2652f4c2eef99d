package centrifuge

import (
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func shortLife(s *setup) { s.options.Limits.ExpiryGrace = 100 * time.Millisecond }

// soon is the claim exp of a token that is about to end, but not before a busy machine has come to refresh it.
func soon() int64 { return time.Now().Add(life).Unix() }

const life = 10 * time.Second

func later() int64 { return time.Now().Add(time.Hour).Unix() }

func TestAConnectionEndsWithItsTokenUnlessThatIsRefreshed(t *testing.T) {
	t.Parallel()
	n := startNode(t, shortLife)
	connect := func(via transport) *rawClient {
		c := n.connectWith(t, via, &protocol.ConnectRequest{Token: sign(t, map[string]any{"sub": "ann", "exp": soon()})})
		if !c.result.Expires || c.result.TTL < 1 || time.Duration(c.result.TTL)*time.Second > life {
			t.Errorf("%s: expires %v, ttl %d", via.name, c.result.Expires, c.result.TTL)
		}
		return c
	}
	var lazy, busy []*rawClient // all at once, so that their time passes once
	for i, via := range transports {
		lazy, busy = append(lazy, connect(via)), append(busy, connect(via))
		result := busy[i].ok(&protocol.Command{Refresh: &protocol.RefreshRequest{Token: sign(t, map[string]any{"sub": "ann", "exp": later()})}}).Refresh
		if !result.Expires || result.TTL < 3500 || result.TTL > 3600 || result.Client != busy[i].result.Client {
			t.Errorf("%s: %+v", via.name, result)
		}
	}
	for i, via := range transports {
		lazy[i].wantEnd(3005)
		busy[i].ok(&protocol.Command{Ping: &protocol.PingRequest{}})
		result := busy[i].ok(&protocol.Command{Refresh: &protocol.RefreshRequest{Token: tokenOf(t, "ann")}}).Refresh
		if result.Expires || result.TTL != 0 {
			t.Errorf("%s: a token without an end: %+v", via.name, result)
		}
	}
}

func TestARefreshIsForTheSameUser(t *testing.T) {
	n := startNode(t, nil)
	for name, test := range map[string]struct {
		token string
		code  uint32
	}{
		"another user": {tokenOf(t, "bob"), 3500},
		"another app":  {sign(t, map[string]any{"sub": "ann", "app": "other"}), 3500},
		"garbage":      {"garbage", 3500},
		"expired":      {sign(t, map[string]any{"sub": "ann", "exp": time.Now().Add(-time.Minute).Unix()}), 3005},
	} {
		t.Run(name, func(t *testing.T) {
			c := n.connect(t, transports[0], "ann")
			c.begin(&protocol.Command{Refresh: &protocol.RefreshRequest{Token: test.token}})
			c.wantEnd(test.code)
		})
	}
}

func TestSubscriptionTokens(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[0], "ann")
	claims := func(change ...any) string {
		all := map[string]any{"sub": "ann", "channel": "room:a", "info": "chan"}
		for i := 0; i < len(change); i += 2 {
			all[change[i].(string)] = change[i+1]
		}
		return sign(t, all)
	}
	for name, test := range map[string]struct {
		token string
		code  uint32
	}{
		"another user":    {claims("sub", "bob"), 103},
		"another channel": {claims("channel", "room:b"), 103},
		"another client":  {claims("client", "x"), 103},
		"another app":     {claims("app", "x"), 103},
		"a connection's":  {tokenOf(t, "ann"), 103},
		"garbage":         {"garbage", 103},
		"expired":         {claims("exp", time.Now().Add(-time.Minute).Unix()), 109},
	} {
		reply := c.do(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a", Token: test.token}})
		if reply.Error == nil || reply.Error.Code != test.code {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	good := claims("client", c.result.Client, "exp", later())
	result := c.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a", Token: good}}).Subscribe
	if !result.Expires || result.TTL < 3500 || result.TTL > 3600 {
		t.Errorf("%+v", result)
	}
	presence := c.ok(&protocol.Command{Presence: &protocol.PresenceRequest{Channel: "room:a"}}).Presence.Presence
	if info := presence[c.result.Client]; info == nil || string(info.ChanInfo) != `"chan"` {
		t.Errorf("presence %+v", presence)
	}
}

func TestASubscriptionEndsWithItsTokenUnlessThatIsRefreshed(t *testing.T) {
	t.Parallel()
	n := startNode(t, shortLife)
	c := n.connect(t, transports[0], "ann")
	token := func(channel string, exp int64) string {
		return sign(t, map[string]any{"sub": "ann", "channel": channel, "exp": exp})
	}
	for _, channel := range []string{"room:lazy", "room:busy"} {
		c.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: channel, Token: token(channel, soon())}})
	}
	result := c.ok(&protocol.Command{SubRefresh: &protocol.SubRefreshRequest{Channel: "room:busy", Token: token("room:busy", later())}}).SubRefresh
	if !result.Expires || result.TTL < 3500 {
		t.Errorf("%+v", result)
	}
	if push := c.push(); push.Channel != "room:lazy" || push.Unsubscribe == nil || push.Unsubscribe.Code != 2501 {
		t.Errorf("%+v", push)
	}
	c.publish("room:lazy", "nobody hears this")
	c.publish("room:busy", "still here")
	if push := c.push(); push.Channel != "room:busy" || push.Pub == nil {
		t.Errorf("%+v", push)
	}
	for name, test := range map[string]struct {
		q    *protocol.SubRefreshRequest
		code uint32
	}{
		"not subscribed": {&protocol.SubRefreshRequest{Channel: "room:lazy", Token: token("room:lazy", later())}, 107},
		"expired":        {&protocol.SubRefreshRequest{Channel: "room:busy", Token: token("room:busy", 1)}, 109},
	} {
		if reply := c.do(&protocol.Command{SubRefresh: test.q}); reply.Error == nil || reply.Error.Code != test.code {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	c.begin(&protocol.Command{SubRefresh: &protocol.SubRefreshRequest{Channel: "room:busy", Token: "garbage"}})
	c.wantEnd(3500)
}

func TestASubscriptionThatTheClientHasLeftDoesNotExpire(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[2], "ann")
	s := n.sessionOf(c)
	var subs []*subscription
	for _, channel := range []string{"room:a", "room:b"} {
		c.subscribe(channel)
		subs = append(subs, s.find(channel))
	}
	s.mu.Lock()
	for _, sub := range subs {
		sub.expires = time.Unix(1, 0)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	s.out.mu.Lock() // so that the end of one can't be told yet
	go func() {
		defer close(done)
		s.expireSubscriptions()
	}()
	eventually(t, "one has ended", func() bool { return s.find("room:a") == nil || s.find("room:b") == nil })
	for _, sub := range subs {
		s.leave(sub)
	}
	s.out.mu.Unlock()
	<-done
	c.ok(&protocol.Command{Ping: &protocol.PingRequest{}})
	if len(c.pushes) != 1 {
		t.Errorf("%d pushes", len(c.pushes))
	}
}

func TestTheServerPingsAndWantsAnAnswer(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(s *setup) {
		s.conns.PingInterval = 200 * time.Millisecond
		s.options.Limits.PongTimeout = 8 * time.Second // of a lively client on a busy machine, too
	})
	var lively, mute []*rawClient // all at once, so that their time passes once
	for _, via := range transports {
		lively = append(lively, n.connect(t, via, "ann"))
		command := connectWith(tokenOf(t, "bob"))
		c := n.dial(t, via, command)
		c.mute.Store(true)
		c.await(command)
		mute = append(mute, c)
	}
	for i := range transports {
		mute[i].wantEnd(3012)
		for range 3 {
			select {
			case <-lively[i].pings:
			case <-time.After(patience):
				t.Fatal("no ping")
			}
		}
		lively[i].ok(&protocol.Command{Ping: &protocol.PingRequest{}})
	}
}
