package index

import (
	"context"
	"errors"
	"sort"
)

// pageID names a full page within the shard.
type pageID struct {
	feed string
	link link
}

// cachedPage is a full page that is in the store as well.
type cachedPage struct {
	id     pageID
	page   *page
	size   int
	recent node[evictable]
}

func (c *cachedPage) evict(x *Index) bool {
	delete(x.pages, c.id)
	c.recent.unlink()
	x.grow(-c.size)
	return true
}

// cache keeps the page in memory if there is room; x.mu is held.
func (x *Index) cache(id pageID, p *page) {
	if x.pages[id] != nil || x.used >= x.options.MaxBytes {
		return
	}
	c := &cachedPage{id: id, page: p, size: p.bytes() + mapBytes + 80}
	c.recent.of = c
	x.pages[id] = c
	x.touch(&c.recent)
	x.grow(c.size)
}

// view is a feed at one moment. It doesn't change while entries are added.
type view struct {
	key string
	// full are the pages before the head that were not in the store at that moment.
	full []*page
	head page
	// floor is the stream's first sequence; messages before from may be unknown.
	floor, from uint64
}

// view looks at the feed as it is now.
func (x *Index) view(ctx context.Context, key string) (view, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.resident(ctx, key)
	if err != nil {
		return view{}, err
	}
	return view{f.key, f.full[:len(f.full):len(f.full)], f.head, x.floor, x.from}, nil
}

// follow gives the full page that the link leads to: from the view, the cache or the store; errLost if it is nowhere.
func (x *Index) follow(ctx context.Context, v *view, l link) (*page, error) {
	i := sort.Search(len(v.full), func(i int) bool { return v.full[i].first.Seq >= l.first })
	if i < len(v.full) && v.full[i].first.Seq == l.first {
		return v.full[i], nil
	}
	id := pageID{v.key, l}
	x.mu.Lock()
	if c := x.pages[id]; c != nil {
		x.touch(&c.recent)
		x.mu.Unlock()
		return c.page, nil
	}
	x.mu.Unlock()
	if l == lost {
		return nil, errLost
	}
	p, err := x.fetchPage(ctx, v.key, l)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cache(id, p)
	return p, nil
}

// page gives page n of the feed.
func (x *Index) page(ctx context.Context, v *view, n uint64) (*page, error) {
	p := &v.head
	for p.number != n {
		var err error
		if p, err = x.follow(ctx, v, p.towards(n)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// pageAt gives the newest page that starts at or before the sequence; nil if all of the feed is after it.
func (x *Index) pageAt(ctx context.Context, v *view, seq uint64) (*page, error) {
	p := &v.head
	for p.count == 0 || p.first.Seq > seq {
		l, ok := p.back(seq)
		if !ok {
			return nil, nil
		}
		var err error
		if p, err = x.follow(ctx, v, l); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// oldest is the number of the oldest page that is still there, if the store lost the older ones.
func (x *Index) oldest(ctx context.Context, v *view) (uint64, error) {
	from, to := uint64(0), v.head.number
	for from < to {
		middle := from + (to-from)/2
		switch _, err := x.page(ctx, v, middle); {
		case err == nil:
			to = middle
		case errors.Is(err, errLost):
			from = middle + 1
		default:
			return 0, err
		}
	}
	return from, nil
}
