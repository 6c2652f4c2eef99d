package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// stopped tells whether every thread of a process stands still: each does so only when the kernel next looks at it.
func stopped(pid int) error {
	tasks, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "stat"))
	if err != nil || len(tasks) == 0 {
		return fmt.Errorf("process %d has no threads: %w", pid, os.ErrNotExist)
	}
	for _, task := range tasks {
		stat, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		// The state follows the name, which stands in parentheses and may itself hold some.
		if _, state, found := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(" ")); !found || !bytes.HasPrefix(state, []byte("T")) {
			return fmt.Errorf("thread %s still runs", task)
		}
	}
	return nil
}
