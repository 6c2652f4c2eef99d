package fanout

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options shape a hub. Zero values mean the defaults.
type Options struct {
	// RingBytes is the most that the recent messages of one room take in memory; 256 KiB by default.
	RingBytes int
	// AllRingsBytes is the most that the recent messages of all rooms take; 256 MiB by default. Beyond it the rooms that were silent
	// for longest give up theirs.
	AllRingsBytes int
	// Linger is how long a room without members stays followed; 2 minutes by default.
	Linger time.Duration
	// MaxRecover is the most messages that a subscribe recovers; 1,000 by default.
	MaxRecover int
	// MaxReads is the most reads of the log in flight; 48 by default.
	MaxReads int
	// Registerer takes the hub's metrics; nil: none.
	Registerer prometheus.Registerer
	// Logger takes what no caller is told; nil: slog.Default.
	Logger *slog.Logger
}

// Limits that no deployment needs to change.
const (
	// pageBytes is how much is written to a member at once: a fraction of a connection's queue of 256 KiB.
	pageBytes = 64 << 10
	// replyBytes is how much a subscribe recovers at once by default.
	replyBytes = 128 << 10
	// recoverBytes is about how much one read for a recovery fetches.
	recoverBytes = 1 << 20
	// assumedSize is the size of a message in a room that has not shown one, in bytes: rather too much, so that the first read is not large.
	assumedSize = 16 << 10
	// fewestRead is the least number of messages asked of the log at once.
	fewestRead = 16
	// splitAbove is the number of members above which a room's deliveries are split over the cores.
	splitAbove = 500

	followTimeout   = 10 * time.Second
	readTimeout     = 10 * time.Second
	presenceTimeout = 5 * time.Second
	flushTimeout    = 2 * time.Second

	// housekeeping is how often idle rooms are looked for, users are forgotten, failed reads are tried again and changed presence is written.
	housekeeping = 250 * time.Millisecond
	// presenceInterval is the least time between two summaries of one room.
	presenceInterval = time.Second
	// presenceWriters is the most summaries being written at once.
	presenceWriters = 16
	// maxListed and maxListedBytes bound the infos in one node's summary of a room.
	maxListed      = 1000
	maxListedBytes = 100_000
)

func (o Options) withDefaults() Options {
	if o.RingBytes <= 0 {
		o.RingBytes = 256 << 10
	}
	if o.AllRingsBytes <= 0 {
		o.AllRingsBytes = 256 << 20
	}
	if o.Linger <= 0 {
		o.Linger = 2 * time.Minute
	}
	if o.MaxRecover <= 0 {
		o.MaxRecover = 1000
	}
	if o.MaxReads <= 0 {
		o.MaxReads = 48
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
