package index

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// kv starts a server of its own with a bucket in it.
func kv(t testing.TB) (*KV, jetstream.KeyValue) {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "lobby-index"})
	if err != nil {
		t.Fatal(err)
	}
	return NewKV(js, bucket), bucket
}

func TestKVKeepsTheStoresContract(t *testing.T) {
	store, bucket := kv(t)
	ctx := t.Context()
	key := "room-7.ZGVmYXVsdA.cm9vbTpsb2JieQ.head"
	if _, _, err := store.Get(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Fatalf("get nothing: %v", err)
	}
	first, err := store.Update(ctx, key, []byte("one"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Update(ctx, key, []byte("two"), 0); !errors.Is(err, ErrConflict) {
		t.Fatalf("create what exists: %v", err)
	}
	second, err := store.Update(ctx, key, []byte("two"), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Update(ctx, key, []byte("three"), first); !errors.Is(err, ErrConflict) {
		t.Fatalf("update an old revision: %v", err)
	}
	if value, revision, err := store.Get(ctx, key); string(value) != "two" || revision != second || err != nil {
		t.Fatalf("got %q at %d, %v", value, revision, err)
	}
	if err := store.Put(ctx, key, []byte{0, 255, 10}); err != nil {
		t.Fatal(err)
	}
	if value, _, err := store.Get(ctx, key); !slices.Equal(value, []byte{0, 255, 10}) || err != nil {
		t.Fatalf("got %q, %v", value, err)
	}
	if err := bucket.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	if _, revision, err := store.Get(ctx, key); !errors.Is(err, ErrNotFound) || revision != 0 {
		t.Fatalf("get what was deleted: revision %d, %v", revision, err)
	}
	if _, err := store.Update(ctx, key, []byte("four"), 0); err != nil {
		t.Fatalf("create what was deleted: %v", err)
	}
	if _, err := store.Update(ctx, "room-7.none", []byte("x"), 5); !errors.Is(err, ErrConflict) {
		t.Fatalf("update what isn't there: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := store.Get(ended, key); !errors.Is(err, context.Canceled) {
		t.Fatalf("get after the end: %v", err)
	}
}

func TestIndexLivesInABucket(t *testing.T) {
	store, _ := kv(t)
	feeds := []string{"ZGVmYXVsdA.YQ", "ZGVmYXVsdA.Yg", "ZGVmYXVsdA.Yw"}
	o := Options{Term: 1, Incarnation: "one", MaxBytes: 12 << 10, pageEntries: 16, AddTimeout: time.Minute}
	x := open(t, store, o)
	hear(t, x, 1, 2000, feeds...)
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	hear(t, x, 2001, 2100, feeds...)
	o.Term, o.Last = 2, 2100
	successor := open(t, store, o)
	defer successor.Close()
	if successor.Covered() != 2000 {
		t.Fatalf("covers %d", successor.Covered())
	}
	hear(t, successor, 2001, 2200, feeds...)
	if err := x.Checkpoint(t.Context(), MaxSeq); !errors.Is(err, ErrDeposed) {
		t.Fatalf("checkpoint of the former owner: %v", err)
	}
	x.Close()
	expect(t, successor, 2200, feeds...)
}
