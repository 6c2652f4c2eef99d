package backbone

import (
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

func TestAServerThatHangsIsLeftAlsoWhileMuchIsBeingSent(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	servers := process.StartNATS(t, 1)
	b := openWith(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 1, Shards: 1})
	servers.Server(0).Pause()
	defer servers.Server(0).Resume()
	failed := make(chan struct{})
	go func() {
		defer close(failed)
		for b.Signal(room("a"), make([]byte, 64<<10)) == nil {
		}
	}()
	select {
	case <-failed:
	case <-time.After(time.Minute):
		t.Fatal("a send waits for the server still")
	}
	await(t, "the server to be given up", func() bool { return !b.main.IsConnected() })
	servers.Server(0).Resume()
	await(t, "the connection", func() bool { return b.connected() })
	send(t, b, room("a"), idAt(time.Now()), "1")
}
