package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/test/process"
)

// healSoon is the flag with which a test needs no patience.
const healSoon = "--heal-after=1s"

// fleet are three servers with one replicated stream.
type fleet struct {
	pods  []*pod
	boots map[*pod]*process.Command
}

const (
	healStream   = "s"
	healMessages = 50
)

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{pods: []*pod{newPod(t, "lobby-nats-0"), newPod(t, "lobby-nats-1"), newPod(t, "lobby-nats-2")}, boots: map[*pod]*process.Command{}}
	for _, p := range f.pods {
		p.secrets = f.pods[0].secrets
		p.mount(p.certs, p.secrets[leaf])
		p.configure("", f.pods...)
		p.flags = []string{healSoon}
	}
	for _, p := range f.pods {
		f.boots[p] = p.start()
	}
	for _, p := range f.pods {
		await(t, "all servers", p.ready)
	}
	return f
}

// fill stores messages, each acknowledged, on the stream of the fleet.
func (f *fleet) fill(t *testing.T, over *pod) {
	t.Helper()
	nc := over.connect()
	defer nc.Close()
	await(t, "the stream", func() bool { return leaderOf(t, nc, healStream) != "" })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for range healMessages {
		if _, err := js.Publish(t.Context(), healStream, []byte("a message")); err != nil {
			t.Fatal(err)
		}
	}
}

// complete says whether all three replicas of the stream have all messages.
func (f *fleet) complete(t *testing.T, over *pod, messages uint64) bool {
	t.Helper()
	nc := over.connect()
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, healStream)
	if err != nil {
		return false
	}
	info := stream.CachedInfo()
	current := 0
	for _, r := range info.Cluster.Replicas {
		if r.Current && r.Lag == 0 && !r.Offline {
			current++
		}
	}
	return current == 2 && info.State.Msgs == messages
}

// spoil has a stopped server find the snapshot of its stream when it starts, and not find it when the stream does: what a second server on
// the same volume does by its own snapshots. The server asks twice for the file, which is a pipe: the first time it gets what was in it.
func spoil(t *testing.T, p *pod) (spoiled <-chan struct{}) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(p.data, "jetstream", "*", "_js_", "S-*", "snapshots", "snap.*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the snapshots are %q, %v", found, err)
	}
	content, err := os.ReadFile(found[0])
	if err = errors.Join(err, os.Remove(found[0]), syscall.Mkfifo(found[0], 0o600)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pipe, err := os.OpenFile(found[0], os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = pipe.Write(content)
		if err = errors.Join(err, os.Remove(found[0]), pipe.Close()); err != nil {
			t.Error(err)
		}
	}()
	return done
}

func TestAServerWithAStuckReplicaStartsAgainOnceTheOthersAreUpAndIsWholeAgain(t *testing.T) {
	f := newFleet(t)
	witness, away, victim := f.pods[0], f.pods[1], f.pods[2]
	f.fill(t, witness)
	await(t, "all replicas", func() bool { return f.complete(t, witness, healMessages) })
	boot := f.boots[victim]
	boot.Stop()
	spoiled := spoil(t, victim)
	f.fill(t, witness)
	f.boots[away].Kill()
	boot.Restart()
	await(t, "the server to find its snapshot", func() bool {
		select {
		case <-spoiled:
			return true
		default:
			return false
		}
	})
	await(t, "the trouble to be told", func() bool { return strings.Contains(boot.Log(), "the fleet may need this one") })
	if log := boot.Log(); !boot.Running() || !strings.Contains(log, "$G > "+healStream) {
		t.Error("the server was ended, or its replica isn't named")
	}

	f.boots[away].Restart()
	await(t, "the server to be ended", func() bool { return !boot.Running() })
	if !strings.Contains(boot.Log(), "replicas are stuck: ending the server") {
		t.Error("it is not told why")
	}
	boot.Restart() // as the kubelet does
	await(t, "the server", victim.ready)
	await(t, "all replicas", func() bool { return f.complete(t, witness, 2*healMessages) })
}

func TestAServerIsNotEndedAloneNorTwiceInAnHour(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	p.start()
	await(t, "the server", p.ready)
	h := healer{monitor: &monitor{url: fmt.Sprintf("https://localhost:%d", p.monitorPort), ca: p.certs + "/ca.crt"}, dir: t.TempDir()}
	if stuck := h.monitor.stuck(t.Context()); len(stuck) > 0 {
		t.Errorf("a server without replicas has the stuck ones %q", stuck)
	}
	alone := func() string { return h.mayNot(t.Context()) }
	if got := alone(); !strings.Contains(got, "the fleet may need this one") {
		t.Errorf("a single server may not end because %q", got)
	}
	file := filepath.Join(h.dir, healedFile)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := alone(); !strings.Contains(got, "less than 1h") {
		t.Errorf("a server that was just ended may not end because %q", got)
	}
	before := time.Now().Add(-healPause - time.Minute)
	if err := os.Chtimes(file, before, before); err != nil {
		t.Fatal(err)
	}
	if got := alone(); strings.Contains(got, "less than 1h") {
		t.Errorf("more than an hour later: %q", got)
	}
}
