package chat

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// What three servers hold of an erased user is their Raft logs' affair, and gone by the time that the receipt says, while others go on
// writing.
func TestTheDisksOfThreeServersAreCleanWhenTheReceiptSaysSo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes: Raft logs are compacted every two to three")
	}
	servers := process.StartNATS(t, 3)
	b, err := backbone.Open(t.Context(), backbone.Options{
		NATS: backbone.NATSOptions{URL: servers.URL()}, Replicas: 3, Prefix: "test", Shards: 1, Create: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{
		Log: b, Tables: b, Signals: b, ImplicitRooms: true, OpenChannels: []string{"open*"}, Limits: noLimits, Linger: b.Linger,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	lifeOfAnn(t, s)
	receipt := must(s.EraseUser(t.Context(), theServer, &chatv1.EraseUserRequest{User: "ann"}))(t)
	if err := whatIsLeft(t, s, b); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	promised := time.Until(time.UnixMilli(receipt.GetGoneBy()))
	wait.For(t, promised+time.Minute, "the disks to be clean", func(context.Context) error {
		say(t, s, someone("bob"), "room:other", "more")
		for _, server := range servers.Servers() {
			if files := filesWith(t, server.DataDir(), secretWord); len(files) > 0 {
				return fmt.Errorf("%s has it in %q", server.Name(), files)
			}
		}
		return nil
	})
	t.Logf("the disks were clean after %v, and should be by %v", time.Since(start), promised)
}
