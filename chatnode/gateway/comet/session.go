package comet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// deadlineQueue is the kind of conn.Handler.Deadline at which it is noted what private messages have been delivered.
const deadlineQueue = 0

// Bounds of what one browser has the server keep.
const (
	maxCommands     = 128
	maxCommandBytes = 256 << 10
	// maxOwn is how many of its own messages are looked out for, so that they are not sent back.
	maxOwn = 128
)

// codeDropped counts connections that the server ended; no client is told a code.
const codeDropped = 1008

var errClosed = errors.New("the gateway is closed")

// session is one browser's connection. Its commands are carried out one after the other, beside the connection's events. Locks are taken
// in this order: a room of the fan-out, mu, the connection's; mu is not held while a method of a fanout.Subscription is called.
type session struct {
	gateway *Gateway
	conn    *conn.Conn
	encoder encoder
	wish    wish
	browser browser
	// id names the connection to the other parts of the node.
	id string

	// What follows is set when the browser signs in, before anybody else knows the session.
	app string
	// user is the id of the user, 0 if there is none; actor is what that one may do, and anonymous browsers as the user "0".
	user       int64
	actor      chat.Actor
	generation int
	issued     time.Time

	// limit is that of anonymous messages; it belongs to the commands.
	limit *rate.Limiter
	// refused is true if some member's write was refused.
	refused atomic.Bool
	// owns is true if own has something.
	owns atomic.Bool

	mu     sync.Mutex // guards what follows
	closed bool
	// greeted says that the gateway knows the session.
	greeted  bool
	working  bool
	commands []string
	waiting  int // bytes of commands
	pipes    map[string]*member
	private  *private // nil: the user is unknown
	own      []string
	// sibling is a link of people.
	sibling *session
	// room is closed when the connection's queue has room again; nil: nobody waits for that.
	room chan struct{}
}

// anonymous is the user whose rights those have who have not signed in.
const anonymous = "0"

// refuse tells the browser why it is sent away, and does so.
func (s *session) refuse(why *refusal) {
	s.conn.Write(s.encoder.frame(message{
		Data:  map[string]any{"error": why.text, "error_code": why.code, "info": "Closed due to error. See last message."},
		Event: "error", Pipe: pipeSystem, Time: s.gateway.now().Unix(),
	}))
	s.drop("refused")
}

// drop ends the connection without a word, after which clients come back.
func (s *session) drop(reason string) {
	s.gateway.metrics.dropped.WithLabelValues(reason).Inc()
	s.conn.Close(codeDropped, reason)
}

// begin has the browser signed in.
func (s *session) begin() error {
	s.id = uuid.NewString()
	s.working = true
	if !s.gateway.start(s.run) {
		return errClosed
	}
	return nil
}

// Frame implements conn.Handler.
func (s *session) Frame(payload []byte) {
	s.mu.Lock()
	if len(s.commands) >= maxCommands || s.waiting+len(payload) > maxCommandBytes && s.waiting > 0 {
		s.mu.Unlock()
		s.drop("commands")
		return
	}
	s.commands = append(s.commands, string(payload))
	s.waiting += len(payload)
	idle := !s.working
	s.working = true
	s.mu.Unlock()
	if idle && !s.gateway.start(s.work) {
		s.drop("closed")
	}
}

// run signs the browser in and goes on with what it said meanwhile.
func (s *session) run() {
	if s.signIn() {
		s.work()
	}
}

// work carries out commands until there are none.
func (s *session) work() {
	for {
		s.mu.Lock()
		if len(s.commands) == 0 || s.closed {
			s.working, s.commands = false, nil
			s.mu.Unlock()
			return
		}
		command := s.commands[0]
		s.commands = s.commands[1:]
		s.waiting -= len(command)
		s.mu.Unlock()
		s.command(command)
	}
}

// command carries one command out. Those that can't be ended make the client begin anew, as do those that are not known.
func (s *session) command(text string) {
	ctx, cancel := context.WithTimeout(s.gateway.ctx, s.gateway.options.RequestTimeout)
	defer cancel()
	name, _, _ := strings.Cut(text, "\n")
	run, known := commands[strings.TrimSpace(name)]
	if !known {
		s.gateway.metrics.commands.WithLabelValues("unknown", "dropped").Inc()
		s.drop("unknown command")
		return
	}
	result := "ok"
	if err := run(s, ctx, text); err != nil {
		result = "error"
		s.fail(err)
	}
	s.gateway.metrics.commands.WithLabelValues(strings.TrimSpace(name), result).Inc()
}

// send writes a frame, and waits for room for it.
func (s *session) send(wire []byte) {
	for !s.conn.Write(wire) {
		room := s.awaitRoom()
		if s.conn.Write(wire) { // it may have come before anybody waited
			return
		}
		select {
		case <-room:
		case <-s.gateway.ctx.Done():
			return
		}
	}
}

func (s *session) awaitRoom() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room == nil {
		s.room = make(chan struct{})
	}
	return s.room
}

// wake needs mu.
func (s *session) wake() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// Drained implements conn.Handler.
func (s *session) Drained() {
	s.mu.Lock()
	s.wake()
	s.mu.Unlock()
	if !s.refused.Swap(false) {
		return
	}
	var behind []*fanout.Subscription
	s.mu.Lock()
	for _, m := range s.pipes {
		if m.refused.Swap(false) {
			behind = append(behind, m.place)
		}
	}
	if p := s.private; p != nil && p.refused.Swap(false) {
		behind = append(behind, p.place)
	}
	s.mu.Unlock()
	for _, place := range behind {
		place.Drained()
	}
}

// Pulse implements conn.Handler. It keeps what is between from forgetting the connection.
func (s *session) Pulse() { s.conn.Write(conn.Ping()) }

// Deadline implements conn.Handler.
func (s *session) Deadline(kind int) {
	s.mu.Lock()
	p := s.private
	s.mu.Unlock()
	if kind == deadlineQueue && p != nil {
		p.note()
	}
}

// Closed implements conn.Handler.
func (s *session) Closed(error) {
	s.mu.Lock()
	s.closed = true
	s.wake()
	pipes, greeted := s.pipes, s.greeted
	s.pipes = nil
	p := s.private
	s.mu.Unlock()
	for _, m := range pipes {
		m.place.Close()
	}
	if p != nil {
		p.place.Close()
	}
	if greeted {
		s.gateway.left(s)
	}
}
