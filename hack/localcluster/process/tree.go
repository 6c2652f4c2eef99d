package process

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is what /proc counts start times in. It is a constant of the kernel's interface.
const ticksPerSecond = 100

// Info is one process of the machine.
type Info struct {
	PID, Parent int
	Args        []string
	Age         time.Duration
	Memory      int64 // resident, bytes
}

// Tree is all processes of the machine at one moment.
type Tree map[int]Info

// ReadTree reads /proc.
func ReadTree() (Tree, error) {
	up, err := uptime()
	if err != nil {
		return nil, err
	}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	tree := Tree{}
	for _, dir := range dirs {
		if p, ok := readProcess(dir, up); ok {
			tree[p.PID] = p
		}
	}
	return tree, nil
}

// Children gives the processes whose parent is pid, by age.
func (t Tree) Children(pid int) []Info {
	var found []Info
	for _, p := range t {
		if p.Parent == pid {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Info) int { return cmp.Compare(a.PID, b.PID) })
	return found
}

func uptime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, fmt.Errorf("read the uptime: %w", err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0, fmt.Errorf("read the uptime: %w", err)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// readProcess reads one directory of /proc; ok is false if the process has ended.
func readProcess(dir string, up time.Duration) (p Info, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, false
	}
	args, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || len(args) == 0 {
		return p, false // a thread of the kernel, or a zombie
	}
	// The name, in parentheses, may hold anything; numbers follow it. See proc_pid_stat(5): field 3 is the first after it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 22 {
		return p, false
	}
	p.PID, _ = strconv.Atoi(filepath.Base(dir))
	p.Parent, _ = strconv.Atoi(fields[1])
	start, _ := strconv.ParseInt(fields[19], 10, 64)
	p.Age = up - time.Duration(start)*time.Second/ticksPerSecond
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	p.Memory = pages * int64(os.Getpagesize())
	p.Args = strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")
	return p, true
}
