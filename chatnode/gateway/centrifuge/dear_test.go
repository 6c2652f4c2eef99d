package centrifuge

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestAFewDearCallsOfASessionRunAtATime(t *testing.T) {
	var running, most atomic.Int64
	release := make(chan struct{})
	n := startNode(t, func(s *setup) {
		s.here = func() {
			now := running.Add(1)
			for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
			}
			<-release
			running.Add(-1)
		}
	})
	open := sync.OnceFunc(func() { close(release) })
	t.Cleanup(open)
	c := n.connect(t, transports[0], "ann")
	const calls = 40
	commands := make([]*protocol.Command, calls)
	for i := range commands {
		q := raw(t, map[string][]string{"users": {fmt.Sprint("user", i)}})
		commands[i] = &protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.presence", Data: q}}
	}
	c.begin(commands...)
	eventually(t, "all calls run or wait", func() bool {
		return running.Load() > 0 && float64(running.Load())+n.metric("chatnode_centrifuge_waiting_commands") == calls
	})
	c.ok(&protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.send", Data: raw(t, map[string]string{
		"id": uuid.Must(uuid.NewV7()).String(), "room": "room:a", "text": "not behind them",
	})}})
	open()
	for _, command := range commands {
		if reply := c.await(command); reply.Error != nil {
			t.Fatal(reply.Error)
		}
	}
	if most.Load() > historyLanes {
		t.Errorf("%d dear calls ran at a time, want %d at most", most.Load(), historyLanes)
	}
}
