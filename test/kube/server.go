package kube

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	startDeadline = 90 * time.Second
	stopDeadline  = 10 * time.Second
	// logTail is how much of the programs' logs a failed start shows, in bytes.
	logTail = 8 << 10
)

// server is the API server of this process.
type server struct {
	once   sync.Once
	failed error
	admin  *rest.Config
	users  *envtest.Environment
	end    chan struct{} // closed to stop it
	ended  chan error
}

var shared server

// start starts the server if it isn't there yet, and returns why it can't.
func (s *server) start() error {
	s.once.Do(func() {
		root, err := repository()
		if err != nil {
			s.failed = err
			return
		}
		programs, err := findPrograms(root)
		if err != nil {
			s.failed = err
			return
		}
		started := make(chan error, 1)
		s.end, s.ended = make(chan struct{}), make(chan error, 1)
		go func() { s.ended <- s.run(root, programs, started) }()
		s.failed = <-started
	})
	return s.failed
}

// stop ends the server if it was started, and returns when nothing is left of it.
func (s *server) stop() error {
	if s.end == nil {
		return nil
	}
	close(s.end)
	if err := <-s.ended; err != nil && s.failed == nil {
		return fmt.Errorf("stop the API server: %w", err)
	}
	return nil
}

// run is the server's life. The programs' death signal hangs on the thread that starts them, which is therefore kept.
func (s *server) run(root string, programs map[string]string, started chan<- error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	work, err := workFolder()
	if err != nil {
		started <- err
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	links, err := prepareBecoming(work, programs)
	if err != nil {
		started <- err
		return err
	}
	logs := &lockedBuffer{}
	s.users = environment(work, links, logs)
	err = s.begin(filepath.Join(root, "config", "crd"), logs)
	started <- err
	if err == nil {
		<-s.end
	}
	return errors.Join(kill(work, apiServerName), kill(work, etcdName), s.users.Stop())
}

// begin starts both programs and installs the definitions.
func (s *server) begin(definitions string, logs *lockedBuffer) error {
	admin, err := s.users.Start()
	if err != nil {
		return fmt.Errorf("start the API server: %w; the end of its log:\n%s", err, logs.tail(logTail))
	}
	s.admin = admin
	_, err = envtest.InstallCRDs(admin, envtest.CRDInstallOptions{
		Paths: []string{definitions}, ErrorIfPathMissing: true, MaxTime: startDeadline, Scheme: Scheme,
	})
	if err != nil {
		return fmt.Errorf("install the definitions of %s: %w", definitions, err)
	}
	return nil
}

// environment describes the server: everything it writes is below work.
func environment(work string, programs map[string]string, logs *lockedBuffer) *envtest.Environment {
	e := &envtest.Environment{ControlPlaneStartTimeout: startDeadline, ControlPlaneStopTimeout: stopDeadline}
	e.ControlPlane.Etcd = &envtest.Etcd{Path: programs[etcdName], DataDir: filepath.Join(work, "data"), Out: logs, Err: logs}
	api := e.ControlPlane.GetAPIServer()
	api.Path, api.CertDir, api.Out, api.Err = programs[apiServerName], filepath.Join(work, "certs"), logs, logs
	return e
}

// lockedBuffer keeps what two programs write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// maxLog bounds what is kept of the logs, in bytes: a start that fails says so long before.
const maxLog = 1 << 20

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text.Len() < maxLog {
		b.text.Write(p)
	}
	return len(p), nil
}

func (b *lockedBuffer) tail(n int) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.Bytes()
	return bytes.Clone(text[max(0, len(text)-n):])
}
