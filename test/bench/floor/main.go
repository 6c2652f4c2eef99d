//go:build linux

// Command floor is the least that a chat server can do, as a yardstick: one
// thread, one epoll, sockets without buffers, a log without structure.
//
// In go WebSocket frames: "j<id> <room>" joins, "m<id> <room> <text>" sends. What
// one turn of the loop has read is appended to a file by one write(2), then each
// member of a room gets all its new texts by one write(2), and each sender its
// acknowledgements "a<id>…". It trusts its clients, and blocks when one is slow.
// Its standard output begins with the address it listens on; it ends when its
// standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime/debug"
	"syscall"
)

const (
	readBytes = 64 << 10
	maxEvents = 256
)

// client is one socket; what it holds is all that an idle connection costs.
type client struct {
	fd      int
	open    bool   // the handshake is done
	partial []byte // of a frame, usually nil
}

// server is the loop's state.
type server struct {
	epoll    int
	listener *os.File
	log      *os.File
	clients  map[int32]*client
	rooms    map[string]*room

	// What one turn collects.
	stored  []byte
	busy    map[*room]bool
	answers map[*client][]byte
	buffer  []byte
}

type room struct {
	members []*client
	news    []byte // frames for every member
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: floor LOGFILE")
	}
	s, address, err := listen(os.Args[1])
	if err != nil {
		log.Fatal("floor: ", err)
	}
	fmt.Println(address)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal("floor: ", s.serve())
}

func listen(logFile string) (*server, string, error) {
	file, err := os.Create(logFile)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	defer l.Close() // the file stays
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, "", err
	}
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, "", err
	}
	s := &server{
		epoll: epoll, listener: socket, log: file,
		clients: map[int32]*client{}, rooms: map[string]*room{},
		busy: map[*room]bool{}, answers: map[*client][]byte{}, buffer: make([]byte, readBytes),
	}
	return s, l.Addr().String(), s.watch(int(socket.Fd()))
}

func (s *server) watch(fd int) error {
	return syscall.EpollCtl(s.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

func (s *server) serve() error {
	events := make([]syscall.EpollEvent, maxEvents)
	listener := int32(s.listener.Fd())
	for {
		n, err := syscall.EpollWait(s.epoll, events, -1)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		for _, event := range events[:n] {
			if event.Fd == listener {
				s.accept()
				continue
			}
			s.read(s.clients[event.Fd])
		}
		if err := s.finishTurn(); err != nil {
			return err
		}
	}
}

func (s *server) accept() {
	fd, _, err := syscall.Accept4(int(s.listener.Fd()), syscall.SOCK_CLOEXEC)
	if err != nil {
		return // the client has gone again
	}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	s.clients[int32(fd)] = &client{fd: fd}
	if err := s.watch(fd); err != nil {
		s.drop(s.clients[int32(fd)])
	}
}

func (s *server) drop(c *client) {
	delete(s.clients, int32(c.fd))
	delete(s.answers, c)
	_ = syscall.Close(c.fd)
	for _, r := range s.rooms {
		for i, member := range r.members {
			if member == c {
				r.members = append(r.members[:i], r.members[i+1:]...)
				break
			}
		}
	}
}

func (s *server) read(c *client) {
	n, err := syscall.Read(c.fd, s.buffer)
	if err != nil || n == 0 {
		s.drop(c)
		return
	}
	data := s.buffer[:n]
	if len(c.partial) > 0 {
		data = append(c.partial, data...)
		c.partial = nil
	}
	if !c.open {
		s.handshake(c, data)
		return
	}
	for {
		payload, rest, ok := nextFrame(data)
		if !ok {
			break
		}
		s.take(c, payload)
		data = rest
	}
	c.partial = append(c.partial, data...)
}

// finishTurn stores what came, then tells everybody.
func (s *server) finishTurn() error {
	if len(s.stored) > 0 {
		if _, err := s.log.Write(s.stored); err != nil {
			return err
		}
		s.stored = s.stored[:0]
	}
	for c, answer := range s.answers {
		write(c.fd, appendFrame(nil, answer))
		delete(s.answers, c)
	}
	for r := range s.busy {
		for _, c := range r.members {
			write(c.fd, r.news)
		}
		r.news = r.news[:0]
		delete(s.busy, r)
	}
	return nil
}

func write(fd int, data []byte) {
	for len(data) > 0 {
		n, err := syscall.Write(fd, data)
		if err != nil && err != syscall.EINTR {
			return // its reading end will tell
		}
		data = data[max(n, 0):]
	}
}

// collect gives back all memory that is not in use.
func collect() { debug.FreeOSMemory() }
