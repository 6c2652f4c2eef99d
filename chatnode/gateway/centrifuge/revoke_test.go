package centrifuge

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/process"
)

var backend = chat.Actor{App: chat.DefaultApp, Server: true}

// twoNodes share a log.
func twoNodes(t testing.TB) (a, b *node) {
	t.Helper()
	servers := process.StartNATS(t, 1)
	on := func(s *setup) { s.natsURL = servers.URL() }
	return startNode(t, on), startNode(t, on)
}

func (n *node) revoke(t testing.TB, q *chatv1.RevokeRequest) {
	t.Helper()
	if _, err := n.gateway.options.Chat.Revoke(t.Context(), backend, q); err != nil {
		t.Fatal(err)
	}
}

// answers says whether the connection is alive.
func (c *rawClient) answers() {
	c.t.Helper()
	command := &protocol.Command{Ping: &protocol.PingRequest{}}
	c.begin(command)
	c.await(command)
}

// tokenFrom is a token of a user that was issued then.
func tokenFrom(t testing.TB, user string, issued time.Time) string {
	return sign(t, map[string]any{"sub": user, "iat": issued.Unix()})
}

func TestARevocationEndsTheUsersSessionsOnEveryNode(t *testing.T) {
	a, b := twoNodes(t)
	old := tokenFrom(t, "ann", time.Now().Add(-time.Minute))
	var ofAnn, ofOthers []*rawClient
	for _, n := range []*node{a, b} {
		for _, via := range transports {
			ofAnn = append(ofAnn, n.connectWith(t, via, &protocol.ConnectRequest{Token: old}))
		}
		ofOthers = append(ofOthers, n.connect(t, transports[0], "bob"), n.connect(t, transports[0], ""))
		ofOthers = append(ofOthers, n.connectWith(t, transports[0], &protocol.ConnectRequest{
			Token: sign(t, map[string]any{"sub": "ann", "app": "other"}),
		}))
	}
	start := time.Now()
	a.revoke(t, &chatv1.RevokeRequest{User: "ann"})
	for _, c := range ofAnn {
		c.wantEnd(protocol.DisconnectExpired.Code)
	}
	t.Logf("%d sessions on two nodes had ended after %v", len(ofAnn), time.Since(start))
	for _, c := range ofOthers {
		c.answers()
	}
	for _, n := range []*node{a, b} {
		for _, token := range []string{old, tokenOf(t, "ann")} {
			command := &protocol.Command{Connect: &protocol.ConnectRequest{Token: token}}
			reply := n.dial(t, transports[0], command).await(command)
			if reply.Error == nil || reply.Error.Code != protocol.ErrorTokenExpired.Code {
				t.Errorf("a revoked token got %+v, %+v", reply.Connect, reply.Error)
			}
		}
	}
	fresh := tokenFrom(t, "ann", time.Now().Add(2*time.Second)) // as if issued in a moment
	for _, n := range []*node{a, b} {
		n.connectWith(t, transports[0], &protocol.ConnectRequest{Token: fresh}).answers()
	}
}

func TestABannedUserStaysAwayUntilTheBanIsLifted(t *testing.T) {
	a, b := twoNodes(t)
	soon := tokenFrom(t, "ann", time.Now().Add(20*time.Second))
	clients := []*rawClient{
		a.connectWith(t, transports[0], &protocol.ConnectRequest{Token: soon}),
		b.connectWith(t, transports[1], &protocol.ConnectRequest{Token: soon}),
	}
	start := time.Now()
	a.revoke(t, &chatv1.RevokeRequest{User: "ann", Ban: true})
	for _, c := range clients {
		c.wantEnd(protocol.DisconnectForceNoReconnect.Code)
	}
	t.Logf("banned on two nodes after %v", time.Since(start))
	for _, n := range []*node{a, b} {
		c := n.dial(t, transports[0], &protocol.Command{Connect: &protocol.ConnectRequest{Token: soon}})
		c.wantEnd(protocol.DisconnectForceNoReconnect.Code)
	}
	b.revoke(t, &chatv1.RevokeRequest{User: "ann", Allow: true})
	for _, n := range []*node{a, b} {
		eventually(t, "the ban is lifted", func() bool {
			return n.gateway.options.Chat.Admit(chat.DefaultApp, "ann", time.Now().Add(time.Minute)) == nil
		})
		n.connectWith(t, transports[0], &protocol.ConnectRequest{Token: soon}).answers()
	}
}

