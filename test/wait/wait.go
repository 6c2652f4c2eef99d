// Package wait lets tests wait for a condition instead of for a time. In goes a condition that says what is still missing; out comes control
// when it holds, or what was missing last.
package wait

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// interval is the time between two looks of For.
const interval = 20 * time.Millisecond

// For returns when the condition gives nil. After patience the test ends with Fatal, and what the condition said last.
func For(tb testing.TB, patience time.Duration, what string, condition func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := Until(ctx, interval, condition); err != nil {
		tb.Fatalf("waited %v for %s: %v", patience, what, err)
	}
}

// Eventually is For with a condition in words: it returns when nothing is missing any more, and otherwise the
// test ends with what missing says.
func Eventually(tb testing.TB, patience time.Duration, what string, missing func() string) {
	tb.Helper()
	For(tb, patience, what, func(context.Context) error {
		if left := missing(); left != "" {
			return errors.New(left)
		}
		return nil
	})
}

// Until asks every so often until the condition gives nil. It gives up with the context, and then says what the condition said last.
func Until(ctx context.Context, every time.Duration, condition func(context.Context) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		}
	}
}
