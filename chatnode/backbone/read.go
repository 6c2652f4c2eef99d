package backbone

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// fetchWindow is how many messages of one page are requested at a time.
	fetchWindow = 128
	// fetchWait bounds one window; what has not come by then is asked of the stream's leader.
	fetchWait = 1 * time.Second
	// noMessage is JetStream's error code for a sequence that holds nothing.
	noMessage = 10037
)

// After reads the messages of a feed with a greater offset, oldest first, at most limit. Errors: ErrUnavailable, the context's.
func (b *Backbone) After(ctx context.Context, feed Feed, offset uint64, limit int) (Page, error) {
	return b.page(ctx, feed, question{Op: "after", Offset: offset, Limit: limit})
}

// Before reads the messages of a feed with a smaller offset, newest first, at most limit; offset 0 begins at the end. Errors:
// ErrUnavailable, the context's.
func (b *Backbone) Before(ctx context.Context, feed Feed, offset uint64, limit int) (Page, error) {
	return b.page(ctx, feed, question{Op: "before", Offset: offset, Limit: limit})
}

func (b *Backbone) page(ctx context.Context, feed Feed, q question) (Page, error) {
	shard := b.layout.ShardOf(feed)
	q.Feed = feed.Key()
	a, err := b.ask(ctx, shard, q)
	if err != nil {
		return Page{}, err
	}
	head, err := a.head()
	if err != nil {
		return Page{}, err
	}
	page := Page{Head: head, End: q.Offset, Complete: a.Complete, More: a.More}
	if n := len(a.Offsets); n > 0 {
		page.End = a.Offsets[n-1]
	}
	visible := slices.DeleteFunc(a.Offsets, func(offset uint64) bool { return slices.Contains(a.Hidden, offset) })
	messages, err := b.fetch(ctx, shard, visible)
	if err != nil {
		return Page{}, err
	}
	var gone []uint64
	for i, m := range messages {
		if m != nil {
			page.Messages = append(page.Messages, m.body)
		} else {
			gone = append(gone, visible[i])
		}
	}
	if len(gone) > 0 && page.Complete {
		page.Complete, err = b.allErased(ctx, shard, gone)
	}
	return page, err
}

// allErased says of messages that are gone whether they were erased, which counts as read, or discarded with everything before them.
func (b *Backbone) allErased(ctx context.Context, shard layout.Shard, gone []uint64) (bool, error) {
	first, err := b.firstOf(ctx, shard)
	if err != nil {
		return false, err
	}
	front := slices.DeleteFunc(gone, func(offset uint64) bool { return offset >= first })
	if len(front) == 0 {
		return true, nil
	}
	a, err := b.ask(ctx, shard, question{Op: "erased", Offsets: front})
	return len(a.Offsets) == len(front), err
}

// find looks a stored id up by the owner's index; it gives the message's offset, or 0.
func (b *Backbone) find(ctx context.Context, feed Feed, id string) (uint64, error) {
	shard := b.layout.ShardOf(feed)
	since := time.Now().Add(-oldestID - time.Hour).UnixMilli()
	a, err := b.ask(ctx, shard, question{Op: "find", Feed: feed.Key(), ID: idHash(id), Since: since})
	if err != nil {
		return 0, err
	}
	found, err := b.fetch(ctx, shard, a.Offsets)
	if err != nil {
		return 0, err
	}
	for i, s := range found {
		if s == nil || s.id == id { // an erased one is recognised by the hash alone, or it would come back
			return a.Offsets[i], nil
		}
	}
	return 0, nil
}

// Read gives one message of a feed, or nil if it has been erased or discarded: the stream's leader is asked, since a replica that is
// behind may still have what was erased.
func (b *Backbone) Read(ctx context.Context, feed Feed, offset uint64) (*Message, error) {
	found, err := b.fetchFromLeader(ctx, b.layout.ShardOf(feed), offset, false)
	if err != nil || found == nil || found.key != feed.Key() {
		return nil, err
	}
	return found.body, nil
}

