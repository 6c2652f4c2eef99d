package mysql

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Handler answers one client. Its methods are called one at a time.
type Handler interface {
	// Use chooses a database.
	Use(name string) error
	// Prepare says how many placeholders a statement has, and which columns its answer.
	Prepare(sql string) (params int, columns []string, err error)
	// Query answers a statement, with the values of its placeholders. Errors that are no *Error are not told in detail.
	Query(ctx context.Context, sql string, args []string) (*Result, error)
}

// Options of a Server. Login must be given.
type Options struct {
	// Version is what the server calls itself.
	Version string
	// Login judges a client, and gives what answers it.
	Login func(ctx context.Context, l *Login) (Handler, error)
	// TLS, if it is not nil, is offered to clients.
	TLS *tls.Config
	// MaxConnections bounds the clients at one time; 1,000.
	MaxConnections int
	// HandshakeTimeout is how long a client may take to say who it is, and PacketTimeout for a packet from its first byte on; 10 s.
	HandshakeTimeout, PacketTimeout time.Duration
	// IdleTimeout is how long a client may say nothing; 8 hours. QueryTimeout bounds the answer to a statement, WriteTimeout the taking
	// of it; 20 s.
	IdleTimeout, QueryTimeout, WriteTimeout time.Duration
	// Logger takes what no client is told; nil: slog.Default.
	Logger *slog.Logger
	// Connected is told of the number of connections as it changes, and Refused of clients that were sent away: since there were too many
	// (total), or Login gave an error with CodeBlocked (blocked) or another one (login). Both may be nil.
	Connected func(connections int)
	Refused   func(reason string)
	// Answered is told how long each answer took, from its command's last byte to its own; nil: nobody is.
	Answered func(took time.Duration)
}

// Server serves clients.
type Server struct {
	options Options
	ctx     context.Context
	cancel  context.CancelFunc

	mu          sync.Mutex
	connections map[*connection]struct{}
	closed      bool
	lastID      uint32
	work        sync.WaitGroup
}

// New gives a server.
func New(o Options) *Server {
	setDefault(&o.MaxConnections, 1000)
	setDefault(&o.HandshakeTimeout, 10*time.Second)
	setDefault(&o.PacketTimeout, 10*time.Second)
	setDefault(&o.IdleTimeout, 8*time.Hour)
	setDefault(&o.QueryTimeout, 20*time.Second)
	setDefault(&o.WriteTimeout, 20*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Connected == nil {
		o.Connected = func(int) {}
	}
	if o.Refused == nil {
		o.Refused = func(string) {}
	}
	if o.Answered == nil {
		o.Answered = func(time.Duration) {}
	}
	s := &Server{options: o, connections: map[*connection]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Serve takes clients from the listener until that is closed, whose error it gives.
func (s *Server) Serve(l net.Listener) error {
	for {
		socket, err := l.Accept()
		if err != nil {
			return err
		}
		s.accept(socket)
	}
}

func (s *Server) accept(socket net.Conn) {
	c := &connection{server: s, socket: socket}
	c.packets = packets{in: bufio.NewReaderSize(socket, 4<<10), out: bufio.NewWriterSize(socket, 4<<10)}
	s.mu.Lock()
	full := len(s.connections) >= s.options.MaxConnections
	if s.closed || full {
		s.mu.Unlock()
		if full {
			s.options.Refused("total")
			_ = socket.SetDeadline(time.Now().Add(time.Second)) // a new socket takes so little at once
			_ = errors.Join(c.writeError(errFull), c.flush())
		}
		_ = socket.Close()
		return
	}
	s.connections[c] = struct{}{}
	s.lastID++
	c.id = s.lastID
	s.options.Connected(len(s.connections))
	s.work.Go(c.run)
	s.mu.Unlock()
}

func (s *Server) forget(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, c)
	s.options.Connected(len(s.connections))
}

// Connections is how many clients there are.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// Drain ends connections as soon as their statements are answered, and waits for that; after ctx it waits no more, and ends the rest.
func (s *Server) Drain(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	for c := range s.connections {
		c.endWhenIdle()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel()
	s.mu.Lock()
	for c := range s.connections {
		_ = c.raw().Close()
	}
	s.mu.Unlock()
	<-done
}

// Close ends all connections and waits for them. Close the listener before.
func (s *Server) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Drain(ctx)
}

// errFull is told to clients that are one too many, as MySQL's ER_CON_COUNT_ERROR.
var errFull = &Error{Code: 1040, Message: "Too many connections"}

// errEnding says that the server lets go of its clients.
var errEnding = errors.New("the server ends")
