package conn

import (
	"os"
	"sync"
	"syscall"
)

// parker watches the descriptors of parked connections, once each. Its one goroutine waits in the runtime's own poller, which can watch
// an epoll like any other descriptor.
type parker struct {
	epoll *os.File
	raw   syscall.RawConn // of epoll
	done  chan struct{}

	mu     sync.Mutex
	parked []*Conn // by descriptor
}

// newParker is nil where there is no epoll to be had; connections are not parked then.
func newParker() *parker {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // makes the runtime watch it
		_ = syscall.Close(fd)
		return nil
	}
	p := &parker{epoll: os.NewFile(uintptr(fd), "epoll"), done: make(chan struct{})}
	if p.raw, err = p.epoll.SyscallConn(); err != nil {
		_ = p.epoll.Close()
		return nil
	}
	go p.run()
	return p
}

func (p *parker) close() {
	if p != nil {
		_ = p.epoll.Close()
		<-p.done
	}
}

// watch wakes c, once, when fd has something to read; false if it can't. c's lock is held.
func (p *parker) watch(fd int, c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd >= len(p.parked) {
		p.parked = append(p.parked, make([]*Conn, fd+1-len(p.parked))...)
	}
	p.parked[fd] = c
	if p.control(fd) != nil {
		p.parked[fd] = nil
		return false
	}
	return true
}

// control arms a descriptor, which is new to the epoll only the first time.
func (p *parker) control(fd int) (err error) {
	const once = 1 << 30 // EPOLLONESHOT
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | once, Fd: int32(fd)}
	closed := p.raw.Control(func(epoll uintptr) {
		err = syscall.EpollCtl(int(epoll), syscall.EPOLL_CTL_MOD, fd, &event)
		if err == syscall.ENOENT {
			err = syscall.EpollCtl(int(epoll), syscall.EPOLL_CTL_ADD, fd, &event)
		}
	})
	if closed != nil {
		return closed
	}
	return err
}

// forget takes back what watch did for c, whose descriptor may be another's by now.
func (p *parker) forget(fd int, c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parked[fd] == c {
		p.parked[fd] = nil
	}
}

func (p *parker) take(fd int) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.parked[fd]
	p.parked[fd] = nil
	return c
}

func (p *parker) run() {
	defer close(p.done)
	events := make([]syscall.EpollEvent, 128)
	for {
		n := 0
		closed := p.raw.Read(func(epoll uintptr) bool {
			n, _ = syscall.EpollWait(int(epoll), events, 0)
			return n > 0
		})
		if closed != nil {
			return
		}
		for _, event := range events[:n] {
			// A descriptor that was closed and used anew since wakes its new connection for nothing, which does no harm.
			if c := p.take(int(event.Fd)); c != nil {
				c.wake(int(event.Fd))
			}
		}
	}
}
