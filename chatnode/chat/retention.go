package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Retention is the sweeper's: it walks through all rooms and deletes, like a server, what is older than the room's record says. An hour or
// two later it takes away the deletions themselves, events without words of that age, and messages of that age that were edited since; the
// room then begins behind them.

const (
	// expirePage is how many events are looked at a time, expireRound and expireRoom how many are taken away in one round, and of one
	// room in it.
	expirePage              = 500
	expireRound, expireRoom = 2_000, 1_000
	// expireSlack is how much longer than messages deletions stay, so that everybody has read them.
	expireSlack = time.Hour
)

// expire takes away what is too old in a part of all rooms, the next of which begins behind the revision.
func (r *sweepRound) expire(ctx context.Context, from *uint64) error {
	budget := expireRound
	look := func(ctx context.Context, row backbone.Row) (bool, error) {
		parts, ok := layout.ParseRowKey(row.Key)
		var room roomRecord
		if !ok || len(parts) != 2 || json.Unmarshal(row.Data, &room) != nil || room.Retention <= 0 || room.Deleted {
			return false, nil
		}
		n, err := r.s.expireIn(ctx, roomFeed(parts), &room, min(budget, expireRoom))
		budget -= n
		return n > 0, err
	}
	failed := 0
	for range sweepPages {
		rows, more, err := r.s.tables.List(ctx, layout.Rooms, anyApp, *from, sweepPage)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", ofRetention, err)
		}
		for i, row := range rows {
			keys, err := r.mend(ctx, ofRetention, rows[i:i+1], 1, look)
			if failed += len(keys); err == nil && failed > maxUnmended {
				err = fmt.Errorf("sweep %s: more than %d rooms fail", ofRetention, maxUnmended)
			}
			if err != nil {
				return err
			}
			if *from = row.Revision; budget <= 0 {
				return nil
			}
		}
		if !more {
			*from = 0
			return nil
		}
	}
	return nil
}

// expireIn takes away what is too old in one room, at most so many events; it gives their number.
func (s *Service) expireIn(ctx context.Context, feed backbone.Feed, r *roomRecord, most int) (done int, err error) {
	now := s.options.Now()
	before := millis(now.Add(-time.Duration(r.Retention) * time.Second))
	for after := r.Begins; done < most; {
		page, err := s.log.After(ctx, feed, after, expirePage)
		if err != nil {
			return done, err
		}
		old := olderThan(page.Messages, before)
		n, err := s.expireMessages(ctx, feed, old)
		if done += n; err != nil {
			return done, err
		}
		if after == r.Begins && len(old) > 0 && old[0].Time < before-2*expireSlack.Milliseconds() {
			n, err := s.expireRest(ctx, feed, r.Begins, olderThan(old, before-expireSlack.Milliseconds()))
			if done += n; err != nil {
				return done, err
			}
		}
		if after = page.End; !page.More || len(old) < len(page.Messages) {
			break
		}
	}
	return done, nil
}

// olderThan are the events, oldest first, that were stored before that time in milliseconds.
func olderThan(events []*backbone.Message, before int64) []*backbone.Message {
	for i, m := range events {
		if m.Time >= before {
			return events[:i]
		}
	}
	return events
}

// expireMessages deletes the messages among events.
func (s *Service) expireMessages(ctx context.Context, feed backbone.Feed, events []*backbone.Message) (done int, err error) {
	var deletions []*Event
	var notes []backbone.Note
	now := millis(s.options.Now())
	for _, m := range events {
		var said Event
		if m.Note.Kind != backbone.NoteMessage && m.Note.Kind != backbone.NoteEdit || json.Unmarshal(m.Data, &said) != nil {
			continue
		}
		d := deletionOf(m, &said)
		d.Time, d.Author, d.ID = now, said.Sender, newsID(now, roomKey(feed), "expire", strconv.FormatUint(d.Target, 10))
		deletions, notes = append(deletions, d), append(notes, d.note())
	}
	err = inParallel(ctx, len(deletions), func(ctx context.Context, i int) error {
		_, err := s.noteAs(ctx, feed, deletions[i], notes[i])
		return err
	})
	return len(deletions), err // which the owner of the room's shard erases, with their edits and reactions
}

// expireRest takes away what is left of a time whose messages are gone, and lets the room, which begins behind an offset now, begin behind
// that time.
func (s *Service) expireRest(ctx context.Context, feed backbone.Feed, begins uint64, events []*backbone.Message) (done int, err error) {
	if len(events) == 0 {
		return 0, nil
	}
	last := events[len(events)-1].Offset
	living, err := s.living(ctx, feed, begins, last)
	if err != nil || len(living) > 0 {
		if err == nil {
			done, err = s.expireMessages(ctx, feed, living)
		}
		return done, err // the rest is for a round in which they are gone
	}
	if err := s.eraseMany(ctx, feed, offsetsOf(events)); err != nil {
		return 0, err
	}
	_, err = changeRow(ctx, s.tables, layout.Rooms, roomKey(feed), func(r *record[roomRecord]) error {
		if !r.exists() || r.value.Begins >= last {
			return errKeep
		}
		r.value.Begins = last
		return nil
	})
	s.rooms.forget(roomKey(feed))
	return len(events), err
}

// living are the newest words of messages between two offsets that are not deleted.
func (s *Service) living(ctx context.Context, feed backbone.Feed, after, upTo uint64) (words []*backbone.Message, err error) {
	for before := upTo + 1; ; {
		view, err := s.log.Messages(ctx, feed, backbone.MessagesQuery{Before: before})
		if err != nil {
			return nil, err
		}
		for _, e := range view.Entries {
			if e.Offset > after && e.Deleted == nil && e.Message != nil {
				words = append(words, e.Message)
			}
		}
		if !view.More || len(view.Entries) == 0 || view.Entries[0].Offset <= after {
			return words, nil
		}
		before = view.Entries[0].Offset
	}
}
