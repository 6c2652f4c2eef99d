package mqtt

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// loginAs opens a session under that client id that has asked for nothing yet.
func (n *node) loginAs(t testing.TB, via transport, user, client string, more packet.Connect) *rawClient {
	t.Helper()
	c := n.dial(t, via)
	c.user, more.ClientID, more.Clean = user, client, true
	if code := c.login(more, tokenOf(t, user)); code != packet.Accepted {
		t.Fatalf("CONNACK %d", code)
	}
	return c
}

// presenceWill says that a client is gone.
func presenceWill(user string) *packet.Will {
	return &packet.Will{Topic: "apps/tilechat/users/" + user + "/presence/phone", Payload: []byte(`{"disconnected":true}`), QoS: 1}
}

// Clients of QoS 0 are told nothing, so they say what they have to say, and DISCONNECT, and go.
func TestWhatIsSaidBeforeDisconnectIsStored(t *testing.T) {
	const all = 40
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		watch := n.connect(t, via, "ann"+via.name, 0)
		phone := n.loginAs(t, via, watch.user, "phone", packet.Connect{Will: presenceWill(watch.user)})
		var wire []byte
		for i := range all {
			wire = packet.AppendPublish(wire, packet.Publish{
				Topic:   "apps/tilechat/outgoing/users/" + watch.user + "/messages/bob/outgoing",
				Payload: fmt.Appendf(nil, `{"text":"%d"}`, i),
			})
		}
		phone.send(packet.AppendDisconnect(wire))
		phone.cut()
		for i := range all {
			has(t, watch.hear("messages/bob/clientadded"), object{"text": fmt.Sprint(i)})
		}
		eventually(t, "the connection is gone", func() bool { return n.conns.Connections() == 1 })
		watch.wantNothing() // of the will
		watch.cut()
		eventually(t, "nobody is left", func() bool { return n.conns.Connections() == 0 })
	})
}

// A client whose message is not acknowledged says it again, and all that it said later: nothing of that may come before.
func TestWhatIsNotStoredIsNotOvertaken(t *testing.T) {
	n := startNode(t, nil)
	ann := n.loginAs(t, transports[0], "ann", "phone", packet.Connect{})
	s, ready := n.gateway.people.All()[0], make(chan struct{})
	var overtaken atomic.Bool
	s.begin(func(ctx context.Context) {
		<-ready
		ctx, cancel := context.WithCancel(ctx)
		cancel() // as if the log had been away for too long
		s.runPublish(ctx, address{kind: toSend, with: "bob"}, []byte(`{"text":"first"}`), packet.Publish{QoS: 1, ID: 1})
	})
	s.begin(func(context.Context) { overtaken.Store(true) })
	close(ready)
	ann.wantEnd()
	eventually(t, "the session is done", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.working })
	if overtaken.Load() {
		t.Error("what was said later was done")
	}
}

// While a node reads nothing from a client, since too much waits, the client is not silent.
func TestAClientThatIsNotReadIsNotSilent(t *testing.T) {
	n := startNode(t, func(s *setup) { s.limits.Waiting = 1 })
	ann := n.loginAs(t, transports[0], "ann", "phone", packet.Connect{KeepAlive: 600})
	s, release := n.gateway.people.All()[0], make(chan struct{})
	s.begin(func(context.Context) { <-release })
	s.begin(func(context.Context) {})
	ann.send(packet.AppendPublish(nil, packet.Publish{Topic: "apps/tilechat/users/ann/x", Payload: []byte("{}"), QoS: 1, ID: 7}))
	eventually(t, "the packet waits", func() bool { return testutil.ToFloat64(n.gateway.metrics.packets.WithLabelValues("PUBLISH")) == 1 })
	s.spoke = time.Now().Add(-time.Hour) // as if it had waited for so long
	s.conn.After(0, deadlineKeepAlive)
	bob := n.loginAs(t, transports[0], "bob", "phone", packet.Connect{})
	n.gateway.people.Of(people.Person{App: "tilechat", User: "bob"})[0].conn.After(0, deadlineToken)
	bob.wantEnd() // so that the time is over for both
	close(release)
	ann.answer(packet.TypePuback)
	ann.send(packet.AppendPingreq(nil))
	ann.answer(packet.TypePingresp)
}

// A client that comes again before its last connection is known to be gone is there in the end, not gone.
func TestTheWillOfAConnectionThatIsReplacedComesBeforeItsSuccessor(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		watch := n.connect(t, via, "ann"+via.name, 0)
		for i := range 20 {
			phone := n.loginAs(t, via, watch.user, "phone", packet.Connect{Will: presenceWill(watch.user)})
			phone.publish("apps/tilechat/users/"+watch.user+"/presence/phone", object{"connected": true})
			if i > 0 {
				has(t, watch.hear("presence/phone"), object{"disconnected": true})
			}
			has(t, watch.hear("presence/phone"), object{"connected": true})
		}
	})
}

// A DISCONNECT that is none does not take the will back.
func TestABrokenFarewellLeavesTheWill(t *testing.T) {
	n := startNode(t, nil)
	watch := n.connect(t, transports[0], "ann", 0)
	phone := n.loginAs(t, transports[0], "ann", "phone", packet.Connect{Will: presenceWill("ann")})
	phone.send([]byte{byte(packet.TypeDisconnect) << 4, 1, 0})
	phone.wantEnd()
	has(t, watch.hear("presence/phone"), object{"disconnected": true})
}

func TestAWebSocketCarriesBytes(t *testing.T) {
	n := startNode(t, nil)
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	ws, response, err := dialer.Dial("ws"+strings.TrimPrefix(n.http.URL, "http")+"/ws", nil)
	must(t, err)
	defer func() { _ = ws.Close() }()
	_ = response.Body.Close()
	must(t, ws.SetReadDeadline(time.Now().Add(patience)))
	must(t, ws.WriteMessage(websocket.BinaryMessage, connectPacket(t, "ann")))
	if _, answered, err := ws.ReadMessage(); err != nil || answered[0] != byte(packet.TypeConnack)<<4 {
		t.Fatalf("answered %x, %v", answered, err)
	}
	publish := packet.AppendPublish(nil, packet.Publish{Topic: "apps/tilechat/users/ann/x"})
	must(t, ws.WriteMessage(websocket.TextMessage, publish))
	if _, answered, err := ws.ReadMessage(); !websocket.IsCloseError(err, codeEnd) {
		t.Errorf("answered %x, %v", answered, err)
	}
}
