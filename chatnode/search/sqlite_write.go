package search

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writing is one transaction: what it does to shards is seen by others when it is committed.
type writing struct {
	e      *sqlite
	tx     *sql.Tx
	drafts map[string]*shardParts
	adds   map[int64]*sql.Stmt // by part
}

// change runs do in a transaction.
func (e *sqlite) change(ctx context.Context, do func(w *writing) error) error {
	tx, err := e.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to change the index: %w", err)
	}
	w := &writing{e: e, tx: tx, drafts: map[string]*shardParts{}, adds: map[int64]*sql.Stmt{}}
	err = do(w)
	if err == nil {
		err = w.save(ctx)
	}
	if err != nil {
		return fmt.Errorf("change the index: %w", errors.Join(err, ignoreDone(tx.Rollback())))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("change the index: %w", err)
	}
	e.mu.Lock()
	for name, s := range w.drafts {
		if s.epoch == "" {
			delete(e.all, name)
		} else {
			e.all[name] = s
		}
	}
	e.mu.Unlock()
	return e.measure(ctx)
}

// ignoreDone leaves out that the end of the context has rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// shard is the transaction's own view of one; without an epoch if there is none.
func (w *writing) shard(name string) *shardParts {
	if s := w.drafts[name]; s != nil {
		return s
	}
	s := &shardParts{name: name}
	if known := w.e.all[name]; known != nil {
		*s = *known
		s.parts = slices.Clone(known.parts)
	}
	w.drafts[name] = s
	return s
}

// save writes down how far the shards have got and what their parts are.
func (w *writing) save(ctx context.Context) error {
	for name, s := range w.drafts {
		if s.epoch == "" {
			continue
		}
		if err := w.exec(ctx, "INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?)", name, s.epoch, s.position, s.seen); err != nil {
			return err
		}
		for _, p := range s.parts {
			if err := w.exec(ctx, "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)", p.id, name, p.first, p.last, p.begun, p.documents); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writing) exec(ctx context.Context, statement string, args ...any) error {
	_, err := w.tx.ExecContext(ctx, statement, args...)
	return err
}

// begin begins with a shard, or goes on.
func (e *sqlite) begin(ctx context.Context, shard, epoch string, last uint64) (after uint64, err error) {
	err = e.change(ctx, func(w *writing) error {
		s := w.shard(shard)
		stale := time.Since(time.UnixMilli(s.seen)) > staleAfter
		if s.epoch != "" && (s.epoch != epoch || s.position > last || stale) {
			if err := w.drop(ctx, s); err != nil {
				return err
			}
		}
		s.epoch, s.seen = epoch, time.Now().UnixMilli()
		if most := uint64(e.bound / leastMessage); s.position == 0 && last > most {
			s.position = last - most
		}
		after = s.position
		return nil
	})
	return after, err
}

// drop forgets a shard.
func (e *sqlite) drop(ctx context.Context, shard string) error {
	return e.change(ctx, func(w *writing) error { return w.drop(ctx, w.shard(shard)) })
}

func (w *writing) drop(ctx context.Context, s *shardParts) error {
	for len(s.parts) > 0 {
		if err := w.dropPart(ctx, s, 0); err != nil {
			return err
		}
	}
	if err := w.exec(ctx, "DELETE FROM gone WHERE shard = ?", s.name); err != nil {
		return err
	}
	if err := w.exec(ctx, "DELETE FROM shards WHERE name = ?", s.name); err != nil {
		return err
	}
	*s = shardParts{name: s.name}
	return nil
}

func (w *writing) dropPart(ctx context.Context, s *shardParts, i int) error {
	p := s.parts[i]
	delete(w.adds, p.id)
	s.parts = slices.Delete(s.parts, i, i+1)
	if err := w.exec(ctx, "DROP TABLE "+p.table()); err != nil {
		return err
	}
	return w.exec(ctx, "DELETE FROM parts WHERE id = ?", p.id)
}

// trim gives up the parts in which nothing is left, and notes that the shard is followed.
func (e *sqlite) trim(ctx context.Context, shard string, oldest uint64) error {
	return e.change(ctx, func(w *writing) error {
		s := w.shard(shard)
		if s.epoch == "" {
			return nil
		}
		s.oldest, s.seen = oldest, time.Now().UnixMilli()
		for len(s.parts) > 0 && s.parts[0].last < oldest {
			if err := w.dropPart(ctx, s, 0); err != nil {
				return err
			}
		}
		return w.exec(ctx, "DELETE FROM gone WHERE shard = ? AND offset < ?", shard, oldest)
	})
}

// shrink gives up the oldest parts until the index is within its bound, or nothing is left but what is written now.
func (e *sqlite) shrink(ctx context.Context) error {
	for e.size().bytes > e.bound {
		oldest := ""
		var begun int64
		for name, s := range e.all {
			if len(s.parts) > 1 && (oldest == "" || s.parts[0].begun < begun) {
				oldest, begun = name, s.parts[0].begun
			}
		}
		if oldest == "" {
			return nil
		}
		if err := e.change(ctx, func(w *writing) error { return w.dropPart(ctx, w.shard(oldest), 0) }); err != nil {
			return err
		}
	}
	return nil
}

// settle copies the write-ahead log into the file and empties it: what was removed is in neither then.
func (e *sqlite) settle(ctx context.Context) (bool, error) {
	var busy, logged, copied int
	if err := e.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &copied); err != nil {
		return false, fmt.Errorf("empty the write-ahead log of the index: %w", err)
	}
	return busy == 0, nil
}

// roomWord is the word that stands for a room in a full-text table.
func roomWord(room uint64) string { return "r" + strconv.FormatUint(room, 36) }

func parseRoomWord(s string) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(s, "r"), 36, 64)
}
