package backbone

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// maxRefusals bounds what is remembered of a connection.
	maxRefusals = 1024
	// refusalWait is how long to listen for more after the first refusal, so that all rights that are missing are named at once.
	refusalWait = 150 * time.Millisecond
)

// refusals are the subjects that NATS refused over a connection. NATS tells that by an error that names the subject, apart from the request,
// which then just goes without an answer.
type refusals struct {
	mu       sync.Mutex
	heard    []refusal
	watchers map[*watcher]struct{}
	checked  map[layout.Layout]struct{} // whose rights are all there
}

// refusal is one right that is missing.
type refusal struct {
	subscribe bool
	subject   string
}

func (r refusal) String() string {
	if r.subscribe {
		return "subscribe to " + r.subject
	}
	return "publish to " + r.subject
}

// watcher waits for refusals that concern it.
type watcher struct {
	concerns func(subject string) bool
	found    []refusal
	cancel   func()
}

// deniedError says which rights are missing.
type deniedError struct{ refusals []refusal }

func (e *deniedError) Error() string {
	const shown = 4
	var all []string
	for _, r := range e.refusals[:min(len(e.refusals), shown)] {
		all = append(all, r.String())
	}
	if more := len(e.refusals) - shown; more > 0 {
		all = append(all, fmt.Sprintf("%d more", more))
	}
	return "NATS doesn't let these credentials " + strings.Join(all, ", ")
}

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]*)"`)

func newRefusals() *refusals {
	return &refusals{watchers: map[*watcher]struct{}{}, checked: map[layout.Layout]struct{}{}}
}

func (r *refusals) allowed(l layout.Layout) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, is := r.checked[l]
	return is
}

func (r *refusals) allow(l layout.Layout) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked[l] = struct{}{}
}

// hear takes an asynchronous error of the connection.
func (r *refusals) hear(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	m := violation.FindStringSubmatch(err.Error())
	if m == nil {
		return
	}
	heard := refusal{subscribe: strings.EqualFold(m[1], "subscription"), subject: m[2]}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heard) < maxRefusals && !slices.Contains(r.heard, heard) {
		r.heard = append(r.heard, heard)
	}
	for w := range r.watchers {
		w.take(heard)
	}
}

func (w *watcher) take(r refusal) {
	if !w.concerns(r.subject) || slices.Contains(w.found, r) {
		return
	}
	w.found = append(w.found, r)
	if len(w.found) == 1 {
		time.AfterFunc(refusalWait, w.cancel)
	}
}

// watch ends the context soon after a subject was refused that concerns the caller; also after one was refused before, since the client
// library subscribes to replies but once. The function gives what was refused, or nil.
func (r *refusals) watch(ctx context.Context, concerns func(subject string) bool) (context.Context, func() error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{concerns: concerns, cancel: cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, heard := range r.heard {
		w.take(heard)
	}
	r.watchers[w] = struct{}{}
	return ctx, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, w)
		cancel()
		if len(w.found) == 0 {
			return nil
		}
		return &deniedError{w.found}
	}
}
