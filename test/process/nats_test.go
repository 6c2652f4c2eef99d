package process

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestStreamOutlivesItsLeader(t *testing.T) {
	cluster := StartNATS(t, 3)
	js := connect(t, cluster.URL())
	makeStream(t, js, 3)
	publish(t, js, 0, 50)

	leader := cluster.StreamLeader("LOG")
	leader.Kill()
	publish(t, js, 50, 60)
	if next := cluster.StreamLeader("LOG"); next == leader {
		t.Fatalf("%s still leads after its death", leader.Name())
	}
	leader.Start()
	cluster.WaitReady()
	if got := stored(t, js); got != 60 {
		t.Fatalf("%d messages after the restart, want 60", got)
	}
}

func TestWholeClusterKilledKeepsItsData(t *testing.T) {
	cluster := StartNATS(t, 3)
	js := connect(t, cluster.URL())
	makeStream(t, js, 3)
	publish(t, js, 0, 20)

	for _, server := range cluster.Servers() {
		server.Kill()
	}
	for _, server := range cluster.Servers() {
		server.Start()
	}
	cluster.WaitReady()
	cluster.StreamLeader("LOG")
	if got := stored(t, js); got != 20 {
		t.Fatalf("%d messages after all were killed, want 20", got)
	}
}

func TestOneServerKeepsItsData(t *testing.T) {
	server := StartNATSWith(t, NATSOptions{Servers: 1, SyncInterval: "always"}).Server(0)
	js := connect(t, server.URL())
	makeStream(t, js, 1)
	publish(t, js, 0, 10)

	server.Kill()
	if server.Running() {
		t.Fatal("the server runs after Kill")
	}
	server.Start()
	server.WaitReady()
	publish(t, js, 10, 20)
	server.Restart()
	if got := stored(t, js); got != 20 {
		t.Fatalf("%d messages after Kill and Restart, want 20", got)
	}
	if starts := strings.Count(server.Log(), "Server is ready"); starts != 3 {
		t.Fatalf("the log shows %d starts, want 3", starts)
	}
}

func TestPausedServerAnswersAfterResume(t *testing.T) {
	server := StartNATS(t, 1).Server(0)
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := server.Ready(ctx); err == nil {
		t.Fatal("a paused server answered")
	}
	server.Resume()
	server.WaitReady()
	server.Pause()
	server.Stop() // wakes it first
}

func connect(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	connection, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	js, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func makeStream(t *testing.T, js jetstream.JetStream, replicas int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	config := jetstream.StreamConfig{Name: "LOG", Subjects: []string{"log.>"}, Replicas: replicas}
	err := until(ctx, nil, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := js.CreateStream(ctx, config)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// publish sends the messages numbered from up to below end, each as often as
// it takes: its id makes a repetition harmless.
func publish(t *testing.T, js jetstream.JetStream, from, end int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := from; i < end; i++ {
		id := fmt.Sprint(i)
		err := until(ctx, nil, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := js.Publish(ctx, "log.a", []byte(id), jetstream.WithMsgID(id))
			return err
		})
		if err != nil {
			t.Fatalf("publish %d: %v", i, err)
		}
	}
}

func stored(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var messages uint64
	err := until(ctx, nil, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		stream, err := js.Stream(ctx, "LOG")
		if err == nil {
			messages = stream.CachedInfo().State.Msgs
		}
		return err
	})
	if err != nil {
		t.Fatalf("count the messages: %v", err)
	}
	return messages
}
