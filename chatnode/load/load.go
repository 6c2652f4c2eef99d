// Package load is what one chat node says of its load: the document that the operator collects and the fleet page draws.
package load

import (
	"sync"
	"time"
)

// Document is served as JSON at GET /load on the admin port.
type Document struct {
	Node  string `json:"node"`
	State State  `json:"state"`
	// Connections are all open client connections; Draining those of them that are still to be moved to other nodes.
	Connections int `json:"connections"`
	Draining    int `json:"draining"`
	// Rooms that this node serves to its connections.
	Rooms int `json:"rooms"`
	// ShardsOwned is the number of shards of the log that this node dispatches.
	ShardsOwned int `json:"shards_owned"`
	// MessagesPerSecond that this node's clients sent, over the last seconds.
	MessagesPerSecond float64 `json:"messages_per_second"`
	MemoryBytes       uint64  `json:"memory_bytes"`
	// MemoryLimitBytes is 0 if there is no limit.
	MemoryLimitBytes uint64 `json:"memory_limit_bytes"`
	UptimeSeconds    int64  `json:"uptime_seconds"`
}

// State says whether a node takes new connections.
type State string

// The states of a node.
const (
	Ready    State = "ready"
	Draining State = "draining"
)

// Meter turns a counter that only grows into a rate.
type Meter struct {
	mu    sync.Mutex
	at    time.Time
	count uint64
	rate  float64
}

// meterSpan is the shortest time over which a rate is taken.
const meterSpan = 2 * time.Second

// Rate gives the growth of the counter per second over the last few seconds, given its value now.
func (m *Meter) Rate(now time.Time, count uint64) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	span := now.Sub(m.at)
	switch {
	case m.at.IsZero():
		m.at, m.count = now, count
	case span >= meterSpan:
		m.rate = float64(count-m.count) / span.Seconds()
		m.at, m.count = now, count
	}
	return m.rate
}
