package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

// look is the time between two looks at something that is waited for.
const look = 100 * time.Millisecond

// await asks again and again until condition gives nil, or gives up with ctx and the last error.
func await(ctx context.Context, condition func() error) error {
	return wait.Until(ctx, look, func(context.Context) error { return condition() })
}

// eventually is await for a test, which ends with Fatal, and what the condition said last, after patience.
func eventually(t *testing.T, patience time.Duration, what string, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := await(ctx, condition); err != nil {
		t.Fatalf("waited %v for %s: %v", patience, what, err)
	}
}

// stays fails the test if the condition, which holds now, ceases to within d.
func stays(t *testing.T, d time.Duration, what string, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := condition(); err != nil {
			t.Errorf("%s did not stay: %v", what, err)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
