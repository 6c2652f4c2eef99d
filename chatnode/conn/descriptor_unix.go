//go:build unix

package conn

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// descriptor is the link of a WebSocket on a bare socket: it writes what the kernel takes without waiting.
type descriptor struct {
	socket
	raw syscall.RawConn
	// try is tryOnce, kept because RawConn would make a new closure escape at every write. The other fields carry its input and output.
	try func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

func newLink(c net.Conn) link {
	var raw syscall.RawConn
	var err error
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	}
	if raw == nil || err != nil {
		return socket{c}
	}
	d := &descriptor{socket: socket{c}, raw: raw}
	d.try = d.tryOnce
	return d
}

func (d *descriptor) attempt(p []byte) (int, error) {
	d.p, d.n = p, 0
	err := d.raw.Write(d.try)
	d.p = nil
	if err == nil {
		err = d.err
	}
	if errors.Is(err, syscall.EAGAIN) {
		return 0, nil
	}
	return d.n, err
}

func (d *descriptor) control(f func(fd uintptr)) error { return d.raw.Control(f) }

func (d *descriptor) tryOnce(fd uintptr) bool {
	d.n, d.err = writeOnce(fd, d.p)
	return true
}

func (d *descriptor) step(p []byte) (n int, err error) {
	waited := d.raw.Write(func(fd uintptr) bool {
		n, err = writeOnce(fd, p)
		return !errors.Is(err, syscall.EAGAIN)
	})
	if waited != nil {
		return 0, waited
	}
	return n, err
}

func writeOnce(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return n, nil
		}
	}
}
