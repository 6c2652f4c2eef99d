package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// JetStream's error codes for a write.
const (
	wrongLastSequence         = 10071
	wrongLastSequenceConstant = 10164
	storeFailed               = 10077 // the bucket has no room left
	messageTooLarge           = 10054
)

// writeHeader names one change of a row, so that it can be told from others that write the same.
const writeHeader = "Chatfleet-Write"

// Put writes a row if it has the expected revision; 0 says that there must be none. It gives the new revision.
//
// While it is not known what became of an attempt, it is repeated: every attempt compares, so that only one can succeed. An attempt that
// is refused after a doubtful one looks at the row, which bears the name of the change that wrote it. If yet another change came after it
// meanwhile, the answer is ErrConflict though this one was done: who gets that reads the row again in any case.
//
// Errors: ErrConflict; ErrUnavailable, after which the row may have been written or not; the context's.
func (b *Backbone) Put(ctx context.Context, table, key string, data []byte, expected uint64) (revision uint64, err error) {
	defer b.metrics.tables.measure(table, "put", &err)()
	ctx, cancel, err := tableContext(ctx, table)
	if err != nil {
		return 0, err
	}
	defer cancel()
	w := rowWrite{b: b, table: table, key: key, name: newNodeID(), expected: expected}
	w.message = func(m *nats.Msg) { m.Data = data }
	w.done = func(s rowState) bool { return s.write == w.name }
	return w.run(ctx)
}

// Remove takes a row away if it has the expected revision; 0 says that there must be none already. A marker stays for
// layout.RowMarkerAge, for those who watch. In doubt it is repeated as Put is.
//
// Errors: ErrConflict, also if there is no such row any more; ErrUnavailable, after which the row may be there or not; the context's.
func (b *Backbone) Remove(ctx context.Context, table, key string, expected uint64) (err error) {
	defer b.metrics.tables.measure(table, "remove", &err)()
	ctx, cancel, err := tableContext(ctx, table)
	if err != nil {
		return err
	}
	defer cancel()
	if expected == 0 {
		row, err := b.Get(ctx, table, key)
		if err == nil && row.Revision > 0 {
			return ErrConflict
		}
		return err
	}
	w := rowWrite{b: b, table: table, key: key, name: newNodeID(), expected: expected}
	w.message = func(m *nats.Msg) {
		m.Header.Set("KV-Operation", "PURGE")
		m.Header.Set("Nats-Rollup", "sub")
		m.Header.Set("Nats-TTL", layout.RowMarkerAge.String())
	}
	w.done = func(s rowState) bool { return s.Revision == 0 || s.write == w.name } // its marker may be gone already
	_, err = w.run(ctx)
	return err
}

// rowWrite is one change of one row.
type rowWrite struct {
	b                *Backbone
	table, key, name string
	expected         uint64
	// message completes what is stored.
	message func(*nats.Msg)
	// done says whether this change left the row so.
	done func(rowState) bool
}

func (w *rowWrite) run(ctx context.Context) (uint64, error) {
	// last is the sequence that the subject must have: that of the row, or of the marker of its predecessor.
	last, doubt := w.expected, false
	for {
		revision, err := w.try(ctx, last)
		var refused *apiError
		switch {
		case err == nil:
			return revision, nil
		case !errors.As(err, &refused):
			doubt = doubt || !errors.Is(err, nats.ErrNoResponders)
		case refused.ErrCode == storeFailed || refused.ErrCode == messageTooLarge:
			return 0, fmt.Errorf("write a row of %s: %w: %w", w.table, ErrUnavailable, refused)
		case refused.ErrCode == wrongLastSequence || refused.ErrCode == wrongLastSequenceConstant:
			var now rowState
			if now, err = w.b.leaderRow(ctx, w.table, w.key); err != nil {
				break
			}
			switch {
			case doubt && now.Revision != last && w.done(now):
				return now.Revision, nil
			case now.Revision == last:
				err = errors.New("another write is on its way") // and may still come to nothing
			case w.expected == 0 && !now.there():
				last = now.Revision
				continue
			default:
				return 0, ErrConflict
			}
		}
		if !sleep(ctx, readRetryWait) {
			return 0, fmt.Errorf("write a row of %s: %w: %w", w.table, ErrUnavailable, err)
		}
	}
}

// try writes once. An *apiError says that nothing was written.
func (w *rowWrite) try(ctx context.Context, last uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	m := nats.NewMsg(w.b.rowSubject(w.table, w.key))
	m.Header.Set("Nats-Expected-Last-Subject-Sequence", strconv.FormatUint(last, 10))
	m.Header.Set(writeHeader, w.name)
	w.message(m)
	reply, err := w.b.rows.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Error *apiError `json:"error"`
		Seq   uint64    `json:"seq"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, fmt.Errorf("read the acknowledgement of a row: %w", err)
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	return ack.Seq, nil
}
