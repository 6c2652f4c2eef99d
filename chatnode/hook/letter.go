package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// MaxLetters is how many dead letters one call gives or tries.
const MaxLetters = 100

// Letter is an event that the receiver did not take. It holds nothing of what was said: the event itself is in the room's log, and
// goes when it is erased there.
type Letter struct {
	Room   string
	Offset uint64
	// Error is what the receiver answered last.
	Error string
	// Time is when it became a dead letter, in milliseconds since 1970.
	Time int64

	key      string
	revision uint64
	id       string
}

// letterRow is a letter in its table, under app, room and offset.
type letterRow struct {
	ID    string `json:"id"`
	Error string `json:"error"`
	Time  int64  `json:"time"`
}

// letter writes an event down as a dead letter, and reports whether that is done. If not, the event goes on waiting.
func (e *Events) letter(ctx context.Context, feed backbone.Feed, m *backbone.Message, what string) bool {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	data, err := json.Marshal(letterRow{deliveryID(feed, m, ""), line(what), time.Now().UnixMilli()})
	if err == nil {
		key := layout.RowKey(feed.App, feed.Name, strconv.FormatUint(m.Offset, 10))
		_, err = e.log.Put(ctx, layout.Letters, key, data, 0)
	}
	switch {
	case errors.Is(err, backbone.ErrConflict): // an owner before this one has written it
		return true
	case err != nil:
		e.logger.Warn("cannot write a dead letter yet", "app", feed.App, "room", feed.Name, "offset", m.Offset, "error", err)
		return false
	}
	e.metrics.letters.Inc()
	e.logger.Warn("an event became a dead letter", "app", feed.App, "room", feed.Name, "offset", m.Offset, "error", what)
	return true
}

// LetterQuestion asks for dead letters of an application.
type LetterQuestion struct {
	App string
	// Room is the only one whose letters are asked for; empty: all of them.
	Room string
	// After is the Next of an earlier page; 0: from the oldest on.
	After uint64
	// Limit is how many letters a page has, at most MaxLetters.
	Limit int
}

// LetterPage is a part of a list of dead letters, oldest first.
type LetterPage struct {
	Letters []Letter
	// Next leads to the letters behind these; 0 if there are none.
	Next uint64
}

// Letters lists dead letters. Errors: backbone.ErrUnavailable.
func (e *Events) Letters(ctx context.Context, q LetterQuestion) (LetterPage, error) {
	prefix := layout.RowKey(q.App)
	if q.Room != "" {
		prefix = layout.RowKey(q.App, q.Room)
	}
	rows, more, err := e.log.List(ctx, layout.Letters, prefix, q.After, max(1, min(q.Limit, MaxLetters)))
	if err != nil {
		return LetterPage{}, fmt.Errorf("list dead letters: %w", err)
	}
	page := LetterPage{Letters: lettersOf(rows)}
	if more && len(rows) > 0 {
		page.Next = rows[len(rows)-1].Revision
	}
	return page, nil
}

// lettersOf reads rows, but for those that are no letters.
func lettersOf(rows []backbone.Row) []Letter {
	letters := make([]Letter, 0, len(rows))
	for _, row := range rows {
		var stored letterRow
		parts, ok := layout.ParseRowKey(row.Key)
		if !ok || len(parts) != 3 || json.Unmarshal(row.Data, &stored) != nil {
			continue
		}
		offset, err := strconv.ParseUint(parts[2], 10, 64)
		if err != nil {
			continue
		}
		letters = append(letters, Letter{
			Room: parts[1], Offset: offset, Error: stored.Error, Time: stored.Time, key: row.Key, revision: row.Revision, id: stored.ID,
		})
	}
	return letters
}

// Retry tries to deliver the letters that Letters gives, once and in their order, and takes those away that are taken, declined, or
// whose event is no longer in the log. It gives those that are left, each with what the receiver answered now. After a failure the
// room's later letters of the page are not tried. An event may reach the receiver twice if Retry is called twice at a time. Errors:
// backbone.ErrUnavailable, the context's.
func (e *Events) Retry(ctx context.Context, q LetterQuestion) (left LetterPage, err error) {
	page, err := e.Letters(ctx, q)
	if err != nil {
		return left, err
	}
	left.Next = page.Next
	held := map[string]bool{}
	for _, l := range page.Letters {
		gone := false
		if !held[l.Room] {
			if gone, l.Error, err = e.retry(ctx, q.App, l); err != nil {
				return LetterPage{}, err
			}
		}
		if !gone {
			held[l.Room] = true
			left.Letters = append(left.Letters, l)
		}
	}
	return left, nil
}

// retry tries to deliver one letter, and says whether it is gone, and else why not.
func (e *Events) retry(ctx context.Context, app string, l Letter) (gone bool, what string, err error) {
	feed := backbone.Feed{Kind: layout.Room, App: app, Name: l.Room}
	m, err := e.log.Read(ctx, feed, l.Offset)
	if err != nil {
		return false, "", fmt.Errorf("read the event of a dead letter: %w", err)
	}
	if m != nil && deliveryID(feed, m, "") == l.id {
		o := e.attempt(ctx, feed, "", m, map[string]bool{})
		if ctx.Err() != nil {
			return false, "", fmt.Errorf("deliver a dead letter: %w", ctx.Err())
		}
		if o.result != resultTaken && o.result != resultDeclined {
			return false, o.what, nil
		}
	}
	err = e.log.Remove(ctx, layout.Letters, l.key, l.revision)
	if err != nil && !errors.Is(err, backbone.ErrConflict) {
		return false, "", fmt.Errorf("take away a dead letter: %w", err)
	}
	return true, "", nil
}
