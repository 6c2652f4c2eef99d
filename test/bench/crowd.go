package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// dialers is how many members connect at the same time.
const dialers = 16

// crowd is many members of one server.
type crowd []*member

// gather connects n members; who says what each does. They leave at the end of the benchmark.
func gather(b *testing.B, s *server, n int, who func(i int) plan) crowd {
	b.Helper()
	members := make(crowd, n)
	errs := make([]error, dialers)
	var all sync.WaitGroup
	for d := range dialers {
		all.Go(func() {
			for i := d; i < n && errs[d] == nil; i += dialers {
				members[i], errs[d] = dial(b.Context(), s, i, who(i))
			}
		})
	}
	all.Wait()
	b.Cleanup(members.leave)
	for _, err := range errs {
		if err != nil {
			b.Fatalf("gather %d members: %v", n, err)
		}
	}
	return members
}

// leave ends all connections and waits for their goroutines.
func (c crowd) leave() {
	for _, m := range c {
		if m != nil {
			m.ws.Close()
		}
	}
	for _, m := range c {
		if m != nil {
			<-m.ended
		}
	}
}

// check fails when somebody has been disconnected.
func (c crowd) check() error {
	for i, m := range c {
		select {
		case <-m.ended:
			return fmt.Errorf("member %d of %s: %w", i, m.server.system, m.err)
		default:
		}
	}
	return nil
}

const (
	hearLimit = 60 * time.Second
	hearStep  = 5 * time.Millisecond
)

// hear waits until every member has received so many texts, and fails when somebody got more.
func (c crowd) hear(ctx context.Context, texts int) error {
	ctx, cancel := context.WithTimeout(ctx, hearLimit)
	defer cancel()
	for i, m := range c {
		for m.texts.Load() < int64(texts) {
			if err := c.check(); err != nil {
				return err
			}
			if err := pause(ctx, hearStep); err != nil {
				return fmt.Errorf("member %d of %s got %d of %d texts: %w", i, m.server.system, m.texts.Load(), texts, err)
			}
		}
		if got := m.texts.Load(); got > int64(texts) {
			return fmt.Errorf("member %d of %s got %d texts, %d were sent", i, m.server.system, got, texts)
		}
	}
	return nil
}
