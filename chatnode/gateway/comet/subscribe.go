package comet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// Bounds of pipes.
const (
	maxPipes = 32
	maxName  = 64
	// minName is the length of a name for browsers, minSQLName for backends.
	minName    = 2
	minSQLName = 3
	// joining is how many subscriptions of one browser are made at a time.
	joining = 8
)

// member is a session's place in a pipe.
type member struct {
	session *session
	pipe    string
	// client names this subscription to others.
	client  string
	place   *fanout.Subscription
	refused atomic.Bool
}

// Encoder implements fanout.Member.
func (m *member) Encoder() fanout.Encoder { return m.session.encoder }

// Write implements fanout.Member. What the session itself said is left out.
func (m *member) Write(wire []byte) bool {
	s := m.session
	var own []string
	if s.owns.Load() {
		wire, own = s.withoutOwn(wire)
	}
	if !m.pass(wire) {
		return false
	}
	if len(own) > 0 {
		s.hasCome(own)
	}
	return true
}

// pass writes to the connection.
func (m *member) pass(wire []byte) bool {
	s := m.session
	if len(wire) == 0 || s.conn.Write(wire) {
		return true
	}
	m.refused.Store(true)
	s.refused.Store(true)
	// The queue may have emptied just now, and Drained may have passed by before it could see the marks.
	return s.conn.Write(wire)
}

// Backlog implements fanout.Backlogger.
func (m *member) Backlog() int { return m.session.conn.Backlog() }

// Reset implements fanout.Member. The client comes back and subscribes again.
func (m *member) Reset() { m.session.drop("reset") }

// withoutOwn leaves the session's own messages out of frames, and says which they are.
func (s *session) withoutOwn(wire []byte) (rest []byte, own []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rest, own = without(wire, s.own); len(own) == 0 {
		return wire, nil
	}
	return rest, own
}

// hasCome forgets messages of the session's own. Until then they are looked out for: a page that was refused comes again.
func (s *session) hasCome(own []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = slices.DeleteFunc(s.own, func(id string) bool { return slices.Contains(own, id) })
	s.owns.Store(len(s.own) > 0)
}

// lookOut has the session's own message left out of what comes.
func (s *session) lookOut(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = append(s.own[max(0, len(s.own)-maxOwn+1):], id)
	s.owns.Store(true)
}

// errTooMany and errName answer subscriptions.
var (
	errTooMany = &commandError{data: map[string]any{"error": "Too many letters", "code": "403"}}
	errName    = &commandError{data: map[string]any{"error": "Channel name is too long", "code": "403"}, drop: true}
)

// subscribe replaces what the browser listens to. Pipes that it keeps miss nothing; those that track their listeners see it go and come.
func (s *session) subscribe(ctx context.Context, text string) error {
	var names []string
	unnamed := false
	for _, name := range strings.Split(text, "\n")[1:] {
		name = strings.TrimSpace(name)
		if len(name) < minName {
			break
		}
		if len(name) > maxName {
			return errName
		}
		if !nameable(name) {
			unnamed = true
			continue
		}
		if !s.listensTo(name) || slices.Contains(names, name) {
			continue
		}
		names = append(names, name)
	}
	if len(names) > maxPipes {
		return errTooMany
	}
	for _, m := range s.members() {
		if !slices.Contains(names, m.pipe) || strings.HasPrefix(m.pipe, "track_") {
			s.unsubscribe(m)
		}
	}
	var work errgroup.Group
	work.SetLimit(joining)
	for _, name := range names {
		work.Go(func() error { return s.join(ctx, name) })
	}
	if err := work.Wait(); err != nil || !unnamed {
		return err
	}
	return refused("Unsupported characters in the name of a pipe")
}

// listensTo says whether a pipe is one to subscribe to: some reach a browser in any case, some are not for those who have not signed in.
func (s *session) listensTo(pipe string) bool {
	switch {
	case pipe == pipePrivate, pipe == pipeSystem, strings.HasPrefix(pipe, pipeAnswer):
		return false
	case strings.HasPrefix(pipe, "private_"):
		return s.user > 0
	}
	return true
}

// join makes one subscription, unless it is there.
func (s *session) join(ctx context.Context, pipe string) error {
	if s.listens(pipe) {
		return nil
	}
	access, err := s.gateway.options.Chat.Access(ctx, s.actor, roomPrefix+pipe, chat.Subscribe)
	if err != nil {
		return err
	}
	m := &member{session: s, pipe: pipe, client: uuid.NewString()}
	shown := ""
	if s.user > 0 {
		shown = s.actor.User
	}
	tracks := strings.HasPrefix(pipe, "track_") && s.maySeeListeners(ctx, pipe)
	m.place, _, err = s.gateway.options.Hub.Subscribe(ctx, access.Feed, fanout.Request{
		Info: s.browser.info(shown, m.client, s.gateway.now().Unix()), JoinLeave: tracks,
	}, m)
	if err != nil {
		return err
	}
	s.mu.Lock()
	over := s.closed
	if !over {
		if s.pipes == nil {
			s.pipes = map[string]*member{}
		}
		s.pipes[pipe] = m
	}
	s.mu.Unlock()
	if over {
		m.place.Close()
		return nil
	}
	if tracks {
		s.lookOut(m.client)
	}
	m.place.Start()
	s.gateway.reconsider(ctx, m) // nobody could find the subscription while its rights were first looked at
	return nil
}

// maySeeListeners says whether the user may know who listens to a pipe.
func (s *session) maySeeListeners(ctx context.Context, pipe string) bool {
	_, err := s.gateway.options.Chat.Access(ctx, s.actor, roomPrefix+pipe, chat.Presence)
	return err == nil
}

// unsubscribe ends a subscription, unless that has been done.
func (s *session) unsubscribe(m *member) {
	s.mu.Lock()
	there := s.pipes[m.pipe] == m
	if there {
		delete(s.pipes, m.pipe)
	}
	s.mu.Unlock()
	if there {
		m.place.Close()
	}
}

func (s *session) members() (all []*member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.pipes {
		all = append(all, m)
	}
	return all
}

// member is the session's place in a pipe, nil if there is none.
func (s *session) member(pipe string) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pipes[pipe]
}

func (s *session) listens(pipe string) bool { return s.member(pipe) != nil }

// commandError is an answer to a command that can't be carried out.
type commandError struct {
	data map[string]any
	// drop says that the connection ends with it.
	drop bool
}

func (e *commandError) Error() string { return "the command can't be carried out" }

// refused is a commandError in words.
func refused(words string) error {
	return &commandError{data: map[string]any{"number_messages": -1, "error": words}}
}

// fail tells the browser that a command was not carried out.
func (s *session) fail(err error) {
	var told *commandError
	if !errors.As(err, &told) {
		var failed *chat.Error
		words := "Internal error"
		if errors.As(err, &failed) && failed.Kind != chat.Internal {
			words = failed.Message
		} else {
			s.gateway.log.Debug("a command failed", "error", err)
		}
		errors.As(refused(words), &told)
	}
	s.send(s.encoder.frame(message{Data: told.data, Event: "error", Pipe: pipeSystem, Time: s.gateway.now().Unix()}))
	if told.drop {
		s.drop("refused")
	}
}
