package index

import (
	"context"
	"errors"
	"fmt"
)

// resident returns the feed with everything known about it, if necessary from the store. x.mu is held before and after, but not
// while it waits.
func (x *Index) resident(ctx context.Context, key string) (*feed, error) {
	for {
		if x.ended != nil {
			return nil, x.ended
		}
		f := x.feeds[key]
		switch {
		case f == nil:
			if err := x.awaitRoom(ctx); err != nil {
				return nil, err
			}
			x.enter(key)
		case f.based:
			x.touch(&f.recent)
			return f, nil
		case f.busy != nil:
			if err := x.await(ctx, f.busy); err != nil {
				return nil, fmt.Errorf("wait for feed %s: %w", key, err)
			}
		default:
			if err := x.load(ctx, f); err != nil {
				return nil, fmt.Errorf("load feed %s: %w", key, err)
			}
		}
	}
}

// enter gives the feed's place in memory, and makes one if there is none: without its past if the store may know one.
func (x *Index) enter(key string) *feed {
	f := x.feeds[key]
	if f == nil {
		f = newFeed(key)
		f.based = !x.spilled
		x.feeds[key] = f
		x.resize(f)
		x.touch(&f.recent)
	}
	return f
}

// await waits for the channel without x.mu, which is held before and after.
func (x *Index) await(ctx context.Context, done <-chan struct{}) error {
	x.mu.Unlock()
	defer x.mu.Lock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-x.life.Done():
		return ErrClosed
	}
}

// load brings the past of a feed that nobody else is busy with. x.mu is held before and after, not meanwhile.
func (x *Index) load(ctx context.Context, f *feed) error {
	// The stored head may be ahead of the index, which is about to hear the rest of the stream again.
	end := x.position
	if !f.empty() {
		end = f.oldest() - 1
	}
	done := make(chan struct{})
	f.busy = done
	x.mu.Unlock()
	head, revision, err := x.fetch(ctx, f.key, end)
	x.mu.Lock()
	f.busy = nil
	close(done)
	if err != nil {
		if f.empty() {
			x.drop(f)
		}
		return err
	}
	f.base(head, revision, x.options.pageEntries, x.options.Term)
	x.resize(f)
	return nil
}

// fetch reads the feed's newest page as it was when the stream's last sequence was end.
func (x *Index) fetch(ctx context.Context, key string, end uint64) (page, uint64, error) {
	head, revision, err := x.fetchHead(ctx, key)
	if err != nil {
		return page{}, 0, err
	}
	for head = head.upTo(end); head.count == 0 && head.number > 0; {
		p, err := x.fetchPage(ctx, key, head.links[0])
		if errors.Is(err, errLost) {
			break
		}
		if err != nil {
			return page{}, 0, err
		}
		head = p.upTo(end)
	}
	return head, revision, nil
}

// fetchHead reads the stored head; a feed that the store doesn't know has an empty one.
func (x *Index) fetchHead(ctx context.Context, key string) (page, uint64, error) {
	value, revision, err := x.get(ctx, x.headKey(key))
	if errors.Is(err, ErrNotFound) {
		return page{}, 0, nil
	}
	if err != nil {
		return page{}, 0, err
	}
	head, tag, term, malformed := decodePage(value, kindHead)
	if malformed == nil && tag == x.tag && term <= x.options.Term {
		return head, revision, nil
	}
	// Written by the owner of an earlier index, which doesn't count, or of a later one; then this is the wrong owner.
	if err := x.verify(ctx); err != nil {
		return page{}, 0, err
	}
	if malformed != nil && !errors.Is(malformed, errForeign) {
		x.count.malformed.Add(1)
		return page{number: 1, links: []link{lost}}, revision, nil
	}
	return page{}, revision, nil
}

// errLost says that a full page is not in the store (any more).
var errLost = errors.New("the page is not in the store")

// fetchPage reads a full page.
func (x *Index) fetchPage(ctx context.Context, key string, l link) (*page, error) {
	value, _, err := x.get(ctx, x.pageKey(key, l))
	if errors.Is(err, ErrNotFound) {
		x.count.lost.Add(1)
		return nil, errLost
	}
	if err != nil {
		return nil, fmt.Errorf("read page %d of %s: %w", l.first, key, err)
	}
	p, tag, _, err := decodePage(value, kindPage)
	if err != nil {
		x.count.malformed.Add(1)
		return nil, errLost
	}
	if tag != x.tag || p.first.Seq != l.first {
		x.count.lost.Add(1)
		return nil, errLost
	}
	return &p, nil
}