// firstOf is the oldest sequence that a shard's stream still has.
func (b *Backbone) firstOf(ctx context.Context, shard layout.Shard) (uint64, error) {
	for {
		state, err := streamInfo(ctx, b.main, b.layout.Stream(shard))
		if err == nil {
			return state.First, nil
		}
		if !sleep(ctx, readRetryWait) {
			return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// fetch reads messages by their sequences, with many requests in flight. In place of a message that is gone stands nil.
func (b *Backbone) fetch(ctx context.Context, shard layout.Shard, offsets []uint64) ([]*stored, error) {
	out := make([]*stored, len(offsets))
	for from := 0; from < len(offsets); from += fetchWindow {
		to := min(from+fetchWindow, len(offsets))
		b.fetchDirect(ctx, shard, offsets[from:to], out[from:to])
		if err := b.fetchMissing(ctx, shard, offsets[from:to], out[from:to]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fetchMissing asks the leader for what has not come: any replica answers direct requests, also one that is behind, and only the leader
// can say that a message is gone.
func (b *Backbone) fetchMissing(ctx context.Context, shard layout.Shard, offsets []uint64, out []*stored) error {
	newest := uint64(0)
	for i, offset := range offsets {
		if out[i] == nil {
			newest = max(newest, offset)
		}
	}
	if newest == 0 {
		return nil
	}
	reached := b.leaderReached(ctx, shard, newest) == nil
	for i, offset := range offsets {
		if out[i] != nil {
			continue
		}
		m, err := b.fetchFromLeader(ctx, shard, offset, reached)
		if err != nil {
			return fmt.Errorf("read message %d of %s: %w", offset, shard, err)
		}
		out[i] = m
	}
	return nil
}

// fetchDirect fills out with what comes in time.
func (b *Backbone) fetchDirect(ctx context.Context, shard layout.Shard, offsets []uint64, out []*stored) {
	subject, prefix := "$JS.API.DIRECT.GET."+b.layout.Stream(shard), b.layout.StoredPrefix(shard)
	var mu sync.Mutex
	left, over, done := len(offsets), false, make(chan struct{})
	numbers := make([]uint64, 0, len(offsets))
	for i, offset := range offsets {
		reply, number := b.replies.expect(func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			if over {
				return
			}
			out[i] = parseDirect(m, prefix)
			if left--; left == 0 {
				close(done)
			}
		})
		numbers = append(numbers, number)
		_ = b.main.PublishRequest(subject, reply, fmt.Appendf(nil, `{"seq":%d}`, offset))
	}
	timeout := time.NewTimer(fetchWait)
	defer timeout.Stop()
	select {
	case <-done:
		return
	case <-ctx.Done():
	case <-timeout.C:
	}
	for _, n := range numbers {
		b.replies.forget(n)
	}
	mu.Lock()
	over = true // a handler that is already on its way must not touch out any more
	mu.Unlock()
}

// parseDirect reads the answer to a direct request; nil if it holds no message.
func parseDirect(m *nats.Msg, prefix string) *stored {
	if m.Header.Get("Status") != "" {
		return nil
	}
	offset, err1 := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	at, err2 := time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
	if err1 != nil || err2 != nil {
		return nil
	}
	return newStored(strings.TrimPrefix(m.Header.Get("Nats-Subject"), prefix), offset, at, m.Header, m.Data)
}

func newStored(key string, offset uint64, at time.Time, header nats.Header, data []byte) *stored {
	s := &stored{key: key, id: header.Get(nats.MsgIdHdr), body: &Message{
		Offset: offset, Time: at.UnixMilli(), Data: data, Note: parseNote(header.Get(noteHeader)),
	}}
	if info := header.Get(infoHeader); info != "" {
		s.body.Info = []byte(info)
	}
	return s
}

// leaderReached is nil if the stream's leader has got to the sequence, or if nobody knows of such a one.
func (b *Backbone) leaderReached(ctx context.Context, shard layout.Shard, offset uint64) error {
	state, err := streamInfo(ctx, b.main, b.layout.Stream(shard))
	if err == nil && state.Last < offset && offset <= b.seen(shard) {
		err = fmt.Errorf("the leader of %s is behind", b.layout.Stream(shard))
	}
	return err
}

// fetchFromLeader reads one message from the stream's leader; nil if it is gone. reached says that leaderReached is known.
func (b *Backbone) fetchFromLeader(ctx context.Context, shard layout.Shard, offset uint64, reached bool) (*stored, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var got struct {
		Message struct {
			Subject string    `json:"subject"`
			Header  string    `json:"hdrs"`
			Data    string    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	for {
		err := apiRequest(ctx, b.main, "$JS.API.STREAM.MSG.GET."+b.layout.Stream(shard), fmt.Appendf(nil, `{"seq":%d}`, offset), &got)
		var refused *apiError
		if errors.As(err, &refused) && refused.ErrCode == noMessage {
			// A leader that does not know that it is none any more may be behind: whoever is asked last must have got so far.
			if reached {
				return nil, nil
			}
			if err = b.leaderReached(ctx, shard, offset); err == nil {
				reached = true
				continue
			}
		}
		if err == nil && got.Message.Subject != "" {
			break
		}
		if !sleep(ctx, readRetryWait) {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	raw, err1 := base64.StdEncoding.DecodeString(got.Message.Header)
	data, err2 := base64.StdEncoding.DecodeString(got.Message.Data)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	header, err := nats.DecodeHeadersMsg(raw)
	if err != nil && len(raw) > 0 {
		return nil, err
	}
	key := strings.TrimPrefix(got.Message.Subject, b.layout.StoredPrefix(shard))
	return newStored(key, offset, got.Message.Time, header, data), nil
}
