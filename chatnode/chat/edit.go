package chat

import (
	"context"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// Edit replaces what a message says: one's own; servers may edit any. It answers when the edit is durable and the former words are erased
// from the log; those of edits at the same moment are erased by the shard's owner soon after. A retry with the same id answers the same.
// Errors: Invalid, Denied, NotFound, Conflict, TooMany, Unavailable.
func (s *Service) Edit(ctx context.Context, a Actor, q *chatv1.EditRequest) (*chatv1.Sent, error) {
	id, err := requestID(a, q.GetId())
	if err != nil {
		return nil, err
	}
	c, err := contentFrom(q)
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, a, q.GetRoom(), q.GetOffset())
	if err != nil {
		return nil, err
	}
	if err := t.living(); err != nil {
		return nil, err
	}
	if !t.own() && !a.Server {
		return nil, failf(Denied, "only its sender can edit a message")
	}
	c.Text, c.ReplyTo, c.Thread = q.Text, t.last.ReplyTo, t.thread
	if err := s.checkContent(&c); err != nil {
		return nil, err
	}
	e := t.event(s, id, eventEdit)
	e.Sender, e.Content = t.sender, c
	sent, err := s.store(ctx, t, toWrite, e)
	if err != nil {
		return nil, err
	}
	return answer(sent, s.forgetWords(ctx, t, sent.Offset))
}

// forgetWords erases what a message said before the edit at that offset; or that edit itself, if there is a newer one.
func (s *Service) forgetWords(ctx context.Context, t *target, edit uint64) error {
	former := []uint64{t.entry.Offset}
	if newest := t.entry.Edited; newest != nil && newest.Offset != edit {
		former = append(former, min(newest.Offset, edit))
	}
	return s.eraseAll(ctx, t, former)
}

// Delete takes a message away for everybody: one's own, or as moderator those of others. It answers when the deletion is durable and the
// message, its edits and its reactions are erased from the log. Deleting what is deleted answers with the first deletion.
// Errors: Invalid, Denied, NotFound, Conflict, TooMany, Unavailable.
func (s *Service) Delete(ctx context.Context, a Actor, q *chatv1.DeleteRequest) (*chatv1.Sent, error) {
	id, err := requestID(a, q.GetId())
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, a, q.GetRoom(), q.GetOffset())
	if err != nil {
		return nil, err
	}
	r := toModerate
	if t.own() {
		r = toDelete
	}
	if err := t.may(r, s.options.Now()); err != nil {
		return nil, err
	}
	if t.deleted {
		return answer(Sent{ID: t.last.ID, Offset: t.entry.Deleted.Offset, Time: t.last.Time}, nil)
	}
	e := t.event(s, id, eventDelete)
	e.Author = t.sender
	sent, err := s.store(ctx, t, r, e)
	if err != nil {
		return nil, err
	}
	gone := []uint64{t.entry.Offset}
	if t.entry.Edited != nil {
		gone = append(gone, t.entry.Edited.Offset)
	}
	for _, m := range t.entry.Reactions {
		gone = append(gone, m.Offset)
	}
	return answer(sent, s.eraseAll(ctx, t, gone))
}

// erasing is how many events of one message are erased at a time.
const erasing = 8

func (s *Service) eraseAll(ctx context.Context, t *target, offsets []uint64) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(erasing)
	for _, offset := range offsets {
		work.Go(func() error { return s.log.Erase(ctx, t.feed, offset) })
	}
	return fromLog(work.Wait())
}
