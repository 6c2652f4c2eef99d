package process

import "syscall"

// dieWithParent has the kernel kill the child when the thread that started it
// ends, which program keeps alive as long as the child.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
