package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// startNodes gives the services of two nodes on one log, and the log's address.
func startNodes(t *testing.T) (here, there *Service, url string) {
	t.Helper()
	url = process.StartNATS(t, 1).URL()
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
	return services[0], services[1], url
}

func TestWhoIsKickedOnOneNodeIsRefusedOnTheOther(t *testing.T) {
	here, there, _ := startNodes(t)
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

// holdIndex keeps the owner of a room's shard from reading further until release is called.
func holdIndex(t *testing.T, url, room string) (release func()) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	log := layout.New("test", 1)
	stream, err := js.Stream(t.Context(), log.Stream(log.ShardOf(testFeed(room))))
	if err != nil {
		t.Fatal(err)
	}
	var consumers []string
	for name := range stream.ConsumerNames(t.Context()).Name() {
		consumers = append(consumers, name)
		if _, err := stream.PauseConsumer(t.Context(), name, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		for _, name := range consumers {
			_, err := stream.ResumeConsumer(t.Context(), name)
			if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) { // its reader has made another, as it does if the machine stalls
				t.Fatal(err)
			}
		}
	}
}

func TestNothingSaidThroughAnotherNodeBeforeAUserCameCountsAsUnread(t *testing.T) {
	for name, come := range map[string]func(ctx context.Context, s *Service) error{
		"joined": func(ctx context.Context, s *Service) error {
			_, err := s.Join(ctx, someone("bob"), &chatv1.JoinRequest{Room: "room:a"})
			return err
		},
		"added": func(ctx context.Context, s *Service) error {
			_, err := s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}, Add: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			here, there, url := startNodes(t)
			made(t, here, "room:a", open)
			history(t, there, ann, "room:a") // somebody owns the shard
			release := holdIndex(t, url, "room:a")
			say(t, here, ann, "room:a", "before")
			brief, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if err := come(brief, there); err != nil {
				expect(t, Unavailable, err)
			}
			release()
			if err := come(t.Context(), there); err != nil {
				t.Fatal(err)
			}
			history(t, here, ann, "room:a") // the index has what was said by now
			unread(t, there, 0)
			say(t, here, ann, "room:a", "after")
			history(t, here, ann, "room:a")
			unread(t, there, 1)
		})
	}
}

// unread ends the test unless bob has so much unread in his only room.
func unread(t *testing.T, s *Service, want uint32) {
	t.Helper()
	rooms := must(s.Rooms(t.Context(), someone("bob"), &chatv1.RoomsRequest{}))(t).GetRooms()
	if len(rooms) != 1 || rooms[0].GetMarks().GetUnread() != want {
		t.Fatalf("bob's rooms are %v, want one with %d unread", rooms, want)
	}
}
