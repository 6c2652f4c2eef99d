package fanout

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// recovery collects what a subscriber missed, from the ring and from pages of the log.
type recovery struct {
	epoch    string
	at       uint64 // everything between the subscriber's position and at is accounted for
	upTo     uint64 // messages reaches to here without a hole; less than at once full
	messages []*backbone.Message
	bytes    int
	maxBytes int
	full     bool // further messages are only counted
	count    int
	maxCount int

	lost      bool // can't be recovered
	confirmed bool // the log reaches to at, even if the tail does not yet
	stuck     int  // reads in a row that brought nothing
}

func newRecovery(req Request, maxCount int) *recovery {
	if req.Since == nil {
		return &recovery{lost: true}
	}
	rec := &recovery{epoch: req.Since.Epoch, at: req.Since.Offset, upTo: req.Since.Offset, maxBytes: req.MaxBytes, maxCount: maxCount}
	if rec.maxBytes <= 0 {
		rec.maxBytes = replyBytes
	}
	return rec
}

// add takes messages that are all there are up to offset end.
func (rec *recovery) add(messages []*backbone.Message, end uint64) {
	messages = upTo(after(messages, rec.at), end)
	rec.count += len(messages)
	rec.lost = rec.lost || rec.count > rec.maxCount
	for _, m := range messages {
		if rec.full = rec.full || rec.bytes+m.Size() > rec.maxBytes; rec.full {
			break
		}
		rec.bytes += m.Size()
		rec.messages = append(rec.messages, m)
		rec.upTo = m.Offset
	}
	rec.at = max(rec.at, end)
	if !rec.full {
		rec.upTo = rec.at
	}
}

// take adds what was read from the log.
func (rec *recovery) take(p part) {
	const mostStuck = 3
	before := rec.at
	switch {
	case p.Head.Epoch != rec.epoch:
		rec.lost = true
	case !p.Complete:
		rec.lost = p.from == rec.at // a shared read may begin where the log no longer reaches
	default:
		rec.add(p.Messages, p.end())
		rec.confirmed = true
	}
	if rec.at > before {
		rec.stuck = 0
		return
	}
	rec.stuck++
	rec.lost = rec.lost || rec.stuck > mostStuck
}

// confirm judges a subscriber's position that the tail does not reach, by a read that began after the subscriber came: the position
// may have been given by a node whose tail is quicker.
func (rec *recovery) confirm(p part) {
	rec.confirmed = p.Head.Epoch == rec.epoch && p.Head.Offset >= rec.at
	rec.lost = !rec.confirmed
}

// admit makes s a member, held until Start, and gives it what it missed.
func (r *room) admit(ctx context.Context, s *Subscription, req Request) (Result, error) {
	rec := newRecovery(req, r.hub.opts.MaxRecover)
	for {
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			return Result{}, ErrClosed
		}
		result, admitted := r.tryAdmit(s, rec)
		beyond := rec.at > r.head
		limit := r.readLimit(recoverBytes, rec.maxCount+1-rec.count)
		r.mu.Unlock()
		switch {
		case admitted:
			return result, nil
		case beyond:
			p, err := r.read(ctx, rec.at, 1, notShared)
			if err != nil {
				return Result{}, err
			}
			rec.confirm(p)
		default:
			with := sameOffset
			if rec.stuck == 0 {
				with = similarOffset
			}
			p, err := r.read(ctx, rec.at, limit, with)
			if err != nil {
				return Result{}, err
			}
			rec.take(p)
		}
	}
}

// tryAdmit admits s if nothing has to be read for that. The room is locked.
func (r *room) tryAdmit(s *Subscription, rec *recovery) (Result, bool) {
	switch {
	case rec.lost || rec.epoch != r.epoch:
		rec.lost = true
	case rec.at > r.head:
		if !rec.confirmed {
			return Result{}, false
		}
	case !r.ring.covers(rec.at):
		return Result{}, false
	default:
		rec.add(r.ring.after(rec.at), r.head)
	}
	if rec.lost {
		r.add(s, r.head)
		return Result{Head: r.position()}, true
	}
	r.add(s, rec.upTo)
	return Result{Head: backbone.Position{Epoch: r.epoch, Offset: rec.upTo}, Messages: rec.messages, Recovered: true}, true
}
