package backbone

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// dialWait bounds the way to one server, and dialAll that to any of them.
	dialWait = 2 * time.Second
	dialAll  = 5 * time.Second
)

// connection is one connection to NATS, or will be. It isn't made again by itself when it is lost: whoever needs it next dials, and so
// learns at once what is wrong.
type connection struct {
	name     string
	endpoint endpoint

	// The pool's.
	slots map[slot]struct{}
	users int
	used  uint64

	dialling chan struct{} // holds one while somebody dials
	mu       sync.Mutex
	closed   bool
	nc       *nats.Conn
	refusals *refusals // of nc
	failed   error     // why the last dial failed, and when
	failedAt time.Time
}

// newConnection tries the servers in an order of its own, so that connections spread over them; always in the same, so that the same trouble
// is told in the same words.
func newConnection(name string, e endpoint) *connection {
	e.urls = append([]string(nil), e.urls...)
	rand.Shuffle(len(e.urls), func(i, j int) { e.urls[i], e.urls[j] = e.urls[j], e.urls[i] })
	return &connection{name: name, endpoint: e, slots: map[slot]struct{}{}, dialling: make(chan struct{}, 1)}
}

// open gives the connection, which is dialled if need be, and what was refused over it so far.
func (c *connection) open(ctx context.Context) (*nats.Conn, *refusals, error) {
	came := time.Now()
	select {
	case c.dialling <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	defer func() { <-c.dialling }()
	c.mu.Lock()
	nc, refused, closed, failed, failedAt := c.nc, c.refusals, c.closed, c.failed, c.failedAt
	c.mu.Unlock()
	switch {
	case closed:
		return nil, nil, errClosed
	case nc != nil && nc.IsConnected():
		return nc, refused, nil
	case failedAt.After(came):
		return nil, nil, failed // while we waited, another one learned what we would
	}
	nc, refused, err := c.dial(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, nil, err // we had no time left, which tells those who wait nothing
	case err != nil:
		c.failed, c.failedAt = err, time.Now()
		return nil, nil, err
	case c.closed:
		nc.Close()
		return nil, nil, errClosed
	}
	c.nc, c.refusals = nc, refused
	return nc, refused, nil
}

// drop closes a connection that is of no use; the next open dials.
func (c *connection) drop(nc *nats.Conn) {
	nc.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc == nc {
		c.nc = nil
	}
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.nc != nil {
		c.nc.Close()
	}
}

// dial tries one server after the other.
func (c *connection) dial(ctx context.Context) (*nats.Conn, *refusals, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialAll, fmt.Errorf("no answer within %v", dialAll))
	defer cancel()
	options, refused, err := c.options()
	if err != nil {
		return nil, nil, err
	}
	failed := &dialError{}
	for _, url := range c.endpoint.urls {
		nc, err := dialOne(ctx, url, options)
		if err == nil {
			return nc, refused, nil
		}
		failed.add(url, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, nil, failed
}

// dialOne gives up with the context, whatever the client library waits for.
func dialOne(ctx context.Context, url string, options []nats.Option) (*nats.Conn, error) {
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result)
	go func() {
		nc, err := nats.Connect(url, options...)
		select {
		case done <- result{nc, err}:
		case <-ctx.Done():
			if nc != nil {
				nc.Close()
			}
		}
	}()
	select {
	case r := <-done:
		return r.nc, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (c *connection) options() ([]nats.Option, *refusals, error) {
	refused := newRefusals()
	options := []nats.Option{
		nats.Name(c.name), nats.NoReconnect(), nats.Timeout(dialWait), nats.FlusherTimeout(dialWait),
		nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2),
		// A dialler of Go's own looks names up and tries addresses within the deadline.
		nats.SkipHostLookup(), nats.SetCustomDialer(&net.Dialer{Timeout: dialWait}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused.hear(err) }),
	}
	if c.endpoint.inbox != "" {
		options = append(options, nats.CustomInboxPrefix(c.endpoint.inbox))
	}
	if t := c.endpoint.tls; t != nil {
		config, err := t.config()
		if err != nil {
			return nil, nil, err
		}
		options = append(options, nats.Secure(config))
	}
	if len(c.endpoint.credentials) > 0 {
		if err := checkCredentials(c.endpoint.credentials); err != nil {
			return nil, nil, err
		}
		options = append(options, nats.UserCredentialBytes(c.endpoint.credentials))
	}
	return options, refused, nil
}

// dialError is what each server had to say.
type dialError struct{ errs []error }

func (e *dialError) add(url string, err error) {
	switch {
	case errors.Is(err, nats.ErrNoServers):
		err = errors.New("nobody answers there")
	case hungUp(err):
		err = fmt.Errorf("hung up, as if it didn't take the client's certificate: %w", err)
	}
	e.errs = append(e.errs, fmt.Errorf("%s: %w", url, err))
}

func (e *dialError) Error() string {
	const shown = 3
	var all []string
	for _, err := range e.errs[:min(len(e.errs), shown)] {
		all = append(all, err.Error())
	}
	if more := len(e.errs) - shown; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return ownAddress.ReplaceAllString(strings.Join(all, "; "), "")
}

func (e *dialError) Unwrap() []error { return e.errs }
