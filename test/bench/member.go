package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	joinID    = 2
	firstID   = 10 // of messages
	dialLimit = 20 * time.Second
	// portsPerAddress is how many connections one loopback address makes to one server; the kernel has about 28,000 ports for it.
	portsPerAddress = 20_000
)

// plan says what a member does. Its functions run on the member's reading goroutine and must not wait.
type plan struct {
	name string // of the user; "" is an anonymous one
	room string // to join; "" for none
	// buffer is how much is read at once, in bytes.
	buffer int
	// answered is told the ids of acknowledged messages, heard the numbers of received texts.
	answered func(m *member, id int)
	heard    func(m *member, seq int)
}

// member is one connection to the server under test.
type member struct {
	server *server
	plan   plan
	ws     *websocket.Conn

	writing sync.Mutex
	texts   atomic.Int64 // received so far
	joined  chan struct{}
	ended   chan struct{}
	err     error // why, after ended
}

// dial connects, signs in and joins. number is the member's among all, by which its source address is chosen.
func dial(ctx context.Context, s *server, number int, p plan) (*member, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	var source net.Dialer
	if further := number / portsPerAddress; further > 0 {
		source.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+further))}
	}
	dialer := websocket.Dialer{NetDialContext: source.DialContext, ReadBufferSize: p.buffer, WriteBufferSize: 512, WriteBufferPool: &writeBuffers}
	ws, _, err := dialer.DialContext(ctx, "ws://"+s.address+s.dialect.path(), nil) //nolint:bodyclose // gorilla: it need not be
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", s.system, err)
	}
	m := &member{server: s, plan: p, ws: ws, joined: make(chan struct{}), ended: make(chan struct{})}
	if err := m.enter(ctx); err != nil {
		ws.Close()
		return nil, err
	}
	return m, nil
}

var writeBuffers sync.Pool

// enter does all that comes before the first message.
func (m *member) enter(ctx context.Context) error {
	token, err := m.server.token(m.plan.name)
	if err != nil {
		return err
	}
	if err := m.greet(token); err != nil {
		return fmt.Errorf("connect to %s: %w", m.server.system, err)
	}
	go m.read()
	if m.plan.room == "" {
		return nil
	}
	if err := m.write(m.server.dialect.join(joinID, m.plan.room)); err != nil {
		return err
	}
	select {
	case <-m.joined:
		return nil
	case <-m.ended:
		return fmt.Errorf("join a room of %s: %w", m.server.system, m.err)
	case <-ctx.Done():
		return fmt.Errorf("join a room of %s: %w", m.server.system, ctx.Err())
	}
}

func (m *member) greet(token string) error {
	hello := m.server.dialect.greet(token)
	if hello == nil {
		return nil
	}
	if err := m.write(hello); err != nil {
		return err
	}
	for {
		_ = m.ws.SetReadDeadline(time.Now().Add(dialLimit))
		_, frame, err := m.ws.ReadMessage()
		if err != nil {
			return err
		}
		done, err := m.server.dialect.greeted(frame)
		if done || err != nil {
			return errors.Join(err, m.ws.SetReadDeadline(time.Time{}))
		}
	}
}

func (m *member) write(frame []byte) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	return m.ws.WriteMessage(websocket.TextMessage, frame)
}

// send tells the room message number seq; its acknowledgement has the id firstID + seq.
func (m *member) send(room string, seq, bytes int) error {
	return m.write(m.server.dialect.send(firstID+seq, room, markedText(seq, bytes)))
}

// frames are lent to members while they read one.
var frames = sync.Pool{New: func() any { return new(frameBuffer) }}

func (m *member) read() {
	defer close(m.ended)
	for {
		_, reader, err := m.ws.NextReader()
		if err != nil {
			m.err = err
			return
		}
		buffer := frames.Get().(*frameBuffer)
		frame, err := buffer.readAll(reader)
		if err == nil {
			err = m.take(frame)
		}
		frames.Put(buffer)
		if err != nil {
			m.err = err
			m.ws.Close()
			return
		}
	}
}

func (m *member) take(frame []byte) error {
	if pong := m.server.dialect.pong(frame); pong != nil {
		return m.write(pong)
	}
	err := m.server.dialect.answers(frame, func(id int) {
		switch {
		case id == joinID:
			close(m.joined)
		case m.plan.answered != nil:
			m.plan.answered(m, id)
		}
	})
	if err != nil {
		return err
	}
	return marks(frame, func(seq int) {
		m.texts.Add(1)
		if m.plan.heard != nil {
			m.plan.heard(m, seq)
		}
	})
}
