package chaos

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/crowd"
)

const repetitions = 10

func TestIdempotencyOverNodesAndAReconnect(t *testing.T) {
	f := startFleet(t, 1)
	const room = "room:again"
	back := make(chan struct{}, 10)
	first := f.mustDial(t, "sender", f.nodes[0].URL(), client.Options{
		Reconnect: true, OnConnect: func(*protocol.ConnectResult) { back <- struct{}{} },
	})
	<-back
	second := f.mustDial(t, "sender", f.nodes[1].URL(), client.Options{Encoding: protocol.Protobuf})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	id := uuid.Must(uuid.NewV7()).String()
	var answers []client.Sent
	for i := range repetitions {
		if i == repetitions/2 {
			first.Cut()
			<-back
		}
		sent, err := []*client.Client{first, second}[i%2].Send(ctx, room, id, "once")
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, sent)
	}
	checkOnce(t, first, room, answers)
}

func TestIdempotencyOfRepetitionsAtOnce(t *testing.T) {
	f := startFleet(t, 1)
	const room = "room:at-once"
	var clients []*client.Client
	for _, node := range f.nodes {
		clients = append(clients, f.mustDial(t, "sender", node.URL(), client.Options{}))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	id := uuid.Must(uuid.NewV7()).String()
	answers := make([]client.Sent, repetitions)
	var sending sync.WaitGroup
	for i := range answers {
		sending.Go(func() {
			var err error
			if answers[i], err = clients[i%len(clients)].Send(ctx, room, id, "once"); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	checkOnce(t, clients[0], room, answers)
}

// checkOnce demands that the room has one message, and that all answers name it and its time.
func checkOnce(t *testing.T, c *client.Client, room string, answers []client.Sent) {
	t.Helper()
	log, err := crowd.HistoryOf(t.Context(), c, room)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != 1 {
		t.Fatalf("the log has %d messages, want 1", len(log))
	}
	want := client.Sent{ID: log[0].ID.String(), Offset: log[0].Offset, Time: log[0].Time}
	for i, got := range answers {
		if got != want {
			t.Errorf("answer %d is %+v, want %+v", i+1, got, want)
		}
	}
}
