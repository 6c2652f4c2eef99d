package bench

import (
	"syscall"
	"testing"
)

// spareFiles are those that a process needs besides its connections.
const spareFiles = 200

// openFiles raises the limit of open files, which servers started later inherit, so that they and this process can hold so many
// connections each. If that isn't allowed it says so and gives a lower number.
func openFiles(tb testing.TB, connections int) int {
	tb.Helper()
	needed := uint64(connections + spareFiles)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		tb.Fatalf("read the limit of open files: %v", err)
	}
	if limit.Cur >= needed {
		return connections
	}
	raised := syscall.Rlimit{Cur: needed, Max: max(limit.Max, needed)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		return connections
	}
	lower := int(limit.Max) - spareFiles
	tb.Logf("%d connections instead of %d: the limit of open files is %d", lower, connections, limit.Max)
	return lower
}
