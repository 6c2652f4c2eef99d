package search

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// clearAtOnce is how many messages of a room are taken away in one transaction, each of which takes milliseconds.
const clearAtOnce = 50

// newPart makes a full-text table. The words come folded and with spaces between, so that splitting ASCII is all that is left to do.
// What is deleted is taken out of its pages at once, instead of being marked and left there.
const newPart = `CREATE VIRTUAL TABLE %[1]s USING fts5(room, words, time UNINDEXED, columnsize=0, tokenize='ascii');
INSERT INTO %[1]s(%[1]s, rank) VALUES ('secure-delete', 1);`

func (e *sqlite) apply(ctx context.Context, changes []change) error {
	for len(changes) > 0 {
		n := 0
		for n < len(changes) && changes[n].kind != changeClear {
			n++
		}
		if n == 0 {
			if err := e.clear(ctx, changes[0]); err != nil {
				return err
			}
			n = 1
		}
		if err := e.change(ctx, func(w *writing) error { return w.apply(ctx, changes[:n]) }); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return e.shrink(ctx)
}

func (w *writing) apply(ctx context.Context, changes []change) error {
	for _, c := range changes {
		s := w.shard(c.shard)
		if s.epoch == "" || c.offset <= s.position {
			continue // dropped meanwhile, or known
		}
		var err error
		switch c.kind {
		case changeAdd:
			err = w.add(ctx, s, c.offset, c)
		case changeReplace:
			err = w.replace(ctx, s, c)
		case changeRemove:
			if _, err = w.remove(ctx, s, c.target); err == nil {
				err = w.exec(ctx, "INSERT OR IGNORE INTO gone VALUES (?, ?)", s.name, c.target)
			}
		case changeClear:
		}
		if err != nil {
			return err
		}
		s.position = c.offset
	}
	return nil
}

// add puts a message into the part to which its offset belongs.
func (w *writing) add(ctx context.Context, s *shardParts, offset uint64, c change) error {
	if len(c.words) == 0 {
		return nil
	}
	p, err := w.partFor(ctx, s, offset, c.time)
	if err != nil {
		return err
	}
	statement := w.adds[p.id]
	if statement == nil {
		if statement, err = w.tx.PrepareContext(ctx, "INSERT INTO "+p.table()+"(rowid, room, words, time) VALUES (?, ?, ?, ?)"); err != nil {
			return err
		}
		w.adds[p.id] = statement
	}
	if _, err = statement.ExecContext(ctx, offset, roomWord(c.room), strings.Join(c.words, " "), c.time); err != nil {
		return err
	}
	p.first, p.last, p.documents = min(p.first, offset), max(p.last, offset), p.documents+1
	return nil
}

// partFor is the first part that reaches as far as the offset, or the last; a new one if that is full.
func (w *writing) partFor(ctx context.Context, s *shardParts, offset uint64, at int64) (*part, error) {
	for i := range s.parts {
		p := &s.parts[i]
		full := p.documents >= w.e.partSize || at-p.begun > partSpan.Milliseconds()
		if offset <= p.last || i == len(s.parts)-1 && !full {
			return p, nil
		}
	}
	var id int64
	if err := w.tx.QueryRowContext(ctx, "INSERT INTO parts(shard, first, last, begun, documents) VALUES (?, ?, ?, ?, 0) RETURNING id",
		s.name, offset, offset, at).Scan(&id); err != nil {
		return nil, err
	}
	s.parts = append(s.parts, part{id: id, first: offset, last: offset, begun: at})
	p := &s.parts[len(s.parts)-1]
	return p, w.exec(ctx, fmt.Sprintf(newPart, p.table()))
}

// replace gives a message other words. One that is gone stays so: an edit may come behind the deletion.
func (w *writing) replace(ctx context.Context, s *shardParts, c change) error {
	var is int
	err := w.tx.QueryRowContext(ctx, "SELECT 1 FROM gone WHERE shard = ? AND offset = ?", s.name, c.target).Scan(&is)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	at, err := w.remove(ctx, s, c.target)
	if err != nil {
		return err
	}
	if at > 0 {
		c.time = at
	}
	return w.add(ctx, s, c.target, c)
}

// remove takes a message away, and says when it was stored; 0 if it isn't there.
func (w *writing) remove(ctx context.Context, s *shardParts, offset uint64) (at int64, err error) {
	for i := range s.parts {
		p := &s.parts[i]
		if offset < p.first || offset > p.last {
			continue
		}
		err := w.tx.QueryRowContext(ctx, "SELECT time FROM "+p.table()+" WHERE rowid = ?", offset).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		p.documents--
		return at, w.exec(ctx, "DELETE FROM "+p.table()+" WHERE rowid = ?", offset)
	}
	return 0, nil
}

// clear takes away what a room has up to an event, some at a time.
func (e *sqlite) clear(ctx context.Context, c change) error {
	for more := true; more; {
		err := e.change(ctx, func(w *writing) (err error) {
			s := w.shard(c.shard)
			more, err = w.clearSome(ctx, s, c)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) clearSome(ctx context.Context, s *shardParts, c change) (more bool, err error) {
	if s.epoch == "" || c.offset <= s.position {
		return false, nil
	}
	left := clearAtOnce
	for i := range s.parts {
		offsets, err := w.ofRoom(ctx, s.parts[i], c, left)
		if err != nil {
			return false, err
		}
		for _, offset := range offsets {
			if _, err := w.remove(ctx, s, offset); err != nil {
				return false, err
			}
		}
		left -= len(offsets)
	}
	return left == 0, nil
}

func (w *writing) ofRoom(ctx context.Context, p part, c change, limit int) (offsets []uint64, err error) {
	rows, err := w.tx.QueryContext(ctx, "SELECT rowid FROM "+p.table()+" WHERE "+p.table()+" MATCH ? AND rowid < ? LIMIT ?",
		"room:"+roomWord(c.room), c.offset, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var offset uint64
		if err := rows.Scan(&offset); err != nil {
			return nil, err
		}
		offsets = append(offsets, offset)
	}
	return offsets, rows.Err()
}
