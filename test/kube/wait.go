package kube

import (
	"context"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

// patience is how long anything may take, also on a machine that does other things.
const patience = 2 * time.Minute

// Wait asks for the condition again and again until it returns nil. After patience the test ends with the condition's last error.
func Wait(tb testing.TB, what string, condition func(ctx context.Context) error) {
	tb.Helper()
	wait.For(tb, patience, what, condition)
}
