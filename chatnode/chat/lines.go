package chat

import (
	"context"
	"sync"
)

// maxPreparing is how many sends of the node wait for what has to be found out before they can begin, maxPreparingEach how many of them are
// one sender's, in all rooms together.
const maxPreparing, maxPreparingEach = 10_000, 500

// lane is where a sender's messages to a channel wait for each other. The sender's name is one within the application.
type lane struct{ app, sender, channel string }

// lines keep the order of each sender's messages to a room while some of them wait for what has to be found out first.
type lines struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	tails map[lane]chan struct{} // closed when the last in line has begun
	count int
	each  map[lane]int // by sender, without a channel
	ended bool
}

func (l *lines) init() {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.tails, l.each = map[lane]chan struct{}{}, map[lane]int{}
}

// waiting is how many wait in all lines.
func (l *lines) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// busy says whether somebody stands in that line.
func (l *lines) busy(in lane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tails[in] != nil
}

// stand runs f behind those who stand in that line already. If too many wait, it gives the bound that is reached instead.
func (l *lines) stand(in lane, f func(ctx context.Context)) (bound string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sender := lane{app: in.app, sender: in.sender}
	switch {
	case l.ended, l.count >= maxPreparing:
		return boundOfNode, false
	case l.each[sender] >= maxPreparingEach:
		return boundOfSender, false
	}
	before, done := l.tails[in], make(chan struct{})
	l.tails[in] = done
	l.count++
	l.each[sender]++
	l.work.Go(func() {
		if before != nil {
			<-before
		}
		f(l.ctx)
		l.leave(in, sender, done)
	})
	return "", true
}

func (l *lines) leave(in, sender lane, done chan struct{}) {
	l.mu.Lock()
	l.count--
	if l.each[sender]--; l.each[sender] == 0 {
		delete(l.each, sender)
	}
	if l.tails[in] == done {
		delete(l.tails, in)
	}
	l.mu.Unlock()
	close(done)
}

// close lets nobody stand in line any more, and ends those who do.
func (l *lines) close() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.cancel()
	l.work.Wait()
}
