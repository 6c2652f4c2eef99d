// Package process starts and keeps programs as the first process of a PID namespace must do it (it reaps orphans too), and tells from
// outside what runs in such a namespace.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// pause lies between the end of a kept program and its next start.
const pause = time.Second

// Command is a program to start.
type Command struct {
	Path string   // absolute, or a name to look up in PATH
	Args []string // without the name
	Env  []string // beside this process's own
	Log  string   // file that its output is appended to; "" is this process's own output
	Sys  *syscall.SysProcAttr
}

// Name is the last element of the path.
func (c Command) Name() string { return filepath.Base(c.Path) }

// Init starts programs and waits for them and for whatever they left behind. There must be one in a process, and nothing else may wait for
// children there: neither os/exec nor os.Process.
type Init struct {
	mu       sync.Mutex
	children map[int]chan<- syscall.WaitStatus
	wake     chan struct{} // a child was started
}

// NewInit gives an Init whose reaping goes on until the process ends.
func NewInit() *Init {
	i := &Init{children: map[int]chan<- syscall.WaitStatus{}, wake: make(chan struct{}, 1)}
	go i.reap()
	return i
}

func (i *Init) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.ECHILD) {
			<-i.wake
			continue
		}
		if err != nil {
			continue // interrupted
		}
		i.mu.Lock()
		done := i.children[pid]
		delete(i.children, pid)
		i.mu.Unlock()
		if done != nil {
			done <- status
		}
	}
}

// Start starts a program. Its end is sent once.
func (i *Init) Start(c Command) (pid int, end <-chan syscall.WaitStatus, err error) {
	path, err := exec.LookPath(c.Path)
	if err != nil {
		return 0, nil, fmt.Errorf("find %s: %w", c.Path, err)
	}
	out := os.Stderr
	if c.Log != "" {
		out, err = os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return 0, nil, fmt.Errorf("open the log of %s: %w", c.Name(), err)
		}
		defer out.Close()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, fmt.Errorf("start %s: %w", c.Name(), err)
	}
	defer null.Close()

	done := make(chan syscall.WaitStatus, 1)
	i.mu.Lock()
	defer i.mu.Unlock()
	pid, err = syscall.ForkExec(path, append([]string{path}, c.Args...), &syscall.ProcAttr{
		Env:   append(os.Environ(), c.Env...),
		Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys:   c.Sys,
	})
	if err != nil {
		return 0, nil, fmt.Errorf("start %s: %w", c.Name(), err)
	}
	i.children[pid] = done
	select {
	case i.wake <- struct{}{}:
	default:
	}
	return pid, done, nil
}

// Run starts a program and waits for its end; if ctx ends before, it kills it.
func (i *Init) Run(ctx context.Context, c Command) error {
	pid, end, err := i.Start(c)
	if err != nil {
		return err
	}
	select {
	case status := <-end:
		if status != 0 {
			return fmt.Errorf("%s %v: %s", c.Name(), c.Args, Describe(status))
		}
		return nil
	case <-ctx.Done():
		_ = syscall.Kill(pid, syscall.SIGKILL)
		<-end
		return fmt.Errorf("%s %v: %w", c.Name(), c.Args, ctx.Err())
	}
}

// Keep starts a program and starts it again whenever it ends, until ctx does. Each end is told to the standard error.
func (i *Init) Keep(ctx context.Context, c Command) {
	for ctx.Err() == nil {
		_, end, err := i.Start(c)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		} else {
			status := <-end
			fmt.Fprintf(os.Stderr, "%s ended (%s) and is started again; its log is %s\n", c.Name(), Describe(status), c.Log)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Describe tells how a process ended.
func Describe(s syscall.WaitStatus) string {
	if s.Signaled() {
		return "signal " + s.Signal().String()
	}
	return fmt.Sprintf("exit code %d", s.ExitStatus())
}
