package hook

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/wait"
)

// nodeURLs makes this test binary a node with a webhook, for tests that kill one: the addresses of NATS and of the receiver.
const nodeURLs = "HOOK_TEST_NODE"

func TestMain(m *testing.M) {
	if raw := os.Getenv(nodeURLs); raw != "" {
		runNode(raw)
		return
	}
	goleak.VerifyTestMain(m)
}

// runNode is a node until its standard input ends. It says when it is ready.
func runNode(raw string) {
	var urls [2]string
	if err := json.Unmarshal([]byte(raw), &urls); err != nil {
		panic(err)
	}
	b, err := backbone.Open(context.Background(), logOptions(urls[0], ""))
	if err != nil {
		panic(err)
	}
	e, err := NewEvents(b, eventsOptions(urls[1]))
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	e.Close()
	if err := b.Close(); err != nil {
		panic(err)
	}
}

// startNode runs a node in a process of its own; kill ends it without a word.
func startNode(t *testing.T, nats, webhook string) (kill func()) {
	t.Helper()
	raw, err := json.Marshal([2]string{nats, webhook})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeURLs+"="+string(raw))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal("the node did not start:", err)
	}
	return func() { _ = cmd.Process.Signal(syscall.SIGKILL) }
}

func logOptions(nats, dir string) backbone.Options {
	return backbone.Options{
		NATS: backbone.NATSOptions{URL: nats}, DataDir: dir, Name: "test", Prefix: "test", Shards: 2, Replicas: 1, Create: true,
	}
}

func eventsOptions(url string) EventsOptions {
	return EventsOptions{URL: url, Secrets: secrets, Types: Types, Timeout: patience, GiveUp: time.Hour}
}

// quick are bounds for tests: pauses are short, and so attempts many.
func quick() bounds {
	b := defaultBounds
	b.firstPause, b.lastPause, b.attempts = 5*time.Millisecond, 50*time.Millisecond, math.MaxInt
	return b
}

func openLog(t testing.TB, o backbone.Options) *backbone.Backbone {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	b, err := backbone.Open(t.Context(), o)
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

// openEvents begins to deliver, and has begun when it returns: what is sent from now on is told of.
func openEvents(t testing.TB, b *backbone.Backbone, o EventsOptions, within bounds) *Events {
	t.Helper()
	e, err := newEvents(b, o, within)
	if err == nil {
		err = e.tap()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	awaitTap(t, b)
	return e
}

// awaitTap waits until the tap has begun in every shard.
func awaitTap(t testing.TB, b *backbone.Backbone) {
	t.Helper()
	wait.For(t, patience, "the tap to begin", func(ctx context.Context) error {
		n, err := b.Count(ctx, layout.Cursors, layout.RowKey(tapName))
		if err == nil && n < 2 {
			err = fmt.Errorf("in %d shards so far", n)
		}
		return err
	})
}

func feed(name string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: "default", Name: name}
}

// say sends messages with these texts to a room, and waits until they are stored.
func say(t testing.TB, b *backbone.Backbone, room string, texts ...string) (last uint64) {
	t.Helper()
	for _, text := range texts {
		last = send(t, b, room, text, fmt.Sprintf(`{"id":%q,"type":"message","sender":"ann","text":%q}`, text, text))
	}
	return last
}

func send(t testing.TB, b *backbone.Backbone, room, id, event string) uint64 {
	t.Helper()
	receipt, err := b.Enqueue(feed(room), backbone.Draft{ID: id, Sender: "ann", Data: []byte(event)}).Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Offset
}

func numbers(from, to int) (all []string) {
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}
