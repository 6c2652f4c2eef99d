package conn

import "golang.org/x/sys/unix"

// unsent is how many bytes the kernel holds that the client's side has not taken yet.
func (d *descriptor) unsent() int {
	waiting := 0
	_ = d.raw.Control(func(fd uintptr) {
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			waiting = n
		}
	})
	return waiting
}
