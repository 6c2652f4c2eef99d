package backbone

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestStreamsOfAnotherNumberOfShardsAreRefused(t *testing.T) {
	dir := t.TempDir()
	if err := openWith(t, Options{DataDir: dir, Shards: 2}).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), Options{DataDir: dir, Prefix: "test", Shards: 4, Create: true})
	if err == nil || !strings.Contains(err.Error(), "made for 2 shards") || !strings.Contains(err.Error(), "--shards=2") {
		t.Fatalf("got %v", err)
	}
}

func TestStreamsThatAreExpectedMustBeThere(t *testing.T) {
	dir := t.TempDir()
	o := Options{DataDir: dir, Prefix: "test", Shards: 2}
	if _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), "--streams=create") {
		t.Fatalf("got %v", err)
	}
	if err := openWith(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBucketsThatAnOlderReleaseLacksAreNamedOrMade(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Prefix: "test", Shards: 2}
	older := openWith(t, o)
	for _, table := range layout.Tables[1:] {
		if err := older.js.DeleteKeyValue(t.Context(), older.layout.Bucket(table)); err != nil {
			t.Fatal(err)
		}
	}
	if err := older.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "these buckets are not there: test-members, test-inbox") || !strings.Contains(err.Error(), "--streams=create") {
		t.Fatalf("got %v", err)
	}
	put(t, openWith(t, o), layout.Members, "YQ", "1", 0)
}

func TestStreamsThatNATSHasNoRoomForAreRefusedInClearWords(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	o := Options{NATS: NATSOptions{URL: process.StartNATS(t, 1).URL()}, Prefix: "test", Replicas: 1, Shards: 2, Create: true, MaxBytes: 1 << 50}
	if _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), "choose less with --history-bytes") {
		t.Fatalf("got %v", err)
	}
}

func TestClustersShareANATSAccountByTheirPrefix(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	servers := process.StartNATS(t, 1)
	one := openWith(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 1, Shards: 1})
	other, err := Open(t.Context(), Options{NATS: NATSOptions{URL: servers.URL()}, Prefix: "other", Replicas: 1, Shards: 1, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	send(t, one, room("a"), "1", "of one")
	page, err := other.After(t.Context(), room("a"), 0, 10)
	if err != nil || len(page.Messages) != 0 || len(other.Nodes()) != 1 {
		t.Fatalf("the other cluster sees %v, %d nodes, %v", texts(page.Messages), len(other.Nodes()), err)
	}
}

// told closes a channel at the first line of a log with these words.
type told struct {
	words string
	once  sync.Once
	heard chan struct{}
}

func (w *told) Write(line []byte) (int, error) {
	if strings.Contains(string(line), w.words) {
		w.once.Do(func() { close(w.heard) })
	}
	return len(line), nil
}

func TestStreamsAreMadeAsSoonAsThereAreServersForThem(t *testing.T) {
	if testing.Short() {
		t.Skip("needs NATS servers; make test runs it")
	}
	servers := process.StartNATS(t, 3)
	late := servers.Server(2)
	// A server that others remember gets a replica although it is gone, and two of three are a quorum: they start anew, and never hear of it.
	for _, server := range servers.Servers() {
		server.Stop()
	}
	for _, server := range servers.Servers() {
		if server != late {
			server.Start()
		}
	}
	servers.MetaLeader()
	waits := &told{words: "waiting for NATS servers that take a stream", heard: make(chan struct{})}
	opened := make(chan error, 1)
	go func() {
		b, err := Open(context.Background(), Options{
			NATS: NATSOptions{URL: servers.URL()}, Prefix: "test", Replicas: 3, Shards: 2, Create: true, Logger: slog.New(slog.NewTextHandler(waits, nil)),
		})
		if err == nil {
			err = b.Close()
		}
		opened <- err
	}()
	select {
	case <-waits.heard:
	case err := <-opened:
		t.Fatalf("opened with two servers of three: %v", err)
	}
	late.Start()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}
