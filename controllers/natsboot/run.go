package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

// run starts the server and looks after it until it has ended. It gives the server's exit code.
func run(ctx context.Context, s settings, log *slog.Logger) (code int, err error) {
	// The kernel ends the server with the thread that started it, if this process is killed.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	pod, err := podName()
	if err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(signals)
	lock, err := lockUnlessEnded(ctx, s.data, log)
	if lock == nil {
		return 0, err
	}
	defer lock.Close()
	name, err := serverName(s.data, pod)
	if err != nil {
		return 0, err
	}
	before := contents(s.watched)
	child := exec.Command(s.command[0], append(s.command[1:], "--config", s.config)...)
	child.Env = append(os.Environ(), "NATS_SERVER_NAME="+name, "POD_NAME="+pod)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.ExtraFiles = []*os.File{lock} // the server may outlive this process for a moment
	child.SysProcAttr = dieWithParent()

	monitor := &monitor{url: s.monitor, ca: s.monitorCA}
	probes, err := listenForProbes(ctx, s.probeListen, monitor)
	if err != nil {
		return 0, err
	}
	defer probes.Close()
	if err := child.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", s.command[0], err)
	}
	log.Info("started nats-server", "name", name, "pid", child.Process.Pid, "natsboot", version)

	ctx, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		watch(ctx, s.watched, before, s.watchEvery, func() {
			log.Info("files have changed, nats-server reads them again")
			send(log, child.Process, syscall.SIGHUP)
		})
	})
	tasks.Go(func() { forward(ctx, signals, child.Process, monitor, log) })
	if s.healAfter > 0 {
		h := &healer{monitor: monitor, dir: s.data, after: s.healAfter, log: log, end: func() {
			select {
			case signals <- syscall.SIGUSR2:
			case <-ctx.Done():
			}
		}}
		tasks.Go(func() { h.watch(ctx) })
	}
	err = child.Wait()
	cancel()
	tasks.Wait()
	return exitCode(child, err)
}

// lockUnlessEnded locks the volume. It gives neither a file nor an error if the pod's end is wanted before that.
func lockUnlessEnded(ctx context.Context, dir string, log *slog.Logger) (*os.File, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	lock, err := lockVolume(ctx, dir, log)
	if err != nil && ctx.Err() != nil {
		log.Info("ending without a server", "reason", err)
		return nil, nil
	}
	return lock, err
}

// forward passes signals on. The first SIGTERM becomes lame duck mode if other servers are there to take the leaderships; what comes after
// it is in a hurry.
func forward(ctx context.Context, signals <-chan os.Signal, child *os.Process, monitor *monitor, log *slog.Logger) {
	for ending := false; ; {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			switch {
			case s == syscall.SIGUSR2 && ending:
				continue
			case s == syscall.SIGUSR2: // the healer's: lame duck mode in any case
				ending = true
			case s != syscall.SIGTERM:
			case ending:
				s = syscall.SIGINT // lame duck mode is deaf to SIGTERM
			default:
				ending = true
				if monitor.hasRoutes(ctx) {
					s = syscall.SIGUSR2
				}
			}
			log.Info("passing a signal on to nats-server", "signal", s.String())
			send(log, child, s)
		}
	}
}

func send(log *slog.Logger, child *os.Process, s os.Signal) {
	if err := child.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		log.Error("can't signal nats-server", "signal", s.String(), "error", err)
	}
}

// exitCode is that of the server; 128 and the signal's number if one ended it, as shells have it.
func exitCode(child *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("wait for nats-server: %w", err)
	}
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return child.ProcessState.ExitCode(), nil
}
