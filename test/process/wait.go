package process

import (
	"context"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

const (
	pollInterval  = 20 * time.Millisecond
	readyDeadline = 60 * time.Second
	exitDeadline  = 30 * time.Second
)

// errEnded says that what is waited for can't come any more.
var errEnded = errors.New("the process ended")

// until is wait.Until, which also gives up when gone is closed.
func until(ctx context.Context, gone <-chan struct{}, condition func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-gone:
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	return wait.Until(ctx, pollInterval, condition)
}
