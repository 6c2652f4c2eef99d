package centrifuge

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// startNATS starts a server with JetStream in this process.
func startNATS(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS did not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

func send(t testing.TB, id, room, text string) *protocol.Command {
	data := raw(t, map[string]string{"id": id, "room": room, "text": text})
	return &protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.send", Data: data}}
}

func TestTheSameIDIsOneMessage(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		c := n.connect(t, via, "ann")
		c.subscribe("room:a")
		id := uuid.NewString()
		type receipt struct {
			ID     string
			Offset uint64
			Time   int64
		}
		var first receipt
		for i := range 3 {
			var got receipt
			if err := json.Unmarshal(c.ok(send(t, id, "room:a", "once")).RPC.Data, &got); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = got
			}
			if got != first || got.ID != id || got.Offset == 0 {
				t.Errorf("%+v, first %+v", got, first)
			}
		}
		if pub := c.push().Pub; pub.Offset != first.Offset {
			t.Errorf("%+v", pub)
		}
		c.ok(send(t, uuid.NewString(), "room:a", "twice"))
		if pub := c.push().Pub; textOf(t, pub) != "twice" {
			t.Errorf("%+v", pub)
		}
	})
}

func TestSendsOfOneFrameKeepTheirOrder(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		c := n.connect(t, via, "ann")
		c.subscribe("room:a")
		var commands []*protocol.Command
		for i := range 50 {
			text := strings.Repeat("x", i+1)
			if i%2 == 0 {
				commands = append(commands, &protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a", Data: raw(t, map[string]string{"text": text})}})
			} else {
				commands = append(commands, send(t, uuid.NewString(), "room:a", text))
			}
		}
		c.begin(commands...)
		for i := range commands {
			if reply := c.await(commands[i]); reply.Error != nil {
				t.Fatal(reply.Error)
			}
			if text := textOf(t, c.push().Pub); len(text) != i+1 {
				t.Fatalf("message %d is %q", i, text)
			}
		}
	})
}

func TestASignalIsPushedWithoutAnOffset(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		ann, bob := n.connect(t, via, "ann"), n.connect(t, via, "bob")
		ann.subscribe("room:a")
		// A signal may be lost, for one if it comes before the subscription has quite begun.
		eventually(t, "a signal", func() bool {
			bob.ok(&protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.typing", Data: []byte(`{"room":"room:a","typing":true}`)}})
			return len(ann.pushes) > 0
		})
		push := ann.push()
		if push.Channel != "room:a" || push.Pub == nil || push.Pub.Offset != 0 || !strings.Contains(string(push.Pub.Data), `"typing"`) {
			t.Errorf("%+v", push)
		}
		history := ann.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: "room:a", Limit: 1}}).History
		if len(history.Publications) != 0 {
			t.Errorf("stored: %+v", history)
		}
	})
}

func TestAnUnacknowledgedSendIsATemporaryErrorInTime(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	n := startNode(t, func(s *setup) {
		s.natsURL = nats.ClientURL()
		s.options.Limits.SendTimeout, s.options.Limits.RequestTimeout = 500*time.Millisecond, 5*time.Second
	})
	c := n.connect(t, transports[0], "ann")
	eventually(t, "the log is there", func() bool {
		command := &protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a", Data: []byte(`{"text":"before"}`)}}
		return c.do(command).Error == nil
	})
	nats.Shutdown()
	commands := map[string]*protocol.Command{
		"publish":   {Publish: &protocol.PublishRequest{Channel: "room:a", Data: []byte(`{"text":"x"}`)}},
		"send":      send(t, uuid.NewString(), "room:a", "x"),
		"subscribe": {Subscribe: &protocol.SubscribeRequest{Channel: "room:new"}},
		"history":   {History: &protocol.HistoryRequest{Channel: "room:a", Limit: 1}},
		"presence":  {Presence: &protocol.PresenceRequest{Channel: "room:a"}},
	}
	connect := connectWith(tokenOf(t, "bob"))
	late := n.dial(t, transports[0], connect)
	for _, command := range commands {
		c.begin(command)
	}
	for name, command := range commands {
		reply := c.await(command)
		if reply.Error == nil || reply.Error.Code != 100 || !reply.Error.Temporary {
			t.Errorf("%s: %+v", name, reply)
		}
		if name == "send" && !strings.Contains(reply.Error.Message, "same id") {
			t.Errorf("message %q", reply.Error.Message)
		}
	}
	if reply := late.await(connect); reply.Error == nil || reply.Error.Code != 100 {
		t.Errorf("connect: %+v", reply)
	}
}
