package index

import (
	"context"
	"errors"
	"fmt"
)

// flush brings the feed's entries, as many as there are at the time of the call, into the store. x.mu is held before and after, but
// not while it waits.
func (x *Index) flush(ctx context.Context, f *feed) error {
	for f.dirty() {
		if x.ended != nil {
			return x.ended
		}
		if f.busy != nil {
			if err := x.await(ctx, f.busy); err != nil {
				return err
			}
			continue
		}
		if f.based {
			return x.write(ctx, f)
		}
		if err := x.load(ctx, f); err != nil {
			return fmt.Errorf("load feed %s: %w", f.key, err)
		}
	}
	return nil
}

// write writes a feed that nobody else is busy with: first the full pages, then the head, which leads to them. x.mu is held before
// and after, not meanwhile.
func (x *Index) write(ctx context.Context, f *feed) error {
	head, full, revision := f.head, f.full[:len(f.full):len(f.full)], f.revision
	done := make(chan struct{})
	f.busy = done
	x.mu.Unlock()
	stored := 0
	var err error
	for ; stored < len(full) && err == nil; stored++ {
		p := full[stored]
		err = x.put(ctx, x.pageKey(f.key, link{p.first.Seq, x.options.Term}), p.encode(kindPage, x.tag, x.options.Term))
	}
	if err == nil {
		revision, err = x.writeHead(ctx, f.key, head.encode(kindHead, x.tag, x.options.Term), revision)
	}
	x.mu.Lock()
	f.busy = nil
	close(done)
	if err != nil {
		return fmt.Errorf("save feed %s: %w", f.key, err)
	}
	f.revision, f.saved = revision, head.last.Seq
	f.full = append([]*page(nil), f.full[stored:]...)
	x.resize(f)
	for _, p := range full {
		x.cache(pageID{f.key, link{p.first.Seq, x.options.Term}}, p)
	}
	return nil
}

// writeHead updates the head. Whatever another owner has written there meanwhile gives way, if this is still the owner: the order
// of the three steps (read the revision, verify, update) makes sure that a later owner's head is never overwritten.
func (x *Index) writeHead(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	for range 3 {
		written, err := x.update(ctx, x.headKey(key), value, revision)
		if !errors.Is(err, ErrConflict) {
			return written, err
		}
		if _, revision, err = x.get(ctx, x.headKey(key)); err != nil && !errors.Is(err, ErrNotFound) {
			return 0, err
		}
		if err := x.verify(ctx); err != nil {
			return 0, err
		}
	}
	return 0, ErrConflict
}
