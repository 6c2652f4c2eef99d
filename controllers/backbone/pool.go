package backbone

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Options shape a Pool.
type Options struct {
	// Name is what NATS shows of the connections; empty is "chatfleet operator".
	Name string
	// MaxConnections bounds the connections that are open at a time; 0 is 256. The one that was not used for longest makes room. No more
	// calls than these run at a time; others wait.
	MaxConnections int
}

// Pool keeps connections to NATS. ChatClusters with the same addresses and secrets share one. Its methods are safe for concurrent use.
type Pool struct {
	o     Options
	calls *semaphore.Weighted

	mu     sync.Mutex
	closed bool
	tick   uint64 // counts uses, as a clock
	shared map[key]*connection
	owned  map[slot]key
}

// key is a hash of all that a connection is made with.
type key [sha256.Size]byte

// slot is one connection of an owner.
type slot struct {
	owner  string
	system bool
}

var errClosed = errors.New("the pool of connections is closed")

// NewPool gives a pool without connections. Close ends it.
func NewPool(o Options) *Pool {
	if o.Name == "" {
		o.Name = "chatfleet operator"
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 256
	}
	return &Pool{o: o, calls: semaphore.NewWeighted(int64(o.MaxConnections)), shared: map[key]*connection{}, owned: map[slot]key{}}
}

// Release lets go of what an owner has. Connections that nobody else has are closed.
func (p *Pool) Release(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(slot{owner, false})
	p.leave(slot{owner, true})
}

// Close ends all connections, and what is going on over them.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.shared {
		c.close()
	}
	clear(p.shared)
	clear(p.owned)
}

// borrow gives the owner's connection, which may have to be dialled. Give it back by the function.
func (p *Pool) borrow(ctx context.Context, s slot, e endpoint) (*connection, func(), error) {
	if err := p.calls.Acquire(ctx, 1); err != nil {
		return nil, nil, err
	}
	c, err := p.take(s, e)
	if err != nil {
		p.calls.Release(1)
		return nil, nil, err
	}
	return c, func() {
		p.mu.Lock()
		c.users--
		if len(c.slots) == 0 && c.users == 0 {
			c.close()
		}
		p.mu.Unlock()
		p.calls.Release(1)
	}, nil
}

func (p *Pool) take(s slot, e endpoint) (*connection, error) {
	k := e.key()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if old, has := p.owned[s]; has && old != k {
		p.leave(s)
	}
	c := p.shared[k]
	if c == nil {
		if len(p.shared) >= p.o.MaxConnections {
			p.makeRoom()
		}
		c = newConnection(p.o.Name, e)
		p.shared[k] = c
	}
	p.tick++
	c.used = p.tick
	c.users++
	c.slots[s] = struct{}{}
	p.owned[s] = k
	return c, nil
}

// leave takes a connection from an owner.
func (p *Pool) leave(s slot) {
	k, has := p.owned[s]
	if !has {
		return
	}
	delete(p.owned, s)
	c := p.shared[k]
	delete(c.slots, s)
	if len(c.slots) > 0 {
		return
	}
	delete(p.shared, k)
	if c.users == 0 {
		c.close()
	}
}

// makeRoom closes the connection that was not used for longest.
func (p *Pool) makeRoom() {
	var oldest *connection
	for _, c := range p.shared {
		if c.users == 0 && (oldest == nil || c.used < oldest.used) {
			oldest = c
		}
	}
	if oldest == nil {
		return
	}
	for s := range oldest.slots {
		p.leave(s)
	}
}

// endpoint is all that a connection is made with.
type endpoint struct {
	urls        []string
	tls         *TLS
	credentials []byte
	// inbox is what subjects of replies begin with; empty is the client library's own.
	inbox string
}

func (e endpoint) key() (k key) {
	h := sha256.New()
	write := func(parts ...[]byte) {
		for _, part := range parts {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write(part)
		}
	}
	for _, u := range e.urls {
		write([]byte(u))
	}
	write(nil, e.credentials, []byte(e.inbox))
	if e.tls != nil {
		write(e.tls.CA, e.tls.Cert, e.tls.Key)
	}
	h.Sum(k[:0])
	return k
}
