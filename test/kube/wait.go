package kube

import (
	"context"
	"testing"
	"time"
)

const (
	waitDeadline = 30 * time.Second
	waitInterval = 20 * time.Millisecond
)

// Wait asks for the condition again and again until it returns nil. After 30 seconds the test ends with the condition's last error.
func Wait(tb testing.TB, what string, condition func(ctx context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), waitDeadline)
	defer cancel()
	tick := time.NewTicker(waitInterval)
	defer tick.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("waited for %s: %v", what, err)
		}
	}
}
