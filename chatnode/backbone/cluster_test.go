package backbone

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

// These tests prove, on real NATS servers, what the design rests on. A chat node that is to be killed or stopped is a process of
// its own: this test binary, told by its environment to be one.

const nodeOptions = "BACKBONE_TEST_NODE"

// runAsNode makes this process a node if its environment says so, until its standard input ends.
func runAsNode() bool {
	raw := os.Getenv(nodeOptions)
	if raw == "" {
		return false
	}
	var o Options
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		panic(err)
	}
	b, err := Open(context.Background(), o)
	if err != nil {
		panic(err)
	}
	fmt.Println(b.NodeID())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := b.Close(); err != nil {
		panic(err)
	}
	return true
}

// nodeProcess is a node in a process of its own.
type nodeProcess struct {
	id  string
	cmd *exec.Cmd
}

func startNode(t *testing.T, o Options) *nodeProcess {
	t.Helper()
	o.Prefix, o.Create, o.Shards, o.Name = "test", true, max(o.Shards, 1), "other"
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeOptions+"="+string(raw))
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
	id, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the node did not start: %v", err)
	}
	return &nodeProcess{id[:len(id)-1], cmd}
}

func (n *nodeProcess) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// awaitOwner waits until this node's roster says who owns the shard.
func awaitOwner(t *testing.T, b *Backbone, shard layout.Shard, ok func(ownership) bool) {
	t.Helper()
	deadline, tick := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		if o, known := b.roster.owner(shard); known && ok(o) {
			return
		}
		select {
		case <-deadline:
			o, known := b.roster.owner(shard)
			t.Fatalf("shard %s has owner %+v (known %v)", shard, o, known)
		case <-tick.C:
		}
	}
}

// roomOwnedBy waits until the node owns some rooms' shard, and gives a room that lives there.
func roomOwnedBy(t *testing.T, b *Backbone, node string) (feed Feed, shard layout.Shard) {
	t.Helper()
	awaitOwner(t, b, layout.Shard{}, func(ownership) bool {
		for n := range 64 {
			feed = room(fmt.Sprint("room ", n))
			shard = b.layout.ShardOf(feed)
			if o, known := b.roster.owner(shard); known && o.node == node {
				return true
			}
		}
		return false
	})
	return feed, shard
}

// pauses measures the longest time between two batches that a follower was given.
type pauses struct {
	*recorder
	last    time.Time
	longest time.Duration
}

func (p *pauses) Messages(batch []*Message) {
	now := time.Now()
	if !p.last.IsZero() {
		p.longest = max(p.longest, now.Sub(p.last))
	}
	p.last = now
	p.recorder.Messages(batch)
}

func TestLiveTailSurvivesItsDispatcher(t *testing.T) {
	if testing.Short() {
		t.Skip("needs three NATS servers; make test runs it")
	}
	for name, fault := range map[string]func(t *testing.T, n *nodeProcess, b *Backbone, shard layout.Shard){
		"killed": func(t *testing.T, n *nodeProcess, _ *Backbone, _ layout.Shard) { n.signal(t, syscall.SIGKILL) },
		"stopped and woken": func(t *testing.T, n *nodeProcess, b *Backbone, shard layout.Shard) {
			n.signal(t, syscall.SIGSTOP)
			awaitOwner(t, b, shard, func(o ownership) bool { return o.node == b.id })
			n.signal(t, syscall.SIGCONT)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{NATS: NATSOptions{URL: process.StartNATS(t, 3).URL()}, Replicas: 3, Shards: 4}
			other := startNode(t, o)
			b := openWith(t, o)
			feed, shard := roomOwnedBy(t, b, other.id)
			p := &pauses{recorder: newRecorder()}
			tail, err := b.Follow(t.Context(), feed, p)
			if err != nil {
				t.Fatal(err)
			}
			defer tail.Close()
			l := startLoad(t, b, feed, 10, 20*time.Millisecond)
			l.awaitMore(t, 200)
			fault(t, other, b, shard)
			awaitOwner(t, b, shard, func(o ownership) bool { return o.node == b.id })
			l.awaitMore(t, 500)
			l.verify(t, p.recorder)
			t.Logf("the live tail paused for %v", p.longest.Round(time.Millisecond))
		})
	}
}

func TestLiveTailSurvivesTheStreamLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("needs three NATS servers; make test runs it")
	}
	servers := process.StartNATS(t, 3)
	b := openWith(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 3, Shards: 1})
	p := &pauses{recorder: newRecorder()}
	tail, err := b.Follow(t.Context(), room("a"), p)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	l := startLoad(t, b, room("a"), 10, 20*time.Millisecond)
	for range 2 {
		l.awaitMore(t, 200)
		leader := servers.StreamLeader(b.layout.Stream(layout.Shard{}))
		leader.Kill()
		l.awaitMore(t, 300)
		leader.Restart()
		servers.WaitReady()
	}
	l.verify(t, p.recorder)
	t.Logf("the live tail paused for %v", p.longest.Round(time.Millisecond))
}

func TestShardsMoveWithoutAPauseWhenANodeJoinsOrLeaves(t *testing.T) {
	if testing.Short() {
		t.Skip("needs NATS servers; make test runs it")
	}
	o := Options{NATS: NATSOptions{URL: process.StartNATS(t, 1).URL()}, Replicas: 1, Shards: 4}
	first := openWith(t, o)
	p := &pauses{recorder: newRecorder()}
	tail, err := first.Follow(t.Context(), room("a"), p)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	l := startLoad(t, first, room("a"), 10, 10*time.Millisecond)
	l.awaitMore(t, 100)
	second := openWith(t, o)
	shard := first.layout.ShardOf(room("a"))
	owned := func(b *Backbone) bool { return b.Owned() == 4 }
	awaitOwner(t, first, shard, func(ownership) bool { return owned(first) && owned(second) })
	l.awaitMore(t, 100)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	awaitOwner(t, first, shard, func(ownership) bool { return first.Owned() == 8 })
	l.awaitMore(t, 100)
	l.verify(t, p.recorder)
	t.Logf("the live tail paused for %v", p.longest.Round(time.Millisecond))
}

func TestOneServerBackboneKeepsWhatItAcknowledgedThroughAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	servers := process.StartNATS(t, 1)
	b := openWith(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 1, Shards: 1})
	r := newRecorder()
	follow(t, b, room("a"), r)
	for _, text := range numbers(1, 100) {
		send(t, b, room("a"), text, text)
	}
	servers.Server(0).Kill()
	servers.Server(0).Restart()
	for _, text := range numbers(101, 200) {
		send(t, b, room("a"), text, text)
	}
	page, err := b.After(t.Context(), room("a"), 0, 1000)
	if err != nil || !slices.Equal(texts(page.Messages), numbers(1, 200)) {
		t.Fatalf("read %v %v", texts(page.Messages), err)
	}
	// The servers say nothing of what they lost, if anything, so positions are void.
	r.await(t, "a reset", func() bool { return len(r.resets) > 0 && r.resets[0].Epoch == page.Head.Epoch })
}

func TestPowerCutThatUsesNumbersAgainChangesTheEpoch(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	servers := process.StartNATS(t, 1)
	server := servers.Server(0)
	b := openWith(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 1, Shards: 1})
	r := newRecorder()
	tail := follow(t, b, room("a"), r)
	for _, text := range numbers(1, 10) {
		send(t, b, room("a"), text, text)
	}
	old := tail.Head()
	server.Stop()
	saved := t.TempDir()
	copyDir(t, server.DataDir(), saved)
	server.Restart()
	for _, text := range numbers(11, 20) {
		send(t, b, room("a"), text, text)
	}
	server.Kill()
	// The disk forgets what was written last, as a power cut makes it.
	if err := os.RemoveAll(server.DataDir()); err != nil {
		t.Fatal(err)
	}
	copyDir(t, saved, server.DataDir())
	server.Restart()
	var again Receipt
	for _, text := range numbers(21, 25) {
		again = send(t, b, room("a"), text, text)
	}
	if again.Offset > 20 {
		t.Fatalf("offset %d: the test did not use numbers again", again.Offset)
	}
	page, err := b.After(t.Context(), room("a"), 0, 1000)
	if err != nil || page.Head.Epoch == old.Epoch {
		t.Fatalf("epoch %s as before the power cut, %v", page.Head.Epoch, err)
	}
	if got, want := texts(page.Messages), append(numbers(1, 10), numbers(21, 25)...); !slices.Equal(got, want) {
		t.Fatalf("read %v", got)
	}
	r.await(t, "a reset to the new epoch", func() bool {
		return len(r.resets) > 0 && r.resets[len(r.resets)-1].Epoch == page.Head.Epoch
	})
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
