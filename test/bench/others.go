package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machineTime is the CPU time of the whole machine so far: busy with anything, and in all.
type machineTime struct{ busy, all time.Duration }

// readMachineTime reads the first line of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
func readMachineTime() (machineTime, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineTime{}, fmt.Errorf("read the machine's CPU time: %w", err)
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return machineTime{}, fmt.Errorf("read the machine's CPU time: it is not in %q", line)
	}
	var t machineTime
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return machineTime{}, fmt.Errorf("read the machine's CPU time: %w", err)
		}
		t.all += time.Duration(ticks) * clockTick
		if i != 3 && i != 4 {
			t.busy += time.Duration(ticks) * clockTick
		}
	}
	return t, nil
}

// ownTime is the CPU time of this process and all that it has started and seen the end of.
func ownTime() (time.Duration, error) {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			return 0, fmt.Errorf("read own CPU time: %w", err)
		}
		sum += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return sum, nil
}

// othersShare is how much of the machine programs that are not part of the bench have used since the start, from 0 to 1.
func othersShare(start machineTime) (float64, error) {
	now, err := readMachineTime()
	if err != nil {
		return 0, err
	}
	own, err := ownTime()
	if err != nil || now.all == start.all {
		return 0, err
	}
	return max(0, float64(now.busy-start.busy-own)/float64(now.all-start.all)), nil
}
