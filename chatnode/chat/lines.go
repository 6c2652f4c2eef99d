package chat

import (
	"context"
	"sync"
)

// maxPreparing is how many sends of the node wait for what has to be found out before they can begin.
const maxPreparing = 10_000

// lines keep the order of each sender's messages to a room while some of them wait for what has to be found out first.
type lines struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	tails map[string]chan struct{} // closed when the last in line has begun
	count int
	ended bool
}

func (l *lines) init() {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.tails = map[string]chan struct{}{}
}

// busy says whether somebody stands in that line.
func (l *lines) busy(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tails[key] != nil
}

// stand runs f behind those who stand in that line already; false if too many do.
func (l *lines) stand(key string, f func(ctx context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.count >= maxPreparing {
		return false
	}
	before, done := l.tails[key], make(chan struct{})
	l.tails[key] = done
	l.count++
	l.work.Go(func() {
		if before != nil {
			<-before
		}
		f(l.ctx)
		l.mu.Lock()
		l.count--
		if l.tails[key] == done {
			delete(l.tails, key)
		}
		l.mu.Unlock()
		close(done)
	})
	return true
}

// close lets nobody stand in line any more, and ends those who do.
func (l *lines) close() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.cancel()
	l.work.Wait()
}
