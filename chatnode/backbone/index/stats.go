package index

import "sync/atomic"

// Stats are figures of one index; those without a unit are counts since Open unless they say otherwise.
type Stats struct {
	Bytes, MaxBytes int // memory now, and its bound
	Feeds           int // in memory now
	Pages           int // full pages in memory now that the store has too

	Reads, Writes uint64 // store operations
	BytesWritten  uint64
	Failures      uint64 // store operations that failed
	Conflicts     uint64 // updates of a key that somebody else had written
	Evictions     uint64 // feeds removed from memory
	Unknown       uint64 // Adds that could not tell the previous sequence
	Refused       uint64 // Adds that returned an error
	Lost          uint64 // pages that were not found
	Malformed     uint64 // heads and pages that could not be decoded
}

type counters struct {
	reads, writes, bytesWritten, failures, conflicts, evictions, unknown, refused, lost, malformed atomic.Uint64
}

func (c *counters) wrote(value []byte) {
	c.writes.Add(1)
	c.bytesWritten.Add(uint64(len(value)))
}

// Stats gives the index's figures.
func (x *Index) Stats() Stats {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := &x.count
	return Stats{
		Bytes: x.used, MaxBytes: x.options.MaxBytes, Feeds: len(x.feeds), Pages: len(x.pages),
		Reads: c.reads.Load(), Writes: c.writes.Load(), BytesWritten: c.bytesWritten.Load(), Failures: c.failures.Load(),
		Conflicts: c.conflicts.Load(), Evictions: c.evictions.Load(), Unknown: c.unknown.Load(), Refused: c.refused.Load(),
		Lost: c.lost.Load(), Malformed: c.malformed.Load(),
	}
}
