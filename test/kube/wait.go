package kube

import (
	"context"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

// patience is how long an API server without anything else to do may take for anything.
const patience = 30 * time.Second

// Wait asks for the condition again and again until it returns nil. After 30 seconds the test ends with the condition's last error.
func Wait(tb testing.TB, what string, condition func(ctx context.Context) error) {
	tb.Helper()
	wait.For(tb, patience, what, condition)
}
