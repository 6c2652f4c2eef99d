package centrifuge

import (
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestCommandsReachTheirSessionThroughAnyNode(t *testing.T) {
	url := startNATS(t).ClientURL()
	overNATS := func(s *setup) { s.natsURL = url }
	one, two := startNode(t, overNATS), startNode(t, overNATS)
	for _, via := range transports[2:] {
		t.Run(via.name, func(t *testing.T) {
			one.t, two.t = t, t
			c := one.connect(t, via, "ann")
			c.base = two.http.URL // whatever it says now, it says to the other node
			room := "room:" + t.Name()
			c.subscribe(room)
			listener := two.connect(t, transports[0], "bob")
			listener.subscribe(room)
			c.publish(room, "hello")
			for _, each := range []*rawClient{c, listener} {
				if push := each.push(); textOf(t, push.Pub) != "hello" {
					t.Errorf("%+v", push)
				}
			}
			secret := c.result.Session
			c.result.Session = "unknown"
			if err := c.write(c.frame(&protocol.Command{})); err == nil {
				t.Error("an unknown session was taken")
			}
			c.result.Session = secret
			c.cut()
			eventually(t, "the end of the session", func() bool { return c.write(c.frame(&protocol.Command{})) != nil })
		})
	}
	one.t, two.t = t, t
	if unknown := two.metric("chatnode_centrifuge_emulation_requests_total", "result", "unknown_session"); unknown < 6 {
		t.Errorf("%v unknown sessions counted", unknown)
	}
}
