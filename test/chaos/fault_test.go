package chaos

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

// fault breaks something, and gives what repairs it.
type fault struct {
	name   string
	strike func(f *fleet, room string) (repair func())
}

// faults are taken in turn, one a round.
var faults = []fault{
	{"kill -9 a node", func(f *fleet, _ string) func() { return f.killNode() }},
	{"kill -9 a stream leader", func(f *fleet, room string) func() { return f.killLeader(room) }},
	{"kill -9 both", func(f *fleet, room string) func() {
		server := f.nats.StreamLeader(streamOf(room)) // asked before the node dies, so that both die at once
		startNode := f.killNode()
		server.Kill()
		return func() {
			server.Start()
			server.WaitReady()
			startNode()
		}
	}},
	{"stop a node for a while", func(f *fleet, _ string) func() { return f.stopNode(0) }},
	// What the stopped node had begun to do, and what its clients still wrote to it, comes when NATS has forgotten the messages' ids.
	{"stop a node for long", func(f *fleet, _ string) func() { return f.stopNode(layout.DuplicateWindow + 5*time.Second) }},
	{"end a node politely", func(f *fleet, _ string) func() {
		node := f.anyNode()
		node.Stop()
		return node.Start
	}},
}

// chosenFaults are those whose name has CHAOS_FAULT in it, or all.
func chosenFaults(t *testing.T) []fault {
	t.Helper()
	wanted := os.Getenv("CHAOS_FAULT")
	chosen := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.name, wanted) })
	if len(chosen) == 0 {
		t.Fatalf("no fault has CHAOS_FAULT=%q in its name", wanted)
	}
	return chosen
}

// usualRounds is one round of each fault but the longest two.
const usualRounds = 4

func (f *fleet) anyNode() *process.Chatnode { return f.nodes[rand.N(len(f.nodes))] }

func (f *fleet) killNode() (start func()) {
	node := f.anyNode()
	node.Kill()
	return node.Start
}

// stopNode stops a node for that time at least.
func (f *fleet) stopNode(least time.Duration) (goOn func()) {
	node := f.anyNode()
	node.Pause()
	enough := time.NewTimer(least)
	return func() {
		<-enough.C
		node.Resume()
	}
}

func (f *fleet) killLeader(room string) (start func()) {
	server := f.nats.StreamLeader(streamOf(room))
	server.Kill()
	return server.Start
}

// streamOf is the stream that keeps a room, with the default prefix and number of shards.
func streamOf(room string) string {
	l := layout.New("chat", 16)
	return l.Stream(l.ShardOf(layout.Feed{Kind: layout.Room, App: "default", Name: room}))
}
