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

func TestWhoIsKickedOnOneNodeIsRefusedOnTheOther(t *testing.T) {
	url := process.StartNATS(t, 1).URL()
	var services []*Service
	for i := range 2 {
		b, err := backbone.Open(t.Context(), backbone.Options{
			NATS: backbone.NATSOptions{URL: url}, Name: fmt.Sprint("node-", i), Prefix: "test", Shards: 1, Replicas: 1, Create: true,
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{Log: b, Tables: b, Signals: b, Limits: noLimits})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			s.Close()
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
		services = append(services, s)
	}
	here, there := services[0], services[1]
	bob := someone("bob")
	made(t, here, "room:a", group, "bob")
	say(t, there, bob, "room:a", "hello")
	changes := make(chan string, 100)
	there.OnChange(func(_, channel, user string) { changes <- channel + " " + user })
	must(here.Kick(t.Context(), ann, &chatv1.KickRequest{Room: "room:a", User: "bob"}))(t)
	kicked := time.Now()
	text := "x"
	wait.For(t, 30*time.Second, "the other node to refuse", func(ctx context.Context) error {
		_, err := there.Send(ctx, bob, &chatv1.SendRequest{Id: newID(), Room: "room:a", Text: &text})
		if err == nil {
			return fmt.Errorf("it still takes messages")
		}
		expect(t, Denied, err)
		return nil
	})
	t.Logf("refused after %v", time.Since(kicked))
	for change := ""; change != "room:a bob"; {
		select {
		case change = <-changes:
		case <-time.After(time.Minute):
			t.Fatal("nobody was told of the change")
		}
	}
}
