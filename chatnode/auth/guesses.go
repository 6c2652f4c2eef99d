package auth

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Guess is an attempt to show that one is somebody by a secret that people choose, such as a password.
type Guess struct {
	// From is where it comes from. Addresses of one IPv6 /64, which usually belongs to one host, count as one; the zero Addr is one, too.
	From netip.Addr
	// App and Account are whose secret it should be. An account that does not exist counts as one that does.
	App, Account string
}

// GuessOptions bound what Guesses lets pass.
type GuessOptions struct {
	// PerAccount is how many wrong guesses a minute one address has for one account; 10.
	PerAccount int
	// PerAddress is how many it has for all accounts together, which bounds who tries one password for everybody; 100.
	PerAddress int
	// Remembered is how many pairs of an address and an account, and how many addresses, are kept in mind, at about 150 bytes each; 10,000.
	Remembered int
	// Clock tells the time; nil: time.Now.
	Clock func() time.Time
}

// Guesses bounds how often secrets can be guessed, by the addresses that guess wrong. Nothing bounds an account as a whole: whoever knew its
// name could keep its owner out, by guessing.
//
// Ask Wait before a secret is judged, and call Wrong if it was wrong; right ones cost nothing. Guesses that are judged at the same time
// are all counted, so that whoever makes many at once waits the longer afterwards.
type Guesses struct {
	clock func() time.Time
	seed  maphash.Seed

	mu                  sync.Mutex
	accounts, addresses guessed
}

// NewGuesses gives a Guesses that has seen none.
func NewGuesses(o GuessOptions) *Guesses {
	if o.PerAccount == 0 {
		o.PerAccount = 10
	}
	if o.PerAddress == 0 {
		o.PerAddress = 100
	}
	if o.Remembered == 0 {
		o.Remembered = 10_000
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	bound := func(perMinute int) guessed {
		return guessed{perMinute: perMinute, most: o.Remembered, by: map[uint64]*rate.Limiter{}}
	}
	return &Guesses{clock: o.Clock, seed: maphash.MakeSeed(), accounts: bound(o.PerAccount), addresses: bound(o.PerAddress)}
}

// Wait is how long it takes until the guess may be judged; 0: it may be now.
func (g *Guesses) Wait(one Guess) time.Duration {
	account, address := g.keys(one)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	return max(g.accounts.wait(account, now), g.addresses.wait(address, now))
}

// Wrong counts a guess that was judged wrong.
func (g *Guesses) Wrong(one Guess) {
	account, address := g.keys(one)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	g.accounts.count(account, now)
	g.addresses.count(address, now)
}

// keys are of one size, however long a name is that somebody sends.
func (g *Guesses) keys(one Guess) (account, address uint64) {
	one.From = one.From.Unmap().WithZone("")
	if one.From.Is6() {
		one.From = netip.PrefixFrom(one.From, 64).Masked().Addr()
	}
	return maphash.Comparable(g.seed, one), maphash.Comparable(g.seed, one.From)
}

// guessed is how many wrong guesses each may still make.
type guessed struct {
	perMinute, most int
	by              map[uint64]*rate.Limiter
}

func (g *guessed) wait(key uint64, now time.Time) time.Duration {
	l := g.by[key]
	if l == nil {
		return 0
	}
	missing := max(0, 1-l.TokensAt(now))
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// count takes one away, below none if it must be.
func (g *guessed) count(key uint64, now time.Time) {
	l := g.by[key]
	if l == nil {
		if len(g.by) >= g.most {
			g.forget(now)
		}
		l = rate.NewLimiter(rate.Limit(float64(g.perMinute)/time.Minute.Seconds()), g.perMinute)
		g.by[key] = l
	}
	l.ReserveN(now, 1)
}

// forget drops those that have rested, and of the others any beyond a half, so that it is long until the next time.
func (g *guessed) forget(now time.Time) {
	for key, l := range g.by {
		if l.TokensAt(now) >= float64(g.perMinute) {
			delete(g.by, key)
		}
	}
	for key := range g.by {
		if len(g.by) <= g.most/2 {
			return
		}
		delete(g.by, key)
	}
}
