package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logTail is how much of a log a failed test prints, in bytes.
const logTail = 16 << 10

// program is one program that may be started many times, one process at a time.
type program struct {
	tb      testing.TB
	name    string
	path    string
	args    []string
	env     []string // added to the test's own
	logFile string

	mu  sync.Mutex
	now *run // nil before the first start
}

// run is one process of a program, from its start to its end.
type run struct {
	process *os.Process
	ended   chan struct{} // closed when the process is gone
	exit    error         // how it ended; readable after ended
	asked   bool          // somebody wants it to end
}

func (r *run) alive() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// newProgram registers the cleanup; it starts nothing.
func newProgram(tb testing.TB, name, path string) *program {
	p := &program{tb: tb, name: name, path: path, logFile: filepath.Join(tb.TempDir(), name+".log")}
	tb.Cleanup(p.finish)
	return p
}

// start runs a new process, whose output is appended to the log.
func (p *program) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.alive() {
		return fmt.Errorf("start %s: it is running", p.name)
	}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer log.Close()

	command := exec.Command(p.path, p.args...)
	command.Env = append(os.Environ(), p.env...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = dieWithParent()

	next := &run{ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The death signal hangs on this thread: it must not end before the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(next.ended)
		err := command.Start()
		started <- err
		if err == nil {
			next.exit = command.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	next.process = command.Process
	p.now = next
	return nil
}

// current is the process of the last start; nil before the first.
func (p *program) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// gone is closed when the process of the last start has ended.
func (p *program) gone() <-chan struct{} {
	return p.current().ended
}

// Running tells whether the process exists; a paused one does.
func (p *program) Running() bool {
	return p.current().alive()
}

// PID is the process id of the last start.
func (p *program) PID() int {
	return p.current().process.Pid
}

// Kill sends SIGKILL and returns when the process is gone. It does nothing
// when there is no process.
func (p *program) Kill() {
	_ = p.end(syscall.SIGKILL) // it ended by the signal, of course
}

// Stop sends SIGTERM, after waking a paused process, and returns when the
// process is gone. The test fails when that takes longer than 30 s or the exit
// status isn't 0.
func (p *program) Stop() {
	if !p.Running() {
		return
	}
	p.Resume()
	if exit := p.end(syscall.SIGTERM); exit != nil {
		p.tb.Errorf("stop %s: %v", p.name, exit)
	}
}

// Pause sends SIGSTOP and returns when it has worked: the process keeps its sockets and does nothing.
func (p *program) Pause() {
	p.signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(context.Background(), exitDeadline)
	defer cancel()
	err := until(ctx, p.gone(), func(context.Context) error { return stopped(p.PID()) })
	if err != nil {
		p.tb.Errorf("pause %s: %v", p.name, err)
	}
}

// Resume sends SIGCONT to a paused process.
func (p *program) Resume() {
	p.signal(syscall.SIGCONT)
}

// Log is all that the program has written so far, over all its starts.
func (p *program) Log() string {
	content, err := os.ReadFile(p.logFile)
	if err != nil && !os.IsNotExist(err) {
		p.tb.Errorf("read the log of %s: %v", p.name, err)
	}
	return string(content)
}

func (p *program) signal(signal syscall.Signal) {
	now := p.current()
	if !now.alive() {
		p.tb.Errorf("send %v to %s: it isn't running", signal, p.name)
		return
	}
	if err := now.process.Signal(signal); err != nil {
		p.tb.Errorf("send %v to %s: %v", signal, p.name, err)
	}
}

// end sends the signal, waits for the process and returns how it ended. The
// test fails when it doesn't.
func (p *program) end(signal syscall.Signal) error {
	p.mu.Lock()
	now := p.now
	if !now.alive() {
		p.mu.Unlock()
		return nil
	}
	now.asked = true
	p.mu.Unlock()

	// An error here means that it ended in this moment, which is what is wanted.
	_ = now.process.Signal(signal)
	deadline := time.NewTimer(exitDeadline)
	defer deadline.Stop()
	select {
	case <-now.ended:
		return now.exit
	case <-deadline.C:
		_ = now.process.Kill()
		p.tb.Errorf("%s is still there %v after %v", p.name, exitDeadline, signal)
		return nil
	}
}

// finish is the cleanup: it judges how the last process ended, kills it if it
// still runs, and shows the log of a failed test.
func (p *program) finish() {
	now := p.current()
	if now == nil {
		return
	}
	p.mu.Lock()
	unasked := !now.asked && !now.alive()
	p.mu.Unlock()
	if unasked {
		p.tb.Errorf("%s ended by itself: %v", p.name, now.exit)
	}
	p.Kill()
	log := []byte(p.Log())
	if bytes.Contains(log, []byte("WARNING: DATA RACE")) {
		p.tb.Errorf("%s has a data race; see its log", p.name)
	}
	if p.tb.Failed() {
		p.tb.Logf("end of the log of %s:\n%s", p.name, tail(log))
	}
}

func tail(log []byte) []byte {
	if len(log) <= logTail {
		return log
	}
	log = log[len(log)-logTail:]
	if _, rest, found := bytes.Cut(log, []byte("\n")); found {
		return rest
	}
	return log
}
