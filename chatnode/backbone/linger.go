package backbone

import "time"

// How long servers hold what was erased. A stream's file is overwritten at once, on each server that has a copy; a power cut within NATS's
// interval of syncing may undo that. Raft logs hold what was appended until they are compacted: every 2 to 3 minutes (nats-server 2.15,
// monitorStream), which takes the whole log away if nothing was appended in that moment, and else rewrites it when more than half of 2 MiB or
// more is not needed any more. Snapshots hold numbers and no messages.
const (
	lingerAlone      = 2 * time.Minute
	lingerReplicated = 10 * time.Minute
)

// Linger is how long after Erase the servers of the log may still hold, outside its streams, what was erased. It holds for servers that are
// up: one that was down in between may keep what it had until it is wiped or its files are compacted. One that is killed in the middle of an
// erasure may have written down that the message is gone, and keep its text, of one message a stream, until the block in which it stands is
// compacted, which happens when more than half of it is void, or discarded; chatnode_log_erasures_total counts such erasures as unsure.
func (b *Backbone) Linger() time.Duration {
	if b.replicas > 1 {
		return lingerReplicated
	}
	return lingerAlone
}
