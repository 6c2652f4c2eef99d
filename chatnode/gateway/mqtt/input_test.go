package mqtt

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// connectPacket is the CONNECT of a user.
func connectPacket(t testing.TB, user string) []byte {
	name := "JWT"
	return packet.AppendConnect(nil, packet.Connect{ClientID: "c", Clean: true, Username: &name, Password: []byte(tokenOf(t, user))})
}

// wholeTalk is everything that a client says, up to a message to itself.
func wholeTalk(t testing.TB, user string) []byte {
	stream := connectPacket(t, user)
	stream = packet.AppendSubscribe(stream, packet.Subscribe{ID: 9, Filters: []packet.Filter{{Topic: "apps/tilechat/users/" + user + "/#"}}})
	stream = packet.AppendPingreq(stream)
	return packet.AppendPublish(stream, packet.Publish{
		Topic: "apps/tilechat/outgoing/users/" + user + "/messages/" + user + "/outgoing", Payload: []byte(`{"text":"to myself"}`), QoS: 1, ID: 7,
	})
}

// wantTalk hears the answers to wholeTalk.
func (c *rawClient) wantTalk() {
	c.t.Helper()
	if code, err := packet.ParseConnack(c.answer(packet.TypeConnack)); err != nil || code != packet.Accepted {
		c.t.Fatalf("CONNACK %d: %v", code, err)
	}
	// Answers that take time may come behind a later one that takes none.
	want := map[packet.Type]bool{packet.TypeSuback: true, packet.TypePingresp: true, packet.TypePuback: true}
	for len(want) > 0 {
		p, ok := <-c.answers
		if !ok || !want[p.Type] {
			c.t.Fatalf("%s while %v is wanted", p.Type, want)
		}
		delete(want, p.Type)
	}
	has(c.t, c.hear("messages/"+c.user+"/clientadded"), object{"text": "to myself", "status": 100})
	has(c.t, c.hear("messages/"+c.user+"/clientadded"), object{"text": "to myself", "status": 150})
}

func TestPacketsMayComeInAnyPieces(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		for name, cut := range map[string]func(stream []byte) [][]byte{
			"whole":         func(stream []byte) [][]byte { return [][]byte{stream} },
			"byte by byte":  func(stream []byte) [][]byte { return bytes.SplitAfter(stream, nil) },
			"seven at once": inPieces(7),
			"many":          inPieces(300),
		} {
			c := n.dial(t, via)
			c.user = strings.ReplaceAll(via.name+" "+name, " ", "-")
			for _, piece := range cut(wholeTalk(t, c.user)) {
				c.send(piece)
			}
			c.wantTalk()
		}
	})
}

func inPieces(size int) func(stream []byte) [][]byte {
	return func(stream []byte) (pieces [][]byte) {
		for len(stream) > size {
			pieces, stream = append(pieces, stream[:size]), stream[size:]
		}
		return append(pieces, stream)
	}
}

func TestAClientMayGoAtAnyByte(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		stream := wholeTalk(t, "gone")
		for cut := 0; cut < len(stream); cut++ {
			c := n.dial(t, via)
			c.send(stream[:cut])
			c.cut()
		}
		eventually(t, "the connections are gone", func() bool { return n.conns.Connections() == 0 })
		c := n.dial(t, via)
		c.user = "stays-" + via.name
		c.send(wholeTalk(t, c.user))
		c.wantTalk()
		c.cut()
		eventually(t, "nobody is left", func() bool { return len(n.gateway.people.All()) == 0 })
	})
}

