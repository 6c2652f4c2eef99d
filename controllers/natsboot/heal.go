package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// healedFile is on the volume; its time is when a server was last ended for the sake of its replicas.
	healedFile = "chatfleet-server-healed"
	// healPause is how long a server is left alone after that: what a restart doesn't heal, a second one hardly does.
	healPause = time.Hour
)

// stuckErrors are how nats-server tells of a replica that has given up, most likely at its start: it does nothing until the server starts
// again. They are states of the process, not of what is on the volume.
var stuckErrors = []string{"monitor goroutine not running", "cluster node skew detected"}

// healer ends a server with replicas that only a restart makes well again. No copy of anything is removed: the replica goes on with what it
// has, and its leader sends the rest.
type healer struct {
	monitor *monitor
	dir     string
	after   time.Duration
	log     *slog.Logger
	end     func()
}

// watch returns when it has asked for the server's end, or with the context.
func (h *healer) watch(ctx context.Context) {
	patience := h.after + rand.N(h.after) // servers in the same trouble don't end together
	tick := time.NewTicker(max(h.after/8, time.Millisecond))
	defer tick.Stop()
	since := map[string]time.Time{}
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := h.monitor.stuck(ctx)
		maps.DeleteFunc(since, func(replica string, _ time.Time) bool { return !slices.Contains(now, replica) })
		var stuck []string
		for _, replica := range now {
			if _, known := since[replica]; !known {
				since[replica] = time.Now()
			}
			if time.Since(since[replica]) >= patience {
				stuck = append(stuck, replica)
			}
		}
		if len(stuck) == 0 {
			continue
		}
		if reason := h.mayNot(ctx); reason != "" {
			if reason != told {
				told = reason
				h.log.Error("replicas are stuck, and the server is not ended for them", "replicas", stuck, "why", reason)
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(h.dir, healedFile), nil, 0o644); err != nil {
			h.log.Error("can't note the server's end on its volume, and don't end it", "error", err)
			return
		}
		h.log.Error("replicas are stuck: ending the server, so that they start again", "replicas", stuck)
		h.end()
		return
	}
}

// mayNot says why the server must go on as it is; empty if it may end.
func (h *healer) mayNot(ctx context.Context) string {
	info, err := os.Stat(filepath.Join(h.dir, healedFile))
	switch {
	case err == nil && time.Since(info.ModTime()) < healPause:
		return fmt.Sprintf("it was ended for that less than %v ago", healPause)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err.Error()
	}
	if !h.monitor.othersAreUp(ctx) {
		return "other servers are away, or there is no leader: the fleet may need this one"
	}
	return ""
}

// stuck lists the replicas that wait for a restart: account > stream, and the consumer's name if it is one.
func (m *monitor) stuck(ctx context.Context) (replicas []string) {
	var answer struct {
		Errors []struct {
			Account  string `json:"account"`
			Stream   string `json:"stream"`
			Consumer string `json:"consumer"`
			Error    string `json:"error"`
		} `json:"errors"`
	}
	if !m.ask(ctx, "/healthz?details=true", &answer) {
		return nil
	}
	for _, e := range answer.Errors {
		if !slices.ContainsFunc(stuckErrors, func(stuck string) bool { return strings.HasSuffix(e.Error, stuck) }) {
			continue
		}
		replica := e.Account + " > " + e.Stream
		if e.Consumer != "" {
			replica += " > " + e.Consumer
		}
		replicas = append(replicas, replica)
	}
	return replicas
}

// othersAreUp says whether the server is one of a cluster whose other servers are all connected to it, with a leader of JetStream.
func (m *monitor) othersAreUp(ctx context.Context) bool {
	var jetstream struct {
		Meta struct {
			Leader string `json:"leader"`
			Size   int    `json:"cluster_size"`
		} `json:"meta_cluster"`
	}
	var routes struct {
		Routes []struct {
			Remote string `json:"remote_id"`
		} `json:"routes"`
	}
	if !m.ask(ctx, "/jsz", &jetstream) || !m.ask(ctx, "/routez", &routes) {
		return false
	}
	others := map[string]bool{}
	for _, r := range routes.Routes {
		others[r.Remote] = true
	}
	return jetstream.Meta.Leader != "" && jetstream.Meta.Size > 1 && len(others) >= jetstream.Meta.Size-1
}
