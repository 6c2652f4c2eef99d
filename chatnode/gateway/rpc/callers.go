package rpc

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"
)

// Bounds are what one caller may do on this node.
type Bounds struct {
	// AtOnce bounds the caller's requests that are being answered.
	AtOnce int
	// PerSecond and Burst bound how often it may begin one.
	PerSecond float64
	Burst     int
}

// or fills what is not said from other bounds.
func (b Bounds) or(other Bounds) Bounds {
	if b.AtOnce == 0 {
		b.AtOnce = other.AtOnce
	}
	if b.PerSecond == 0 {
		b.PerSecond = other.PerSecond
	}
	if b.Burst == 0 {
		b.Burst = other.Burst
	}
	return b
}

// Defaults of bounds: a user's are those of a connection to the socket. An application's servers, which speak for all its users, have
// ServersRate times the rate of one user, and a quarter of what the node answers at once.
var (
	DefaultUserBounds   = Bounds{AtOnce: 16, PerSecond: 50, Burst: 100}
	DefaultServerBounds = Bounds{AtOnce: DefaultRequests / 4, PerSecond: 50 * ServersRate, Burst: 100 * ServersRate}
)

// ServersRate is how many times more often than one user an application's servers may call.
const ServersRate = 20

// maxCallers is how many callers are remembered before those that have rested are forgotten.
const maxCallers = 10_000

// caller is who has bounds of its own: a user with a token, or all servers of an application, which have no user here, for whomever they act.
type caller struct{ app, user string }

// callers keep each to its bounds.
type callers struct {
	user, server Bounds
	now          func() time.Time

	mu  sync.Mutex
	all map[caller]*calling
}

// calling is what one caller does.
type calling struct {
	running int
	rate    *rate.Limiter
}

// Bounds, in metrics.
const (
	boundNode   = "node"
	boundAtOnce = "at_once"
	boundRate   = "rate"
)

// begin takes a request of a caller, which ends with done; or it gives the bound that it would exceed, and the refusal.
func (c *callers) begin(one caller) (done func(), bound string, refused *connect.Error) {
	b := c.user
	if one.user == "" {
		b = c.server
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, doing := c.now(), c.of(one, b)
	if doing.running >= b.AtOnce {
		return nil, boundAtOnce, tooMany(1, fmt.Sprintf("more than %d requests at once", b.AtOnce))
	}
	if !doing.rate.AllowN(now, 1) {
		wait := (1 - doing.rate.TokensAt(now)) / b.PerSecond
		return nil, boundRate, tooMany(wait, "more than "+strconv.FormatFloat(b.PerSecond, 'g', 4, 64)+" requests a second")
	}
	doing.running++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		doing.running--
	}, "", nil
}

// of needs mu.
func (c *callers) of(one caller, b Bounds) *calling {
	doing := c.all[one]
	if doing == nil {
		if len(c.all) >= maxCallers {
			c.forget()
		}
		doing = &calling{rate: rate.NewLimiter(rate.Limit(b.PerSecond), b.Burst)}
		c.all[one] = doing
	}
	return doing
}

// forget drops callers that have rested; of the others that do nothing at the moment, any beyond a half, so that it is long until the next
// time. Those that do something are as few as the node answers requests.
func (c *callers) forget() {
	now := c.now()
	for one, doing := range c.all {
		if doing.running == 0 && doing.rate.TokensAt(now) >= float64(doing.rate.Burst()) {
			delete(c.all, one)
		}
	}
	for one, doing := range c.all {
		if len(c.all) <= maxCallers/2 {
			return
		}
		if doing.running == 0 {
			delete(c.all, one)
		}
	}
}

// count is how many callers are remembered.
func (c *callers) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// retryHeader says, in seconds, when a refused request may be made again.
const retryHeader = "Retry-After"

// tooMany is the refusal of a request that may be made again after a time in seconds.
func tooMany(after float64, words string) *connect.Error {
	err := refusal(connect.CodeResourceExhausted, "too_many", words+"; try again a little later")
	err.Meta().Set(retryHeader, strconv.Itoa(int(math.Ceil(max(after, 1)))))
	return err
}
