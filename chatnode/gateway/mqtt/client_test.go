package mqtt

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// object is JSON.
type object = map[string]any

// transport is one of the ways to a node.
type transport struct {
	name string
	dial func(c *rawClient, n *node)
}

var transports = []transport{{"TCP", (*rawClient).dialTCP}, {"WebSocket", (*rawClient).dialWebSocket}}

// rawClient speaks the codec and knows nothing more.
type rawClient struct {
	t     testing.TB
	user  string
	write func(bytes []byte) error
	read  func() ([]byte, error)
	cut   func()
	// published are PUBLISH packets, answers all others; both are closed at the end.
	published chan packet.Publish
	answers   chan packet.Packet
}

// dial opens a connection and says nothing.
func (n *node) dial(t testing.TB, via transport) *rawClient {
	t.Helper()
	c := &rawClient{t: t, published: make(chan packet.Publish, 1<<14), answers: make(chan packet.Packet, 1<<14)}
	via.dial(c, n)
	t.Cleanup(c.cut)
	go c.receive()
	return c
}

func (c *rawClient) dialTCP(n *node) {
	socket, err := net.Dial("tcp", n.tcp.Addr().String())
	must(c.t, err)
	buffer := make([]byte, 4096)
	c.write = func(bytes []byte) error { _, err := socket.Write(bytes); return err }
	c.read = func() ([]byte, error) { k, err := socket.Read(buffer); return buffer[:k], err }
	c.cut = func() { _ = socket.Close() }
}

func (c *rawClient) dialWebSocket(n *node) {
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	ws, response, err := dialer.Dial("ws"+strings.TrimPrefix(n.http.URL, "http")+"/ws", nil)
	must(c.t, err)
	_ = response.Body.Close()
	c.write = func(bytes []byte) error { return ws.WriteMessage(websocket.BinaryMessage, bytes) }
	c.read = func() ([]byte, error) { _, bytes, err := ws.ReadMessage(); return bytes, err }
	c.cut = func() { _ = ws.Close() }
}

// receive sorts what comes until the end.
func (c *rawClient) receive() {
	defer close(c.published)
	defer close(c.answers)
	var stream []byte
	for {
		bytes, err := c.read()
		stream = append(stream, bytes...)
		for {
			p, rest, more, err := packet.Cut(stream, 1<<20)
			if err != nil {
				c.t.Errorf("the server sent %x: %v", stream, err)
				return
			}
			if more {
				break
			}
			p.Body, stream = append([]byte(nil), p.Body...), rest
			if p.Type != packet.TypePublish {
				c.answers <- p
				continue
			}
			m, err := packet.ParsePublish(p)
			if err != nil {
				c.t.Errorf("the server published %x: %v", p.Body, err)
			}
			c.published <- m
		}
		if err != nil {
			return
		}
	}
}

// send writes bytes; the connection may be over.
func (c *rawClient) send(bytes []byte) { _ = c.write(bytes) }

// answer gives the next packet that is no PUBLISH.
func (c *rawClient) answer(want packet.Type) packet.Packet {
	c.t.Helper()
	select {
	case p, ok := <-c.answers:
		if !ok {
			c.t.Fatalf("the connection ended instead of %s", want)
		}
		if p.Type != want {
			c.t.Fatalf("%s instead of %s", p.Type, want)
		}
		return p
	case <-time.After(patience):
		c.t.Fatalf("no %s", want)
		panic("unreachable")
	}
}

// wantEnd waits until the server ends the connection.
func (c *rawClient) wantEnd() {
	c.t.Helper()
	for {
		select {
		case _, ok := <-c.answers:
			if !ok {
				return
			}
		case <-time.After(patience):
			c.t.Fatal("the connection goes on")
		}
	}
}

// login sends CONNECT and gives the return code.
func (c *rawClient) login(q packet.Connect, token string) byte {
	c.t.Helper()
	name := "JWT"
	q.Username, q.Password = &name, []byte(token)
	c.send(packet.AppendConnect(nil, q))
	code, err := packet.ParseConnack(c.answer(packet.TypeConnack))
	must(c.t, err)
	return code
}

// connect opens a session of a user that is told everything, with that QoS.
func (n *node) connect(t testing.TB, via transport, user string, qos byte) *rawClient {
	t.Helper()
	c := n.dial(t, via)
	c.user = user
	if code := c.login(packet.Connect{ClientID: user + "-client", Clean: true}, tokenOf(t, user)); code != packet.Accepted {
		t.Fatalf("CONNACK %d", code)
	}
	if codes := c.subscribe(packet.Filter{Topic: "apps/tilechat/users/" + user + "/#", QoS: qos}); codes[0] != qos {
		t.Fatalf("SUBACK %v", codes)
	}
	return c
}

func (c *rawClient) subscribe(filters ...packet.Filter) []byte {
	c.t.Helper()
	c.send(packet.AppendSubscribe(nil, packet.Subscribe{ID: 9, Filters: filters}))
	id, codes, err := packet.ParseSuback(c.answer(packet.TypeSuback))
	must(c.t, err)
	if id != 9 || len(codes) != len(filters) {
		c.t.Fatalf("SUBACK %d with %v", id, codes)
	}
	return codes
}

func (c *rawClient) publish(topic string, payload any) {
	c.t.Helper()
	raw, err := json.Marshal(payload)
	must(c.t, err)
	c.send(packet.AppendPublish(nil, packet.Publish{Topic: topic, Payload: raw}))
}

// say sends a message to another user or a group.
func (c *rawClient) say(to string, message object) {
	c.t.Helper()
	c.publish("apps/tilechat/outgoing/users/"+c.user+"/messages/"+to+"/outgoing", message)
}

// next gives what is published next, and where below the user's topics.
func (c *rawClient) next(awaited string) (own string, payload object) {
	c.t.Helper()
	select {
	case m, ok := <-c.published:
		if !ok {
			c.t.Fatalf("the connection of %s ended before %s", c.user, awaited)
		}
		if m.QoS == 1 {
			c.send(packet.AppendPuback(nil, m.ID))
		}
		return strings.TrimPrefix(m.Topic, "apps/tilechat/users/"+c.user+"/"), c.opened(m)
	case <-time.After(patience):
		c.t.Fatalf("%s heard nothing of %s", c.user, awaited)
		return "", nil
	}
}

// hear gives what is published next, whose topic below the user's must be that.
func (c *rawClient) hear(want string) object {
	c.t.Helper()
	own, payload := c.next(want)
	if own != want {
		c.t.Fatalf("%s was published with %v, not %s", own, payload, want)
	}
	return payload
}

// hearBoth gives what is published next on two topics, which are told apart and so may come in any order.
func (c *rawClient) hearBoth(one, other string) (first, second object) {
	c.t.Helper()
	own, payload := c.next(one)
	if own == one {
		return payload, c.hear(other)
	}
	if own != other {
		c.t.Fatalf("%s was published with %v, not %s or %s", own, payload, one, other)
	}
	return c.hear(one), payload
}

// opened is what was published.
func (c *rawClient) opened(m packet.Publish) object {
	c.t.Helper()
	var o object
	if err := json.Unmarshal(m.Payload, &o); err != nil {
		c.t.Fatalf("%s: %v", m.Payload, err)
	}
	return o
}

// wantNothing makes sure that nothing was published so far: what the user does to itself now is heard first.
func (c *rawClient) wantNothing() {
	c.t.Helper()
	c.publish("apps/tilechat/users/"+c.user+"/presence/mark", object{"mark": true})
	c.hear("presence/mark")
}
