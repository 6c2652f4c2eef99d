package centrifuge

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestBrokenFramesEndTheConnection(t *testing.T) {
	n := startNode(t, nil)
	other := n.connect(t, transports[0], "other")
	large := string(protocol.AppendCommand(protocol.JSON, nil, &protocol.Command{ID: 9,
		Publish: &protocol.PublishRequest{Channel: "room:a", Data: []byte(`"` + strings.Repeat("x", 64<<10) + `"`)}}))
	for _, test := range []struct {
		name  string
		frame string
		code  uint32
	}{
		{"not JSON", "hello", 3501},
		{"half a command", `{"id":1,"ping":{`, 3501},
		{"no request", `{"id":1}`, 3501},
		{"two requests", `{"id":1,"ping":{},"send":{}}`, 3501},
		{"no id", `{"ping":{}}`, 3501},
		{"deep", `{"id":1,"rpc":{"data":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}}`, 3501},
		{"empty", "", 3501},
		{"a large command", large, 1009},
		{"a large frame", strings.Repeat(" ", 300<<10), 1009},
		{"many commands", strings.Repeat("{}", 2001), 3501},
		{"not UTF-8", "\xff", 1007},
	} {
		c := n.connect(t, transports[0], "ann")
		// The server closes as soon as a frame's header says too much, and the rest can't be written then.
		_ = c.write([]byte(test.frame))
		c.wantEnd(test.code)
	}
	c := n.connect(t, transports[1], "ann")
	if err := c.write([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")); err != nil {
		t.Fatal(err)
	}
	c.wantEnd(3501)
	other.ok(&protocol.Command{Ping: &protocol.PingRequest{}})
}

func TestBadRequestsAreAnswered(t *testing.T) {
	n := startNode(t, func(s *setup) { s.chat.TextBytes = 1 << 10 })
	eachTransport(t, n, func(t *testing.T, via transport) {
		c := n.connect(t, via, "ann")
		cases := []struct {
			name    string
			command *protocol.Command
			code    uint32
		}{
			{"publish nothing", &protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a"}}, 107},
			{"publish to nobody", &protocol.Command{Publish: &protocol.PublishRequest{Data: []byte("1")}}, 107},
			{"publish to another user", &protocol.Command{Publish: &protocol.PublishRequest{Channel: "user:bob", Data: []byte("1")}}, 103},
			{"publish to an unknown channel", &protocol.Command{Publish: &protocol.PublishRequest{Channel: "x", Data: []byte("1")}}, 102},
			{"a long text", &protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a", Data: raw(t, map[string]string{"text": strings.Repeat("x", 2<<10)})}}, 107},
			{"an unknown method", &protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.none", Data: []byte("{}")}}, 104},
			{"no method", &protocol.Command{RPC: &protocol.RPCRequest{}}, 104},
			{"a call without data", &protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.send"}}, 107},
			{"a send without an id", send(t, "", "room:a", "x"), 107},
			{"presence of others", &protocol.Command{Presence: &protocol.PresenceRequest{Channel: "user:bob"}}, 103},
			{"statistics of nothing", &protocol.Command{PresenceStats: &protocol.PresenceStatsRequest{}}, 107},
			{"history of nothing", &protocol.Command{History: &protocol.HistoryRequest{Limit: 1}}, 107},
			{"a channel without end", &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: strings.Repeat("x", 60<<10)}}, 107},
			{"a token without end", &protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: "room:a", Token: strings.Repeat("x", 60<<10)}}, 107},
			{"an epoch without end", &protocol.Command{History: &protocol.HistoryRequest{
				Channel: "room:a", Since: &protocol.StreamPosition{Epoch: strings.Repeat("x", 60<<10)}}}, 107},
			{"refresh without a token", &protocol.Command{Refresh: &protocol.RefreshRequest{}}, 107},
		}
		if via.encoding == protocol.Protobuf {
			for _, data := range []string{"\xff\x00", "{", `"` + "\xff" + `"`} {
				cases = append(cases, struct {
					name    string
					command *protocol.Command
					code    uint32
				}{"data that is not JSON", &protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a", Data: []byte(data)}}, 107})
			}
		}
		for _, test := range cases {
			reply := c.do(test.command)
			if reply.Error == nil || reply.Error.Code != test.code || reply.Error.Temporary || reply.Error.Message == "" {
				t.Errorf("%s: %+v", test.name, reply)
			}
		}
		c.begin(&protocol.Command{Send: &protocol.SendRequest{Data: []byte("1")}}) // is not answered, and does no harm
		c.ok(&protocol.Command{Ping: &protocol.PingRequest{}})
	})
}

func TestAClientThatFloodsWhileItConnectsIsClosed(t *testing.T) {
	nats := startNATS(t)
	n := startNode(t, func(s *setup) { s.natsURL = nats.ClientURL() })
	nats.Shutdown() // so that connecting takes long
	c := n.dial(t, transports[0], connectWith(tokenOf(t, "ann")))
	for range 100 {
		data := []byte(`"` + strings.Repeat("x", 60<<10) + `"`)
		if c.write(c.frame(&protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a", Data: data}})) != nil {
			break
		}
	}
	c.wantEnd(3013)
}

func TestAFastClientIsToldAndThenClosed(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Limits.CommandsPerSecond, s.options.Limits.CommandBurst = 0.001, 10 })
	c := n.connect(t, transports[0], "ann")
	var commands []*protocol.Command
	for range 100 {
		commands = append(commands, &protocol.Command{Ping: &protocol.PingRequest{}})
	}
	c.begin(commands...)
	for i, command := range commands {
		reply := c.await(command)
		if slow := i < 9; slow == (reply.Error != nil) { // connect was the first
			t.Errorf("ping %d: %+v", i, reply)
		} else if !slow && (reply.Error.Code != 111 || !reply.Error.Temporary) {
			t.Errorf("ping %d: %+v", i, reply.Error)
		}
	}
	c.begin(commands...)
	c.wantEnd(3013)
}

func TestTheRateOfMessagesIsTheUsers(t *testing.T) {
	n := startNode(t, func(s *setup) {
		s.chat = chat.Limits{TextBytes: 1 << 10, DataBytes: 1 << 10, MessagesPerSecond: 0.001, Burst: 2}
	})
	one, two := n.connect(t, transports[0], "ann"), n.connect(t, transports[1], "ann")
	one.publish("room:a", "1")
	two.publish("room:a", "2")
	for _, c := range []*rawClient{one, two} {
		reply := c.do(&protocol.Command{Publish: &protocol.PublishRequest{Channel: "room:a", Data: []byte(`{"text":"x"}`)}})
		if reply.Error == nil || reply.Error.Code != 111 || !reply.Error.Temporary {
			t.Errorf("%+v", reply)
		}
	}
	n.connect(t, transports[0], "bob").publish("room:a", "3")
}

func TestAClientThatAlwaysErrsIsClosed(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.Limits.Failures = 20 })
	c := n.connect(t, transports[0], "ann")
	for range 10 { // what is allowed at any rate
		c.do(&protocol.Command{RPC: &protocol.RPCRequest{Method: "none"}})
	}
	for range 100 {
		if err := c.write(c.frame(&protocol.Command{RPC: &protocol.RPCRequest{Method: "none"}})); err != nil {
			break
		}
	}
	c.wantEnd(3509)
}

