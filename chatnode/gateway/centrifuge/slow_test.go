package centrifuge

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// gate is a link that can be held up, as by a client that does not read.
type gate struct {
	net.Conn
	hold sync.Mutex
}

func (g *gate) Read(p []byte) (int, error) {
	g.hold.Lock()
	g.hold.Unlock() //nolint:staticcheck // to pass is all
	return g.Conn.Read(p)
}

// connectSlowly is connect through a gate with a small buffer.
func (n *node) connectSlowly(t testing.TB, via transport, user string) (*rawClient, *gate) {
	t.Helper()
	g := &gate{}
	command := connectWith(tokenOf(t, user))
	c := n.dialThrough(t, via, func(network, address string) (net.Conn, error) {
		link, err := net.Dial(network, address)
		if err != nil {
			return nil, err
		}
		g.Conn = link
		return g, link.(*net.TCPConn).SetReadBuffer(64 << 10)
	}, command)
	c.result = c.await(command).Connect
	return c, g
}

func TestAClientThatDoesNotReadGetsEverythingLater(t *testing.T) {
	n := startNode(t, func(s *setup) { s.conns.QueueBytes, s.sendBuffer = 32<<10, 16<<10 })
	for _, via := range transports[:2] {
		t.Run(via.name, func(t *testing.T) {
			n.t = t
			room := "room:" + t.Name()
			slow, g := n.connectSlowly(t, via, "ann")
			slow.subscribe(room)
			writer := n.client(t, client.Options{Token: tokenOf(t, "bob"), Encoding: via.encoding})
			g.hold.Lock()
			const messages = 100
			text := strings.Repeat("x", 8<<10)
			for i := range messages {
				if err := writer.Publish(t.Context(), room, raw(t, map[string]string{"text": fmt.Sprint(i, text)})); err != nil {
					t.Fatal(err)
				}
			}
			// Replies are not lost either, in what order they may come.
			ping := &protocol.Command{Ping: &protocol.PingRequest{}}
			slow.begin(ping)
			g.hold.Unlock()
			for i := range messages {
				if got := textOf(t, slow.push().Pub); got != fmt.Sprint(i, text) {
					t.Fatalf("message %d is %.20q", i, got)
				}
			}
			slow.await(ping)
		})
	}
}

func TestAClientThatAsksAndDoesNotReadIsServedAtItsPace(t *testing.T) {
	n := startNode(t, func(s *setup) { s.conns.QueueBytes, s.sendBuffer = 32<<10, 16<<10 })
	writer := n.connect(t, transports[0], "bob")
	for range 10 {
		writer.publish("room:a", strings.Repeat("x", 8<<10))
	}
	c, g := n.connectSlowly(t, transports[0], "ann")
	g.hold.Lock()
	var commands []*protocol.Command
	for range 100 {
		commands = append(commands, &protocol.Command{History: &protocol.HistoryRequest{Channel: "room:a", Limit: 10}})
	}
	c.begin(commands...)
	// Not more than a few pages are read for a client that takes none, and the rest of its commands wait.
	eventually(t, "replies and commands that wait", func() bool {
		return n.metric("chatnode_centrifuge_waiting_reply_bytes") > 0 && n.metric("chatnode_centrifuge_waiting_commands") >= 50
	})
	if waiting := n.metric("chatnode_centrifuge_waiting_reply_bytes"); waiting > 4<<20 {
		t.Errorf("%v bytes of replies wait", waiting)
	}
	g.hold.Unlock()
	for _, command := range commands {
		if reply := c.await(command); reply.Error != nil || len(reply.History.Publications) != 10 {
			t.Fatalf("%+v", reply)
		}
	}
}

func TestAClientThatLeavesTooManyRepliesIsClosed(t *testing.T) {
	n := startNode(t, func(s *setup) {
		s.conns.QueueBytes, s.options.Limits.ReplyBytes, s.sendBuffer = 32<<10, 100<<10, 16<<10
	})
	c, g := n.connectSlowly(t, transports[0], "ann")
	g.hold.Lock()
	ended := func() bool { return n.metric("chatnode_centrifuge_disconnects_total", "code", "3008") > 0 }
	for i := 0; i < 5000 && !ended(); i++ {
		var commands []*protocol.Command
		for range 1000 {
			commands = append(commands, &protocol.Command{Ping: &protocol.PingRequest{}})
		}
		if c.write(c.frame(commands...)) != nil {
			break
		}
	}
	eventually(t, "the disconnect", ended)
	g.hold.Unlock()
}

func TestAClientThatStopsReadingAfterAPingIsNotTakenForDead(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(s *setup) {
		s.conns.QueueBytes, s.sendBuffer = 32<<10, 16<<10
		s.conns.PingInterval = 300 * time.Millisecond
		s.options.Limits.PongTimeout = 8 * time.Second
	})
	slow, g := n.connectSlowly(t, transports[0], "ann")
	slow.subscribe("room:a")
	writer := n.client(t, client.Options{Token: tokenOf(t, "bob")})
	g.hold.Lock()
	pings := func() float64 { return n.metric("chatnode_centrifuge_encoded_pushes_total", "kind", "ping") }
	enough := pings() + 3 // both clients are pinged, so one of these is for the slow one
	eventually(t, "a ping to the slow client", func() bool { return pings() >= enough })
	const messages = 100
	text := strings.Repeat("x", 8<<10)
	for i := range messages {
		if err := writer.Publish(t.Context(), "room:a", raw(t, map[string]string{"text": fmt.Sprint(i, text)})); err != nil {
			t.Fatal(err)
		}
	}
	// When a client that is really dead has been closed, the time for the slow one's answer is over too.
	command := connectWith(tokenOf(t, "carl"))
	dead := n.dial(t, transports[0], command)
	dead.mute.Store(true)
	dead.await(command)
	dead.wantEnd(3012)
	g.hold.Unlock()
	for i := range messages {
		if got := textOf(t, slow.push().Pub); got != fmt.Sprint(i, text) {
			t.Fatalf("message %d is %.20q", i, got)
		}
	}
}
