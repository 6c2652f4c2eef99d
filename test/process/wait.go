package process

import (
	"context"
	"fmt"
	"time"
)

const (
	pollInterval  = 20 * time.Millisecond
	readyDeadline = 60 * time.Second
	exitDeadline  = 30 * time.Second
)

// until asks condition again and again until it returns nil. It gives up, with
// the condition's last error, when ctx ends or gone is closed.
func until(ctx context.Context, gone <-chan struct{}, condition func(context.Context) error) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-gone:
			return fmt.Errorf("the process ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}