func TestARefreshWithARevokedTokenEndsTheSession(t *testing.T) {
	n := startNode(t, nil)
	later := time.Now().Add(20 * time.Second)
	c := n.connectWith(t, transports[0], &protocol.ConnectRequest{Token: tokenFrom(t, "ann", later)})
	n.revoke(t, &chatv1.RevokeRequest{User: "ann"})
	c.answers()
	c.begin(&protocol.Command{Refresh: &protocol.RefreshRequest{Token: tokenFrom(t, "ann", time.Now().Add(-time.Minute))}})
	c.wantEnd(protocol.DisconnectExpired.Code)
}

func TestAnAnnouncementReachesEverybodyOnceOnEveryNode(t *testing.T) {
	a, b := twoNodes(t)
	var clients []*rawClient
	for _, n := range []*node{a, b} {
		for i, via := range transports {
			clients = append(clients, n.connect(t, via, fmt.Sprint("user", i)))
		}
	}
	stranger := b.connectWith(t, transports[0], &protocol.ConnectRequest{Token: sign(t, map[string]any{"sub": "ann", "app": "other"})})
	announce := func(n *node, id, text string) {
		t.Helper()
		q := &chatv1.AnnounceRequest{Id: id, Text: text, Data: structpb.NewNumberValue(7)}
		if _, err := n.gateway.options.Chat.Announce(t.Context(), backend, q); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	announce(a, "1", "first")
	announce(b, "1", "first")
	announce(b, "2", "second")
	for _, c := range clients {
		for i, want := range []string{"first", "second"} {
			push := c.push()
			if push.Pub == nil || push.Pub.Offset != 0 || len(push.Channel) < 6 || push.Channel[:5] != "user:" {
				t.Fatalf("push %+v", push)
			}
			var got struct {
				ID, Type, Text string
				Time, Data     int64
			}
			if err := json.Unmarshal(push.Pub.Data, &got); err != nil {
				t.Fatal(err)
			}
			if got.ID != fmt.Sprint(i+1) || got.Type != "notice" || got.Text != want || got.Data != 7 || got.Time == 0 {
				t.Errorf("notice %s", push.Pub.Data)
			}
		}
	}
	t.Logf("%d sessions on two nodes had three announcements, one of them twice, after %v", len(clients), time.Since(start))
	for _, c := range append(clients, stranger) {
		c.answers()
		if len(c.pushes) > 0 {
			t.Errorf("told further of %+v", <-c.pushes)
		}
	}
}

func TestAnApplicationHasNoMoreConnectionsThanItMay(t *testing.T) {
	n := startNode(t, func(s *setup) {
		s.quotas = chat.Quotas{chat.DefaultApp: {Connections: 2}}
	})
	first := n.connect(t, transports[0], "ann")
	n.connect(t, transports[0], "")
	command := &protocol.Command{Connect: &protocol.ConnectRequest{Token: tokenOf(t, "bob")}}
	reply := n.dial(t, transports[0], command).await(command)
	if reply.Error == nil || reply.Error.Code != protocol.ErrorLimitExceeded.Code || !reply.Error.Temporary {
		t.Fatalf("the third connection got %+v, %+v", reply.Connect, reply.Error)
	}
	other := sign(t, map[string]any{"sub": "ann", "app": "other"})
	n.connectWith(t, transports[0], &protocol.ConnectRequest{Token: other}).answers()
	first.cut()
	eventually(t, "the first has gone", func() bool { return n.gateway.people.Reserved(chat.DefaultApp) == 1 })
	n.connect(t, transports[0], "bob").answers()
}

func TestOfManyWhoConnectAtOnceNoMoreGetInThanMay(t *testing.T) {
	const most, come = 3, 40
	n := startNode(t, func(s *setup) {
		s.quotas = chat.Quotas{chat.DefaultApp: {Connections: most}}
	})
	var clients []*rawClient
	var commands []*protocol.Command
	for range come {
		command := &protocol.Command{Connect: &protocol.ConnectRequest{Token: tokenOf(t, "ann")}}
		clients, commands = append(clients, n.dial(t, transports[0], command)), append(commands, command)
	}
	in := 0
	for i, c := range clients {
		if c.await(commands[i]).Connect != nil {
			in++
		}
	}
	if in != most {
		t.Errorf("%d of %d connected, where %d may", in, come, most)
	}
}
