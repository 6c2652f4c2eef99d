package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// remoteKeys is a key set from a URL. It is fetched again when it has lived
// its time, and when a token names a key that is not in it.
type remoteKeys struct {
	url     *url.URL
	options Options
	log     *slog.Logger
	m       *metrics
	ctx     context.Context // ends with the verifier; waits of find end with it too

	mu       sync.Mutex
	keys     keySet // nil: never fetched
	fresh    time.Duration
	started  time.Time     // of the last fetch, monotonic
	failed   bool          // the last fetch failed
	fetching chan struct{} // closed when the fetch that runs is over; nil: none runs
}

func newRemoteKeys(ctx context.Context, options Options, m *metrics) (*remoteKeys, error) {
	address, err := url.Parse(options.JWKSURL)
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" {
		return nil, errors.New("the key set's URL must be an absolute http or https URL")
	}
	return &remoteKeys{url: address, options: options, log: options.Logger, m: m, ctx: ctx}, nil
}

func (k *remoteKeys) find(id string, algorithm jose.SignatureAlgorithm) (any, error) {
	key, err := k.lookup(id, algorithm)
	if !errors.Is(err, ErrUnknownKey) && !errors.Is(err, ErrUnavailable) {
		return key, err
	}
	if !k.refresh() {
		return nil, err
	}
	return k.lookup(id, algorithm)
}

// lookup answers from the keys at hand. While they may be stale an unknown key
// is not the token's fault.
func (k *remoteKeys) lookup(id string, algorithm jose.SignatureAlgorithm) (any, error) {
	k.mu.Lock()
	keys, failed := k.keys, k.failed
	k.mu.Unlock()
	if keys == nil {
		return nil, ErrUnavailable
	}
	key, err := keys.find(id, algorithm)
	if failed && errors.Is(err, ErrUnknownKey) {
		return nil, ErrUnavailable
	}
	return key, err
}

// refresh fetches the key set, or waits for the fetch that runs already; it
// returns false at once if the last fetch began less than RefreshAtLeast ago.
func (k *remoteKeys) refresh() bool {
	k.mu.Lock()
	if running := k.fetching; running != nil {
		k.mu.Unlock()
		<-running // ends within fetchDeadline
		return true
	}
	if !k.started.IsZero() && time.Since(k.started) < k.options.RefreshAtLeast {
		k.mu.Unlock()
		return false
	}
	done := make(chan struct{})
	k.fetching, k.started = done, time.Now()
	k.mu.Unlock()

	keys, fresh, err := fetchKeySet(k.ctx, k.options.HTTPClient, k.url, k.options.RefreshDefault)
	k.finish(keys, fresh, err)
	close(done)
	return true
}

func (k *remoteKeys) finish(keys keySet, fresh time.Duration, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetching = nil
	if err == nil {
		k.keys, k.fresh, k.failed = keys, fresh, false
		k.m.reloaded("jwks_url")
		return
	}
	if k.ctx.Err() != nil {
		return
	}
	k.m.reloadFailed("jwks_url")
	if !k.failed {
		k.log.Error("token keys kept: fetching them failed", "host", k.url.Host, "error", err)
	}
	k.failed = true
}

// run fetches in the background, at once and whenever the keys have lived their
// time. After a failure it comes back as soon as another fetch is allowed.
func (k *remoteKeys) run(ctx context.Context) {
	for {
		timer := time.NewTimer(k.untilNext())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			k.refresh()
		}
	}
}

func (k *remoteKeys) untilNext() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.started.IsZero() {
		return 0
	}
	wait := k.options.RefreshAtLeast
	if !k.failed {
		wait = max(wait, k.fresh)
	}
	return time.Until(k.started.Add(wait))
}
