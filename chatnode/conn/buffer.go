package conn

import "sync"

const (
	freshBuffer = 2 << 10
	// keptBuffer is the largest buffer that is kept for others; a larger one is left to the collector, or a few large messages would
	// make the pool large for good.
	keptBuffer = 32 << 10
)

var buffers = sync.Pool{New: func() any { return new([freshBuffer]byte)[:0] }}

// takeBuffer returns an empty buffer for a message or a queue. Idle connections hold none.
func takeBuffer() []byte { return buffers.Get().([]byte)[:0] }

func giveBuffer(b []byte) {
	if cap(b) <= keptBuffer {
		buffers.Put(b) //nolint:staticcheck // the slice header costs 24 bytes, a pointer to it would have to be carried everywhere
	}
}
