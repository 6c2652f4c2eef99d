//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

const diskBytes = 32 << 20

// smallDisk mounts a disk of diskBytes.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskBytes)); err != nil {
		t.Skipf("FULL DISKS ARE NOT TESTED HERE: mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file until only the given number of bytes is left on the disk.
func fill(t *testing.T, dir string, left int64) (file string) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "filler")
	if err := os.WriteFile(file, make([]byte, int64(disk.Bavail)*disk.Bsize-left), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runAside runs a node, and gives its address once it is ready, and how it ended.
func runAside(t *testing.T, dataDir string) (address string, ended <-chan error, stop func()) {
	t.Helper()
	listen, admin := freeAddress(t), freeAddress(t)
	args := []string{"--dev", "--shards=1", "--log-level=error", "--messages-per-second=0", "--commands-per-second=10000", "--data-dir=" + dataDir, "--listen=" + listen, "--admin-listen=" + admin}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, args, environment(nil), io.Discard) }()
	t.Cleanup(func() { cancel(); http.DefaultClient.CloseIdleConnections() })
	deadline, tick := time.After(2*time.Minute), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.Get("http://" + admin + "/readyz")
		if err == nil {
			_ = r.Body.Close()
		}
		if err == nil && r.StatusCode == http.StatusOK {
			return listen, done, cancel
		}
		select {
		case err := <-done:
			t.Fatalf("the node ended: %v", err)
		case <-deadline:
			t.Fatal("the node is not ready")
		case <-tick.C:
		}
	}
}

func dial(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), "http://"+address, client.Options{Token: developmentToken(t, address)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func developmentToken(t *testing.T, address string) string {
	t.Helper()
	_, body := get(t, "http://"+address+"/dev/token?user=ann")
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Token
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", process.ReservePort(t))
}

// idsIn reads the ids of all messages of a channel, page by page.
func idsIn(t *testing.T, c *client.Client, channel string) (ids []string) {
	t.Helper()
	since := &protocol.StreamPosition{}
	for {
		page, err := c.History(t.Context(), protocol.HistoryRequest{Channel: channel, Since: since, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Publications) == 0 {
			return ids
		}
		for _, p := range page.Publications {
			var event struct{ ID string }
			if err := json.Unmarshal(p.Data, &event); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, event.ID)
			since = &protocol.StreamPosition{Epoch: page.Epoch, Offset: p.Offset}
		}
	}
}

func TestAFullDiskLosesNothingThatWasAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until the node gives its log up; make test runs it")
	}
	dir := smallDisk(t)
	address, ended, _ := runAside(t, filepath.Join(dir, "data"))
	filler := fill(t, dir, 2<<20)
	c := dial(t, address)
	var acknowledged []string
	text := strings.Repeat("x", 10<<10)
	for n := 0; ; n++ {
		id := fmt.Sprint("message ", n)
		if _, err := c.Send(t.Context(), "room:a", id, text); err != nil {
			t.Logf("after %d messages: %v", n, err)
			break
		}
		acknowledged = append(acknowledged, id)
	}
	err := awaitEnd(t, ended)
	if err == nil || !strings.Contains(err.Error(), "its disk is full") || !strings.Contains(err.Error(), "start the node again") {
		t.Fatalf("the node ended with %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	address, ended, stop := runAside(t, filepath.Join(dir, "data"))
	c = dial(t, address)
	// The last one failed for its sender, and may be there all the same.
	got := idsIn(t, c, "room:a")
	if n := len(acknowledged); len(got) > n+1 || !slices.Equal(got[:min(n, len(got))], acknowledged) {
		t.Fatalf("%d messages were acknowledged, and there are %d", n, len(got))
	}
	if _, err := c.Send(t.Context(), "room:a", "another", text); err != nil {
		t.Fatal(err)
	}
	c.Close()
	stop()
	if err := awaitEnd(t, ended); err != nil {
		t.Fatal(err)
	}
}

func awaitEnd(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * time.Minute):
		t.Fatal("the node did not end")
		return nil
	}
}
