package backbone

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	embeddedReady = 10 * time.Second
	// diskPercent is how much of a disk's free space the streams of an embedded log may take together.
	diskPercent = 85
	// littleRoom is too little to write blocks of messages to, in bytes.
	littleRoom = 16 << 20
	// embeddedBytes is how much one stream of an embedded log keeps at most if nothing else is said.
	embeddedBytes = 10 << 30
)

// embedded is a JetStream server inside this process, on a data directory that it locks, reachable only from this process.
type embedded struct {
	*server.Server
	lock *os.File
}

// startEmbedded starts the server. With strict, every write is synced to the disk before it is acknowledged.
func startEmbedded(dir string, strict bool, log *slog.Logger) (*embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory %s: %w", dir, err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "embedded", DontListen: true, JetStream: true, StoreDir: dir,
		JetStreamMaxStore: 1 << 60, // each stream has its own bound
		SyncAlways:        strict, SyncInterval: 10 * time.Second, NoSigs: true, MaxPayload: 1 << 20,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("configure the embedded log: %w", err), lock.Close())
	}
	s.SetLoggerV2(natsLog{log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(embeddedReady) || !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, errors.Join(fmt.Errorf("the embedded log in %s did not start; its errors stand above", dir), lock.Close())
	}
	return &embedded{s, lock}, nil
}

func (e *embedded) close() error {
	e.Shutdown()
	e.WaitForShutdown()
	return e.lock.Close()
}

// lockDirectory makes sure that only one process uses the directory. The lock goes with the process, however that ends.
func lockDirectory(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of data directory %s: %w", dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s is in use by another chat node", dir), f.Close())
	}
	return f, nil
}

// fitDisk gives how much each of so many streams may keep so that all of them fit on the folder's disk: want, or less. If nothing
// is wanted in particular, it is 10 GiB or less.
func fitDisk(dir string, streams int, want int64) (int64, error) {
	if want <= 0 {
		want = embeddedBytes
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	available := int64(disk.Bavail) * disk.Bsize / 100 * diskPercent / int64(streams)
	return min(want, available), nil
}

// diskLeft says in words how much room is left on a folder's disk, if that is next to nothing.
func diskLeft(dir string) string {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil || disk.Bavail*uint64(disk.Bsize) > littleRoom {
		return ""
	}
	return fmt.Sprintf(": its disk is full (%d KiB are left)", disk.Bavail*uint64(disk.Bsize)>>10)
}

// bootID names the running kernel. What was written before a process died is still there as long as the kernel runs.
func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return newEpoch() // unknown: assume the worst
	}
	return strings.TrimSpace(string(raw))
}

// natsLog passes the server's warnings and errors on.
type natsLog struct{ log *slog.Logger }

func (l natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l natsLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l natsLog) Fatalf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l natsLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l natsLog) Debugf(string, ...any)           {}
func (l natsLog) Tracef(string, ...any)           {}
