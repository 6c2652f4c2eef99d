package process

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// keepBuilds is how long a chatnode that no test run has asked for again stays
// in the cache.
const keepBuilds = 24 * time.Hour

var (
	plainChatnode = sync.OnceValues(func() (string, error) { return buildChatnode("plain") })
	raceChatnode  = sync.OnceValues(func() (string, error) { return buildChatnode("race", "-race") })
)

// BuildChatnode returns the path of a chatnode built from the sources as they
// are at the first call of this test run, with the race detector if wanted.
// StartChatnode calls it; a test needs it only to run a chatnode that is meant
// to fail at its start.
func BuildChatnode(tb testing.TB, race bool) string {
	tb.Helper()
	build := plainChatnode
	if race {
		build = raceChatnode
	}
	path, err := build()
	if err != nil {
		tb.Fatalf("build chatnode: %v", err)
	}
	return path
}

// buildChatnode names the result by its content: a build from newer sources by
// another test binary then never replaces the program under a running test.
func buildChatnode(kind string, flags ...string) (string, error) {
	dir, err := cacheDir("chatnode", kind)
	if err != nil {
		return "", err
	}
	var path string
	err = locked(dir, func() error {
		latest := filepath.Join(dir, "latest")
		args := append([]string{"build", "-o", latest}, flags...)
		if _, err := goCommand(append(args, "./chatnode")...); err != nil {
			return err
		}
		content, err := os.ReadFile(latest)
		if err != nil {
			return fmt.Errorf("read the build: %w", err)
		}
		sum := sha256.Sum256(content)
		path = filepath.Join(dir, "chatnode-"+hex.EncodeToString(sum[:8]))
		if err := place(path, content); err != nil {
			return fmt.Errorf("keep the build: %w", err)
		}
		return removeOldBuilds(dir)
	})
	return path, err
}

// place writes the program unless it is there, and marks it as used now.
func place(path string, content []byte) error {
	now := time.Now()
	if os.Chtimes(path, now, now) == nil {
		return nil
	}
	if err := os.WriteFile(path+".new", content, 0o755); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func removeOldBuilds(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list old builds: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !strings.HasPrefix(entry.Name(), "chatnode-") || time.Since(info.ModTime()) < keepBuilds {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("remove an old build: %w", err)
		}
	}
	return nil
}
