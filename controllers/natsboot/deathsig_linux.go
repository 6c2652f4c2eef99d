package main

import "syscall"

// dieWithParent has the kernel end the server when natsboot is killed.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
