package kube

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent has the kernel kill this process when the thread that started it ends. It outlives exec.
func dieWithParent() error {
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0)
}
