package search

import (
	"context"
	"errors"
	"fmt"
)

// errVersion says that the file is another version's.
var errVersion = errors.New("the index is of another version")

// prepare makes the tables, or reads what there is.
func (e *sqlite) prepare(ctx context.Context) error {
	var have int
	if err := e.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return fmt.Errorf("read the version of the index: %w", err)
	}
	switch have {
	case version:
		return e.load(ctx)
	case 0:
		if _, err := e.write.ExecContext(ctx, schema); err != nil {
			return fmt.Errorf("make the tables of the index: %w", err)
		}
		return nil
	default:
		return errVersion
	}
}

func (e *sqlite) load(ctx context.Context) error {
	if err := e.loadShards(ctx); err != nil {
		return fmt.Errorf("read the shards of the index: %w", err)
	}
	if err := e.loadParts(ctx); err != nil {
		return fmt.Errorf("read the parts of the index: %w", err)
	}
	return e.measure(ctx)
}

func (e *sqlite) loadShards(ctx context.Context) error {
	rows, err := e.write.QueryContext(ctx, "SELECT name, epoch, position, seen FROM shards")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s shardParts
		if err := rows.Scan(&s.name, &s.epoch, &s.position, &s.seen); err != nil {
			return err
		}
		e.all[s.name] = &s
	}
	return rows.Err()
}

func (e *sqlite) loadParts(ctx context.Context) error {
	rows, err := e.write.QueryContext(ctx, "SELECT id, shard, first, last, begun, documents FROM parts ORDER BY first")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p part
		var name string
		if err := rows.Scan(&p.id, &name, &p.first, &p.last, &p.begun, &p.documents); err != nil {
			return err
		}
		s := e.all[name]
		if s == nil {
			return fmt.Errorf("a part of %s, of which nothing is known", name)
		}
		s.parts = append(s.parts, p)
	}
	return rows.Err()
}

// measure looks how much there is.
func (e *sqlite) measure(ctx context.Context) error {
	var pages, free, pageSize int64
	row := e.write.QueryRowContext(ctx, "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size")
	if err := row.Scan(&pages, &free, &pageSize); err != nil {
		return fmt.Errorf("measure the index: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = size{bytes: (pages - free) * pageSize}
	for _, s := range e.all {
		for _, p := range s.parts {
			e.now.documents += p.documents
		}
	}
	return nil
}

func (e *sqlite) size() size {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *sqlite) shards() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name := range e.all {
		names = append(names, name)
	}
	return names
}
