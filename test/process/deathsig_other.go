//go:build !linux

package process

import "syscall"

// dieWithParent has no counterpart here: only the test's cleanup kills.
func dieWithParent() *syscall.SysProcAttr {
	return nil
}
