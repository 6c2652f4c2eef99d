package backbone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestMain(m *testing.M) {
	if runAsNode() {
		return
	}
	goleak.VerifyTestMain(m)
}

func room(name string) Feed { return Feed{Kind: layout.Room, App: "default", Name: name} }

// openEmbedded opens a backbone with an embedded log in the directory.
func openEmbedded(t testing.TB, dir string) *Backbone {
	t.Helper()
	return openWith(t, Options{DataDir: dir, Name: "alone"})
}

func openWith(t testing.TB, o Options) *Backbone {
	t.Helper()
	o.Prefix, o.Create = "test", true
	if o.Shards == 0 {
		o.Shards = 2
	}
	o.Logger = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

type testWriter struct{ testing.TB }

func (w testWriter) Write(p []byte) (int, error) { w.Logf("%s", p); return len(p), nil }

// recorder is a follower that remembers everything.
type recorder struct {
	mu       sync.Mutex
	messages []*Message
	signals  []string
	resets   []Position
	changed  chan struct{}
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{}, 1)} }

func (r *recorder) note(f func()) {
	r.mu.Lock()
	f()
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *recorder) Messages(batch []*Message) {
	r.note(func() { r.messages = append(r.messages, batch...) })
}
func (r *recorder) Signal(data []byte) {
	r.note(func() { r.signals = append(r.signals, string(data)) })
}
func (r *recorder) Reset(head Position) { r.note(func() { r.resets = append(r.resets, head) }) }

// await waits until the condition holds over what was recorded.
func (r *recorder) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		r.mu.Lock()
		done := ok()
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-r.changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s: have %d messages, %d resets", what, len(r.messages), len(r.resets))
		}
	}
}

func (r *recorder) awaitCount(t testing.TB, n int) {
	t.Helper()
	r.await(t, fmt.Sprintf("%d messages", n), func() bool { return len(r.messages) >= n })
}

func (r *recorder) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return texts(r.messages)
}

func texts(messages []*Message) (all []string) {
	for _, m := range messages {
		all = append(all, string(m.Data))
	}
	return all
}

// send stores a message, and tries again as clients do if the log is not available.
func send(t testing.TB, b *Backbone, feed Feed, id, text string) Receipt {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		r, err := b.Enqueue(feed, Draft{ID: id, Sender: "ann", Info: []byte(`{"user":"ann"}`), Data: []byte(text)}).Wait(t.Context())
		if err == nil {
			return r
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(deadline) {
			t.Fatalf("send %s: %v", text, err)
		}
	}
}

func follow(t testing.TB, b *Backbone, feed Feed, r *recorder) *Tail {
	t.Helper()
	tail, err := b.Follow(t.Context(), feed, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tail.Close)
	return tail
}

func numbers(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func TestMessagesReachFollowersInOrderAndStayInTheLog(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	r := newRecorder()
	tail := follow(t, b, room("a"), r)
	if head := tail.Head(); head.Offset != 0 || head.Epoch == "" {
		t.Fatalf("the head of an empty room is %v", head)
	}
	for _, text := range numbers(1, 300) {
		send(t, b, room("a"), "id-"+text, text)
		send(t, b, room("b"), "id-"+text, "other")
	}
	r.awaitCount(t, 300)
	if got := r.texts(); !slices.Equal(got, numbers(1, 300)) {
		t.Fatalf("followed %v", got)
	}
	page, err := b.After(t.Context(), room("a"), 0, 1000)
	if err != nil || !page.Complete || page.More || !slices.Equal(texts(page.Messages), numbers(1, 300)) {
		t.Fatalf("read %v complete=%v more=%v err=%v", texts(page.Messages), page.Complete, page.More, err)
	}
	if string(page.Messages[0].Info) != `{"user":"ann"}` || page.Messages[0].Time == 0 {
		t.Fatalf("info %s time %d", page.Messages[0].Info, page.Messages[0].Time)
	}
	back, err := b.Before(t.Context(), room("a"), 0, 3)
	if err != nil || !back.More || !slices.Equal(texts(back.Messages), []string{"300", "299", "298"}) {
		t.Fatalf("read backwards %v more=%v err=%v", texts(back.Messages), back.More, err)
	}
}

func TestLogAndEpochSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := openEmbedded(t, dir)
	for _, text := range numbers(1, 50) {
		send(t, b, room("a"), "id-"+text, text)
	}
	before, err := b.Before(t.Context(), room("a"), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openEmbedded(t, dir)
	r := newRecorder()
	if tail := follow(t, b, room("a"), r); tail.Head() != before.Head {
		t.Fatalf("head %v was %v before the restart", tail.Head(), before.Head)
	}
	send(t, b, room("a"), "id-51", "51")
	r.awaitCount(t, 1)
	page, err := b.After(t.Context(), room("a"), 0, 1000)
	if err != nil || !slices.Equal(texts(page.Messages), numbers(1, 51)) {
		t.Fatalf("read %v %v", texts(page.Messages), err)
	}
}

func TestASecondProcessOnTheSameDataIsRefused(t *testing.T) {
	dir := t.TempDir()
	openEmbedded(t, dir)
	_, err := Open(context.Background(), Options{DataDir: dir, Prefix: "test", Shards: 2, Create: true})
	if err == nil || err.Error() != "data directory "+dir+" is in use by another chat node" {
		t.Fatalf("got %v", err)
	}
}

func TestAnEmptyFeedStaysRecoverableWhenItsShardForgetsItsOldestMessages(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	for _, text := range numbers(1, 20) {
		send(t, b, room("busy"), text, text)
	}
	r := newRecorder()
	head := follow(t, b, room("empty"), r).Head()
	for _, text := range numbers(21, 40) {
		send(t, b, room("busy"), text, text)
	}
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(layout.Shard{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(15)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openWith(t, Options{DataDir: b.o.DataDir, Shards: 1})
	send(t, b, room("empty"), "first", "first")
	page, err := b.After(t.Context(), room("empty"), head.Offset, 10)
	if err != nil || !page.Complete || page.Head.Epoch != head.Epoch || !slices.Equal(texts(page.Messages), []string{"first"}) {
		t.Fatalf("after %v: %v complete=%v epoch %s %v", head, texts(page.Messages), page.Complete, page.Head.Epoch, err)
	}
}
