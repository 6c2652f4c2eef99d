package centrifuge

import (
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestAnswersThatComeAfterTheEndOfASlowClientAreNotKept(t *testing.T) {
	n := startNode(t, nil)
	c := n.connect(t, transports[2], "ann")
	s := n.sessionOf(c)
	c.cut()
	eventually(t, "the end", func() bool { return n.metric("chatnode_conn_connections") == 0 && n.sessionOf(c) == nil })
	s.out.blocked.Store(true) // as if the client had not read
	s.Closed(nil)
	// A command was under way.
	s.write(&protocol.Reply{ID: 1, RPC: &protocol.RPCResult{Data: raw(t, strings.Repeat("x", 8<<10))}}, nil)
	if waiting := n.metric("chatnode_centrifuge_waiting_reply_bytes"); waiting != 0 {
		t.Errorf("%v bytes wait for a client that is gone", waiting)
	}
}
