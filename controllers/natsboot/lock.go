package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// lockFile is what the process that uses the volume holds a lock on.
	lockFile = "chatfleet-server-lock"
	// lockEvery is how often natsboot looks whether the volume is free.
	lockEvery = 100 * time.Millisecond
)

// lockVolume waits until no other server uses the volume, and gives the file that keeps it for this one. A pod that is deleted by force is
// followed by the next while its server still ends: two servers on one volume would remove each other's files, and leave a replica that
// never gets well. The lock ends with the last process that has the file, however it ends, so that the server has to inherit it.
func lockVolume(ctx context.Context, dir string, log *slog.Logger) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the volume: %w", err)
	}
	tick := time.NewTicker(lockEvery)
	defer tick.Stop()
	for waiting := false; ; {
		switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			if waiting {
				log.Info("the volume is free")
			}
			return file, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			// There are file systems without locks. Without one it goes as before there was any.
			log.Warn("the volume can't be locked: nothing but Kubernetes keeps a second server off it", "error", err)
			return file, nil
		case !waiting:
			waiting = true
			log.Warn("another server still uses the volume: waiting for its end", "volume", dir)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for the volume: %w", context.Cause(ctx)), file.Close())
		case <-tick.C:
		}
	}
}