func TestWhatIsNoMQTTEndsTheConnectionAndNothingElse(t *testing.T) {
	n := startNode(t, func(s *setup) { s.limits.PacketBytes = 32 << 10 })
	other := n.connect(t, transports[0], "other", 0)
	publish := func(topic string, qos byte) []byte {
		return packet.AppendPublish(nil, packet.Publish{Topic: topic, QoS: qos, ID: 1, Payload: []byte("{}")})
	}
	eachTransport(t, n, func(t *testing.T, via transport) {
		for name, wire := range map[string][]byte{
			"HTTP":                  []byte("GET / HTTP/1.1\r\n\r\n"),
			"a great CONNECT":       {0x10, 0xff, 0xff, 0x7f},
			"an endless length":     {0x10, 0xff, 0xff, 0xff, 0xff},
			"PINGREQ first":         packet.AppendPingreq(nil),
			"CONNECT without end":   {0x10, 4, 0, 4, 'M', 'Q'},
			"zeros":                 make([]byte, 100),
			"an empty will's topic": {0x10, 16, 0, 4, 'M', 'Q', 'T', 'T', 4, 6, 0, 0, 0, 0, 0, 0, 0, 0},
		} {
			c := n.dial(t, via)
			c.send(wire)
			c.wantEnd()
			_ = name
		}
		for name, wire := range map[string][]byte{
			"CONNECT again":          connectPacket(t, "ann"),
			"a server's packet":      packet.AppendPingresp(nil),
			"a great packet":         packet.AppendPublish(nil, packet.Publish{Topic: "apps/tilechat/users/ann/x", Payload: make([]byte, 33<<10)}),
			"QoS 2":                  publish("apps/tilechat/users/ann/x", 2),
			"a wildcard as a topic":  publish("apps/tilechat/users/ann/#", 0),
			"another's topic":        publish("apps/tilechat/users/other/presence/1", 0),
			"another's outbox":       publish("apps/tilechat/outgoing/users/other/messages/ann/outgoing", 0),
			"another's inbox":        publish("apps/tilechat/users/other/messages/ann/clientadded", 0),
			"another application's":  publish("apps/other/users/ann/presence/1", 0),
			"an outbox of two":       publish("apps/tilechat/outgoing/users/ann/messages/a/b/outgoing", 0),
			"the root of the user's": publish("apps/tilechat/users/ann/", 0),
			"no topic of chat21":     publish("x", 0),
		} {
			c := n.dial(t, via)
			c.user = "ann"
			if code := c.login(packet.Connect{Clean: true}, tokenOf(t, "ann")); code != packet.Accepted {
				t.Fatalf("%s: CONNACK %d", name, code)
			}
			c.send(wire)
			c.wantEnd()
		}
	})
	other.wantNothing()
}

func TestOnlyGoodTokensLogIn(t *testing.T) {
	n := startNode(t, nil)
	claims := func(change object) string {
		all := claimsOf("tilechat", "ann")
		for name, value := range change {
			all[name] = value
		}
		return signWith(t, tokenKey, all)
	}
	eachTransport(t, n, func(t *testing.T, via transport) {
		for name, test := range map[string]struct {
			token string
			code  byte
		}{
			"good":                  {claims(nil), packet.Accepted},
			"roles in a list":       {claims(object{"tiledesk_api_roles": []string{"user", "admin"}}), packet.Accepted},
			"another key":           {signWith(t, []byte("another key"), claimsOf("tilechat", "ann")), packet.RefusedCredentials},
			"expired":               {claims(object{"exp": 1}), packet.RefusedCredentials},
			"not valid yet":         {claims(object{"nbf": time.Now().Add(time.Hour).Unix()}), packet.RefusedCredentials},
			"no user":               {claims(object{"sub": ""}), packet.RefusedCredentials},
			"a user over levels":    {claims(object{"sub": "ann/messages"}), packet.RefusedCredentials},
			"a user of all":         {claims(object{"sub": "#"}), packet.RefusedCredentials},
			"no application":        {claims(object{"app_id": ""}), packet.RefusedCredentials},
			"an application of all": {claims(object{"app_id": "+"}), packet.RefusedCredentials},
			"no token":              {"", packet.RefusedCredentials},
			"garbage":               {"a.b.c", packet.RefusedCredentials},
		} {
			if code := n.dial(t, via).login(packet.Connect{Clean: true}, test.token); code != test.code {
				t.Errorf("%s: CONNACK %d, want %d", name, code, test.code)
			}
		}
		will := &packet.Will{Topic: "apps/tilechat/users/bob/presence/1"}
		if code := n.dial(t, via).login(packet.Connect{Clean: true, Will: will}, claims(nil)); code != packet.RefusedUnauthorized {
			t.Errorf("a will for another: CONNACK %d", code)
		}
		if code := n.dial(t, via).login(packet.Connect{}, claims(nil)); code != packet.RefusedIdentifier {
			t.Errorf("a lasting session without a name: CONNACK %d", code)
		}
	})
}