func TestRepliesThatAreReadyTogetherShareAFrame(t *testing.T) {
	n := startNode(t, nil)
	for _, via := range transports[:2] {
		c := n.connect(t, via, "ann")
		var commands []*protocol.Command
		for range 100 {
			commands = append(commands, &protocol.Command{Ping: &protocol.PingRequest{}})
		}
		c.mu.Lock()
		before := c.frames
		c.mu.Unlock()
		c.begin(commands...)
		for _, command := range commands {
			c.await(command)
		}
		c.mu.Lock()
		if c.frames != before+1 {
			t.Errorf("%s: %d frames", via.name, c.frames-before)
		}
		c.mu.Unlock()
	}
}

func TestEndpointsRefuseWhatIsNotForThem(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[4], "ann")
	emulation := func(node, session, data string) string {
		return string(protocol.AppendEmulation(protocol.JSON, nil, &protocol.EmulationRequest{Node: node, Session: session, Data: []byte(data)}))
	}
	for _, test := range []struct {
		method, path, body, origin string
		status                     int
	}{
		{"GET", "/connection/websocket", "", "", http.StatusUpgradeRequired},
		{"GET", "/connection/http_stream", "", "", http.StatusMethodNotAllowed},
		{"POST", "/connection/sse", "", "", http.StatusMethodNotAllowed},
		{"GET", "/emulation", "", "", http.StatusMethodNotAllowed},
		{"POST", "/connection/http_stream", strings.Repeat(" ", 300<<10), "", http.StatusRequestEntityTooLarge},
		{"POST", "/emulation", strings.Repeat(" ", 600<<10), "", http.StatusRequestEntityTooLarge},
		{"POST", "/emulation", "nonsense", "", http.StatusBadRequest},
		{"POST", "/emulation", emulation(n.gateway.node, "unknown", "{}"), "", http.StatusNotFound},
		{"POST", "/emulation", emulation("unknown", c.result.Session, "{}"), "", http.StatusNotFound},
		{"POST", "/emulation", emulation("a.*.> b", c.result.Session, "{}"), "", http.StatusNotFound},
		{"POST", "/emulation", emulation("", c.result.Session, "{}"), "", http.StatusNotFound},
		{"POST", "/emulation", emulation(n.gateway.node, c.result.Session, "{}"), "", http.StatusNoContent},
		{"POST", "/emulation", emulation(n.gateway.node, c.result.Session, "{}"), "https://evil.example", http.StatusForbidden},
		{"OPTIONS", "/emulation", "", "https://evil.example", http.StatusForbidden},
		{"OPTIONS", "/emulation", "", n.http.URL, http.StatusNoContent},
		{"OPTIONS", "/connection/http_stream", "", n.http.URL, http.StatusNoContent},
	} {
		request, err := http.NewRequest(test.method, n.http.URL+test.path, bytes.NewReader([]byte(test.body)))
		if err != nil {
			t.Fatal(err)
		}
		if test.origin != "" {
			request.Header.Set("Origin", test.origin)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s %s %.60q from %q: %s, want %d", test.method, test.path, test.body, test.origin, response.Status, test.status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if unknown := n.metric("chatnode_centrifuge_emulation_requests_total", "result", "unknown_session"); unknown != 4 {
		t.Errorf("%v unknown sessions counted", unknown)
	}
}
