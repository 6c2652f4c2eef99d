// Package netns reaches into the network namespace of another process: it dials from there and runs programs there.
package netns

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inside calls f on a thread that is in the network namespace of process pid. The thread ends with the call, so that nothing else lands there.
func inside(pid int, f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime throws the thread away
		if err := enter(pid); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

func enter(pid int) error {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("find the cluster's network: %w", err)
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the cluster's network: %w", err)
	}
	return nil
}

// Dialer gives a function that connects to addresses (not names) from the network namespace of process pid.
func Dialer(pid int) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var conn net.Conn
		err := inside(pid, func() error {
			var err error
			dialer := net.Dialer{Timeout: 3 * time.Second}
			conn, err = dialer.DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
}

// Start starts a program in the network namespace of process pid.
func Start(pid int, cmd *exec.Cmd) error {
	return inside(pid, cmd.Start)
}

// Exec replaces this process by a program in the network namespace of process pid. It returns only an error.
func Exec(pid int, path string, args, env []string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := enter(pid); err != nil {
		return err
	}
	if err := syscall.Exec(path, args, env); err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return nil
}