func TestScopesBoundWhatATokenReadsAndWrites(t *testing.T) {
	n := startNode(t, nil)
	below := "apps.tilechat.users.ann."
	login := func(scopes ...string) *rawClient {
		claims := claimsOf("tilechat", "ann")
		claims["scope"] = scopes
		c := n.dial(t, transports[0])
		c.user = "ann"
		if code := c.login(packet.Connect{Clean: true}, signWith(t, tokenKey, claims)); code != packet.Accepted {
			t.Fatalf("CONNACK %d", code)
		}
		return c
	}
	all := packet.Filter{Topic: "apps/tilechat/users/ann/#"}
	for name, test := range map[string]struct {
		scopes []string
		filter string
		want   byte
	}{
		"its own":              {[]string{"rabbitmq.read:*/*/" + below + "*"}, all.Topic, 0},
		"everything":           {[]string{"rabbitmq.read:*/*/*"}, all.Topic, 0},
		"a part":               {[]string{"rabbitmq.read:*/*/" + below + "messages.*"}, "apps/tilechat/users/ann/messages/#", 0},
		"more than a part":     {[]string{"rabbitmq.read:*/*/" + below + "messages.*"}, all.Topic, packet.RefusedFilter},
		"nothing":              {nil, all.Topic, packet.RefusedFilter},
		"to write only":        {[]string{"rabbitmq.write:*/*/*"}, all.Topic, packet.RefusedFilter},
		"no scope at all":      {[]string{"read", "rabbitmq.read:", "rabbitmq.read:*", ""}, all.Topic, packet.RefusedFilter},
		"everybody's":          {[]string{"rabbitmq.read:*/*/*"}, "apps/tilechat/users/+/#", packet.RefusedFilter},
		"another's":            {[]string{"rabbitmq.read:*/*/*"}, "apps/tilechat/users/bob/#", packet.RefusedFilter},
		"another's by name":    {[]string{"rabbitmq.read:*/*/*"}, "apps/tilechat/users/annabel/#", packet.RefusedFilter},
		"all":                  {[]string{"rabbitmq.read:*/*/*"}, "#", packet.RefusedFilter},
		"another application":  {[]string{"rabbitmq.read:*/*/*"}, "apps/other/users/ann/#", packet.RefusedFilter},
		"the node's own feeds": {[]string{"rabbitmq.read:*/*/*"}, "$SYS/#", packet.RefusedFilter},
	} {
		if codes := login(test.scopes...).subscribe(packet.Filter{Topic: test.filter}); codes[0] != test.want {
			t.Errorf("%s: SUBACK %v, want %d", name, codes, test.want)
		}
	}
	// Tokens of the old kind have no scope to send by today's topics.
	c := login("rabbitmq.read:*/*/"+below+"*", "rabbitmq.write:*/*/"+below+"*")
	c.say("bob", object{"text": "hello"})
	c.wantEnd()
}

func TestApplicationsDoNotMeet(t *testing.T) {
	n := startNode(t, nil)
	ann, bob := n.connect(t, transports[0], "ann", 0), n.connect(t, transports[0], "bob", 0)
	stranger := n.dial(t, transports[0])
	if code := stranger.login(packet.Connect{Clean: true}, signWith(t, tokenKey, claimsOf("other", "ann"))); code != packet.Accepted {
		t.Fatalf("CONNACK %d", code)
	}
	stranger.subscribe(packet.Filter{Topic: "apps/other/users/ann/#"})
	ann.say("bob", object{"text": "among us"})
	ann.hear("messages/bob/clientadded")
	bob.hear("messages/ann/clientadded")
	stranger.publish("apps/other/outgoing/users/ann/messages/bob/outgoing", object{"text": "elsewhere"})
	m := <-stranger.published
	var o object
	must(t, json.Unmarshal(m.Payload, &o))
	if has(t, o, object{"text": "elsewhere", "app_id": "other"}); m.Topic != "apps/other/users/ann/messages/bob/clientadded" {
		t.Errorf("published on %s", m.Topic)
	}
	ann.wantNothing()
	bob.wantNothing()
	status, body := n.call(t, "GET", "other/ann/conversations", signWith(t, tokenKey, claimsOf("other", "ann")), nil)
	if status != 200 || !strings.Contains(body, "elsewhere") || strings.Contains(body, "among us") {
		t.Errorf("conversations of another application: %d %s", status, body)
	}
}

func TestSilenceEndsAConnection(t *testing.T) {
	t.Run("before the login", func(t *testing.T) {
		n := startNode(t, func(s *setup) { s.limits.LoginTimeout = 50 * time.Millisecond })
		eachTransport(t, n, func(t *testing.T, via transport) {
			n.dial(t, via).wantEnd()
			c := n.dial(t, via)
			c.send(connectPacket(t, "ann")[:20])
			c.wantEnd()
		})
	})
	t.Run("within a packet", func(t *testing.T) {
		// The login's packet comes in two pieces, between which a busy machine may rest.
		n := startNode(t, func(s *setup) { s.limits.PacketTimeout = 5 * time.Second })
		var clients []*rawClient
		for _, via := range transports {
			c := n.connect(t, via, "ann"+via.name, 0)
			c.send([]byte{0x30, 100, 0})
			clients = append(clients, c)
		}
		for _, c := range clients {
			c.wantEnd()
		}
	})
	t.Run("longer than the keep-alive", func(t *testing.T) {
		n := startNode(t, nil)
		eachTransport(t, n, func(t *testing.T, via transport) {
			c := n.dial(t, via)
			if code := c.login(packet.Connect{Clean: true, KeepAlive: 1}, tokenOf(t, "ann")); code != packet.Accepted {
				t.Fatalf("CONNACK %d", code)
			}
			c.wantEnd()
		})
	})
}
