package bench

import (
	"fmt"
	"testing"
)

// warmUp is how many connections come and go before memory is measured, so that what a server allocates once isn't counted.
const warmUp = 100

// idleBuffer keeps the load's own side of an idle connection small, in bytes.
const idleBuffer = 512

func BenchmarkMemory(b *testing.B) {
	b.Run("user", func(b *testing.B) { each(b, measureMemory("KB/user", "reader-%d")) })
	b.Run("anonymous", func(b *testing.B) {
		s := startChatnode(b)
		measureMemory("KB/anonymous", "")(b, s)
		b.ReportMetric(0, "ns/op")
	})
}

// measureMemory measures what idle connections cost. pattern names their users; "" leaves them anonymous.
func measureMemory(key, pattern string) func(b *testing.B, s *server) {
	idle := func(i int) plan {
		if pattern == "" {
			return plan{buffer: idleBuffer}
		}
		return plan{name: fmt.Sprintf(pattern, i), buffer: idleBuffer}
	}
	return func(b *testing.B, s *server) {
		size.Connections = openFiles(b, size.Connections)
		gather(b, s, warmUp, idle).leave()
		before, err := s.memory(b.Context())
		must(b, err)
		members := gather(b, s, size.Connections, idle)
		after, err := s.memory(b.Context())
		must(b, err)
		must(b, members.check())
		record(b, s.system, key, float64(after-before)/1000/float64(size.Connections))
	}
}
