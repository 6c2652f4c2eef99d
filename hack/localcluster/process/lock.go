package process

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// TakeLock locks the file for as long as this process lives. It must be called once for a file, and nothing in this process may open and
// close the file again: that would release the lock.
func TakeLock(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open the lock: %w", err)
	}
	fd, err := unix.Dup(int(f.Fd())) // survives the collection of f; but closing f drops the lock, so it is taken after that
	f.Close()
	if err != nil {
		return fmt.Errorf("keep the lock: %w", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		return fmt.Errorf("take the lock %s: %w", path, err)
	}
	return nil
}

// LockHolder gives the process, as this process's PID namespace numbers it, that holds the lock; 0 if nobody does. Such a number, unlike
// one in a file, is never stale.
func LockHolder(path string) (int, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the lock: %w", err)
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return 0, fmt.Errorf("ask for the lock: %w", err)
	}
	if lock.Type == unix.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}
